//! Authentication: HTTP Basic with the account of the service, or the token of a session.

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::headers::Head;

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
    fn proves(&self, credentials: &[u8]) -> bool {
        self.hash(credentials).ct_eq(&self.proof).into()
    }

    /// Whether the name and the password are right. The comparison takes constant time.
    pub fn matches(&self, user: &str, password: &str) -> bool {
        // Basic joins them with a colon, so a name cannot have one.
        !user.contains(':') && self.proves(encode(user, password).as_bytes())
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

/// The client that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The request proves nothing.
    Anyone,
    /// The one account of the service.
    Administrator,
}

/// The client that a request comes from. `is_live` says whether a token belongs to a live session. A right password does
/// not make up for a wrong token.
pub(super) fn who(head: &Head<'_>, account: &Account, is_live: impl FnOnce(&str) -> bool) -> Who {
    let proven = match (head.token, head.authorization) {
        (Some(token), _) => token.to_str().is_ok_and(is_live),
        (None, Some(given)) => {
            // The scheme's name may be in any case (RFC 9110, 11.1). The rest must be equal to the byte.
            let (scheme, rest) = given.as_bytes().split_at_checked(6).unwrap_or((given.as_bytes(), b""));
            scheme.eq_ignore_ascii_case(b"basic ") && account.proves(rest)
        }
        (None, None) => false,
    };
    if proven { Who::Administrator } else { Who::Anyone }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::super::session::Sessions;
    use super::*;
    use crate::time::SimTime;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn only_the_right_pair_gets_in() {
        let account = Account::new("admin", "password");
        let ok = |h: &HeaderMap| who(&Head::of(h), &account, |_| false) == Who::Administrator;
        assert!(ok(&headers("authorization", "Basic YWRtaW46cGFzc3dvcmQ=")));
        assert!(ok(&headers("authorization", "basic YWRtaW46cGFzc3dvcmQ=")));
        for wrong in ["Basic YWRtaW46UGFzc3dvcmQ=", "Basic", "", "Bearer YWRtaW46cGFzc3dvcmQ="] {
            assert!(!ok(&headers("authorization", wrong)), "{wrong}");
        }
        assert!(!ok(&HeaderMap::new()));
    }

    #[test]
    fn a_login_needs_the_exact_name_and_password() {
        let account = Account::new("admin", "pass:word");
        assert!(account.matches("admin", "pass:word"));
        for (user, password) in [("admin:pass", "word"), ("admin", "pass"), ("Admin", "pass:word"), ("", "")]
        {
            assert!(!account.matches(user, password), "{user} {password}");
        }
    }

    #[test]
    fn two_accounts_with_one_password_store_different_hashes() {
        let (one, two) = (Account::new("admin", "password"), Account::new("admin", "password"));
        assert_ne!(one.proof, two.proof);
    }

    #[test]
    fn a_token_is_valid_while_its_session_lives() {
        let (account, sessions, now) =
            (Account::new("admin", "password"), Sessions::new(), SimTime::from_ms(0));
        let (id, token) = sessions.begin("admin", now).unwrap();
        let asked = headers("x-auth-token", &token);
        let is_live = |token: &str| sessions.check(token, now).is_some();
        assert_eq!(who(&Head::of(&asked), &account, is_live), Who::Administrator);
        sessions.end(id);
        assert_eq!(who(&Head::of(&asked), &account, is_live), Who::Anyone);
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", Account::new("admin", "hunter2")).contains("hunter2"));
    }
}
