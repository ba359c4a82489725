//! `src/cli/licenses.txt`: the licences of the crates that the binary contains, for `fauxmetal licenses`.
//!
//! The file is compared with the dependencies of the binary on x86-64 with musl, which the image contains, so a new dependency
//! fails this test. `INSTA_UPDATE=always` writes the file again. Everything comes from the crates' sources on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const FILE: &str = "src/cli/licenses.txt";

/// A licence that a crate offers and that is preferred: fauxmetal has it, too, so its text is printed once.
const OURS: &str = "Apache-2.0";

const HEAD: &str = "\
fauxmetal contains the Rust crates below, each under the licence beside it, Rust's standard library (MIT OR Apache-2.0,
https://www.rust-lang.org), and data that DMTF's Redfish schemas define (BSD-3-Clause). The texts follow the list.
";

const DMTF: &str = include_str!("fixtures/dmtf-license.txt");

/// The licence MIT without its line of copyright, for a crate that has no file with it (<https://spdx.org/licenses/MIT>).
const MIT: &str = "\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.";

fn metadata() -> Value {
    let done = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-musl"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The packages that the binary contains: all normal dependencies, without fauxmetal itself.
fn contained(metadata: &Value) -> Vec<&Value> {
    let list = |value: &'_ Value| value.as_array().unwrap().clone();
    let by_id = |list: &'_ [Value]| -> BTreeMap<String, Value> {
        list.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one.clone())).collect()
    };
    let packages = by_id(metadata["packages"].as_array().unwrap());
    let nodes = by_id(metadata["resolve"]["nodes"].as_array().unwrap());
    // A procedural macro runs in the compiler. It is not a part of the binary, and neither are its dependencies.
    let is_macro = |id: &str| {
        list(&packages[id]["targets"]).iter().any(|t| list(&t["kind"]).contains(&"proc-macro".into()))
    };
    let root = metadata["resolve"]["root"].as_str().unwrap().to_owned();
    let (mut seen, mut todo) = (BTreeSet::from([root.clone()]), vec![root.clone()]);
    while let Some(id) = todo.pop() {
        for dependency in list(&nodes[&id]["deps"]) {
            let is_normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            let id = dependency["pkg"].as_str().unwrap().to_owned();
            if is_normal && !is_macro(&id) && seen.insert(id.clone()) {
                todo.push(id);
            }
        }
    }
    seen.remove(&root);
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().filter(|package| seen.contains(package["id"].as_str().unwrap())).collect()
}

/// The licence files of a crate, and of the C code in it: names and texts.
fn files(package: &Value) -> Vec<(String, String)> {
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    let mut found = Vec::new();
    for folder in [folder.to_owned(), folder.join("c_src/mimalloc")] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            let name = file.file_name().unwrap().to_str().unwrap().to_ascii_uppercase();
            if ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start)) {
                found.push((name, plain(&String::from_utf8_lossy(&std::fs::read(file).unwrap()))));
            }
        }
    }
    found
}

/// A text without spaces at the ends of lines, so that equal licences are printed once.
fn plain(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

/// The texts under which fauxmetal uses a crate.
fn texts(package: &Value, ours: &str) -> Vec<String> {
    let licence = package["license"].as_str().unwrap();
    let mut files = files(package);
    let is_choice = !licence.contains(" AND ") && licence.split(['/', ' ']).any(|word| word == OURS);
    if is_choice {
        files.retain(|(name, _)| name.starts_with("NOTICE"));
        return files.into_iter().map(|(_, text)| text).chain([plain(ours)]).collect();
    }
    if files.is_empty() && licence == "MIT" {
        let authors: Vec<_> =
            package["authors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        return vec![format!("Copyright (c) {}\n\n{MIT}", authors.join(", "))];
    }
    files.into_iter().map(|(_, text)| text).collect()
}

fn licences() -> String {
    let metadata = metadata();
    let ours = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("LICENSE")).unwrap();
    let mut list = HEAD.to_owned();
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in contained(&metadata) {
        let named = ["name", "version"].map(|key| package[key].as_str().unwrap()).join(" ");
        write!(list, "\n{named}: {}", package["license"].as_str().unwrap()).unwrap();
        let texts = texts(package, &ours);
        assert!(!texts.is_empty(), "{named} has no file with its licence");
        for text in texts {
            by_text.entry(text).or_default().push(named.clone());
        }
    }
    by_text.entry(plain(DMTF)).or_default().push("DMTF's Redfish schemas".to_owned());
    list.push('\n');
    for (text, of) in by_text {
        write!(list, "\n{}\n{}\n\n{text}\n", "-".repeat(100), of.join(", ")).unwrap();
    }
    list
}

#[test]
fn the_binary_prints_the_licence_of_every_crate_that_it_contains() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let wanted = licences();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap();
    let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "{FILE} is not that of Cargo.lock, first at {differs:?}: write it with INSTA_UPDATE=always cargo test --test it licenses"
    );
}

#[test]
fn the_licences_are_printed() {
    let done = Command::new(env!("CARGO_BIN_EXE_fauxmetal")).arg("licenses").env_clear().output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.starts_with("fauxmetal ") && text.contains("\nhyper 1."), "{text}");
    for part in ["Apache License", "Permission is hereby granted", "DMTF"] {
        assert!(text.contains(part), "{part}");
    }
}
