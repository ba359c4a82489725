//! Why a state directory or a snapshot cannot be used.

use std::io;
use std::path::{Path, PathBuf};

/// Why a state directory or a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process uses the directory.
    #[error(
        "{}: in use by another fauxmetal{}; stop that one, or give each a state directory of its own",
        dir.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The other process, if it said so.
        pid: Option<u32>,
    },
    /// The system does not let a file be read or written.
    #[error("{}: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is not what was written to it.
    #[error("{}: {problem}; {advice}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do now.
        advice: &'static str,
    },
    /// A file of a later version.
    #[error("{}: its format is {found}, and this fauxmetal reads up to {known}; use the version that wrote it, or a later one", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u64,
        /// The last one known here.
        known: u32,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    Missing(String),
    /// What was asked for cannot be, and nothing was done.
    #[error("{0}")]
    Refused(String),
}

/// What to do about a damaged state file.
pub(super) const RESTORE: &str = "what it held is lost beyond the last snapshot: go back to one with `fauxmetal snapshot \
                                  restore`, or move the file away to begin anew";
/// What to do about a damaged snapshot.
pub(super) const COPY: &str = "use another copy of the snapshot";

impl StoreError {
    /// Names the file that the system refuses.
    pub(super) fn io(file: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |error| Self::Io { file, error }
    }

    pub(super) fn damaged(file: &Path, problem: impl ToString, advice: &'static str) -> Self {
        Self::Damaged { file: file.to_owned(), problem: problem.to_string(), advice }
    }
}
