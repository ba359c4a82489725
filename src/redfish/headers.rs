//! Header names and values that every response of the service uses (DSP0266, "Response headers").

use http::{HeaderMap, HeaderName, HeaderValue};

/// Media type of every JSON document.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// Media type of an archive (RFC 6713). `coding.rs` does not compress it again.
pub(super) const GZIP: &str = "application/gzip";

/// The version of OData, in requests and responses.
pub(super) static ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
/// The only supported version of OData.
pub(super) const ODATA_4: HeaderValue = HeaderValue::from_static("4.0");

/// The name of the header that carries a session's token.
pub(super) static AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The name of the header with the newest version of OData that a client knows.
pub(super) static ODATA_MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
/// The name of the header with the preferences of a client (RFC 7240).
pub(super) static PREFER: HeaderName = HeaderName::from_static("prefer");
/// The name of the header with the preferences that a response follows (RFC 7240).
pub(super) static PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The name of the header by which a client recognises its request in logs. The specification has none; this is the usual
/// one.
pub(super) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The headers of a request that the service reads; of each, the first line.
#[derive(Clone, Copy, Default)]
pub(super) struct Head<'h> {
    pub(super) token: Option<&'h HeaderValue>,
    pub(super) authorization: Option<&'h HeaderValue>,
    pub(super) odata_version: Option<&'h HeaderValue>,
    pub(super) content_type: Option<&'h HeaderValue>,
    pub(super) user_agent: Option<&'h HeaderValue>,
    pub(super) accept: Option<&'h HeaderValue>,
    /// All headers, if one of those that `negotiate.rs` reads is among them.
    pub(super) rare: Option<&'h HeaderMap>,
    /// All headers, if `If-Match` or `If-None-Match` is among them.
    pub(super) conditions: Option<&'h HeaderMap>,
}

impl<'h> Head<'h> {
    /// Reads all headers in one pass. A request has few, and a search for each name would cost more.
    pub(super) fn of(headers: &'h HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "x-auth-token" => &mut head.token,
                "authorization" => &mut head.authorization,
                "odata-version" => &mut head.odata_version,
                "content-type" => &mut head.content_type,
                "user-agent" => &mut head.user_agent,
                "accept" => &mut head.accept,
                "accept-language" | "expect" | "odata-maxversion" | "prefer" | "x-request-id" => {
                    head.rare = Some(headers);
                    continue;
                }
                "if-match" | "if-none-match" => {
                    head.conditions = Some(headers);
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert(value);
        }
        head
    }
}
