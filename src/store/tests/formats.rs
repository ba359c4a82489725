//! The conversion of a state file of an older format. `tests/it/formats.rs` reads complete files of each format.

use redb::{ReadableDatabase as _, TableDefinition};

use super::super::database::builder;
use super::*;
use crate::node::State;

const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// States that older versions wrote, each with its format.
const OLDER: [(u32, &str); 7] = [
    (1, include_str!("../../node/state-format-1.json")),
    (2, include_str!("../../node/state-format-2.json")),
    (3, include_str!("../../node/state-format-3.json")),
    (4, include_str!("../../node/state-format-4.json")),
    (5, include_str!("../../node/state-format-5-later.json")),
    (6, include_str!("../../node/state-format-6.json")),
    // Format 7 changes the description of the fleet only.
    (7, include_str!("../../node/state-format-6.json")),
];

/// A state file of an older format with one node, in a directory of its own.
fn file_of(format: u32, state: &str) -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    drop(Store::create(&directory, &stored_fleet(), T0, []).unwrap());
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(NODES).unwrap().insert(3, state.as_bytes()).unwrap();
    transaction.open_table(RECORDS).unwrap().insert("format", format.to_string().as_bytes()).unwrap();
    transaction.commit().unwrap();
    (dir, directory)
}

fn format_of(dir: &TempDir) -> Vec<u8> {
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let records = database.begin_read().unwrap().open_table(RECORDS).unwrap();
    records.get("format").unwrap().unwrap().value().to_owned()
}

#[test]
fn a_state_file_of_an_older_format_is_converted_once_and_contains_the_same_states() {
    let older: Vec<_> = OLDER.iter().map(|(format, _)| *format).collect();
    assert_eq!(older, (1..FORMAT).collect::<Vec<_>>());
    for (format, written) in OLDER {
        let (dir, directory) = file_of(format, written);
        assert_eq!(format_of(&dir), format.to_string().as_bytes());
        let expected = State::read(format.into(), written.as_bytes()).unwrap();
        for _ in 0..2 {
            let store = Store::open(&directory).unwrap().unwrap();
            let mut nodes = Vec::new();
            store
                .nodes(|id, state| {
                    nodes.push((id, state));
                    Ok(())
                })
                .unwrap();
            assert_eq!(nodes, [(NodeId(3), expected.clone())]);
            assert_eq!((store.fleet(), store.time()), (&stored_fleet(), T0));
            drop(store);
            assert_eq!(format_of(&dir), FORMAT.to_string().as_bytes());
        }
    }
}

#[test]
fn a_state_file_that_cannot_be_converted_is_unchanged() {
    for (format, _) in OLDER {
        let (dir, directory) = file_of(format, "{\"host\": 7}");
        let error = Store::open(&directory).err().unwrap().to_string();
        assert!(error.contains("node 3 cannot be read") && error.contains("snapshot restore"), "{error}");
        assert_eq!(format_of(&dir), format.to_string().as_bytes());
    }
}
