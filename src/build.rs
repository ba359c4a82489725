//! The build script: `include_dir!` does not tell cargo which files it reads, so this does.

fn main() {
    // Cargo looks at the directory and at every directory and file below it.
    println!("cargo:rerun-if-changed=nodes");
}
