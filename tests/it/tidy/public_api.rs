//! The public API is small, and its page names all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What rustdoc shows of the crate, and nothing else.
const PUBLIC: [&str; 16] = [
    "Addresses",
    "AgentPhase",
    "BootOverride",
    "BootProgress",
    "Builder",
    "Error",
    "Identity",
    "Media",
    "MediaStatus",
    "Node",
    "NodeState",
    "PowerState",
    "ResetType",
    "Simulator",
    "System",
    "http",
];

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The names that `lib.rs` exports and does not hide from rustdoc.
fn exported(lib: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut hidden = false;
    let code = lib.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    // A declaration ends with a semicolon; an attribute stands on a line of its own.
    for declaration in code.split_inclusive([';', ']', '}']) {
        let declaration = declaration.trim();
        if declaration.starts_with("#[") {
            hidden |= declaration == "#[doc(hidden)]";
            continue;
        }
        let rest = declaration.strip_prefix("pub ").filter(|_| !hidden);
        let listed = rest.map(|rest| rest.rsplit([' ', ':']).next().unwrap_or_default());
        match (rest, rest.and_then(|rest| rest.split_once('{'))) {
            (_, Some((_, list))) => {
                let each =
                    list.trim_end_matches('}').split(',').map(str::trim).filter(|name| !name.is_empty());
                names.extend(each.map(str::to_owned));
            }
            _ => names.extend(listed.map(|name| name.trim_end_matches([';', '}']).to_owned())),
        }
        hidden = false;
    }
    names
}

#[test]
fn the_public_documentation_has_the_simulator_and_nothing_else() {
    let expected: BTreeSet<String> = PUBLIC.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        exported(&text("src/lib.rs")),
        expected,
        "left: what src/lib.rs exports; hide a room with #[doc(hidden)]"
    );
}

#[test]
fn the_page_of_the_library_names_every_public_item() {
    let page = text("docs/library.md");
    for name in PUBLIC {
        assert!(page.contains(&format!("`{name}`")), "docs/library.md does not name `{name}`");
    }
}

#[test]
fn an_export_is_seen_unless_it_is_hidden() {
    let lib = "//! x\n#[doc(hidden)]\npub mod a;\n#[cfg(x)]\n#[doc(hidden)]\npub mod b;\npub mod c;\nmod d;\npub(crate) mod e;\n\
               pub use d::{\n    F, G,\n};\npub use h;\n#[doc(hidden)]\npub use i::J;\n#[cfg(x)]\npub use k::L;\npub struct M;\n";
    let names: Vec<_> = exported(lib).into_iter().collect();
    assert_eq!(names, ["F", "G", "L", "M", "c", "h"]);
}
