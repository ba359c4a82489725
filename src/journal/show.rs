//! Entries as lines of text.

use std::fmt;

use super::entry::{Call, Change, Entry, Outcome, Request, What, stamp};
use super::event::Event;
use crate::time::SimTime;

/// The time of day in UTC.
pub(crate) fn clock_time(at: SimTime) -> String {
    stamp(at).strftime("%H:%M:%S").to_string()
}

/// One line: the time of day of the first occurrence (UTC), the occurrence, and how often it was repeated.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", clock_time(self.first), self.what)?;
        if self.count > 1 {
            write!(f, "  x{} over {}", self.count, Took(self.last.since_ms(self.first)))?;
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => request.fmt(f),
            Self::Call(call) => call.fmt(f),
            Self::State(change) => change.fmt(f),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { face: _, client, user_agent, method, uri, changed, status, message } = self;
        write!(f, "{method} {uri}")?;
        for name in changed {
            write!(f, " {name}")?;
        }
        match status {
            Some(status) => write!(f, " → {status}")?,
            None => f.write_str(" → connection closed")?,
        }
        if let Some(message) = message {
            write!(f, " {message}")?;
        }
        match (user_agent, client) {
            (Some(user_agent), Some(client)) => write!(f, "   {user_agent} from {client}"),
            (Some(user_agent), None) => write!(f, "   {user_agent}"),
            (None, Some(client)) => write!(f, "   from {client}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, url, outcome, status, error } = self;
        f.write_str(call.name())?;
        if !url.is_empty() {
            write!(f, " {url}")?;
        }
        f.write_str(" → ")?;
        match (outcome, status) {
            (Outcome::Ok, None) => f.write_str("ok")?,
            (Outcome::Held, _) => f.write_str("held back")?,
            (Outcome::Refused | Outcome::Failed, None) => f.write_str("failed")?,
            (Outcome::Ok | Outcome::Refused | Outcome::Failed, Some(status)) => write!(f, "{status}")?,
        }
        match error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, detail } = self;
        f.write_str(event.text())?;
        match (event, &**detail) {
            (_, "") => Ok(()),
            (Event::Found, uuid) => write!(f, " as {uuid}"),
            (Event::Booted, what) => write!(f, " {what}"),
            (_, detail) => write!(f, " {detail}"),
        }
    }
}

/// A duration in milliseconds, as people write it: `340ms`, `3.2s`, `10m`, `1h 5m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Took(pub(super) u64);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60_000;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let pair = |f: &mut fmt::Formatter<'_>, big: (u64, &str), small: (u64, &str)| match small.0 {
            0 => write!(f, "{}{}", big.0, big.1),
            _ => write!(f, "{}{} {}{}", big.0, big.1, small.0, small.1),
        };
        match self.0 {
            ms @ 0..1000 => write!(f, "{ms}ms"),
            ms @ 1000..MINUTE if ms % 1000 < 100 => write!(f, "{}s", ms / 1000),
            ms @ 1000..MINUTE => write!(f, "{}.{}s", ms / 1000, ms % 1000 / 100),
            ms @ MINUTE..HOUR => pair(f, (ms / MINUTE, "m"), (ms % MINUTE / 1000, "s")),
            ms @ HOUR..DAY => pair(f, (ms / HOUR, "h"), (ms % HOUR / MINUTE, "m")),
            ms => pair(f, (ms / DAY, "d"), (ms % DAY / HOUR, "h")),
        }
    }
}
