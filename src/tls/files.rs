//! The directory of the certificates. Writes are atomic, and a lock serialises processes that start at the same time.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::error::TlsError;
use crate::file::{self, Replacement};

/// The largest PEM file, in bytes. A chain with its key has a few kilobytes, and all CAs of a system 300.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// Locked while files are created, so that two processes that start at the same time create one CA and not two.
const LOCK_FILE: &str = ".lock";

/// File mode of a public certificate.
pub(super) const PUBLIC: u32 = 0o644;

/// The directory, or nothing: then no file exists, and a written file is not kept.
#[derive(Clone, Debug)]
pub(super) struct CertificateFiles {
    dir: Option<PathBuf>,
}

impl CertificateFiles {
    /// Opens the directory; creates it and its parents if they are missing.
    pub(super) fn open(dir: &Path) -> Result<CertificateFiles, TlsError> {
        DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(failed("create directory", dir))?;
        Ok(CertificateFiles { dir: Some(dir.to_owned()) })
    }

    /// No directory, for certificates that live as long as the process.
    pub(super) const fn in_memory() -> CertificateFiles {
        CertificateFiles { dir: None }
    }

    /// The path of a file, for messages too. In memory, the name alone.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.as_deref().unwrap_or(Path::new("")).join(name)
    }

    /// Warns if other users can read a private file.
    pub(super) fn warn_if_loose(&self, name: &str) {
        if self.dir.is_some() {
            file::warn_if_loose(&self.path(name));
        }
    }

    /// The text of a file, or `None` if it does not exist.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, TlsError> {
        if self.dir.is_none() {
            return Ok(None);
        }
        let path = self.path(name);
        match read_pem_file(&path) {
            Ok(text) => Ok(Some(text)),
            Err(TlsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until no other process creates files here. Dropping the returned file releases the lock.
    pub(super) fn lock(&self) -> Result<Option<File>, TlsError> {
        if self.dir.is_none() {
            return Ok(None);
        }
        let path = self.path(LOCK_FILE);
        let file = file::open_own(&path).map_err(failed("open", &path))?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(Some(file))
    }

    /// Writes a file atomically. The caller holds the lock, so that no other process writes it.
    pub(super) fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), TlsError> {
        if self.dir.is_none() {
            return Ok(());
        }
        let path = self.path(name);
        let write = || {
            let (new, mut file) = Replacement::create(&path, mode)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            new.put_in_place()
        };
        write().map_err(failed("write", &path))
    }
}

pub(super) fn read_pem_file(path: &Path) -> Result<String, TlsError> {
    let bytes = file::read(path, MAX_FILE_BYTES).map_err(failed("read", path))?;
    String::from_utf8(bytes).map_err(|_| {
        TlsError::unusable_given(path, "it is not text", "give a PEM file: a text file with -----BEGIN lines")
    })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::file::PRIVATE;

    #[test]
    fn a_write_replaces_the_file_and_leaves_no_other_file_behind() {
        let dir = tempfile::tempdir().unwrap();
        let files = CertificateFiles::open(&dir.path().join("made/on/demand")).unwrap();
        fs::write(files.path("a.pem.new"), "left by a crash").unwrap();
        files.write("a.pem", "first, and longer", PRIVATE).unwrap();
        files.write("a.pem", "second", PRIVATE).unwrap();
        assert_eq!(files.read("a.pem").unwrap().as_deref(), Some("second"));
        let mode = fs::metadata(files.path("a.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path().join("made/on/demand")).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_removes_its_temporary_file_and_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let files = CertificateFiles::open(dir.path()).unwrap();
        // A directory in the place of the file makes the rename fail, as a full disk makes the write fail.
        fs::create_dir(files.path("a.pem")).unwrap();
        let error = files.write("a.pem", "text", PUBLIC).unwrap_err();
        assert!(error.to_string().contains("a.pem"), "{error}");
        assert!(!files.path("a.pem.new").exists());
    }

    #[test]
    fn a_missing_file_is_no_error_and_a_binary_file_is() {
        let dir = tempfile::tempdir().unwrap();
        let files = CertificateFiles::open(dir.path()).unwrap();
        assert!(files.read("a.pem").unwrap().is_none());
        fs::write(files.path("a.pem"), [0x30, 0x82, 0xff]).unwrap();
        assert!(
            files.read("a.pem").unwrap_err().to_string().contains("a.pem cannot be used: it is not text")
        );
    }
}
