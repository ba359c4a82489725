//! What can go wrong with certificates. Every message names the file or the value and says what would help.

use std::io;
use std::path::{Path, PathBuf};

/// An error about certificates, keys or TLS settings.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, such as `read`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there but cannot be used. It is never replaced by itself, since somebody may depend on it.
    #[error("{} cannot be used: {reason}; {remedy}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What the user can do.
        remedy: String,
    },
    /// A host is neither an IP address nor a DNS name.
    #[error("'{host}' cannot stand in a certificate: it is neither an IP address nor a DNS name in ASCII")]
    BadHost {
        /// The text as given.
        host: String,
    },
    /// More names than one certificate may carry.
    #[error("{count} names are too many for one certificate, at most {limit} are allowed")]
    TooManyNames {
        /// How many were wanted.
        count: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    /// A file made by us that cannot be used; `delete` names what to delete to have it made anew.
    pub(super) fn unusable(path: &Path, reason: impl ToString, delete: &str) -> Self {
        let remedy = format!("put a good copy back, or delete {delete} to have a new one made");
        TlsError::Unusable { path: path.to_owned(), reason: reason.to_string(), remedy }
    }

    /// A file the user gave that cannot be used.
    pub(super) fn unusable_given(path: &Path, reason: impl ToString, remedy: &str) -> Self {
        TlsError::Unusable { path: path.to_owned(), reason: reason.to_string(), remedy: remedy.to_owned() }
    }
}
