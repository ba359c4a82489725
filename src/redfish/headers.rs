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

/// The first value of a header. A request has few headers, and comparing their names costs less than a search by hash.
pub(super) fn first<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
}
