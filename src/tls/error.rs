//! Errors about certificates, keys and TLS settings. Each message names the file or the value and says what to do.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operating system reported an error.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// The action that failed, such as `read`.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// An existing file is damaged or unsuitable. It is never replaced automatically, because clients may depend on it.
    #[error("{} cannot be used: {reason}; {remedy}", path.display())]
    Unusable { path: PathBuf, reason: String, remedy: String },
    #[error(
        "'{host}' cannot be a name in a certificate; give an IP address or an ASCII DNS name, without scheme and port"
    )]
    BadHost { host: String },
    #[error(
        "a certificate can have at most {limit} names, and {count} are configured; listen on fewer addresses"
    )]
    TooManyNames { count: usize, limit: usize },
    #[error("cannot create a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    /// A file that fauxmetal itself created. `delete` names the files to delete, so that new ones are created.
    pub(super) fn unusable(path: &Path, reason: impl ToString, delete: &str) -> Self {
        let remedy = format!("restore a good copy, or delete {delete} to have a new one created");
        TlsError::Unusable { path: path.to_owned(), reason: reason.to_string(), remedy }
    }

    /// A file that the user gave.
    pub(super) fn unusable_given(path: &Path, reason: impl ToString, remedy: &str) -> Self {
        TlsError::Unusable { path: path.to_owned(), reason: reason.to_string(), remedy: remedy.to_owned() }
    }
}
