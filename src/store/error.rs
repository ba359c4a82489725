//! Errors about state directories and snapshots. Each message names the file and says what to do.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has locked the directory.
    #[error(
        "{}: in use by another fauxmetal{}; stop that one, or give each a state directory of its own",
        dir.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        dir: PathBuf,
        /// The other process, if the lock file names it.
        pid: Option<u32>,
    },
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: io::Error },
    /// The content of a file is not as it was written.
    #[error("{}: {problem}; {advice}", file.display())]
    Damaged { file: PathBuf, problem: String, advice: &'static str },
    #[error(
        "{}: its format is {found}, and this fauxmetal reads formats {oldest} to {newest}; use the fauxmetal version that \
         wrote it",
        file.display()
    )]
    Format { file: PathBuf, found: u64, oldest: u32, newest: u32 },
    /// A required directory or fleet does not exist.
    #[error("{0}")]
    Missing(String),
    /// The action is impossible, and nothing was changed.
    #[error("{0}")]
    Refused(String),
}

/// The advice for a damaged state file.
pub(super) const RESTORE: &str = "go back to a snapshot with `fauxmetal snapshot restore`, or move the file away to \
                                  start with a new fleet; changes since the last snapshot are lost";
/// The advice for a damaged snapshot.
pub(super) const COPY: &str = "use another copy of the snapshot";

impl StoreError {
    /// Converts a system error into an error that names `file`.
    pub(super) fn io(file: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |error| Self::Io { file, error }
    }

    pub(super) fn no_directory(path: &Path) -> Self {
        Self::Missing(format!(
            "{0}: there is no such state directory; check the path, or create a fleet with `fauxmetal serve --state {0}`",
            path.display()
        ))
    }

    pub(super) fn damaged(file: &Path, problem: impl ToString, advice: &'static str) -> Self {
        Self::Damaged { file: file.to_owned(), problem: problem.to_string(), advice }
    }
}
