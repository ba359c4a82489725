//! Every limit of the server in one place.

use std::time::Duration;

/// Longest request body of a Redfish client, in bytes. The largest are settings and inline certificates.
pub const REDFISH_BODY_BYTES: usize = 1 << 20;

/// Longest request body of an agent's client, in bytes. Ironic posts the whole node with its configuration drive.
pub const AGENT_BODY_BYTES: usize = 16 << 20;

/// The limits of a server that a client can hit, as `--limit` and the page of figures name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described where its value stands, in Limits")]
pub enum Limit {
    Connections,
    ConnectionsPerBmc,
    ConnectionsPerClient,
    Requests,
    HeaderBytes,
    UriBytes,
    BodyBytes,
    BodiesBytes,
    HandshakeTime,
    HeaderTime,
    BodyTime,
    IdleTime,
    WriteTime,
    RequestTime,
}

impl Limit {
    /// All of them, in their order.
    pub const ALL: [Self; 14] = [
        Self::Connections,
        Self::ConnectionsPerBmc,
        Self::ConnectionsPerClient,
        Self::Requests,
        Self::HeaderBytes,
        Self::UriBytes,
        Self::BodyBytes,
        Self::BodiesBytes,
        Self::HandshakeTime,
        Self::HeaderTime,
        Self::BodyTime,
        Self::IdleTime,
        Self::WriteTime,
        Self::RequestTime,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::ConnectionsPerBmc => "connections-per-bmc",
            Self::ConnectionsPerClient => "connections-per-client",
            Self::Requests => "requests",
            Self::HeaderBytes => "header-bytes",
            Self::UriBytes => "uri-bytes",
            Self::BodyBytes => "body-bytes",
            Self::BodiesBytes => "bodies-bytes",
            Self::HandshakeTime => "handshake-time",
            Self::HeaderTime => "header-time",
            Self::BodyTime => "body-time",
            Self::IdleTime => "idle-time",
            Self::WriteTime => "write-time",
            Self::RequestTime => "request-time",
        }
    }
}

/// What one server grants all of its clients together, and each of them in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, over all listeners. Beyond it a client is answered 503 and closed.
    pub connections: usize,
    /// Connections at once to one local address and port, which is one controller where each has an address of its own.
    pub connections_per_bmc: usize,
    /// Connections at once from one client's address.
    pub connections_per_client: usize,
    /// Connections beyond the limits that are told so at once. Beyond it they are closed without a word.
    pub refusals: usize,
    /// Requests at once that wait: for their body, or for an agent's command to end. Beyond it a request is answered 503.
    pub requests: usize,
    /// Length of a request's line and headers, in bytes. Beyond it hyper answers 431.
    pub header_bytes: usize,
    /// Length of the request target, in bytes. Beyond it a request is answered 414.
    pub uri_bytes: usize,
    /// Bytes of all large bodies being held at once. Beyond it a request is answered 503.
    pub bodies_bytes: usize,
    /// From the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// From a request's first byte to the end of its headers.
    pub header_read: Duration,
    /// From the end of a request's headers to the end of its body. Beyond it a request is answered 408.
    pub body_read: Duration,
    /// How long a connection may be silent between two requests, or before the first.
    pub idle: Duration,
    /// How long a client may take no byte of its answer.
    pub write_stall: Duration,
    /// How long an answer may be in the making once the request is read. Beyond it a request is answered 503.
    pub request: Duration,
    /// How long the rest of a refused request is read and dropped, so that the client gets to read the refusal.
    pub linger: Duration,
    /// How long requests in flight may take when the server stops.
    pub drain: Duration,
}

impl Limits {
    /// Each conductor of Ironic keeps up to 1,000 BMC sessions open.
    pub const CONNECTIONS: usize = 16_384;
    /// As good as no limit: a load generator is one client, and a shared service root one controller.
    pub const CONNECTIONS_OF_ONE: usize = 1 << 20;
    /// A few round trips' worth of those that have to be told.
    pub const REFUSALS: usize = 64;
    /// Each connection can have one.
    pub const REQUESTS: usize = Self::CONNECTIONS;
    /// Room for long tokens and proxies' additions.
    pub const HEADER_BYTES: usize = 32 << 10;
    /// The 8,000 octets of RFC 9110, section 4.1, rounded up.
    pub const URI_BYTES: usize = 8 << 10;
    /// Thirty-two of the largest bodies.
    pub const BODIES_BYTES: usize = 512 << 20;
    /// Two round trips, on a very slow path.
    pub const HANDSHAKE: Duration = Duration::from_secs(10);
    /// Headers fit into a few packets.
    pub const HEADER_READ: Duration = Duration::from_secs(10);
    /// The time Ironic's agent client gives a whole command (`[agent]command_timeout`).
    pub const BODY_READ: Duration = Duration::from_secs(60);
    /// Beyond the 60 s between Ironic's power state polls (`[conductor]sync_power_state_interval`), so that its
    /// sessions are found open.
    pub const IDLE: Duration = Duration::from_secs(120);
    /// A client that reads nothing for so long is gone.
    pub const WRITE_STALL: Duration = Duration::from_secs(30);
    /// Ten times what Ironic gives a command of an agent (`[agent]command_timeout`), for one that it waits for.
    pub const REQUEST: Duration = Duration::from_secs(600);
    /// A client on the same network has sent the rest by then.
    pub const LINGER: Duration = Duration::from_secs(2);
    /// Below the 10 s and 30 s that container managers wait before they kill.
    pub const DRAIN: Duration = Duration::from_secs(8);
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: Limits::CONNECTIONS,
            connections_per_bmc: Limits::CONNECTIONS_OF_ONE,
            connections_per_client: Limits::CONNECTIONS_OF_ONE,
            refusals: Limits::REFUSALS,
            requests: Limits::REQUESTS,
            header_bytes: Limits::HEADER_BYTES,
            uri_bytes: Limits::URI_BYTES,
            bodies_bytes: Limits::BODIES_BYTES,
            handshake: Limits::HANDSHAKE,
            header_read: Limits::HEADER_READ,
            body_read: Limits::BODY_READ,
            idle: Limits::IDLE,
            write_stall: Limits::WRITE_STALL,
            request: Limits::REQUEST,
            linger: Limits::LINGER,
            drain: Limits::DRAIN,
        }
    }
}

impl Limits {
    /// Cuts what takes files to what `files` allow, so that connections never take the last one: accepting would spin,
    /// and nothing could be called. Of `calls` outside at once, as many are left as go into a quarter; an eighth at most is
    /// for connections that are refused. Returns how many calls that leaves.
    pub fn fit(&mut self, files: usize, calls: usize) -> usize {
        let usable = files.saturating_sub(FILES_OF_ITS_OWN);
        let calls = calls.min(usable / 4).max(1);
        self.refusals = self.refusals.min(usable / 8).max(1);
        self.connections = self.connections.min(usable.saturating_sub(calls + self.refusals)).max(1);
        calls
    }
}

/// Files that a process has open for itself: its streams, listeners, timers, certificates being read.
const FILES_OF_ITS_OWN: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_leave_room_for_calls_and_many_change_nothing() {
        let mut limits = Limits::default();
        let calls = limits.fit(256, 256);
        assert_eq!((limits.connections, limits.refusals, calls), (130, 26, 52));
        assert!(limits.connections + limits.refusals + calls + FILES_OF_ITS_OWN <= 256);
        let mut limits = Limits::default();
        limits.fit(1 << 20, 256);
        assert_eq!(limits, Limits::default());
        let mut limits = Limits::default();
        assert_eq!((limits.fit(10, 256), limits.connections, limits.refusals), (1, 1, 1));
    }

    #[test]
    fn limits_stand_in_the_order_of_their_numbers() {
        for (n, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, n, "{}", limit.name());
        }
    }
}
