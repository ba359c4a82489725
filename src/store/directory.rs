//! A state directory, held by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::StoreError;

/// A state directory that this process holds, until this is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Locked. The system lets go of it when the process ends, however it does.
    _lock: File,
}

impl Directory {
    /// Takes hold of a state directory; `make` makes it when it is not there, readable by its owner alone, for tokens of
    /// sessions and agents are kept in it.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be made or written.
    pub fn hold(path: &Path, make: bool) -> Result<Self, StoreError> {
        if make {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io(path))?;
        } else if !path.is_dir() {
            return Err(StoreError::Missing(format!("{}: there is no such state directory", path.display())));
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
                // Who it is would be good to know; that it is held is certain.
                let _ = lock.read_to_string(&mut text);
                return Err(StoreError::InUse { dir: path.to_owned(), pid: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io(&file)(error)),
        }
        let pid = std::process::id();
        lock.set_len(0).and_then(|()| writeln!(lock, "{pid}")).map_err(StoreError::io(&file))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that holds the fleet.
    pub(super) fn state_file(&self) -> PathBuf {
        self.path.join("state.redb")
    }

    /// The folder of snapshots, made if need be.
    pub(super) fn snapshots(&self) -> Result<PathBuf, StoreError> {
        let path = snapshots_in(&self.path);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(StoreError::io(&path))?;
        Ok(path)
    }
}

/// Where the snapshots of a state directory are.
pub(super) fn snapshots_in(dir: &Path) -> PathBuf {
    dir.join("snapshots")
}

/// Puts a whole file, which is on disk already, in another's place, and has that on disk, too.
pub(super) fn put_in_place(new: &Path, place: &Path) -> Result<(), StoreError> {
    fs::rename(new, place).map_err(StoreError::io(place))?;
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::io(folder))
}

/// Makes a file, or empties it; a new one is its owner's alone, for tokens of agents stand in it.
///
/// # Errors
/// When it cannot be made.
pub fn create_private(file: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    options.open(file).map_err(StoreError::io(file))
}

/// Takes a file away that may not be there.
pub(super) fn remove_if_there(file: &Path) -> Result<(), StoreError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(file)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
