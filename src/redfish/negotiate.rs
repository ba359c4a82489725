//! What a client asks for in headers beside the request itself (DSP0266, "Request headers"): media type, language, version
//! of OData, and how much of the result it wants to see (RFC 7240).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};

use super::answer::{Answer, Content};
use super::ask::{Ask, Does};
use super::coding::weighted;
use super::error::Problem;
use super::headers::{ODATA_MAX_VERSION, PREFER, REQUEST_ID};
use super::message::{HEADER_INVALID, Message};

use super::root::Root;
use super::row::{Fixed, Target};
use super::service::Redfish;

/// The longest request id that a response repeats, bytes.
const MAX_REQUEST_ID: usize = 128;

/// Checks that the client takes the media type of the document: XML for `$metadata`, YAML for `openapi.yaml`, and JSON for all others.
/// An attachment is sent whatever the client takes: DMTF's library accepts JSON only, and downloads diagnostic data.
///
/// # Errors
/// 406 if it does not.
pub(super) fn check_accept(accept: &HeaderValue, target: Target) -> Result<(), Problem> {
    let kind = match target {
        Target::Fixed(Fixed::Metadata) => "xml",
        Target::Fixed(Fixed::OpenApi) => "yaml",
        _ => "json",
    };
    let value = accept.as_bytes();
    if target.is_attachment() {
        return Ok(());
    }
    // What nearly every client sends.
    if value == b"*/*" || (kind == "json" && value == b"application/json") || accepts(value, kind) {
        return Ok(());
    }
    Err(Message::new(&HEADER_INVALID, ["Accept"]).into())
}

/// Whether a list of media ranges allows `application/kind`. The narrowest range decides (RFC 9110, 12.5.1). An empty list
/// allows everything.
fn accepts(list: &[u8], kind: &str) -> bool {
    let (mut exact, mut family, mut any) = (None, None, None);
    for part in list.split(|byte| *byte == b',') {
        let (range, weight) = weighted(part);
        let range = range.to_ascii_lowercase();
        match range.as_slice() {
            b"*/*" | b"*" => any = any.max(Some(weight)),
            b"application/*" => family = family.max(Some(weight)),
            exactly if exactly.strip_prefix(b"application/") == Some(kind.as_bytes()) => {
                exact = exact.max(Some(weight));
            }
            _ => {}
        }
    }
    list.trim_ascii().is_empty() || exact.or(family).or(any).is_some_and(|weight| weight > 0)
}

/// Checks the headers that few clients send.
///
/// # Errors
/// 412 if the client knows only versions of OData before 4.0; 417 if it expects something else than `100-continue`.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let invalid = |name: &str| Err(Message::new(&HEADER_INVALID, [name]).into());
    if let Some(version) = headers.get(&ODATA_MAX_VERSION) {
        let major = version.to_str().ok().and_then(|text| text.trim().split('.').next()?.parse::<u32>().ok());
        if major.is_none_or(|major| major < 4) {
            return invalid("OData-MaxVersion");
        }
    }
    match headers.get(header::EXPECT) {
        Some(expected) if !expected.as_bytes().eq_ignore_ascii_case(b"100-continue") => invalid("Expect"),
        _ => Ok(()),
    }
}

/// Adds the headers of a response that answer rare headers of the request.
pub(super) fn finish(headers: &HeaderMap, response: &mut Response<Content>) {
    let mut set = |name: HeaderName, value: HeaderValue| {
        response.headers_mut().insert(name, value);
    };
    // All names, descriptions and messages are in English, whatever the client prefers.
    if headers.contains_key(header::ACCEPT_LANGUAGE) {
        set(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    }
    if let Some(id) = headers.get(&REQUEST_ID).filter(|id| id.len() <= MAX_REQUEST_ID) {
        set(REQUEST_ID.clone(), id.clone());
    }
}

/// How much of the result a client wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preference {
    Minimal,
    Representation,
}

/// The preference `return` of a request (RFC 7240, 4.2). The first one counts (RFC 7240, 2).
fn preference(headers: &HeaderMap) -> Option<Preference> {
    let all = headers.get_all(&PREFER).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("return") {
            return None;
        }
        match value.trim().trim_matches('"') {
            "minimal" => Some(Preference::Minimal),
            "representation" => Some(Preference::Representation),
            _ => None,
        }
    })
}

impl Redfish {
    /// Shows as much of a change as the client prefers: after a PATCH, the document or nothing; after the creation of a
    /// member, the member or nothing. Other requests have no choice.
    pub(super) fn prefer(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        headers: &HeaderMap,
        answer: Answer,
    ) -> Answer {
        let Does::Change(request, _) = ask.does else { return answer };
        let is_patch = request.method() == Method::PATCH;
        match (preference(headers), answer) {
            (Some(Preference::Representation), Answer::Done) if is_patch => {
                match self.read(root, ask.by.client, ask.uri) {
                    Some((document, target)) => {
                        Answer::Preferred(Answer::Document(document, target).into(), "return=representation")
                    }
                    None => Answer::Done,
                }
            }
            (Some(Preference::Representation), shown @ Answer::Document(..)) if is_patch => {
                Answer::Preferred(shown.into(), "return=representation")
            }
            (Some(Preference::Minimal), Answer::Done | Answer::Document(..)) if is_patch => {
                Answer::Preferred(Answer::Done.into(), "return=minimal")
            }
            (Some(Preference::Minimal), Answer::Created(mut created)) => {
                created.member = None;
                Answer::Preferred(Answer::Created(created).into(), "return=minimal")
            }
            (Some(Preference::Representation), created @ Answer::Created(_)) => {
                Answer::Preferred(created.into(), "return=representation")
            }
            (_, answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_media_range_decides() {
        for right in [
            "application/json;charset=utf-8",
            "application/*",
            "*/*;charset=utf-8",
            "text/html, */*;q=0.1",
            "Application/JSON;odata.metadata=minimal",
            "*",
            "",
        ] {
            assert!(accepts(right.as_bytes(), "json"), "{right}");
        }
        for wrong in
            ["text/html", "application/json;q=0, */*", "application/*;q=0, */*", "json", "application/jsonp"]
        {
            assert!(!accepts(wrong.as_bytes(), "json"), "{wrong}");
        }
        assert!(accepts(b"application/xml", "xml") && !accepts(b"application/json", "xml"));
    }

    #[test]
    fn a_preference_is_found_among_others() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(&PREFER, HeaderValue::from_static(value));
            preference(&headers)
        };
        assert_eq!(of("return=minimal"), Some(Preference::Minimal));
        assert_eq!(
            of("respond-async, wait=10, Return = \"representation\"; x=y"),
            Some(Preference::Representation)
        );
        assert_eq!((of("return"), of("return=all"), of("returns=minimal")), (None, None, None));
    }
}
