//! Entries as bytes. Two entries are equal if their bytes are equal, so an entry has no time in here.

use std::net::IpAddr;

use super::entry::{Asked, Call, CallKind, Change, Face, Outcome, Request, What};
use super::event::Event;
use super::user_agents::{NONE, UserAgents};
use crate::note::Note;

/// Set in the first byte of an entry that clients or the node repeat all the time, and that changes nothing.
const POLL: u8 = 0x80;
const REQUEST: u8 = 0;
const CALL: u8 = 1;
const STATE: u8 = 2;

/// The methods that have a number of one byte.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT"];
/// Stands for a method that is written out.
const OTHER_METHOD: u8 = 255;
/// Longest method that is written out, bytes.
const MAX_METHOD: usize = 32;

/// Whether the entry is a poll.
#[inline]
pub(super) fn is_poll(body: &[u8]) -> bool {
    body.first().is_some_and(|first| first & POLL != 0)
}

/// Whether the entry is a change of state.
pub(super) fn is_state(body: &[u8]) -> bool {
    body.first().is_some_and(|first| first & !POLL == STATE)
}

/// The text, cut to `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[inline]
fn put_text(out: &mut Vec<u8>, text: &str, most: usize) {
    let text = cut(text, most);
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Writes a request.
#[inline]
pub(super) fn request(out: &mut Vec<u8>, asked: &Asked<'_>, user_agents: &UserAgents) {
    let method = METHODS.iter().position(|method| *method == asked.method);
    let reads = matches!(method, Some(0 | 1));
    let face = match asked.face {
        Face::Redfish => 0,
        Face::Agent => 1,
    };
    let method_number = method.map_or(OTHER_METHOD, |method| method as u8);
    let user_agent = asked.user_agent.map_or(NONE, |raw| user_agents.number(raw));
    let [low, high] = asked.status.unwrap_or_default().to_le_bytes();
    out.extend_from_slice(&[
        REQUEST | if reads { POLL } else { 0 },
        face,
        method_number,
        low,
        high,
        user_agent,
    ]);
    match asked.client {
        None => out.push(0),
        Some(IpAddr::V4(ip)) => {
            out.push(4);
            out.extend_from_slice(&ip.octets());
        }
        Some(IpAddr::V6(ip)) => {
            out.push(6);
            out.extend_from_slice(&ip.octets());
        }
    }
    if method.is_none() {
        put_text(out, asked.method, MAX_METHOD);
    }
    // A path has no secrets. A query can have the token of an agent.
    if asked.uri.contains('?') {
        put_text(out, Note::from(asked.uri).as_str(), Request::MAX_URI);
    } else {
        put_text(out, asked.uri, Request::MAX_URI);
    }
    put_text(out, asked.changed, Request::MAX_NAMES);
    if let Some((registry, key)) = asked.message {
        out.push(registry.len() as u8);
        out.extend_from_slice(registry.as_bytes());
        put_text(out, key, Request::MAX_NAMES);
    }
}

/// Writes a call.
pub(super) fn call(out: &mut Vec<u8>, call: &Call) {
    let kind = CallKind::ALL.iter().position(|kind| *kind == call.call).unwrap_or_default() as u8;
    let outcome = Outcome::ALL.iter().position(|outcome| *outcome == call.outcome).unwrap_or_default() as u8;
    let [low, high] = call.status.unwrap_or_default().to_le_bytes();
    out.extend_from_slice(&[CALL | if call.call.is_poll() { POLL } else { 0 }, kind, outcome, low, high]);
    put_text(out, &call.url, Call::MAX_URL);
    put_text(out, call.error.as_deref().unwrap_or_default(), Call::MAX_ERROR);
}

/// Writes a change of state.
pub(super) fn state(out: &mut Vec<u8>, event: Event, detail: &str) {
    out.extend_from_slice(&[STATE, event as u8]);
    put_text(out, detail, Change::MAX_DETAIL);
}

/// The bytes of an entry that are left to be read.
struct Left<'a>(&'a [u8]);

impl<'a> Left<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a str> {
        let bytes = self.number()?;
        str::from_utf8(self.take(usize::from(bytes))?).ok()
    }
}

/// Reads an entry. `None` if the bytes are none that this file has written.
pub(super) fn decode(body: &[u8], user_agents: &UserAgents) -> Option<What> {
    let mut left = Left(body);
    Some(match left.byte()? & !POLL {
        REQUEST => What::Request(decode_request(&mut left, user_agents)?),
        CALL => {
            let (kind, outcome, status) = (left.byte()?, left.byte()?, left.number()?);
            let (url, error) = (left.text()?, left.text()?);
            What::Call(Call {
                call: *CallKind::ALL.get(usize::from(kind))?,
                url: url.into(),
                outcome: *Outcome::ALL.get(usize::from(outcome))?,
                status: Some(status).filter(|status| *status > 0),
                error: Some(error).filter(|error| !error.is_empty()).map(Into::into),
            })
        }
        STATE => {
            let event = *Event::ALL.get(usize::from(left.byte()?))?;
            What::State(Change { event, detail: left.text()?.into() })
        }
        _ => return None,
    })
}

fn decode_request(left: &mut Left<'_>, user_agents: &UserAgents) -> Option<Request> {
    let face = match left.byte()? {
        0 => Face::Redfish,
        _ => Face::Agent,
    };
    let method = left.byte()?;
    let status = Some(left.number()?).filter(|status| *status > 0);
    let user_agent = user_agents.text(left.byte()?);
    let client = match left.byte()? {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(left.take(4)?).ok()?)),
        6 => Some(IpAddr::from(<[u8; 16]>::try_from(left.take(16)?).ok()?)),
        _ => None,
    };
    let method = if method == OTHER_METHOD { left.text()? } else { METHODS.get(usize::from(method))? };
    let uri = left.text()?;
    let changed = left.text()?.split(' ').filter(|name| !name.is_empty()).map(Into::into).collect();
    let message = left.byte().and_then(|length| {
        let registry = str::from_utf8(left.take(usize::from(length))?).ok()?;
        Some(format!("{registry}.{}", left.text()?).into())
    });
    let (method, uri) = (method.into(), uri.into());
    Some(Request { face, client, user_agent, method, uri, changed, status, message })
}
