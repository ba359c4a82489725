//! Disks that are full and files that are damaged.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::super::database::{Opener, builder};
use super::*;

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
    assert_eq!(tell(&fleet, 2, tag("during")).await, Err(NotPersisted), "it is not told that this was done");
    while fleet.may_change().is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(fleet.until_node_persisted(NodeId(1)).await, Ok(()), "what is kept can be read on");
    disk.broken.store(false, Ordering::SeqCst);
    while fleet.until_node_persisted(NodeId(2)).await.is_err() {
        std::thread::yield_now();
    }
    assert_eq!(fleet.may_change(), Ok(()));
    tell_at_last(&fleet, 3, tag("after")).await;
    keeper.stop().unwrap();
    let store = Store::open_with(file, disk.opener()).unwrap();
    let other = super::fleet();
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
    assert_eq!(tell(&fleet, 2, tag("lost")).await, Err(NotPersisted));
    let said = keeper.stop().unwrap_err().to_string();
    assert!(said.contains("state.redb") && said.contains("none of them was acknowledged"), "{said}");
}

/// A disk that forgets what was written since the last sync when the power goes, or keeps some of it.
#[derive(Debug, Clone, Default)]
struct Volatile(Arc<Mutex<Layers>>);

#[derive(Debug, Default)]
struct Layers {
    /// As it is read.
    now: Vec<u8>,
    /// As it is for sure after the power has gone.
    synced: Vec<u8>,
    /// What was written since the last sync.
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

    /// What is left when the power goes now: of each write since the last sync all, nothing, or a part.
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
async fn what_was_told_survives_a_power_loss_at_any_moment() {
    let (disk, file) = (Volatile::default(), Path::new("state.redb"));
    drop(Store::fill(file, &disk.opener(), &held(), T0, []).unwrap());
    let (fleet, keeper) = keeping(fleet(), Store::open_with(file, disk.opener()).unwrap());
    let told = Arc::new(AtomicUsize::new(0));
    let teller = tokio::task::spawn_blocking({
        let (fleet, told) = (Arc::clone(&fleet), Arc::clone(&told));
        move || {
            for n in 1..=200 {
                let kept = tell(&fleet, 1, tag(&n.to_string()));
                tokio::runtime::Handle::current().block_on(kept).unwrap();
                told.store(n, Ordering::SeqCst);
            }
        }
    });
    let mut losses = 0;
    while !teller.is_finished() || losses < 20 {
        let least = told.load(Ordering::SeqCst);
        let left = disk.after_power_loss(losses);
        let store = Store::open_with(file, left.opener()).unwrap();
        let other = super::fleet();
        store.restore(&other).unwrap();
        let tag: usize = tag_of(&other, 1).map_or(0, |tag| tag.parse().unwrap());
        assert!(tag >= least, "{least} was told, and {tag} is left after loss {losses}");
        losses += 1;
    }
    teller.await.unwrap();
    keeper.stop().unwrap();
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
    transaction.open_table(records).unwrap().insert("format", b"3".as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let said = Store::open(&directory).err().unwrap().to_string();
    assert!(said.contains("state.redb: its format is 3, and this fauxmetal reads up to 2"), "{said}");
}
