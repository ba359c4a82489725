//! Who may ask: HTTP Basic with the account of the service, or the token of a session.

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The one account of a service.
pub struct Account {
    /// Its name.
    pub user: Box<str>,
    /// A secret of this process, so that what is kept says nothing to who guesses passwords in a dump of its memory.
    key: [u8; 32],
    /// The keyed hash of what a client that knows name and password sends after `Basic `. The password itself is not
    /// kept. Compared whole, so that no request pays for decoding; and one round of SHA-256, not a slow hash, for every
    /// request must prove itself anew.
    proof: [u8; 32],
}

impl Account {
    /// An account with its password.
    ///
    /// # Panics
    /// When the system has no randomness to give: nothing could be kept secret then.
    pub fn new(user: &str, password: &str) -> Self {
        let key = crate::seed::secret().expect("the system has randomness");
        let mut account = Self { user: user.into(), key, proof: [0; 32] };
        account.proof = account.hash(encode(user, password).as_bytes());
        account
    }

    fn hash(&self, credentials: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(credentials).finalize().into()
    }

    /// Whether these are the right credentials of HTTP Basic; how long it takes tells nothing about them.
    fn proves(&self, credentials: &[u8]) -> bool {
        self.hash(credentials).ct_eq(&self.proof).into()
    }

    /// Whether these are its name and password; how long it takes tells nothing about them.
    pub fn matches(&self, user: &str, password: &str) -> bool {
        // Joined as Basic joins them; a name with a colon is none of ours.
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

/// Whether a request may go on, where `live` says whether a token is a live session's. One that is wrong is not made good
/// by a right password.
#[doc(hidden)]
pub fn allowed(headers: &HeaderMap, account: &Account, live: impl FnOnce(&str) -> bool) -> bool {
    if let Some(token) = headers.get("X-Auth-Token") {
        return token.to_str().is_ok_and(live);
    }
    let Some(given) = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes) else { return false };
    // The scheme's name is written in any case (RFC 9110, 11.1); the rest must be the same to the byte.
    let (scheme, rest) = given.split_at_checked(6).unwrap_or((given, b""));
    scheme.eq_ignore_ascii_case(b"basic ") && account.proves(rest)
}

#[cfg(test)]
mod tests {
    use super::super::session::Sessions;
    use super::*;
    use crate::time::SimTime;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn only_the_right_pair_gets_in() {
        let account = Account::new("admin", "password");
        let ok = |h: &HeaderMap| allowed(h, &account, |_| false);
        assert!(ok(&headers("authorization", "Basic YWRtaW46cGFzc3dvcmQ=")));
        assert!(ok(&headers("authorization", "basic YWRtaW46cGFzc3dvcmQ=")));
        for wrong in ["Basic YWRtaW46UGFzc3dvcmQ=", "Basic", "", "Bearer YWRtaW46cGFzc3dvcmQ="] {
            assert!(!ok(&headers("authorization", wrong)), "{wrong}");
        }
        assert!(!ok(&HeaderMap::new()));
    }

    #[test]
    fn a_login_is_name_and_password_and_nothing_that_looks_alike() {
        let account = Account::new("admin", "pass:word");
        assert!(account.matches("admin", "pass:word"));
        for (user, password) in [("admin:pass", "word"), ("admin", "pass"), ("Admin", "pass:word"), ("", "")]
        {
            assert!(!account.matches(user, password), "{user} {password}");
        }
    }

    #[test]
    fn two_accounts_of_one_password_keep_different_proofs() {
        let (one, two) = (Account::new("admin", "password"), Account::new("admin", "password"));
        assert_ne!(one.proof, two.proof);
    }

    #[test]
    fn a_token_counts_while_its_session_lives() {
        let (account, sessions, now) =
            (Account::new("admin", "password"), Sessions::new(), SimTime::from_ms(0));
        let (id, token) = sessions.begin("admin", now).unwrap();
        assert!(allowed(&headers("x-auth-token", &token), &account, |token| sessions
            .check(token, now)
            .is_some()));
        sessions.end(id);
        assert!(!allowed(&headers("x-auth-token", &token), &account, |token| sessions
            .check(token, now)
            .is_some()));
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", Account::new("admin", "hunter2")).contains("hunter2"));
    }
}
