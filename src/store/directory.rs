//! A state directory, locked by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// A state directory that this process has locked. Dropping it releases the lock.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// The locked file. The system releases the lock when the process ends, also after a crash.
    _lock: File,
}

impl Directory {
    /// Locks a state directory. With `create`, a missing directory is created. Only its owner can read it, because it
    /// contains the tokens of sessions and agents.
    ///
    /// # Errors
    /// If another process has locked it, or it cannot be created or written.
    pub fn lock(path: &Path, create: bool) -> Result<Self, StoreError> {
        if create {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io(path))?;
        } else if !path.is_dir() {
            return Err(StoreError::Missing(format!(
                "{0}: there is no such state directory; check the path, or create a fleet with `fauxmetal serve \
                 --state {0}`",
                path.display()
            )));
        }
        let file = path.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .map_err(StoreError::io(&file))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The process id is only additional information, so a read error is ignored.
                let _ = lock.read_to_string(&mut text);
                return Err(StoreError::InUse { dir: path.to_owned(), pid: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io(&file)(error)),
        }
        let pid = std::process::id();
        lock.set_len(0).and_then(|()| writeln!(lock, "{pid}")).map_err(StoreError::io(&file))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn state_file(&self) -> PathBuf {
        state_file_in(&self.path)
    }

    /// The folder of the snapshots. Creates it if it does not exist.
    pub(super) fn snapshots(&self) -> Result<PathBuf, StoreError> {
        let path = snapshots_in(&self.path);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(StoreError::io(&path))?;
        Ok(path)
    }
}

pub(super) fn state_file_in(dir: &Path) -> PathBuf {
    dir.join("state.redb")
}

pub(super) fn snapshots_in(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

/// Atomically replaces the file `place` by the file `new`, which must already be synced to disk. Syncs the folder.
pub(super) fn put_in_place(new: &Path, place: &Path) -> Result<(), StoreError> {
    fs::rename(new, place).map_err(StoreError::io(place))?;
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::io(folder))
}

/// Creates a file, or truncates an existing one. Only the owner can read a new file, because it contains tokens.
///
/// # Errors
/// If it cannot be created.
pub fn create_private(file: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    options.open(file).map_err(StoreError::io(file))
}

/// Removes a file if it exists.
pub(super) fn remove_if_there(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(file)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
