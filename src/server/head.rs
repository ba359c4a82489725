//! The rules of RFC 9112 for the head of a request that hyper leaves to its user.

use std::net::Ipv6Addr;

use http::header::{HOST, TRANSFER_ENCODING};
use http::uri::Scheme;
use http::{HeaderMap, Request, Version};
use hyper::body::Body;

use crate::face::Refused;

/// Checks the head of a request. `body` is its body, of which nothing has been read.
///
/// # Errors
/// The rule that the request breaks.
pub(super) fn check<B>(request: &Request<B>, body: &impl Body) -> Result<(), Refused> {
    if request.uri().scheme().is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) {
        return Err(Refused::SchemeUnknown);
    }
    check_host(request.headers(), request.version())?;
    // The length of a body with a transfer coding is not known in advance.
    if body.size_hint().exact().is_some() { Ok(()) } else { check_coding(request.headers()) }
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 has one `Host`, and its value is that of a URI. HTTP/1.0 may leave it out.
fn check_host(headers: &HeaderMap, version: Version) -> Result<(), Refused> {
    let mut hosts = headers.get_all(HOST).iter();
    let right = match (hosts.next(), hosts.next()) {
        (None, _) => version == Version::HTTP_10,
        (Some(host), None) => is_host(host.as_bytes()),
        (Some(_), Some(_)) => false,
    };
    if right { Ok(()) } else { Err(Refused::HostInvalid) }
}

/// The bytes of a `reg-name` (RFC 3986, section 3.2.2). A table, because every request is checked.
const IN_NAME: [bool; 256] = {
    let others = b"-._~!$&'()*+,;=%";
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether the text is `uri-host [ ":" port ]` (RFC 3986, section 3.2.2), or empty, which RFC 9112 allows.
fn is_host(text: &[u8]) -> bool {
    let port = if let Some(rest) = text.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        if !is_ipv6(&rest[..end]) {
            return false;
        }
        &rest[end + 1..]
    } else {
        match text.iter().position(|byte| !IN_NAME[usize::from(*byte)]) {
            None => return true,
            Some(0) => return false,
            Some(end) => &text[end..],
        }
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether the text is an IPv6 address, with or without a zone (RFC 6874).
fn is_ipv6(text: &[u8]) -> bool {
    let address = text.split(|byte| *byte == b'%').next().unwrap_or_default();
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// RFC 9112, section 6.1: 501 for a transfer coding that the server does not know. hyper refuses one that does not end in
/// `chunked`.
fn check_coding(headers: &HeaderMap) -> Result<(), Refused> {
    let mut codings =
        headers.get_all(TRANSFER_ENCODING).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let mut known = 0;
    if codings.any(|coding| {
        known += 1;
        !coding.trim_ascii().eq_ignore_ascii_case(b"chunked")
    }) {
        return Err(Refused::TransferCodingUnknown);
    }
    // A sender must not apply chunked twice.
    if known > 1 { Err(Refused::BodyBroken) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Empty;

    use super::*;
    use crate::face::Body;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for right in [
            "",
            "x",
            "bmc-1.example",
            "127.0.0.1:8443",
            "x:",
            "[::1]",
            "[::1]:80",
            "[fe80::1%25eth0]:1",
            "a%2Db",
        ] {
            assert!(is_host(right.as_bytes()), "{right}");
        }
        for wrong in
            ["name:x", ":80", "x:123456", "x:1:2", "u@x", "a b", "a/b", "[::1", "[x]", "[::1]x", "::1", "é"]
        {
            assert!(!is_host(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn each_rule_has_its_refusal() {
        let checked = |uri: &str, version, headers: &[(&'static str, &str)], body: bool| {
            let mut request = Request::builder().uri(uri).version(version);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(()).unwrap();
            if body {
                check(&request, &Body::Parts(Box::new(std::iter::empty())))
            } else {
                check(&request, &Empty::<Bytes>::new())
            }
        };
        let (new, old, x) = (Version::HTTP_11, Version::HTTP_10, ("host", "x"));
        assert_eq!(checked("/", new, &[x], false), Ok(()));
        assert_eq!(checked("http://x/", new, &[x], false), Ok(()));
        assert_eq!(checked("/", old, &[], false), Ok(()));
        assert_eq!(checked("/", new, &[], false), Err(Refused::HostInvalid));
        assert_eq!(checked("/", old, &[("host", "name:x")], false), Err(Refused::HostInvalid));
        assert_eq!(checked("/", new, &[x, x], false), Err(Refused::HostInvalid));
        assert_eq!(checked("ftp://x/", new, &[x], false), Err(Refused::SchemeUnknown));
        let coded = |coding: &str| checked("/", new, &[x, ("transfer-encoding", coding)], true);
        assert_eq!(coded("Chunked"), Ok(()));
        assert_eq!(coded("gzip, chunked"), Err(Refused::TransferCodingUnknown));
        assert_eq!(coded("chunked, chunked"), Err(Refused::BodyBroken));
    }
}
