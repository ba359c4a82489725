//! What the specification says of methods and headers, whatever the resource (DSP0266).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::error::Problem;
use super::message::{HEADER_INVALID, Message, RESOURCE_MISSING_AT_URI};
use super::tree::{TREE, Target};

/// Version of OData, in requests and answers.
pub(super) static ODATA_VERSION: HeaderName = HeaderName::from_static("odata-version");
/// The only one.
pub(super) const ODATA_4: HeaderValue = HeaderValue::from_static("4.0");

/// The methods of what stands at a path.
pub(super) fn allow(target: Target) -> HeaderValue {
    let text = match target {
        Target::Versions | Target::Odata | Target::Metadata => "GET, HEAD",
        Target::Action(..) | Target::Members(_) => "POST",
        Target::Collection(row) => match TREE.rows[row].resource.collection.and_then(|c| c.create) {
            Some(_) => "GET, HEAD, POST",
            None => "GET, HEAD",
        },
        Target::Document(row) => {
            let resource = TREE.rows[row].resource;
            match (resource.patch.is_some(), resource.delete.is_some()) {
                (false, false) => "GET, HEAD",
                (true, false) => "GET, HEAD, PATCH",
                (false, true) => "DELETE, GET, HEAD",
                (true, true) => "DELETE, GET, HEAD, PATCH",
            }
        }
    };
    HeaderValue::from_static(text)
}

/// What can be had without logging in (DSP0266, "Authentication requirements"); sushy reads the root before it does.
pub(super) fn is_public(target: Target, method: &Method) -> bool {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match target {
        Target::Versions | Target::Odata | Target::Metadata => reading,
        Target::Document(row) => reading && TREE.rows[row].resource.path == "/redfish/v1",
        Target::Collection(row) | Target::Members(row) => {
            *method == Method::POST && TREE.rows[row].resource.type_name() == "Session"
        }
        Target::Action(..) => false,
    }
}

/// `OData-Version` must be 4.0 where a client sends it (DSP0266, "Request headers").
pub(super) fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(&ODATA_VERSION) {
        Some(version) if version.as_bytes() != b"4.0" => {
            Err(Message::new(&HEADER_INVALID, ["OData-Version"]).into())
        }
        _ => Ok(()),
    }
}

pub(super) fn not_found(path: &str) -> Problem {
    Message::new(&RESOURCE_MISSING_AT_URI, [path]).into()
}

pub(super) fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(&ODATA_VERSION, ODATA_4);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
