//! The directory certificates are kept in: whole files or none, whoever else starts at the same moment.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::TlsError;

/// Longest PEM file read, in bytes. A chain with its key is a few kilobytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Held while files are made, so that two starts at once make one CA and not two.
const LOCK_FILE: &str = ".lock";

/// Mode of a file that holds a private key.
pub(super) const PRIVATE: u32 = 0o600;
/// Mode of a file anyone may read.
pub(super) const PUBLIC: u32 = 0o644;

/// One directory of certificates.
#[derive(Clone, Debug)]
pub(super) struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens the directory, making it and its parents if they are missing.
    pub(super) fn open(dir: &Path) -> Result<Store, TlsError> {
        DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(failed("make directory", dir))?;
        Ok(Store { dir: dir.to_owned() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The text of a file, or `None` if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, TlsError> {
        let path = self.path(name);
        match read_pem_file(&path) {
            Ok(text) => Ok(Some(text)),
            Err(TlsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until no other process makes files here. The lock is gone when the returned file is dropped.
    pub(super) fn lock(&self) -> Result<File, TlsError> {
        let path = self.path(LOCK_FILE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(PRIVATE).open(&path);
        let file = file.map_err(failed("open", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(file)
    }

    /// Writes a file whole or not at all. The caller holds the lock.
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), TlsError> {
        let (path, temporary) = (self.path(name), self.path(&format!(".{name}.new")));
        // A crash may have left one behind. Nobody else writes it now, as the lock is held.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &temporary)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let written = write_synced(&temporary, text, mode).and_then(|()| fs::rename(&temporary, &path));
        written.map_err(|error| {
            // Best effort: the error to report is the first one, and the file is ignored and replaced next time.
            let _ = fs::remove_file(&temporary);
            failed("write", &path)(error)
        })
    }
}

/// Reads a text file of a sane size.
pub(super) fn read_pem_file(path: &Path) -> Result<String, TlsError> {
    let file = File::open(path).map_err(failed("read", path))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(failed("read", path))?;
    String::from_utf8(bytes).map_err(|_| {
        TlsError::unusable_given(path, "it is not text", "give a PEM file, one with -----BEGIN lines")
    })
}

fn write_synced(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_else_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("made/on/demand")).unwrap();
        fs::write(store.path(".a.pem.new"), "left by a crash").unwrap();
        store.write("a.pem", "first, and longer", PRIVATE).unwrap();
        store.write("a.pem", "second", PRIVATE).unwrap();
        assert_eq!(store.read("a.pem").unwrap().as_deref(), Some("second"));
        let mode = fs::metadata(store.path("a.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&store.dir).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_keeps_the_old_state_and_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        // A directory in the place of the file makes the rename fail, as a full disk makes the write fail.
        fs::create_dir(store.path("a.pem")).unwrap();
        let error = store.write("a.pem", "text", PUBLIC).unwrap_err();
        assert!(error.to_string().contains("a.pem"), "{error}");
        assert!(!store.path(".a.pem.new").exists());
    }

    #[test]
    fn a_missing_file_is_no_error_and_a_binary_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.read("a.pem").unwrap().is_none());
        fs::write(store.path("a.pem"), [0x30, 0x82, 0xff]).unwrap();
        assert!(
            store.read("a.pem").unwrap_err().to_string().contains("a.pem cannot be used: it is not text")
        );
    }
}
