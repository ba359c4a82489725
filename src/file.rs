//! Caution with files: reads with a bound, files that are no links, modes that let other users in, and atomic replacement.
//!
//! A device such as `/dev/zero` never ends, and opening a pipe waits until another process writes to it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The mode of a file that only its owner can read.
pub(crate) const PRIVATE: u32 = 0o600;

/// Reads a regular file of at most `most` bytes. A link to such a file is followed.
///
/// # Errors
/// If the file cannot be read, is no regular file, or is larger.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Without the flag, opening a pipe waits for a writer. It has no effect on a regular file.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    read_all(file, most)
}

/// Reads the first line of a text file of at most `most` bytes, without its end: the form of files with a secret.
///
/// # Errors
/// If the file cannot be read, has more bytes, or is not UTF-8.
#[cfg(feature = "cli")]
pub(crate) fn first_line(path: &Path, most: u64) -> io::Result<String> {
    Ok(read_text(path, most)?.lines().next().unwrap_or_default().to_owned())
}

/// Reads at most `most` bytes to their end, such as standard input.
///
/// # Errors
/// If they cannot be read, or are more.
pub(crate) fn read_all(from: impl io::Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than the {most} bytes allowed")));
    }
    Ok(bytes)
}

/// Opens a file of the daemon for reading and writing, or creates it for its owner only. A link is refused: whoever can write
/// to the directory could lead it to another file of this user, which would be overwritten.
///
/// # Errors
/// If the file cannot be opened, or is no regular file.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(PRIVATE);
    let opened = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => io::Error::other("it is a symbolic link, which is not followed; remove it"),
        _ => error,
    })?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file; remove it"));
    }
    Ok(file)
}

/// A new file that is written beside the file `place`, and then replaces it. Dropped before, it is removed, so that a failure,
/// such as a full disk, leaves nothing behind.
pub(crate) struct Replacement<'a> {
    path: PathBuf,
    place: &'a Path,
}

impl<'a> Replacement<'a> {
    /// Creates the new file, whose name has `.new` at its end. A file of that name, which a crash can leave, is removed.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub(crate) fn create(place: &'a Path, mode: u32) -> io::Result<(Self, File)> {
        let mut path = place.as_os_str().to_owned();
        path.push(".new");
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&path)?;
        Ok((Self { path, place }, file))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Atomically replaces the file. The new file must already be synced to disk. Syncs the folder.
    ///
    /// # Errors
    /// If the file cannot be replaced, which then has its old content, or if the folder cannot be synced.
    pub(crate) fn put_in_place(self) -> io::Result<()> {
        fs::rename(&self.path, self.place)?;
        let folder = self.place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Replacement<'_> {
    fn drop(&mut self) {
        // Best effort: the error to report is that of the failure. In its place, the file has another name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Logs a warning if the mode of a private file or directory lets other users in.
pub(crate) fn warn_if_loose(path: &Path) {
    if let Some(advice) = loose_mode(path) {
        tracing::warn!("{advice}");
    }
}

/// What is wrong with the mode of a private file or directory, and the command that corrects it. Other users may list a
/// directory, and may not change it; they may not even read a file.
fn loose_mode(path: &Path) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode() & 0o7777;
    let (forbidden, may, right) = match metadata.is_dir() {
        true => (0o022, "replace its files", "700"),
        false => (0o077, "read or change it", "600"),
    };
    let path = path.display();
    (mode & forbidden != 0)
        .then(|| format!("{path} has mode {mode:04o}, so other users can {may}; run: chmod {right} {path}"))
}

/// As [`read`], for a file of UTF-8 text.
///
/// # Errors
/// As [`read`], and if the file is not UTF-8 text.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// # Errors
/// If the bytes are not UTF-8 text.
pub(crate) fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_within_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, pipe) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("pipe"));
        std::fs::write(&file, "12345").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read_all(&b"12345"[..], 5).unwrap(), b"12345");
        let error = read_all(&b"123456"[..], 5).unwrap_err().to_string();
        assert_eq!(error, "it is larger than the 5 bytes allowed");
        assert_eq!(read(&file, 4).unwrap_err().to_string(), "it is larger than the 4 bytes allowed");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for special in [pipe.as_path(), Path::new("/dev/zero"), dir.path()] {
            let error = read_text(special, 5).unwrap_err().to_string();
            assert_eq!(error, "it is not a regular file", "{}", special.display());
        }
        std::fs::write(&file, [0xff]).unwrap();
        assert_eq!(read_text(&file, 5).unwrap_err().to_string(), "it is not UTF-8 text");
    }

    #[test]
    fn a_link_is_not_followed_and_what_it_points_to_is_not_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, link) = (dir.path().join("victim"), dir.path().join("lock"));
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        assert!(open_own(&link).unwrap_err().to_string().starts_with("it is a symbolic link"));
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        let own = dir.path().join("own");
        assert_eq!(open_own(&own).unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_replaced_at_once_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a.pem");
        let other = dir.path().join("other");
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, dir.path().join("a.pem.new")).unwrap();
        for (text, finished, content) in [("1", true, "1"), ("22", false, "1"), ("333", true, "333")] {
            let (new, mut file) = Replacement::create(&place, PRIVATE).unwrap();
            io::Write::write_all(&mut file, text.as_bytes()).unwrap();
            if finished {
                new.put_in_place().unwrap();
            }
            assert_eq!(std::fs::read_to_string(&place).unwrap(), content);
        }
        assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, PRIVATE);
        assert_eq!(std::fs::read(&other).unwrap(), b"precious", "a link is not followed");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_loose_mode_is_told_with_the_command_that_corrects_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key.pem");
        std::fs::write(&file, "").unwrap();
        let told = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            loose_mode(path)
        };
        for (path, mode) in
            [(file.as_path(), 0o600), (&file, 0o400), (dir.path(), 0o700), (dir.path(), 0o755)]
        {
            assert_eq!(told(path, mode), None, "{mode:o}");
        }
        let advice = told(&file, 0o644).unwrap();
        let path = file.display();
        let expected =
            format!("{path} has mode 0644, so other users can read or change it; run: chmod 600 {path}");
        assert_eq!(advice, expected);
        assert!(
            told(dir.path(), 0o777)
                .unwrap()
                .contains("0777, so other users can replace its files; run: chmod 700 ")
        );
    }
}
