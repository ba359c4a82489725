//! Replays the corpus of the fuzz targets: the inputs that `tests/fuzz` found to reach different code.

use std::fs;
use std::path::Path;

use fauxmetal as service;

#[path = "../fuzz/requests.rs"]
mod requests;
#[path = "../fuzz/targets.rs"]
mod targets;

type Target = fn(&[u8]);

#[test]
fn every_input_of_the_corpus_is_read_within_its_budget() {
    let all: [(&str, Target); 9] = [
        ("iso", targets::iso),
        ("fat", targets::fat),
        ("grub", targets::grub),
        ("ipxe", targets::ipxe),
        ("syslinux", targets::syslinux),
        ("parameters", targets::parameters),
        ("filter", requests::filter),
        ("query", requests::query),
        ("body", requests::body),
    ];
    for (name, target) in all {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
        let inputs = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let inputs: Vec<_> = inputs.map(|path| fs::read(path).unwrap()).collect();
        assert!(inputs.len() >= 5, "{} has {} inputs", folder.display(), inputs.len());
        for input in inputs {
            target(&input);
        }
    }
}
