//! All limits of the server, with their defaults.

use std::time::Duration;

/// The default maximum size of a Redfish request body, in bytes. The largest bodies are settings and inline
/// certificates.
pub const REDFISH_BODY_BYTES: usize = 1 << 20;

/// The default maximum size of a request body to an agent, in bytes. Ironic posts the complete node with its config
/// drive.
pub const AGENT_BODY_BYTES: usize = 16 << 20;

/// Declares [`Limit`] from one table, so that a variant cannot lack its name or its place in `ALL`.
macro_rules! limits {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// The limits of the server that a client can reach, as `--limit` and the metrics name them. [`Limits`]
        /// describes each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit { $($variant),+ }

        impl Limit {
            /// All limits, in the order of their numbers.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

limits! {
    Connections = "connections",
    ConnectionsPerBmc = "connections-per-bmc",
    ConnectionsPerClient = "connections-per-client",
    Requests = "requests",
    HeaderBytes = "header-bytes",
    UriBytes = "uri-bytes",
    BodyBytes = "body-bytes",
    BodiesBytes = "bodies-bytes",
    HandshakeTime = "handshake-time",
    HeaderTime = "header-time",
    BodyTime = "body-time",
    IdleTime = "idle-time",
    WriteTime = "write-time",
    RequestTime = "request-time",
}

/// The limits of one server, over all its listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. A connection beyond the limit is answered 503 and closed.
    pub connections: usize,
    /// Open connections to one local address and port. If each BMC has an address of its own, this is the limit per
    /// BMC.
    pub connections_per_bmc: usize,
    /// Open connections from one remote address.
    pub connections_per_client: usize,
    /// Refused connections that are answered 503 at the same time. Beyond it they are closed without a response.
    pub refusals: usize,
    /// Requests that wait for their body or for the end of an agent's command. Beyond it a request is answered 503.
    pub requests: usize,
    /// Size of the request line and headers, in bytes. Beyond it hyper answers 431.
    pub header_bytes: usize,
    /// Length of the request target, in bytes. Beyond it a request is answered 414.
    pub uri_bytes: usize,
    /// Memory for all large bodies together, in bytes. Beyond it a request is answered 503.
    pub bodies_bytes: usize,
    /// Time from the TCP connection to the end of the TLS handshake.
    pub handshake: Duration,
    /// Time from the first byte of a request to the end of its headers.
    pub header_read: Duration,
    /// Time from the end of the headers to the end of the body. Beyond it a request is answered 408.
    pub body_read: Duration,
    /// Time without any byte before the first request and between requests.
    pub idle: Duration,
    /// Time during which a client reads no byte of its response.
    pub write_stall: Duration,
    /// Time from the complete request to its response. Beyond it a request is answered 503.
    pub request: Duration,
    /// Time during which the remaining bytes of a refused request are read and dropped, so that the client can read the
    /// refusal.
    pub linger: Duration,
    /// Time for the requests in flight when the server stops.
    pub drain: Duration,
}

impl Limits {
    /// Each conductor of Ironic keeps up to 1,000 BMC sessions open.
    pub const CONNECTIONS: usize = 16_384;
    /// Above [`CONNECTIONS`](Self::CONNECTIONS), so it has no effect by default: a load generator is one client, and a
    /// shared service root is one address.
    pub const CONNECTIONS_OF_ONE: usize = 1 << 20;
    /// Enough for the connections that are refused during a few round trips.
    pub const REFUSALS: usize = 64;
    /// One for each connection.
    pub const REQUESTS: usize = Self::CONNECTIONS;
    /// Leaves space for long tokens and for headers that proxies add.
    pub const HEADER_BYTES: usize = 32 << 10;
    /// The 8,000 octets of RFC 9110, section 4.1, rounded up.
    pub const URI_BYTES: usize = 8 << 10;
    /// 32 bodies of the maximum size.
    pub const BODIES_BYTES: usize = 512 << 20;
    /// Two round trips on a very slow path.
    pub const HANDSHAKE: Duration = Duration::from_secs(10);
    /// Headers fit into a few packets.
    pub const HEADER_READ: Duration = Duration::from_secs(10);
    /// The time that Ironic's agent client allows for a complete command (`[agent]command_timeout`).
    pub const BODY_READ: Duration = Duration::from_secs(60);
    /// Longer than the 60 s between Ironic's power state polls (`[conductor]sync_power_state_interval`), so that Ironic
    /// can reuse its connections.
    pub const IDLE: Duration = Duration::from_secs(120);
    /// A client that reads nothing for this time has gone.
    pub const WRITE_STALL: Duration = Duration::from_secs(30);
    /// Ten times the time that Ironic allows for an agent's command (`[agent]command_timeout`), for a command with
    /// `wait=true`.
    pub const REQUEST: Duration = Duration::from_secs(600);
    /// A client on the same network has sent the remaining bytes within this time.
    pub const LINGER: Duration = Duration::from_secs(2);
    /// Shorter than the 10 s and 30 s that container managers wait before they kill a process.
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
    /// Reduces the limits so that connections and outgoing calls together need at most `files` open files. If the
    /// process had no file left, each accept would fail at once and no outgoing call would be possible.
    ///
    /// Outgoing calls get at most a quarter of the usable files, refused connections at most an eighth. `calls` is the
    /// wanted number of concurrent outgoing calls; returns the allowed number.
    pub fn fit(&mut self, files: usize, calls: usize) -> usize {
        let usable = files.saturating_sub(RESERVED_FILES);
        let calls = calls.min(usable / 4).max(1);
        self.refusals = self.refusals.min(usable / 8).max(1);
        self.connections = self.connections.min(usable.saturating_sub(calls + self.refusals)).max(1);
        calls
    }
}

/// Files that the process itself needs: standard streams, listeners, timers, certificates while they are read.
const RESERVED_FILES: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_open_files_reduce_the_limits_and_many_change_nothing() {
        let mut limits = Limits::default();
        let calls = limits.fit(256, 256);
        assert_eq!((limits.connections, limits.refusals, calls), (130, 26, 52));
        assert!(limits.connections + limits.refusals + calls + RESERVED_FILES <= 256);
        let mut limits = Limits::default();
        limits.fit(1 << 20, 256);
        assert_eq!(limits, Limits::default());
        let mut limits = Limits::default();
        assert_eq!((limits.fit(10, 256), limits.connections, limits.refusals), (1, 1, 1));
    }
}
