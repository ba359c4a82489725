//! Disks that are full and files that are damaged.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::super::store::{Opener, builder};
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
