//! Tests with full disks, power losses and damaged state files.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::super::database::{Opener, builder};
use super::super::reserve::Reserve;
use super::*;

/// A disk that reports that it is full while `broken` is set, or when `room` is used up.
#[derive(Debug, Clone)]
struct Disk {
    data: Arc<InMemoryBackend>,
    broken: Arc<AtomicBool>,
    /// Bytes that can still be written.
    room: Arc<AtomicU64>,
}

/// The space that [`Disk::reserve`] takes.
const RESERVE: u64 = 1 << 20;

impl Disk {
    fn new() -> Self {
        let room = Arc::new(AtomicU64::new(1 << 40));
        Self { data: Arc::new(InMemoryBackend::new()), broken: Arc::default(), room }
    }

    fn opener(&self) -> Opener {
        let disk = self.clone();
        Arc::new(move || builder().create_with_backend(disk.clone()))
    }

    fn reserve(&self) -> Reserve {
        let (disk, room) = (self.clone(), Arc::clone(&self.room));
        Reserve::new(
            move || disk.take(RESERVE),
            move || {
                room.fetch_add(RESERVE, Ordering::SeqCst);
            },
        )
    }

    fn take(&self, bytes: u64) -> io::Result<()> {
        let less = |room: u64| room.checked_sub(bytes);
        let taken = self.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.map(drop).map_err(|_| io::ErrorKind::StorageFull.into())
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
        self.take(data.len() as u64)?;
        self.data.write(offset, data)
    }
}

/// A refusal means that nothing was changed, and all changes before it were stored and are shown.
#[tokio::test(start_paused = true)]
async fn when_the_disk_fills_up_no_change_is_in_doubt() {
    let (disk, file) = (Disk::new(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &stored_fleet(), T0, []).unwrap());
    let mut store = Store::open_with(file, disk.opener()).unwrap();
    store.reserve = Some(disk.reserve());
    let (fleet, keeper) = keeping(fleet(), store);
    apply_with_retries(&fleet, 1, tag("before")).await;
    disk.room.store(0, Ordering::SeqCst);
    apply_with_retries(&fleet, 2, tag("during")).await;
    assert_eq!(fleet.may_change(), Err(NotPersisted::Refused));
    assert_eq!(fleet.until_node_persisted(NodeId(2)).await, Ok(()), "the node can be read");
    let mut waiting = Box::pin(fleet.until_changes_are_accepted());
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut waiting).await.is_err());
    disk.room.store(1 << 40, Ordering::SeqCst);
    while fleet.may_change().is_err() {
        std::thread::yield_now();
    }
    waiting.await;
    apply_with_retries(&fleet, 3, tag("after")).await;
    keeper.stop().unwrap();
    let other = super::fleet();
    Store::open_with(file, disk.opener()).unwrap().restore(&other).unwrap();
    let tags: Vec<_> = (1..=3).map(|id| tag_of(&other, id).unwrap()).collect();
    assert_eq!(tags, ["before", "during", "after"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_changes_until_it_has_space_again() {
    let (disk, file) = (Disk::new(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &stored_fleet(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    apply_with_retries(&fleet, 1, tag("before")).await;
    disk.broken.store(true, Ordering::SeqCst);
    assert_eq!(
        apply(&fleet, 2, tag("during")).await,
        Err(NotPersisted::Unknown),
        "the change is not acknowledged"
    );
    while fleet.may_change().is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(fleet.until_node_persisted(NodeId(1)).await, Ok(()), "stored nodes can still be read");
    disk.broken.store(false, Ordering::SeqCst);
    // The keeper first stores the pending change, and then accepts further ones.
    while fleet.until_node_persisted(NodeId(2)).await.is_err() || fleet.may_change().is_err() {
        std::thread::yield_now();
    }
    apply_with_retries(&fleet, 3, tag("after")).await;
    keeper.stop().unwrap();
    let store = Store::open_with(file, disk.opener()).unwrap();
    let other = super::fleet();
    store.restore(&other).unwrap();
    let tags: Vec<_> = (1..=3).map(|id| tag_of(&other, id).unwrap()).collect();
    assert_eq!(tags, ["before", "during", "after"]);
}

#[tokio::test(start_paused = true)]
async fn the_daemon_stops_even_if_the_disk_stays_full() {
    let (disk, file) = (Disk::new(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &stored_fleet(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    disk.broken.store(true, Ordering::SeqCst);
    assert_eq!(apply(&fleet, 2, tag("lost")).await, Err(NotPersisted::Unknown));
    let error = keeper.stop().unwrap_err().to_string();
    assert!(error.contains("state.redb") && error.contains("none of them was acknowledged"), "{error}");
}

/// A disk that loses some or all writes since the last sync when the power fails.
#[derive(Debug, Clone, Default)]
struct Volatile(Arc<Mutex<Layers>>);

#[derive(Debug, Default)]
struct Layers {
    /// The content that reads return.
    now: Vec<u8>,
    /// The content at the last sync, which survives a power loss.
    synced: Vec<u8>,
    /// The offset and data of each write since the last sync.
    since: Vec<(usize, Vec<u8>)>,
}

impl StorageBackend for Volatile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().now.len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = offset as usize;
        out.copy_from_slice(&self.0.lock().now[from..from + out.len()]);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().now.resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        let layers = &mut *self.0.lock();
        layers.synced.clone_from(&layers.now);
        layers.since.clear();
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let layers = &mut *self.0.lock();
        let from = offset as usize;
        layers.now[from..from + data.len()].copy_from_slice(data);
        layers.since.push((from, data.to_vec()));
        Ok(())
    }
}

impl Volatile {
    fn opener(&self) -> Opener {
        let disk = self.clone();
        Arc::new(move || builder().create_with_backend(disk.clone()))
    }

    /// The disk after a power loss: each write since the last sync is done completely, in part, or not at all.
    fn after_power_loss(&self, luck: u32) -> Self {
        let layers = self.0.lock();
        let mut left = layers.synced.clone();
        for (n, (from, data)) in (0..).zip(&layers.since) {
            let dice = Seed(u64::from(luck)).hash(n, crate::seed::Purpose::Sensor, 0) as usize;
            let some = [0, data.len(), dice / 3 % (data.len() + 1)][dice % 3];
            left.resize(left.len().max(from + data.len()), 0);
            left[*from..from + some].copy_from_slice(&data[..some]);
        }
        Self(Arc::new(Mutex::new(Layers { now: left.clone(), synced: left, since: Vec::new() })))
    }
}

#[tokio::test]
async fn an_acknowledged_change_survives_a_power_loss_at_any_moment() {
    let (disk, file) = (Volatile::default(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &stored_fleet(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let client = tokio::task::spawn_blocking({
        let (fleet, acknowledged) = (Arc::clone(&fleet), Arc::clone(&acknowledged));
        move || {
            for n in 1..=200 {
                let stored = apply(&fleet, 1, tag(&n.to_string()));
                tokio::runtime::Handle::current().block_on(stored).unwrap();
                acknowledged.store(n, Ordering::SeqCst);
            }
        }
    });
    let mut losses = 0;
    while !client.is_finished() || losses < 20 {
        let least = acknowledged.load(Ordering::SeqCst);
        let left = disk.after_power_loss(losses);
        let store = Store::open_with(file, left.opener()).unwrap();
        let other = super::fleet();
        store.restore(&other).unwrap();
        let tag: usize = tag_of(&other, 1).map_or(0, |tag| tag.parse().unwrap());
        assert!(tag >= least, "{least} was acknowledged, but the disk has {tag} after power loss {losses}");
        losses += 1;
    }
    client.await.unwrap();
    keeper.stop().unwrap();
}

/// A state file with changed nodes, and its bytes.
async fn some_file() -> (TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    for id in 0..NODES {
        apply(&fleet, id, tag(&format!("{id}{}", "x".repeat(50)))).await.unwrap();
    }
    keeper.stop().unwrap();
    drop(directory);
    let bytes = std::fs::read(dir.path().join("state.redb")).unwrap();
    (dir, bytes)
}

/// Opens a state file with the content `bytes`. Returns the number of nodes with a tag, or the error.
fn read_back(dir: &TempDir, bytes: &[u8]) -> Result<usize, String> {
    std::fs::write(dir.path().join("state.redb"), bytes).unwrap();
    let directory = locked_dir(dir);
    let store = Store::open(&directory).map_err(|e| e.to_string())?.unwrap();
    let fleet = fleet();
    store.restore(&fleet).map_err(|e| e.to_string())?;
    let right = |id: &u32| tag_of(&fleet, *id).is_none_or(|t| t == format!("{id}{}", "x".repeat(50)));
    assert!((0..NODES).all(|id| right(&id)), "a read value equals the written value");
    Ok((0..NODES).filter(|id| tag_of(&fleet, *id).is_some()).count())
}

#[tokio::test]
async fn a_damaged_file_is_an_error_or_is_read_at_a_complete_commit() {
    let (dir, whole) = some_file().await;
    assert_eq!(read_back(&dir, &whole), Ok(NODES as usize));
    for (bytes, what) in [(&b""[..], "empty"), (b"not a database, and never was one", "garbage")] {
        let error = read_back(&dir, bytes).unwrap_err();
        assert!(error.contains("state.redb") && error.contains("snapshot restore"), "{what}: {error}");
    }
    let mut read = 0;
    let mut check = |bytes: &[u8], what: String| match read_back(&dir, bytes) {
        Ok(_) => read += 1,
        Err(error) => {
            assert!(error.contains("state.redb") && error.contains("move the file away"), "{what}: {error}");
        }
    };
    for part in 1..8 {
        check(&whole[..whole.len() * part / 8], format!("cut at {part}/8"));
    }
    for n in 0..64u32 {
        let mut bytes = whole.clone();
        let dice = Seed(9).hash(n, crate::seed::Purpose::Sensor, 0) as usize;
        // Half of the flips are in the first page, which contains the header.
        let at = if n % 2 == 0 { dice % 512 } else { dice % bytes.len() };
        bytes[at] ^= 1 << (n % 8);
        check(&bytes, format!("bit flipped at {at}"));
    }
    assert!(read > 0, "a flip in free space or in the older commit has no effect");
}

#[test]
fn a_file_with_a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    drop(Store::create(&directory, &stored_fleet(), T0, []).unwrap());
    let database = builder().open(dir.path().join("state.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let records: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("records");
    transaction.open_table(records).unwrap().insert("format", (FORMAT + 1).to_string().as_bytes()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&directory).err().unwrap().to_string();
    let newer = FORMAT + 1;
    let expected =
        format!("state.redb: its format is {newer}, and this fauxmetal reads formats 1 to {FORMAT}; use");
    assert!(error.contains(&expected), "{error}");
}
