//! Tests of the state file: restarts, crashes, failing disks and damaged files. Each test has a directory of its own.

mod broken;
mod formats;
mod snapshots;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::snapshot::{self, Reader};
use super::*;
use crate::clock::Clock;
use crate::dmtf::{IndicatorLed, PowerState, ResetType};
use crate::fleet::Fleet;
use crate::fleet::persist::NotPersisted;
use crate::node::NodeId;
use crate::node::bmc::led;
use crate::node::command::Command;
use crate::node::host::{self, SystemChange};
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::SimTime;

const T0: SimTime = SimTime::from_ms(1_800_000_000_000);
const NODES: u32 = 10;

fn stored_fleet() -> StoredFleet {
    let models = vec![StoredModel { profile: "generic".into(), count: NODES, systems: None }];
    StoredFleet { seed: Seed(5), models, added: vec![], removed: vec![] }
}

fn fleet() -> Fleet {
    let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(T0));
    // The effects are never executed, so they stay due.
    std::mem::forget(effects);
    fleet.add(&built_in("generic").unwrap(), NODES).unwrap();
    fleet
}

/// A fleet that is stored in a directory.
fn stored_in(directory: &Directory) -> (Arc<Fleet>, Keeper) {
    let fleet = fleet();
    let store = Store::open(directory).unwrap();
    let store = store.unwrap_or_else(|| Store::create(directory, &stored_fleet(), T0, []).unwrap());
    store.restore(&fleet).unwrap();
    keeping(fleet, store)
}

fn keeping(fleet: Fleet, store: Store) -> (Arc<Fleet>, Keeper) {
    let (ledger, fleet) = (fleet.persist(), Arc::new(fleet));
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    (fleet, keeper)
}

fn tag(text: &str) -> Command {
    let change = SystemChange { asset_tag: Some(text.into()), ..SystemChange::default() };
    Command::Host(host::Command::Change(change))
}

fn tag_of(fleet: &Fleet, id: u32) -> Option<String> {
    fleet.look(NodeId(id), |node, _| node.bmc().asset_tag.as_deref().map(str::to_owned)).unwrap()
}

/// Applies a command to a node, and waits until the change is on disk.
async fn apply(fleet: &Fleet, id: u32, command: Command) -> Result<(), NotPersisted> {
    fleet.apply(NodeId(id), command).unwrap().unwrap();
    fleet.until_node_persisted(NodeId(id)).await
}

/// As [`apply`], but retries after timeouts: tokio's clock is paused and skips ahead, while the disk needs real time.
async fn apply_with_retries(fleet: &Fleet, id: u32, command: Command) {
    let mut stored = apply(fleet, id, command).await;
    while stored.is_err() {
        std::thread::yield_now();
        stored = fleet.until_node_persisted(NodeId(id)).await;
    }
}

fn locked_dir(dir: &TempDir) -> Directory {
    Directory::lock(dir.path(), true).unwrap()
}

#[tokio::test]
async fn an_acknowledged_change_survives_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    apply(&fleet, 3, tag("rack 7")).await.unwrap();
    apply(&fleet, 4, Command::Host(host::Command::Reset(ResetType::On))).await.unwrap();
    // A copy of the current file is what a crash would leave.
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("state.redb"), other.path().join("state.redb")).unwrap();
    let second = locked_dir(&other);
    let (restored, other_keeper) = stored_in(&second);
    assert_eq!(tag_of(&restored, 3).as_deref(), Some("rack 7"));
    assert_ne!(restored.look(NodeId(4), |n, _| n.host().power_state()), Some(PowerState::Off));
    assert_eq!(restored.look(NodeId(5), |n, _| n.state().is_new()), Some(true));
    keeper.stop().unwrap();
    other_keeper.stop().unwrap();
}

#[tokio::test]
async fn only_nodes_that_differ_from_new_ones_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    for id in 0..NODES {
        apply(&fleet, id, Command::Led(led::Command::SetDrive(0, IndicatorLed::Lit))).await.unwrap();
    }
    fleet.remove(NodeId(2));
    apply(&fleet, 3, tag("x")).await.unwrap();
    keeper.stop().unwrap();
    let ids = stored(&Store::open(&directory).unwrap().unwrap());
    assert_eq!(ids.len(), NODES as usize - 1, "one node was removed: {ids:?}");
}

/// The indexes of the nodes that a store contains.
fn stored(store: &Store) -> Vec<u32> {
    let mut ids = Vec::new();
    store
        .nodes(|id, _| {
            ids.push(id.0);
            Ok(())
        })
        .unwrap();
    ids
}

#[tokio::test]
async fn nodes_added_and_removed_at_run_time_are_stored_and_are_in_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    let (_, seen) = fleet.noting(|| {
        fleet.add(&built_in("hpe-dl380-gen11").unwrap(), 2).unwrap();
        fleet.remove(NodeId(2))
    });
    fleet.until_persisted(seen).await.unwrap();
    apply(&fleet, NODES + 1, tag("late")).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let added = vec![StoredModel { profile: "hpe-dl380-gen11".into(), count: 2, systems: None }];
    let now = StoredFleet { added, removed: vec![2], ..stored_fleet() };
    assert_eq!((store.fleet(), now.living()), (&now, u64::from(NODES) + 1));
    snapshot::save(&directory, &store, "one", false, 0).unwrap();
    drop(store);
    let reader = Reader::open(&snapshot::file_of(dir.path(), "one")).unwrap();
    let store = snapshot::restore(&directory, reader, T0).unwrap();
    assert_eq!(store.fleet(), &now);
    assert_eq!(stored(&store), [NODES + 1]);
}

#[tokio::test]
async fn concurrent_changes_are_all_stored() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    let clients: Vec<_> = (0..64u32)
        .map(|n| {
            let fleet = Arc::clone(&fleet);
            tokio::spawn(async move {
                for round in 0..20 {
                    apply(&fleet, n % NODES, tag(&format!("{n} {round}"))).await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let now: Vec<_> = (0..NODES).map(|id| tag_of(&fleet, id)).collect();
    keeper.stop().unwrap();
    drop(fleet);
    let (restored, keeper) = stored_in(&directory);
    assert_eq!((0..NODES).map(|id| tag_of(&restored, id)).collect::<Vec<_>>(), now);
    keeper.stop().unwrap();
}

#[test]
fn the_simulated_time_and_the_fleet_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    fleet.clock().set(T0.after_ms(5_000));
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    assert_eq!((store.fleet(), store.time()), (&stored_fleet(), T0.after_ms(5_000)));
}

#[tokio::test]
async fn a_clock_that_runs_ahead_never_goes_back_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, effects) = Fleet::new(Seed(5), Clock::wall(1000.0));
    std::mem::forget(effects);
    fleet.add(&built_in("generic").unwrap(), NODES).unwrap();
    let (fleet, keeper) = keeping(fleet, Store::create(&directory, &stored_fleet(), T0, []).unwrap());
    apply(&fleet, 1, tag("x")).await.unwrap();
    let seen = fleet.clock().now();
    // A copy of the current file is what a crash would leave.
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("state.redb"), other.path().join("state.redb")).unwrap();
    let store = Store::open(&locked_dir(&other)).unwrap().unwrap();
    assert!(Clock::wall_after(1000.0, store.time()).now() >= seen);
    keeper.stop().unwrap();
}

#[tokio::test]
async fn the_moment_of_a_clock_that_is_held_is_stored_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    // A clock that runs is stored ahead of its time: it is fast, and later than the system's date.
    let later = SimTime::from_ms(9_000_000_000_000);
    let (fleet, effects) = Fleet::new(Seed(5), Clock::wall_from(1000.0, later));
    std::mem::forget(effects);
    fleet.add(&built_in("generic").unwrap(), NODES).unwrap();
    let (fleet, keeper) = keeping(fleet, Store::create(&directory, &stored_fleet(), T0, []).unwrap());
    let time_after_a_crash = || {
        let other = tempfile::tempdir().unwrap();
        std::fs::copy(dir.path().join("state.redb"), other.path().join("state.redb")).unwrap();
        Store::open(&locked_dir(&other)).unwrap().unwrap().time()
    };
    apply(&fleet, 1, tag("x")).await.unwrap();
    assert!(time_after_a_crash() > fleet.clock().now());
    let held = fleet.clock().hold();
    apply(&fleet, 1, tag("y")).await.unwrap();
    assert_eq!(time_after_a_crash(), held);
    keeper.stop().unwrap();
}

#[test]
fn all_files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::lock(&dir.path().join("new"), true).unwrap();
    let store = Store::create(&directory, &stored_fleet(), T0, []).unwrap();
    snapshot::save(&directory, &store, "one", false, 0).unwrap();
    for name in ["", "lock", "state.redb", "snapshots", "snapshots/one.snapshot"] {
        let mode = std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn a_second_lock_of_a_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let error = Directory::lock(dir.path(), true).unwrap_err().to_string();
    assert!(error.contains(dir.path().to_str().unwrap()), "{error}");
    assert!(
        error.contains(&format!("in use by another fauxmetal (process {})", std::process::id())),
        "{error}"
    );
    drop(directory);
    locked_dir(&dir);
}

#[tokio::test]
async fn full_batches_are_written_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let fleet = fleet();
    let ledger = fleet.persist();
    for n in 0..10_000u32 {
        ledger.record("session/1", Some(n.to_string().into_bytes()));
    }
    let store = Store::create(&directory, &stored_fleet(), T0, []).unwrap();
    let fleet = Arc::new(fleet);
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    let ((), seen) = fleet.noting(|| fleet.ledger().unwrap().note_records());
    tokio::time::timeout(Duration::from_secs(60), fleet.until_persisted(seen)).await.unwrap().unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    assert_eq!(store.records("session/").unwrap(), [("session/1".to_owned(), b"9999".to_vec())]);
}
