//! Header names and values that every response of the service uses (DSP0266, "Response headers").

use http::{HeaderMap, HeaderName, HeaderValue};

/// Media type of every JSON document.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// The version of OData, in requests and responses.
pub(super) static ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
/// The only supported version of OData.
pub(super) const ODATA_4: HeaderValue = HeaderValue::from_static("4.0");

/// The name of the header that carries a session's token.
pub(super) static AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// The headers of a request that the service reads; of each, the first line.
#[derive(Clone, Copy, Default)]
pub(super) struct Head<'h> {
    pub(super) token: Option<&'h HeaderValue>,
    pub(super) authorization: Option<&'h HeaderValue>,
    pub(super) odata_version: Option<&'h HeaderValue>,
    pub(super) content_type: Option<&'h HeaderValue>,
    pub(super) user_agent: Option<&'h HeaderValue>,
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
