//! Files of earlier formats: they are read, and a state file is converted.

use redb::{ReadableDatabase as _, TableDefinition};
use xxhash_rust::xxh3::xxh3_64;

use super::super::database::builder;
use super::snapshots::gzip;
use super::*;
use crate::node::State;

const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// A state of format 1, which an earlier version wrote.
const FORMAT_1: &str = include_str!("../../node/state-format-1.json");

/// A state file with one node, in a directory of its own.
fn file_of_format_1(state: &str) -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    drop(Store::create(&directory, &held(), T0, []).unwrap());
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(NODES).unwrap().insert(3, state.as_bytes()).unwrap();
    transaction.open_table(RECORDS).unwrap().insert("format", b"1".as_slice()).unwrap();
    transaction.commit().unwrap();
    (dir, directory)
}

fn format_of(dir: &TempDir) -> Vec<u8> {
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let records = database.begin_read().unwrap().open_table(RECORDS).unwrap();
    records.get("format").unwrap().unwrap().value().to_owned()
}

#[test]
fn a_state_file_of_format_1_is_converted_once_and_holds_the_same_states() {
    let (dir, directory) = file_of_format_1(FORMAT_1);
    let expected = State::read(1, FORMAT_1.as_bytes()).unwrap();
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
        assert_eq!((store.held(), store.time()), (&held(), T0));
        drop(store);
        assert_eq!(format_of(&dir), FORMAT.to_string().as_bytes());
    }
}

#[test]
fn a_state_file_that_cannot_be_converted_stays_as_it_is() {
    let (dir, directory) = file_of_format_1("{\"host\": 7}");
    let error = Store::open(&directory).err().unwrap().to_string();
    assert!(error.contains("node 3 cannot be read") && error.contains("snapshot restore"), "{error}");
    assert_eq!(format_of(&dir), b"1");
}

#[test]
fn a_snapshot_of_format_1_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("old");
    let state: serde_json::Value = serde_json::from_str(FORMAT_1).unwrap();
    let header = serde_json::json!({
        "format": 1, "version": "0.1.0", "created_ms": 77, "time_ms": T0.ms(), "seed": 5,
        "models": [{ "profile": "generic", "count": super::NODES }], "stored": 1,
    });
    let header = serde_json::json!({ "fauxmetal_snapshot": header });
    let lines = format!("{header}\n{}\n", serde_json::json!({ "node": 3, "state": state }));
    let end = serde_json::json!({ "end": 1, "xxh3": format!("{:016x}", xxh3_64(lines.as_bytes())) });
    std::fs::write(&file, gzip(&format!("{lines}{end}\n"))).unwrap();
    let mut expected = State::read(1, FORMAT_1.as_bytes()).unwrap();
    expected.shift(60_000);
    let reader = Reader::open(&file).unwrap();
    assert_eq!(reader.header().held, held());
    assert_eq!(reader.nodes(60_000).unwrap(), [(NodeId(3), expected)]);
}

#[test]
fn a_format_that_does_not_exist_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("none");
    std::fs::write(&file, gzip("{\"fauxmetal_snapshot\":{\"format\":0}}\n")).unwrap();
    let error = Reader::open(&file).err().unwrap().to_string();
    assert!(error.contains("there is no format 0"), "{error}");
}
