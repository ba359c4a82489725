//! The errors of the public API.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::state::NodeState;

/// Why a simulator cannot start, or a call fails. A call that fails changes nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting of the [`Builder`](crate::Builder) has a value that is not allowed.
    #[error("{field}: '{value}' is not allowed: {allowed}")]
    Setting {
        /// The method of the builder that sets it.
        field: &'static str,
        /// The value as given. A password, and a URL with one, are replaced by `***`.
        value: String,
        /// The reason, and the values that are allowed.
        allowed: String,
    },
    /// The host refuses a listening socket.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// The reason of the operating system.
        source: io::Error,
    },
    /// The certificates or the settings of TLS cannot be made.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
    /// The host refuses to start threads.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
    /// No node has this index, name or UUID.
    #[error("there is no node '{wanted}'; the nodes are 0 to {last}")]
    NoSuchNode {
        /// The index, name or UUID.
        wanted: String,
        /// Index and name of the last node.
        last: String,
    },
    /// A node refuses a change.
    #[error("{node} refuses {change} '{value}': {reason}")]
    Refused {
        /// The name of the node.
        node: String,
        /// The property or parameter in DMTF's words, such as `ResetType`.
        change: &'static str,
        /// The value as given.
        value: String,
        /// The reason, or the values that are allowed.
        reason: String,
    },
    /// A condition did not hold in time.
    #[error("{node} did not reach the condition within {timeout:?}; its state is {state:?}")]
    TimedOut {
        /// The name of the node.
        node: String,
        /// The time that was given, real time.
        timeout: Duration,
        /// The state at the end of that time.
        state: Box<NodeState>,
    },
    /// Time was to be moved, and the clock runs by itself.
    #[error(
        "the clock runs by itself, at {speed} simulated seconds per real second; only a clock that Builder::clock_by_hand makes is moved"
    )]
    ClockRuns {
        /// Simulated seconds per real second.
        speed: f64,
    },
    /// The simulator has stopped, so nothing more happens in it.
    #[error("the simulator has stopped")]
    Stopped,
}
