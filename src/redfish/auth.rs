//! The account of the settings: its name, and a proof of its password.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::blocking::Blocking;

/// A SHA-256 in words, which are compared faster than bytes.
type Proof = [u64; 4];

/// Whether a text is the password. It is slow on purpose, so it runs on a thread for blocking work.
pub type SlowCheck = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Slow checks at the same time. Each keeps a core busy.
const SLOW_CHECKS: usize = 2;

/// The one account of a service.
pub struct Account {
    /// `UserName`.
    pub user: Box<str>,
    /// A random key of this process. Without it, a dump of the process's memory cannot be used to guess the password.
    key: [u8; 32],
    /// The keyed hash of the credentials that a client sends after `Basic `. The password itself is not stored. The
    /// credentials are compared as a whole, so that no request pays for decoding. The hash is one round of SHA-256 and not
    /// a slow hash, because every request is authenticated anew. It is empty until the slow check has found the password.
    proof: Arc<OnceLock<Proof>>,
    slow: Option<(SlowCheck, Blocking)>,
}

impl Account {
    /// The longest user name and password, bytes.
    pub const MAX_BYTES: usize = 256;
    /// The longest body of a new session, bytes.
    const MAX_LOGIN_BYTES: usize = 4096;

    /// An account with a password.
    ///
    /// # Panics
    /// When the system has no randomness for the key.
    pub fn new(user: &str, password: &str) -> Self {
        let key = crate::seed::secret().expect("the system has randomness");
        let proof = Arc::new(OnceLock::from(hash(&key, encode(user, password).as_bytes())));
        Self { user: user.into(), key, proof, slow: None }
    }

    /// An account whose password only `check` knows, such as a hash of bcrypt. [`Account::learn`] asks it.
    ///
    /// # Panics
    /// When the system has no randomness for the key.
    pub fn checked(user: &str, check: SlowCheck) -> Self {
        let key = crate::seed::secret().expect("the system has randomness");
        let slow = Some((check, Blocking::new(SLOW_CHECKS)));
        Self { user: user.into(), key, proof: Arc::default(), slow }
    }

    /// Asks the slow check about the password of a request, if it has not found the right one yet. From then on a password is
    /// compared as fast as that of [`Account::new`].
    pub(super) async fn learn(&self, request: &Request<Bytes>) {
        let Some((check, threads)) = &self.slow else { return };
        if self.proof.get().is_some() {
            return;
        }
        let Some(password) = self.password_in(request) else { return };
        let proof_of = hash(&self.key, encode(&self.user, &password).as_bytes());
        let (check, proof) = (Arc::clone(check), Arc::clone(&self.proof));
        // A check that panics has found nothing.
        let _ = threads
            .run(move || {
                if proof.get().is_none() && check(&password) {
                    let _ = proof.set(proof_of);
                }
            })
            .await;
    }

    /// The password that a request has for this account: in its header, or in the body of a new session.
    fn password_in(&self, request: &Request<Bytes>) -> Option<Zeroizing<String>> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Login {
            user_name: String,
            password: String,
        }
        if let Some(given) = request.headers().get(http::header::AUTHORIZATION) {
            let (scheme, credentials) = given.as_bytes().split_at_checked(6)?;
            let is_basic = scheme.eq_ignore_ascii_case(b"basic ");
            let pair = is_basic.then(|| STANDARD.decode(credentials)).and_then(Result::ok)?;
            let pair = Zeroizing::new(pair);
            let (user, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
            return (user == &*self.user).then(|| Zeroizing::new(password.to_owned()));
        }
        if request.method() != http::Method::POST || request.body().len() > Self::MAX_LOGIN_BYTES {
            return None;
        }
        let login: Login = serde_json::from_slice(request.body()).ok()?;
        let password = Zeroizing::new(login.password);
        (login.user_name == *self.user).then_some(password)
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

    /// Whether the credentials of HTTP Basic are right. The comparison takes constant time.
    pub(super) fn proves(&self, credentials: &[u8]) -> bool {
        self.proof.get().is_some_and(|proof| hash(&self.key, credentials).ct_eq(proof).into())
    }

    /// Whether it is the account's password. The comparison takes constant time.
    pub(super) fn is_password(&self, password: &str) -> bool {
        self.proves(encode(&self.user, password).as_bytes())
    }
}

fn hash(key: &[u8; 32], credentials: &[u8]) -> Proof {
    let hash = Sha256::new().chain_update(key).chain_update(credentials).finalize();
    let (words, _) = hash.as_chunks();
    std::array::from_fn(|n| u64::from_ne_bytes(words[n]))
}

/// `user-pass` of RFC 7617 in base64.
fn encode(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
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
        assert_ne!(one.proof.get(), two.proof.get());
    }

    fn asks(method: &str, authorization: Option<&str>, body: &'static str) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri("/redfish/v1/SessionService/Sessions");
        if let Some(pair) = authorization {
            request = request.header("Authorization", format!("Basic {}", STANDARD.encode(pair)));
        }
        request.body(Bytes::from_static(body.as_bytes())).unwrap()
    }

    #[tokio::test]
    async fn a_slow_check_is_asked_until_it_has_found_the_password() {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let check: SlowCheck = Arc::new(move |password| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            password == "password"
        });
        let account = Account::checked("admin", check);
        let asked = || asked.load(std::sync::atomic::Ordering::SeqCst);
        for foreign in
            [asks("GET", None, ""), asks("GET", Some("root:password"), ""), asks("POST", None, "{}")]
        {
            account.learn(&foreign).await;
        }
        assert_eq!(asked(), 0, "they have no password of the account");
        account.learn(&asks("GET", Some("admin:wrong"), "")).await;
        assert!(asked() == 1 && !account.is_password("wrong") && !account.is_password("password"));
        account.learn(&asks("POST", None, r#"{"UserName": "admin", "Password": "password"}"#)).await;
        assert!(asked() == 2 && account.is_password("password") && !account.is_password("wrong"));
        account.learn(&asks("GET", Some("admin:other"), "")).await;
        assert_eq!(asked(), 2, "the password is known");
    }

    #[test]
    fn the_password_is_never_shown() {
        assert!(!format!("{:?}", Account::new("admin", "hunter2")).contains("hunter2"));
    }
}
