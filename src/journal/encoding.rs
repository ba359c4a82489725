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

/// The methods that have a number of one byte, as [`method_number`] numbers them.
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

/// Bytes of a request before its texts, without the address of the client.
const FIXED: usize = 13;

/// The number of a method.
#[inline]
fn method_number(method: &str) -> u8 {
    match method {
        "GET" => 0,
        "HEAD" => 1,
        "POST" => 2,
        "PATCH" => 3,
        "DELETE" => 4,
        "PUT" => 5,
        _ => OTHER_METHOD,
    }
}

/// Writes a request: some numbers of fixed length, the address of the client, and the texts.
#[inline]
pub(super) fn request(out: &mut Vec<u8>, asked: &Asked<'_>, user_agents: &UserAgents) {
    let method = method_number(asked.method);
    let reads = method <= 1;
    let user_agent = asked.user_agent.map_or(NONE, |raw| user_agents.number(raw));
    let path = cut(asked.path, Request::MAX_URI);
    // A path has no secrets. A query can have the token of an agent.
    let query = asked.query.map(|query| Note::from(query).to_string());
    let query = query.as_deref().map(|query| cut(query, Request::MAX_URI - path.len()));
    let changed = cut(asked.changed, Request::MAX_NAMES);
    let (registry, key) = asked.message.unwrap_or_default();
    let mut fixed = [0; FIXED + 16];
    fixed[0] = REQUEST | if reads { POLL } else { 0 };
    fixed[1] = match asked.face {
        Face::Redfish => 0,
        Face::Agent => 1,
        Face::Control => 2,
    };
    fixed[2] = method;
    fixed[3..5].copy_from_slice(&asked.status.unwrap_or_default().to_le_bytes());
    fixed[5] = user_agent;
    let uri = path.len() + query.map_or(0, |query| 1 + query.len());
    fixed[6..8].copy_from_slice(&(uri as u16).to_le_bytes());
    fixed[8..10].copy_from_slice(&(changed.len() as u16).to_le_bytes());
    (fixed[10], fixed[11]) = (registry.len() as u8, key.len() as u8);
    let length = match asked.client {
        None => FIXED,
        Some(IpAddr::V4(ip)) => {
            fixed[12] = 4;
            fixed[FIXED..FIXED + 4].copy_from_slice(&ip.octets());
            FIXED + 4
        }
        Some(IpAddr::V6(ip)) => {
            fixed[12] = 16;
            fixed[FIXED..].copy_from_slice(&ip.octets());
            FIXED + 16
        }
    };
    out.extend_from_slice(&fixed[..length]);
    out.extend_from_slice(path.as_bytes());
    if let Some(query) = query {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    if !changed.is_empty() {
        out.extend_from_slice(changed.as_bytes());
    }
    if !key.is_empty() {
        out.extend_from_slice(registry.as_bytes());
        out.extend_from_slice(key.as_bytes());
    }
    if method == OTHER_METHOD {
        put_text(out, asked.method, MAX_METHOD);
    }
}

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
        self.text_of(usize::from(bytes))
    }

    fn text_of(&mut self, bytes: usize) -> Option<&'a str> {
        str::from_utf8(self.take(bytes)?).ok()
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
        1 => Face::Agent,
        _ => Face::Control,
    };
    let method = left.byte()?;
    let status = Some(left.number()?).filter(|status| *status > 0);
    let user_agent = user_agents.text(left.byte()?);
    let (uri, changed) = (left.number()?, left.number()?);
    let (registry, key) = (left.byte()?, left.byte()?);
    let client = match left.byte()? {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(left.take(4)?).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(left.take(16)?).ok()?)),
        _ => None,
    };
    let uri = left.text_of(usize::from(uri))?.into();
    let changed = left.text_of(usize::from(changed))?;
    let changed = paths(changed);
    let (registry, key) = (left.text_of(usize::from(registry))?, left.text_of(usize::from(key))?);
    let message = (!key.is_empty()).then(|| format!("{registry}.{key}").into());
    let method = if method == OTHER_METHOD { left.text()? } else { METHODS.get(usize::from(method))? };
    Some(Request { face, client, user_agent, method: method.into(), uri, changed, status, message })
}

/// The names of [`Asked::changed`], each with those of the objects that it is in: `Boot.BootSourceOverrideTarget`.
fn paths(names: &str) -> Vec<Box<str>> {
    let is_end = |c| matches!(c, ' ' | Asked::BEGIN | Asked::END);
    let (mut paths, mut above) = (Vec::new(), Vec::new());
    for piece in names.split_inclusive(is_end) {
        let name = piece.strip_suffix(is_end).unwrap_or(piece);
        // A client can send any text as a name.
        let shown = if name.bytes().all(|byte| byte.is_ascii_graphic()) { name } else { "?" };
        if piece.ends_with(Asked::BEGIN) {
            above.push(shown);
            continue;
        }
        if !name.is_empty() {
            above.push(shown);
            paths.push(above.join(".").into());
            above.pop();
        }
        if piece.ends_with(Asked::END) {
            above.pop();
        }
    }
    paths
}
