//! Passwords of accounts, as hashes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The salted hash of a password. It is one round of SHA-256 and not a slow hash, because every request with HTTP Basic is
/// authenticated anew.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Credential {
    /// The hash of a password with fresh random bytes.
    pub fn new(password: &str, salt: [u8; 16]) -> Self {
        Self { salt, hash: Self::hash(password, salt) }
    }

    fn hash(password: &str, salt: [u8; 16]) -> [u8; 32] {
        Sha256::new().chain_update(salt).chain_update(password).finalize().into()
    }

    /// Whether it is the hash of this password.
    pub fn is(&self, password: &str) -> bool {
        Self::hash(password, self.salt).ct_eq(&self.hash).into()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}
