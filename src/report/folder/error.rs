//! What can go wrong with the files of a run.

use std::io;
use std::path::{Path, PathBuf};

/// The most characters of the id of a run.
pub(super) const MAX_ID: usize = 100;

/// A file of a run that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} is not the folder of a run: it has neither summary.json nor items.ndjson", .0.display())]
    NoRun(PathBuf),
    #[error("{} exists already; the files of a run are not overwritten", .0.display())]
    Exists(PathBuf),
    #[error(
        "'{0}' is no id of a run: write 1 to {MAX_ID} letters, digits, dots, dashes and underscores, a letter or digit first"
    )]
    Id(String),
    /// The first line is 1.
    #[error("{}:{line}: {why}", path.display())]
    Line { path: PathBuf, line: u64, why: String },
    #[error("{}: {why}", path.display())]
    Summary { path: PathBuf, why: String },
}

impl Error {
    /// Makes the error of a file from that of the operating system.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
