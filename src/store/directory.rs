//! A state directory, locked by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use crate::file::PRIVATE;

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
            return Err(StoreError::no_directory(path));
        }
        let file = path.join("lock");
        let mut lock = crate::file::open_own(&file).map_err(StoreError::io(&file))?;
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
        let directory = Self { path: path.to_owned(), _lock: lock };
        for private in [path, &file, &directory.state_file(), &snapshots_in(path)] {
            crate::file::warn_if_loose(private);
        }
        Ok(directory)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn state_file(&self) -> PathBuf {
        state_file_in(&self.path)
    }

    pub(super) fn reserve_file(&self) -> PathBuf {
        self.path.join("reserve")
    }
}

/// Creates the folder of the snapshots if it does not exist.
pub(super) fn make_snapshots(directory: &Path) -> Result<(), StoreError> {
    let path = snapshots_in(directory);
    DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(StoreError::io(&path))
}

pub(super) fn state_file_in(dir: &Path) -> PathBuf {
    dir.join("state.redb")
}

pub(super) fn snapshots_in(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

/// Creates a file, or truncates an existing one. Only the owner can read a new file, because it contains tokens.
///
/// # Errors
/// If it cannot be created.
pub fn create_private(file: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(PRIVATE);
    options.open(file).map_err(StoreError::io(file))
}
