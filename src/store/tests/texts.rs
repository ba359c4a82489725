//! Tests of long results, which are stored apart from the states of their nodes.

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::super::database::builder;
use super::*;
use crate::node::State;
use crate::node::ipa::{Text, TextName};

const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
const TEXTS: TableDefinition<'_, (u32, &str), &[u8]> = TableDefinition::new("texts");

/// A state with a serving agent, as an earlier version wrote it: with the `result` of its first command in it.
fn state_with(result: &str) -> State {
    let mut state: serde_json::Value =
        serde_json::from_str(include_str!("../../node/state-format-2.json")).unwrap();
    let records = "/host/Running/what/Agent/phase/Serving/commands/records";
    *state.pointer_mut(&format!("{records}/0/status/Ended/Succeeded")).unwrap() = result.into();
    *state.pointer_mut("/bmc/restarting_until").unwrap() = serde_json::Value::Null;
    State::read(2, state.to_string().as_bytes()).unwrap()
}

fn long_result() -> String {
    format!("\"{}\"", "x".repeat(3 << 20))
}

/// The lengths of the states and of the texts in the file of a directory.
fn lengths(dir: &TempDir) -> (Vec<usize>, Vec<usize>) {
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("state.redb");
    std::fs::copy(dir.path().join("state.redb"), &file).unwrap();
    let database = builder().open(file).unwrap();
    let read = database.begin_read().unwrap();
    let states = read.open_table(NODES).unwrap();
    let texts = read.open_table(TEXTS).unwrap();
    (
        states.iter().unwrap().map(|row| row.unwrap().1.value().len()).collect(),
        texts.iter().unwrap().map(|row| row.unwrap().1.value().len()).collect(),
    )
}

/// A fleet that is stored in a directory, and in which node 3 has a long result.
async fn with_long_result(directory: &Directory) -> (Arc<Fleet>, Keeper) {
    let (fleet, keeper) = stored_in(directory);
    assert!(fleet.restore(NodeId(3), state_with(&long_result())));
    apply(&fleet, 3, tag("one")).await.unwrap();
    (fleet, keeper)
}

#[tokio::test]
async fn a_long_result_is_stored_once_and_its_node_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = with_long_result(&directory).await;
    let (states, texts) = lengths(&dir);
    assert_eq!(texts, [long_result().len()]);
    assert!(states[0] < 5_000, "{states:?}");
    // A change of the node that wrote the text again would make the file grow.
    let before = std::fs::metadata(dir.path().join("state.redb")).unwrap().len();
    for n in 0..20 {
        apply(&fleet, 3, tag(&n.to_string())).await.unwrap();
    }
    assert!(std::fs::metadata(dir.path().join("state.redb")).unwrap().len() < before + (2 << 20));
    let now = texts_of(&fleet);
    assert_eq!(now.len(), 1);
    keeper.stop().unwrap();
    drop(fleet);
    let (restored, keeper) = stored_in(&directory);
    assert_eq!(texts_of(&restored), now);
    assert_eq!(restored.results().bytes(), long_result().len() as u64, "it counts as it did before");
    apply(&restored, 3, Command::Host(host::Command::Reset(ResetType::ForceOff))).await.unwrap();
    restored.clock().set(T0.after_ms(3_600_000));
    apply(&restored, 3, tag("off")).await.unwrap();
    assert_eq!(lengths(&dir).1, [0; 0], "the agent and its results have ended with the machine");
    keeper.stop().unwrap();
}

fn texts_of(fleet: &Fleet) -> Vec<(TextName, Text)> {
    fleet.look(NodeId(3), |node, _| node.state().long_texts()).unwrap()
}

#[tokio::test]
async fn a_snapshot_contains_long_results() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = with_long_result(&directory).await;
    let now = texts_of(&fleet);
    assert_eq!(now.len(), 1);
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    snapshot::save(&directory, &store, "one", false, 77).unwrap();
    drop(store);
    let file = snapshot::file_of(dir.path(), "one");
    drop(snapshot::restore(&directory, Reader::open(&file).unwrap(), T0).unwrap());
    let (restored, keeper) = stored_in(&directory);
    assert_eq!(texts_of(&restored), now);
    keeper.stop().unwrap();
    assert_eq!(lengths(&dir).1, [long_result().len()]);
}

#[tokio::test]
async fn a_result_in_a_state_of_an_earlier_version_is_read_and_then_stored_apart() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    drop(Store::create(&directory, &stored_fleet(), T0, []).unwrap());
    let mut inline = serde_json::to_value(state_with("\"?\"")).unwrap().to_string();
    inline = inline.replacen(r#""\"?\"""#, &serde_json::to_string(&long_result()).unwrap(), 1);
    assert!(inline.len() > 3 << 20);
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(NODES).unwrap().insert(3, inline.as_bytes()).unwrap();
    transaction.delete_table(TEXTS).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let (fleet, keeper) = stored_in(&directory);
    assert_eq!(texts_of(&fleet), state_with(&long_result()).long_texts());
    apply(&fleet, 3, tag("x")).await.unwrap();
    keeper.stop().unwrap();
    let (states, texts) = lengths(&dir);
    assert!(states[0] < 5_000 && texts == [long_result().len()], "{states:?} {texts:?}");
}

#[test]
fn a_failed_snapshot_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let store = Store::create(&directory, &stored_fleet(), T0, []).unwrap();
    std::fs::create_dir_all(snapshot::file_of(dir.path(), "one").join("in the way")).unwrap();
    snapshot::save(&directory, &store, "one", true, 77).unwrap_err();
    let mut broken = std::io::Read::chain(&b"x"[..], Broken);
    snapshot::import(&directory, &mut broken, "source".as_ref(), "two", false).unwrap_err();
    let left: Vec<_> =
        std::fs::read_dir(dir.path().join("snapshots")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["one.snapshot"]);
}

/// A source that cannot be read.
struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
}
