//! Every limit of the server in one place.

use std::time::Duration;

/// Longest request body of a Redfish client, in bytes. The largest are settings and inline certificates.
pub const REDFISH_BODY_BYTES: usize = 1 << 20;

/// Longest request body of an agent's client, in bytes. Ironic posts the whole node with its configuration drive.
pub const AGENT_BODY_BYTES: usize = 16 << 20;

/// What one server grants all of its clients together, and each of them in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, over all listeners. Beyond it a client is answered 503 and closed.
    pub connections: usize,
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
    /// How long the rest of a refused request is read and dropped, so that the client gets to read the refusal.
    pub linger: Duration,
    /// How long requests in flight may take when the server stops.
    pub drain: Duration,
}

impl Limits {
    /// Each conductor of Ironic keeps up to 1,000 BMC sessions open.
    pub const CONNECTIONS: usize = 16_384;
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
    /// A client on the same network has sent the rest by then.
    pub const LINGER: Duration = Duration::from_secs(2);
    /// Below the 10 s and 30 s that container managers wait before they kill.
    pub const DRAIN: Duration = Duration::from_secs(8);
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: Limits::CONNECTIONS,
            header_bytes: Limits::HEADER_BYTES,
            uri_bytes: Limits::URI_BYTES,
            bodies_bytes: Limits::BODIES_BYTES,
            handshake: Limits::HANDSHAKE,
            header_read: Limits::HEADER_READ,
            body_read: Limits::BODY_READ,
            idle: Limits::IDLE,
            write_stall: Limits::WRITE_STALL,
            linger: Limits::LINGER,
            drain: Limits::DRAIN,
        }
    }
}
