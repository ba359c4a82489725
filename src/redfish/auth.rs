//! Who may ask: HTTP Basic with the account of the service, or the token of a session.

use base64::Engine as _;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq as _;

/// The one account of a service.
pub struct Account {
    /// Its name.
    pub user: Box<str>,
    password: Box<str>,
    /// What a client that knows both sends as `Authorization`; compared whole, so that no request pays for decoding.
    basic: Box<str>,
}

impl Account {
    /// An account with its password.
    pub fn new(user: &str, password: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Self { user: user.into(), password: password.into(), basic: format!("Basic {pair}").into() }
    }

    /// Whether these are its name and password; how long it takes tells nothing about them.
    pub fn matches(&self, user: &str, password: &str) -> bool {
        let user = self.user.as_bytes().ct_eq(user.as_bytes());
        let password = self.password.as_bytes().ct_eq(password.as_bytes());
        (user & password).into()
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Whether a request may go on, where `live` says whether a token is a live session's. One that is wrong is not made good
/// by a right password.
pub fn allowed(headers: &HeaderMap, account: &Account, live: impl FnOnce(&str) -> bool) -> bool {
    if let Some(token) = headers.get("X-Auth-Token") {
        return token.to_str().is_ok_and(live);
    }
    let Some(given) = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes) else { return false };
    // The scheme's name is written in any case (RFC 9110, 11.1); the rest must be the same to the byte.
    let (scheme, rest) = given.split_at_checked(6).unwrap_or((given, b""));
    scheme.eq_ignore_ascii_case(b"basic ") && bool::from(rest.ct_eq(&account.basic.as_bytes()[6..]))
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
