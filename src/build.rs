//! The build script: it tells cargo which folder `include_dir!` reads, and prepares DMTF's schemas for `profile check`.

#![allow(unreachable_pub, reason = "the library, which has the same files, needs the word")]

#[cfg(feature = "cli")]
#[path = "schema/model.rs"]
mod model;
#[cfg(feature = "cli")]
#[path = "schema/read.rs"]
mod read;

fn main() {
    // Cargo looks at the directory and at every directory and file below it.
    println!("cargo:rerun-if-changed=nodes");
    #[cfg(feature = "cli")]
    schemas();
}

/// Writes the definitions of DMTF's schemas, compressed, for `schema/mod.rs`.
#[cfg(feature = "cli")]
fn schemas() {
    println!("cargo:rerun-if-changed=src/schema");
    let schemas = read::bundle(nv_redfish_schema::REDFISH_CSDL_DIR);
    let folder = std::env::var_os("OUT_DIR").expect("cargo sets it");
    let file = std::path::Path::new(&folder).join("schemas.json.gz");
    let file = std::fs::File::create(file).expect("the output can be created");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    serde_json::to_writer(&mut packed, &schemas).expect("the output can be written");
    packed.finish().expect("the output can be written");
}
