//! Who may use the admin listener: clients with the token, and no web page.
//!
//! A browser sends requests of any web page to 127.0.0.1 (cross-site requests, DNS rebinding). So the `Host` header must be an
//! address or a known name, an `Origin` must be this server, and a change must be JSON (`extract.rs`), which a page cannot send to
//! another site without asking first.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::api::Problem;
use crate::address::host_of;

/// The hash of a token. The token itself is not kept.
pub struct Token([u8; 32]);

impl Token {
    pub fn new(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    fn is(&self, token: &[u8]) -> bool {
        self.0.ct_eq(&Self(Sha256::digest(token).into()).0).into()
    }
}

/// The rules for every request.
#[derive(Default)]
pub struct Guard {
    /// The token that requests need; `None` if they need none.
    pub token: Option<Token>,
    /// Paths that need no token, without a slash at the start.
    pub open: Vec<&'static str>,
    /// Names that `Host` can have, in lower case, beside addresses and `localhost`.
    pub hosts: Vec<String>,
}

pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.refusal(&request) {
        None => next.run(request).await,
        Some(problem) => {
            let unauthorized = problem.status == StatusCode::UNAUTHORIZED.as_u16();
            let mut response = problem.into_response();
            if unauthorized {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

impl Guard {
    fn refusal(&self, request: &Request) -> Option<Problem> {
        let headers = request.headers();
        let authority = request.uri().authority().map(|authority| authority.as_str());
        let host = authority.or_else(|| text(headers, &HOST)).unwrap_or_default();
        if !self.knows(host_of(host)) {
            let detail = format!(
                "the Host header names '{host}'; allowed are addresses, localhost, and the names of --admin-host"
            );
            return Some(Problem::wrong("Host", host, detail).with(StatusCode::FORBIDDEN));
        }
        if headers.contains_key(ORIGIN) {
            let origin = text(headers, &ORIGIN).unwrap_or_default();
            let own = origin.split_once("://").is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(host));
            if !own {
                let detail = format!(
                    "the request comes from a page of another site, '{origin}'; no page may use this API"
                );
                return Some(Problem::wrong("Origin", origin, detail).with(StatusCode::FORBIDDEN));
            }
        }
        if let Some(token) = &self.token
            && !self.open.contains(&request.uri().path().trim_start_matches('/'))
        {
            let given = text(headers, &AUTHORIZATION).and_then(|value| value.split_once(' '));
            let right = given.is_some_and(|(scheme, given)| {
                scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim().as_bytes())
            });
            if !right {
                let detail = match given {
                    Some(_) => "the token is wrong; the file of --admin-token-file has the right one",
                    None => {
                        "a token is needed; send Authorization: Bearer TOKEN with the token of --admin-token-file"
                    }
                };
                return Some(Problem::new(StatusCode::UNAUTHORIZED, detail));
            }
        }
        None
    }

    fn knows(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        host.parse::<IpAddr>().is_ok() || name == "localhost" || self.hosts.contains(&name)
    }
}

impl Problem {
    pub(super) fn with(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self.title = status.canonical_reason().unwrap_or_default().to_owned();
        self
    }
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn status(guard: &Guard, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        guard.refusal(&request.body(Body::empty()).unwrap()).map_or(200, |problem| problem.status)
    }

    #[test]
    fn the_host_must_be_an_address_or_a_known_name() {
        let guard = Guard { hosts: vec!["fm.example".to_owned()], ..Guard::default() };
        for (host, expected) in [
            ("127.0.0.1:8440", 200),
            ("[::1]:8440", 200),
            ("LocalHost:1", 200),
            ("FM.example.:8440", 200),
            ("evil.example", 403),
            ("127.0.0.1.evil.example", 403),
            ("localhost.evil.example:8440", 403),
            ("", 403),
        ] {
            assert_eq!(status(&guard, "GET", "/metrics", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(&guard, "GET", "/metrics", &[]), 403);
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let guard = Guard::default();
        for (origin, expected) in [
            ("http://127.0.0.1:8440", 200),
            ("http://127.0.0.1:9", 403),
            ("https://evil.example", 403),
            ("null", 403),
        ] {
            let headers = [("host", "127.0.0.1:8440"), ("origin", origin)];
            assert_eq!(status(&guard, "GET", "/fauxmetal/v1/nodes", &headers), expected, "{origin}");
        }
    }

    #[test]
    fn each_path_needs_the_token_unless_it_is_open() {
        let guard =
            Guard { token: Some(Token::new("0123456789abcdef")), open: vec!["metrics"], ..Guard::default() };
        for (path, authorization, expected) in [
            ("/metrics", "", 200),
            ("/healthz", "", 401),
            ("/fauxmetal/v1/fleet", "", 401),
            ("/fauxmetal/v1/fleet", "Bearer 0123456789abcdef", 200),
            ("/fauxmetal/v1/fleet", "bearer  0123456789abcdef", 200),
            ("/fauxmetal/v1/fleet", "Bearer 0123456789abcdeg", 401),
            ("/fauxmetal/v1/fleet", "Basic 0123456789abcdef", 401),
            ("/fauxmetal/v1/fleet", "0123456789abcdef", 401),
        ] {
            let headers = [("host", "localhost"), ("authorization", authorization)];
            assert_eq!(status(&guard, "GET", path, &headers), expected, "{path} {authorization}");
        }
    }
}
