//! What is kept, over restarts, broken disks and damaged files; with real files in a folder of their own.

mod broken;
mod formats;
mod snapshots;

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

fn held() -> Held {
    let models = vec![HeldModel { profile: "generic".into(), count: NODES }];
    Held { seed: Seed(5), models, added: vec![], removed: vec![] }
}

fn fleet() -> Fleet {
    let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(T0));
    // Nobody does anything outside here; what is due waits.
    std::mem::forget(effects);
    fleet.add(&built_in("generic").unwrap(), NODES).unwrap();
    fleet
}

/// A fleet that is kept in that directory.
fn kept(directory: &Directory) -> (Arc<Fleet>, Keeper) {
    let fleet = fleet();
    let store = Store::open(directory).unwrap();
    let store = store.unwrap_or_else(|| Store::create(directory, &held(), T0, []).unwrap());
    store.restore(&fleet).unwrap();
    keeping(fleet, store)
}

fn keeping(fleet: Fleet, store: Store) -> (Arc<Fleet>, Keeper) {
    let (ledger, fleet) = (fleet.persist(), Arc::new(fleet));
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    (fleet, keeper)
}

fn tag(text: &str) -> Command {
    Command::Host(host::Command::Change(SystemChange {
        asset_tag: Some(text.into()),
        ..SystemChange::default()
    }))
}

fn tag_of(fleet: &Fleet, id: u32) -> Option<String> {
    fleet.look(NodeId(id), |node, _| node.bmc().asset_tag.as_deref().map(str::to_owned)).unwrap()
}

/// Tells a node something, and waits until it is kept.
async fn tell(fleet: &Fleet, id: u32, command: Command) -> Result<(), NotPersisted> {
    fleet.apply(NodeId(id), command).unwrap().unwrap();
    fleet.until_node_persisted(NodeId(id)).await
}

/// As [`tell`], where tokio's time flies and the disk's does not.
async fn tell_at_last(fleet: &Fleet, id: u32, command: Command) {
    let mut told = tell(fleet, id, command).await;
    while told.is_err() {
        std::thread::yield_now();
        told = fleet.until_node_persisted(NodeId(id)).await;
    }
}

fn hold(dir: &TempDir) -> Directory {
    Directory::hold(dir.path(), true).unwrap()
}

#[tokio::test]
async fn what_was_told_is_there_although_the_process_dies_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    tell(&fleet, 3, tag("rack 7")).await.unwrap();
    tell(&fleet, 4, Command::Host(host::Command::Reset(ResetType::On))).await.unwrap();
    // A copy of the file as it is now is what a crash would leave.
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("state.redb"), other.path().join("state.redb")).unwrap();
    let second = hold(&other);
    let (restored, other_keeper) = kept(&second);
    assert_eq!(tag_of(&restored, 3).as_deref(), Some("rack 7"));
    assert_ne!(restored.look(NodeId(4), |n, _| n.host().power_state()), Some(PowerState::Off));
    assert_eq!(restored.look(NodeId(5), |n, _| n.state().is_new()), Some(true));
    keeper.stop().unwrap();
    other_keeper.stop().unwrap();
}

#[tokio::test]
async fn only_nodes_that_differ_from_new_ones_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    for id in 0..NODES {
        tell(&fleet, id, Command::Led(led::Command::SetChassis(IndicatorLed::Lit))).await.unwrap();
    }
    fleet.remove(NodeId(2));
    tell(&fleet, 3, tag("x")).await.unwrap();
    keeper.stop().unwrap();
    let ids = stored(&Store::open(&directory).unwrap().unwrap());
    assert_eq!(ids.len(), NODES as usize - 1, "one was removed: {ids:?}");
}

/// The nodes that a store holds.
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
async fn what_is_added_and_removed_while_it_runs_is_kept_and_in_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    let (_, seen) = fleet.noting(|| {
        fleet.add(&built_in("hpe-dl380-gen11").unwrap(), 2).unwrap();
        fleet.remove(NodeId(2))
    });
    fleet.until_persisted(seen).await.unwrap();
    tell(&fleet, NODES + 1, tag("late")).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let added = vec![HeldModel { profile: "hpe-dl380-gen11".into(), count: 2 }];
    let now = Held { added, removed: vec![2], ..held() };
    assert_eq!((store.held(), now.living()), (&now, u64::from(NODES) + 1));
    snapshot::save(&directory, &store, "one", false, 0).unwrap();
    drop(store);
    let reader = Reader::open(&snapshot::file_of(dir.path(), "one")).unwrap();
    let store = snapshot::restore(&directory, reader, T0).unwrap();
    assert_eq!(store.held(), &now);
    assert_eq!(stored(&store), [NODES + 1]);
}

#[tokio::test]
async fn many_at_once_share_commits_and_all_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    let clients: Vec<_> = (0..64u32)
        .map(|n| {
            let fleet = Arc::clone(&fleet);
            tokio::spawn(async move {
                for round in 0..20 {
                    tell(&fleet, n % NODES, tag(&format!("{n} {round}"))).await.unwrap();
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
    let (restored, keeper) = kept(&directory);
    assert_eq!((0..NODES).map(|id| tag_of(&restored, id)).collect::<Vec<_>>(), now);
    keeper.stop().unwrap();
}

#[test]
fn time_is_kept_and_the_fleet_it_is_of() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    fleet.clock().set(T0.after_ms(5_000));
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    assert_eq!((store.held(), store.time()), (&held(), T0.after_ms(5_000)));
}

#[tokio::test]
async fn time_that_runs_ahead_of_the_wall_is_never_told_twice() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, effects) = Fleet::new(Seed(5), Clock::wall(1000.0));
    std::mem::forget(effects);
    fleet.add(&built_in("generic").unwrap(), NODES).unwrap();
    let (fleet, keeper) = keeping(fleet, Store::create(&directory, &held(), T0, []).unwrap());
    tell(&fleet, 1, tag("x")).await.unwrap();
    let told = fleet.clock().now();
    // What a crash would leave.
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("state.redb"), other.path().join("state.redb")).unwrap();
    let store = Store::open(&hold(&other)).unwrap().unwrap();
    assert!(Clock::wall_after(1000.0, store.time()).now() >= told);
    keeper.stop().unwrap();
}

#[test]
fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::hold(&dir.path().join("new"), true).unwrap();
    let store = Store::create(&directory, &held(), T0, []).unwrap();
    snapshot::save(&directory, &store, "one", false, 0).unwrap();
    for name in ["", "lock", "state.redb", "snapshots", "snapshots/one.snapshot"] {
        let mode = std::fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn a_directory_is_held_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let said = Directory::hold(dir.path(), true).unwrap_err().to_string();
    assert!(said.contains(dir.path().to_str().unwrap()), "{said}");
    assert!(
        said.contains(&format!("in use by another fauxmetal (process {})", std::process::id())),
        "{said}"
    );
    drop(directory);
    hold(&dir);
}

#[tokio::test]
async fn a_batch_has_an_end_and_full_ones_are_kept_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let fleet = fleet();
    let ledger = fleet.persist();
    for n in 0..10_000u32 {
        ledger.record("session/1", Some(n.to_string().into_bytes()));
    }
    let store = Store::create(&directory, &held(), T0, []).unwrap();
    let fleet = Arc::new(fleet);
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    let ((), seen) = fleet.noting(|| fleet.ledger().unwrap().note_records());
    tokio::time::timeout(Duration::from_secs(60), fleet.until_persisted(seen)).await.unwrap().unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    assert_eq!(store.records("session/").unwrap(), [("session/1".to_owned(), b"9999".to_vec())]);
}
