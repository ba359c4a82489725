//! What is kept, over restarts, broken disks and damaged files; with real files in a folder of their own.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use tempfile::TempDir;

use super::snapshot::{self, Reader};
use super::store::{Opener, builder};
use super::*;
use crate::clock::Clock;
use crate::dmtf::{IndicatorLed, PowerState, ResetType};
use crate::fleet::Fleet;
use crate::fleet::keep::NotKept;
use crate::node::command::{Command, SystemChange};
use crate::node::{NodeId, State};
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::SimTime;

const T0: SimTime = SimTime::from_ms(1_800_000_000_000);
const NODES: u32 = 10;

fn held() -> Held {
    Held { seed: Seed(5), models: vec![HeldModel { profile: "generic".into(), count: NODES }] }
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
    let (ledger, fleet) = (fleet.keep(), Arc::new(fleet));
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    (fleet, keeper)
}

fn tag(text: &str) -> Command {
    Command::ChangeSystem(SystemChange { asset_tag: Some(text.into()), ..SystemChange::default() })
}

fn tag_of(fleet: &Fleet, id: u32) -> Option<String> {
    fleet.look(NodeId(id), |node, _| node.bmc().asset_tag.as_deref().map(str::to_owned)).unwrap()
}

/// Tells a node something, and waits until it is kept.
async fn tell(fleet: &Fleet, id: u32, command: Command) -> Result<(), NotKept> {
    fleet.apply(NodeId(id), command).unwrap().unwrap();
    fleet.until_node_kept(NodeId(id)).await
}

/// As [`tell`], where tokio's time flies and the disk's does not.
async fn tell_at_last(fleet: &Fleet, id: u32, command: Command) {
    let mut told = tell(fleet, id, command).await;
    while told.is_err() {
        std::thread::yield_now();
        told = fleet.until_node_kept(NodeId(id)).await;
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
    tell(&fleet, 4, Command::Reset(ResetType::On)).await.unwrap();
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
        tell(&fleet, id, Command::SetChassisLed(IndicatorLed::Lit)).await.unwrap();
    }
    fleet.remove(NodeId(2));
    tell(&fleet, 3, tag("x")).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let mut ids = Vec::new();
    store
        .nodes(|id, _| {
            ids.push(id.0);
            Ok(())
        })
        .unwrap();
    assert_eq!(ids.len(), NODES as usize - 1, "one was removed: {ids:?}");
    let other = super::tests::fleet();
    store.restore(&other).unwrap();
    assert_eq!((other.len(), other.look(NodeId(2), |_, _| ())), (NODES - 1, None));
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

/// A disk that is full, or not, as told.
#[derive(Debug, Clone)]
struct Disk {
    data: Arc<InMemoryBackend>,
    broken: Arc<AtomicBool>,
}

impl Disk {
    fn new() -> Self {
        Self { data: Arc::new(InMemoryBackend::new()), broken: Arc::default() }
    }

    fn opener(&self) -> Opener {
        let disk = self.clone();
        Arc::new(move || builder().create_with_backend(disk.clone()))
    }

    fn check(&self) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.data.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.data.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.data.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.data.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.data.write(offset, data)
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_changes_and_recovers_by_itself() {
    let (disk, file) = (Disk::new(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &held(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    tell_at_last(&fleet, 1, tag("before")).await;
    disk.broken.store(true, Ordering::SeqCst);
    assert_eq!(tell(&fleet, 2, tag("during")).await, Err(NotKept), "it is not told that this was done");
    while fleet.may_change().is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(fleet.until_node_kept(NodeId(1)).await, Ok(()), "what is kept can be read on");
    disk.broken.store(false, Ordering::SeqCst);
    while fleet.until_node_kept(NodeId(2)).await.is_err() {
        std::thread::yield_now();
    }
    assert_eq!(fleet.may_change(), Ok(()));
    tell_at_last(&fleet, 3, tag("after")).await;
    keeper.stop().unwrap();
    let store = Store::open_with(file, disk.opener()).unwrap();
    let other = super::tests::fleet();
    store.restore(&other).unwrap();
    let tags: Vec<_> = (1..=3).map(|id| tag_of(&other, id).unwrap()).collect();
    assert_eq!(tags, ["before", "during", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_stays_full_does_not_hinder_the_end() {
    let (disk, file) = (Disk::new(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &held(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    disk.broken.store(true, Ordering::SeqCst);
    assert_eq!(tell(&fleet, 2, tag("lost")).await, Err(NotKept));
    let said = keeper.stop().unwrap_err().to_string();
    assert!(said.contains("state.redb") && said.contains("none of them was acknowledged"), "{said}");
}

/// A state file with something in it, and its bytes.
async fn some_file() -> (TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    for id in 0..NODES {
        tell(&fleet, id, tag(&format!("{id}{}", "x".repeat(50)))).await.unwrap();
    }
    keeper.stop().unwrap();
    drop(directory);
    let bytes = std::fs::read(dir.path().join("state.redb")).unwrap();
    (dir, bytes)
}

/// What the file says when it holds `bytes`: all that was told, or why it does not say anything.
fn read_back(dir: &TempDir, bytes: &[u8]) -> Result<usize, String> {
    std::fs::write(dir.path().join("state.redb"), bytes).unwrap();
    let directory = hold(dir);
    let store = Store::open(&directory).map_err(|e| e.to_string())?.unwrap();
    let fleet = fleet();
    store.restore(&fleet).map_err(|e| e.to_string())?;
    let right = |id: &u32| tag_of(&fleet, *id).is_none_or(|t| t == format!("{id}{}", "x".repeat(50)));
    assert!((0..NODES).all(|id| right(&id)), "what is read is what was written");
    Ok((0..NODES).filter(|id| tag_of(&fleet, *id).is_some()).count())
}

#[tokio::test]
async fn a_damaged_file_is_named_or_read_at_a_commit_and_never_half() {
    let (dir, whole) = some_file().await;
    assert_eq!(read_back(&dir, &whole), Ok(NODES as usize));
    for (bytes, what) in [(&b""[..], "empty"), (b"not a database, and never was one", "garbage")] {
        let said = read_back(&dir, bytes).unwrap_err();
        assert!(said.contains("state.redb") && said.contains("snapshot restore"), "{what}: {said}");
    }
    let mut read = 0;
    let mut check = |bytes: &[u8], what: String| match read_back(&dir, bytes) {
        Ok(_) => read += 1,
        Err(said) => {
            assert!(said.contains("state.redb") && said.contains("move the file away"), "{what}: {said}");
        }
    };
    for part in 1..8 {
        check(&whole[..whole.len() * part / 8], format!("cut at {part}/8"));
    }
    for n in 0..64u32 {
        let mut bytes = whole.clone();
        let dice = Seed(9).hash(n, crate::seed::Purpose::Sensor, 0) as usize;
        // The first page holds the header; half of the flips go there.
        let at = if n % 2 == 0 { dice % 512 } else { dice % bytes.len() };
        bytes[at] ^= 1 << (n % 8);
        check(&bytes, format!("bit flipped at {at}"));
    }
    assert!(read > 0, "a flip in free space or in the older commit does no harm");
}

#[test]
fn a_file_of_a_later_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    drop(Store::create(&directory, &held(), T0, []).unwrap());
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let records: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("records");
    transaction.open_table(records).unwrap().insert("format", b"2".as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let said = Store::open(&directory).err().unwrap().to_string();
    assert!(said.contains("state.redb: its format is 2, and this fauxmetal reads up to 1"), "{said}");
}

/// A directory with a snapshot `one` of a fleet whose node 3 is being powered on, at T0.
async fn with_snapshot() -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    tell(&fleet, 2, tag("rack 7")).await.unwrap();
    tell(&fleet, 3, Command::Reset(ResetType::On)).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let header = snapshot::save(&directory, &store, "one", false, 77).unwrap();
    assert_eq!((header.stored, header.created_ms, header.time_ms), (2, 77, T0.ms()));
    (dir, directory)
}

#[tokio::test]
async fn a_snapshot_goes_on_from_where_it_was() {
    let (dir, directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    assert_eq!(snapshot::list(dir.path()).unwrap(), [("one".to_owned(), file.clone())]);
    let store = Store::open(&directory).unwrap().unwrap();
    let mut was = SimTime::NEVER;
    store
        .nodes(|id, state| {
            if id.0 == 3 {
                was = deadline(state);
            }
            Ok(())
        })
        .unwrap();
    drop(store);
    let store = snapshot::restore(&directory, Reader::open(&file).unwrap(), T0.after_ms(60_000)).unwrap();
    assert_eq!((store.held(), store.time()), (&held(), T0.after_ms(60_000)));
    let mut nodes = Vec::new();
    store
        .nodes(|id, state| {
            nodes.push((id.0, deadline(state)));
            Ok(())
        })
        .unwrap();
    assert_eq!(nodes, [(2, SimTime::NEVER), (3, was.after_ms(60_000))], "no time has passed for it");
    assert!(was > T0 && was != SimTime::NEVER);
}

fn deadline(state: State) -> SimTime {
    crate::node::Node::restore(NodeId(0), Seed(5), built_in("generic").unwrap(), state).next_deadline()
}

#[tokio::test]
async fn a_damaged_snapshot_is_found_out_wherever_it_is_damaged() {
    let (dir, directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    let whole = std::fs::read(&file).unwrap();
    let bad = dir.path().join("bad");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let said = Reader::open(&bad).and_then(|r| r.nodes(0)).unwrap_err().to_string();
        let advised = said.contains("use another copy") || said.contains("use the version that wrote it");
        assert!(said.contains("/bad: ") && advised, "{what}: {said}");
        let mut source = bytes;
        assert!(snapshot::import(&directory, &mut source, &bad, "two", false).is_err());
    };
    refused(b"", "empty");
    refused(b"what is this", "garbage");
    for part in 1..10 {
        refused(&whole[..whole.len() * part / 10], "cut");
    }
    // Beyond the ten bytes of gzip's header, of which some mean nothing; and so do some bits at the end of its data.
    let nodes = Reader::open(&file).and_then(|r| r.nodes(0)).unwrap();
    let mut harmless = 0;
    for at in (10..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&bad, &bytes).unwrap();
        match Reader::open(&bad).and_then(|r| r.nodes(0)) {
            Ok(same) => {
                harmless += 1;
                assert_eq!(same, nodes, "byte {at}");
            }
            Err(_) => refused(&bytes, &format!("byte {at}")),
        }
    }
    assert!(harmless <= 1);
    refused(&[whole.as_slice(), &gzip("{}\n")].concat(), "something after the end");
    assert_eq!(snapshot::list(dir.path()).unwrap().len(), 1, "nothing of them is left");
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn a_snapshot_of_a_later_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("later");
    std::fs::write(&file, gzip("{\"fauxmetal_snapshot\":{\"format\":2,\"what\":[]}}\n")).unwrap();
    let said = Reader::open(&file).err().unwrap().to_string();
    assert!(said.contains("later: its format is 2, and this fauxmetal reads up to 1"), "{said}");
}

#[tokio::test]
async fn a_snapshot_is_not_replaced_unless_asked() {
    let (dir, directory) = with_snapshot().await;
    let store = Store::open(&directory).unwrap().unwrap();
    let said = snapshot::save(&directory, &store, "one", false, 78).unwrap_err().to_string();
    assert!(said.contains("there is a snapshot 'one' already; --force replaces it"), "{said}");
    snapshot::save(&directory, &store, "one", true, 79).unwrap();
    let header = Reader::open(&snapshot::file_of(dir.path(), "one")).unwrap().header().clone();
    assert_eq!(header.created_ms, 79);
}

#[test]
fn names_of_snapshots_are_names_of_files_and_nothing_else() {
    for good in ["a", "1000-available", "v1.2_x", &"x".repeat(64)] {
        assert_eq!(snapshot::name(good), Ok(good));
    }
    for bad in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "ä", &"x".repeat(65)] {
        assert!(snapshot::name(bad).unwrap_err().contains(&format!("'{bad}' is no name")), "{bad}");
    }
}

#[tokio::test]
async fn a_batch_has_an_end_and_full_ones_are_kept_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let fleet = fleet();
    let ledger = fleet.keep();
    for n in 0..10_000u32 {
        ledger.record("session/1", Some(n.to_string().into_bytes()));
    }
    let store = Store::create(&directory, &held(), T0, []).unwrap();
    let fleet = Arc::new(fleet);
    let keeper = Keeper::start(store, Arc::clone(&fleet), ledger).unwrap();
    let ((), seen) = fleet.noting(|| fleet.ledger().unwrap().note_records());
    tokio::time::timeout(Duration::from_secs(60), fleet.until_kept(seen)).await.unwrap().unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    assert_eq!(store.records("session/").unwrap(), [("session/1".to_owned(), b"9999".to_vec())]);
}
