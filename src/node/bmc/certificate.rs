//! The certificate with which the BMC serves HTTPS, once a client has installed one, and the key of the last request for one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::node::sparse::Part;

/// Commands to the certificate. Keys and certificates come from outside, because the model has no randomness.
#[derive(Clone, Debug)]
pub enum Command {
    /// Keeps the key of a request. A key of an earlier request is forgotten. `None`: the request is for the key in use.
    Request { why: Why, key: Option<PrivateKey>, csr: Box<str> },
    /// Installs a certificate with its chain, PEM. The key belongs to it, or the request was refused.
    Replace { chain: Box<str>, key: PrivateKey },
}

/// The action that makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Generate,
    Renew,
    Rekey,
}

/// A private key, PEM. It is stored as passwords of image servers are, and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivateKey(pub Box<str>);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The state of the certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Https {
    /// The key of the last request, until a certificate for it is installed.
    pub pending: Option<PrivateKey>,
    /// The certificate that a client has installed. `None`: the one that the BMC has ex works.
    pub installed: Option<Installed>,
    /// Number of installations so far.
    pub installations: u32,
}

/// A certificate that a client has installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The certificate with its chain, PEM. At most [`MAX_PEM`](crate::tls::MAX_PEM) bytes.
    pub chain: Box<str>,
    pub key: PrivateKey,
}

impl Part for Https {
    fn of_new_machine() -> &'static Self {
        static NEW: Https = Https { pending: None, installed: None, installations: 0 };
        &NEW
    }
}

impl Https {
    /// Executes a command. Returns the request that it has made.
    pub(in crate::node) fn execute(&mut self, command: Command) -> Option<(Why, Box<str>)> {
        match command {
            Command::Request { why, key, csr } => {
                self.pending = key;
                Some((why, csr))
            }
            Command::Replace { chain, key } => {
                self.pending = None;
                self.installed = Some(Installed { chain, key });
                self.installations = self.installations.wrapping_add(1);
                None
            }
        }
    }
}
