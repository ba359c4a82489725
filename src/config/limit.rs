//! The limits that `--limit NAME=VALUE` sets: one table, from which the help is made.

use crate::redfish::session::Sessions;
use crate::server::{self, AGENT_BODY_BYTES, REDFISH_BODY_BYTES};
use crate::{effect, node};

/// Every limit that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Those of the listeners.
    pub server: server::Limits,
    /// Longest body of a request to a controller, bytes.
    pub redfish_body_bytes: usize,
    /// Longest body of a request to an agent, bytes.
    pub agent_body_bytes: usize,
    /// Redfish sessions at once, at the service root that all nodes share.
    pub sessions: usize,
    /// The same at each controller with a root of its own.
    pub sessions_per_bmc: usize,
    /// Those of calls outside.
    pub calls: effect::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            server: server::Limits::default(),
            redfish_body_bytes: REDFISH_BODY_BYTES,
            agent_body_bytes: AGENT_BODY_BYTES,
            sessions: Sessions::LIMIT,
            sessions_per_bmc: node::bmc::session::Sessions::LIMIT,
            calls: effect::Limits::default(),
        }
    }
}

/// A limit of the table.
struct Row {
    name: &'static str,
    help: &'static str,
    /// What may be set, in the unit that the name ends in.
    bounds: std::ops::RangeInclusive<u64>,
    at: At,
}

/// Where a limit is kept.
enum At {
    Count(fn(&mut Limits) -> &mut usize),
    Seconds(fn(&mut Limits) -> &mut std::time::Duration),
}

const fn count(
    name: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
    help: &'static str,
    at: fn(&mut Limits) -> &mut usize,
) -> Row {
    Row { name, help, bounds, at: At::Count(at) }
}

const fn seconds(
    name: &'static str,
    bounds: std::ops::RangeInclusive<u64>,
    help: &'static str,
    at: fn(&mut Limits) -> &mut std::time::Duration,
) -> Row {
    Row { name, help, bounds, at: At::Seconds(at) }
}

/// A day: longer waits are no limits.
const DAY: u64 = 86_400;
const MANY: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// All of them, in the order of the help. Times are in seconds, sizes in bytes.
static ROWS: &[Row] = &[
    count("connections", 1..=MANY, "connections at once; cut to the open files allowed", |l| {
        &mut l.server.connections
    }),
    count("connections-per-bmc", 1..=MANY, "of these, to one local address and port", |l| {
        &mut l.server.connections_per_bmc
    }),
    count("connections-per-client", 1..=MANY, "of these, from one remote address", |l| {
        &mut l.server.connections_per_client
    }),
    count("requests", 1..=MANY, "requests at once that wait for a body or an agent's command", |l| {
        &mut l.server.requests
    }),
    count("header-bytes", 8192..=MANY, "a request's line and headers", |l| &mut l.server.header_bytes),
    count("uri-bytes", 256..=65_534, "a request's target", |l| &mut l.server.uri_bytes),
    count("body-bytes", 1024..=GIB, "a request's body, to a controller", |l| &mut l.redfish_body_bytes),
    count("agent-body-bytes", 1024..=GIB, "a request's body, to an agent", |l| &mut l.agent_body_bytes),
    count("bodies-bytes", 1024..=64 * GIB, "all large bodies at once", |l| &mut l.server.bodies_bytes),
    seconds("handshake-time", 1..=DAY, "a TLS handshake", |l| &mut l.server.handshake),
    seconds("header-time", 1..=DAY, "a request's headers", |l| &mut l.server.header_read),
    seconds("body-time", 1..=DAY, "a request's body", |l| &mut l.server.body_read),
    seconds("request-time", 1..=DAY, "the making of an answer, as for an agent's command", |l| {
        &mut l.server.request
    }),
    seconds("write-time", 1..=DAY, "a client taking nothing of its answer", |l| &mut l.server.write_stall),
    seconds("idle-time", 1..=DAY, "silence between requests", |l| &mut l.server.idle),
    count("sessions", 1..=MANY, "Redfish sessions at a service root for all nodes", |l| &mut l.sessions),
    count("sessions-per-bmc", 1..=1024, "Redfish sessions at a controller with a root of its own", |l| {
        &mut l.sessions_per_bmc
    }),
    count("calls", 1..=65_536, "calls outside at once; cut to the open files allowed", |l| {
        &mut l.calls.calls
    }),
    count("calls-per-server", 1..=65_536, "of these, to one server", |l| &mut l.calls.calls_per_server),
    count("downloads", 1..=65_536, "images being transferred at once", |l| &mut l.calls.downloads),
];

impl Limits {
    /// How many there are to be set.
    pub(super) fn count() -> usize {
        ROWS.len()
    }

    /// What `NAME=VALUE` says: the number of the limit, and the value.
    ///
    /// # Errors
    /// When there is no such limit, or it cannot have that value.
    pub(super) fn parse(text: &str) -> Result<(usize, u64), String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("'{text}' is not NAME=VALUE, as connections=1000"))?;
        let row = ROWS.iter().position(|row| row.name == name).ok_or_else(|| {
            let near = super::error::suggestion(name, ROWS.iter().map(|row| row.name.to_owned()));
            format!("there is no limit '{name}'{near}")
        })?;
        let bounds = &ROWS[row].bounds;
        let value = value.parse().ok().filter(|value| bounds.contains(value));
        let (least, most) = (bounds.start(), bounds.end());
        let value = value.ok_or_else(|| format!("'{text}': allowed are {least} to {most}"))?;
        Ok((row, value))
    }

    /// Sets what [`parse`](Self::parse) gave.
    pub(super) fn set(&mut self, (row, value): (usize, u64)) {
        match ROWS[row].at {
            At::Count(at) => *at(self) = usize::try_from(value).unwrap_or(usize::MAX),
            At::Seconds(at) => *at(self) = std::time::Duration::from_secs(value),
        }
    }

    /// Each with its name, its default and its meaning, for the help.
    pub fn list() -> Vec<(&'static str, String, &'static str)> {
        let mut limits = Self::default();
        let mut entry = |row: &Row| {
            let default = match row.at {
                At::Count(at) => at(&mut limits).to_string(),
                At::Seconds(at) => format!("{} s", at(&mut limits).as_secs()),
            };
            (row.name, default, row.help)
        };
        ROWS.iter().map(&mut entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_and_has_a_default_within_its_bounds() {
        for (n, row) in ROWS.iter().enumerate() {
            let mut limits = Limits::default();
            let default = match row.at {
                At::Count(at) => *at(&mut limits) as u64,
                At::Seconds(at) => at(&mut limits).as_secs(),
            };
            assert!(row.bounds.contains(&default), "{}", row.name);
            for value in [*row.bounds.start(), *row.bounds.end()] {
                assert_eq!(Limits::parse(&format!("{}={value}", row.name)), Ok((n, value)));
                limits.set((n, value));
                match row.at {
                    At::Count(at) => assert_eq!(*at(&mut limits) as u64, value),
                    At::Seconds(at) => assert_eq!(at(&mut limits).as_secs(), value),
                }
            }
        }
    }

    #[test]
    fn limits_of_the_server_have_one_name_in_the_help_and_in_the_figures() {
        for limit in server::Limit::ALL {
            assert!(ROWS.iter().any(|row| row.name == limit.name()), "{}", limit.name());
        }
    }

    #[test]
    fn a_wrong_limit_says_what_would_be_right() {
        for (text, said) in [
            ("sessions", "'sessions' is not NAME=VALUE, as connections=1000"),
            ("session=5", "there is no limit 'session'; did you mean sessions?"),
            ("idle-time=0", "'idle-time=0': allowed are 1 to 86400"),
            ("calls=many", "'calls=many': allowed are 1 to 65536"),
        ] {
            assert_eq!(Limits::parse(text).unwrap_err(), said);
        }
    }
}
