//! The account of the settings: its name, and a proof of its password.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A SHA-256 in words, which are compared faster than bytes.
type Proof = [u64; 4];

/// The one account of a service.
pub struct Account {
    /// `UserName`.
    pub user: Box<str>,
    /// A random key of this process. Without it, a dump of the process's memory cannot be used to guess the password.
    key: [u8; 32],
    /// The keyed hash of the credentials that a client sends after `Basic `. The password itself is not stored. The
    /// credentials are compared as a whole, so that no request pays for decoding. The hash is one round of SHA-256 and not
    /// a slow hash, because every request is authenticated anew.
    proof: Proof,
}

impl Account {
    /// The longest user name and password, bytes.
    pub const MAX_BYTES: usize = 256;

    /// An account with a password.
    ///
    /// # Panics
    /// When the system has no randomness for the key.
    pub fn new(user: &str, password: &str) -> Self {
        let key = crate::seed::secret().expect("the system has randomness");
        let mut account = Self { user: user.into(), key, proof: Proof::default() };
        account.proof = account.hash(encode(user, password).as_bytes());
        account
    }

    /// # Errors
    /// What is allowed, if `user` cannot be the name of a user.
    pub fn check_user(user: &str) -> Result<(), String> {
        if user.contains(':') {
            return Err(format!(
                "'{user}' contains ':', which HTTP Basic authentication does not allow in a user name"
            ));
        }
        Self::check_password(user)
    }

    /// # Errors
    /// What is allowed, if `password` cannot be a password. The text does not repeat it.
    pub fn check_password(password: &str) -> Result<(), String> {
        match password {
            "" => Err("the value is empty; write at least one character".to_owned()),
            text if text.len() > Self::MAX_BYTES => {
                Err(format!("the value is longer than the {} bytes allowed", Self::MAX_BYTES))
            }
            text if text.contains(char::is_control) => {
                Err("the value contains a control character; remove it".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn hash(&self, credentials: &[u8]) -> Proof {
        let hash = Sha256::new().chain_update(self.key).chain_update(credentials).finalize();
        let (words, _) = hash.as_chunks();
        std::array::from_fn(|n| u64::from_ne_bytes(words[n]))
    }

    /// Whether the credentials of HTTP Basic are right. The comparison takes constant time.
    pub(super) fn proves(&self, credentials: &[u8]) -> bool {
        self.hash(credentials).ct_eq(&self.proof).into()
    }

    /// Whether it is the account's password. The comparison takes constant time.
    pub(super) fn is_password(&self, password: &str) -> bool {
        self.proves(encode(&self.user, password).as_bytes())
    }
}

/// `user-pass` of RFC 7617 in base64.
fn encode(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(pair.as_bytes()))
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credentials_must_be_right_to_the_byte() {
        let account = Account::new("admin", "password");
        assert!(account.proves(b"YWRtaW46cGFzc3dvcmQ="));
        for wrong in ["YWRtaW46UGFzc3dvcmQ=", "YWRtaW46cGFzc3dvcmQ", ""] {
            assert!(!account.proves(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_password_may_have_a_colon() {
        let account = Account::new("admin", "pass:word");
        assert!(account.is_password("pass:word"));
        assert!(!account.is_password("word") && !account.is_password(""));
    }

    #[test]
    fn two_accounts_with_one_password_store_different_hashes() {
        let (one, two) = (Account::new("admin", "password"), Account::new("admin", "password"));
        assert_ne!(one.proof, two.proof);
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", Account::new("admin", "hunter2")).contains("hunter2"));
    }
}
