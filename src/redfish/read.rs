//! Reads the change that a body asks for.

use bytes::Bytes;
use http::{HeaderValue, Request};

use super::ask::Ask;
use super::body::Body;
use super::client::May;
use super::error::Problem;
use super::headers::Head;
use super::message::{HEADER_INVALID, INSUFFICIENT_PRIVILEGE, Message};
use super::render;
use super::request::Decision;
use super::resource::{Asked, Owner};
use super::row::Row;

/// Refuses the properties that the documents of the model do not show, or show with a value of its own.
pub(super) fn refuse_overlaid<'a, O: Owner>(cx: &O::Cx<'a>, row: &'a Row<O>, body: &mut Body) {
    if let Some(overlay) = render::overlay(cx, row).0 {
        body.refuse_overlaid(overlay);
    }
}

/// Reads the change that a body asks for. All mistakes of the body are reported at once, and then nothing is changed.
pub(super) fn read<O: Owner>(
    ask: &Ask<'_>,
    request: &Request<Bytes>,
    head: &Head<'_>,
    action: Option<&'static str>,
    read: impl FnOnce(&mut Body) -> Asked<O>,
    known: impl Fn(&str) -> bool,
) -> Result<Decision<O::Change>, Problem> {
    check_type(head, request.body())?;
    let mut body = Body::parse(request.body(), action)?;
    // The parameters of an action change no property.
    if action.is_none() {
        ask.trace.asks_for(&body);
    }
    if let Some(nothing) = body.asks_for_nothing().filter(|_| action.is_none()) {
        return Err(nothing.into());
    }
    if let May::Only(properties) = ask.by.may
        && action.is_none()
        && body.has_others(properties)
    {
        return Err(match ask.by.client.filter(|client| client.must_change) {
            Some(client) => client.change_password_first().into(),
            None => (&INSUFFICIENT_PRIVILEGE).into(),
        });
    }
    let change = read(&mut body)?;
    let messages = body.finish(known);
    if !messages.is_empty() {
        return Err(Problem { messages, retry_after_s: None });
    }
    Ok(Decision::Change(change.expect("a body without mistakes asks for a change")))
}

/// The body must be JSON if a client says what it is (DSP0266, "Request headers"). A client that says nothing, such as
/// Python's urllib with plain bytes, is taken to mean JSON.
pub(super) fn check_type(head: &Head<'_>, body: &[u8]) -> Result<(), Problem> {
    let is_json = |value: &HeaderValue| {
        if value.as_bytes() == b"application/json" {
            return true;
        }
        let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
    };
    match head.content_type.filter(|_| !body.is_empty()) {
        Some(given) if !is_json(given) => Err(Message::new(&HEADER_INVALID, ["Content-Type"]).into()),
        _ => Ok(()),
    }
}
