//! The table of faults: each fault has a row, and each row has a test that exists.

use std::path::Path;

use fauxmetal::fault::What;

#[test]
fn every_fault_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for row in What::ROWS {
        let (file, test) = row.test.split_once(", ").unwrap_or_else(|| panic!("{}: {}", row.name, row.test));
        let text = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{}: {file}: {error}", row.name));
        assert!(text.contains(&format!("fn {test}()")), "{}: {file} has no test {test}", row.name);
        assert!(!row.seen.is_empty() && !row.ends.is_empty() && !row.stays.is_empty(), "{}", row.name);
    }
    assert_eq!(What::ROWS.len(), What::NAMES.len());
}
