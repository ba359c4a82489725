//! Events of the fleet, and the journal of a node.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::journal::{Chain, Entry, Event};

/// An event of a node, as `data` of a server-sent event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FleetEvent {
    /// Simulated time, RFC 3339.
    pub time: String,
    #[schema(example = "generic-3")]
    pub node: String,
    pub uuid: String,
    pub event: Event,
    /// The event in a few words.
    #[schema(example = "booting from Cd")]
    pub text: String,
}

/// Events that the reader cannot get any more, as `data` of a server-sent event of the kind `missed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Missed {
    pub reason: String,
    /// The number of events; missing if nobody knows it, as after a restart of the daemon.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub events: Option<u64>,
}

/// The journal of a node: its last requests, calls and changes of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeJournal {
    /// A new word at each start of the daemon. The journal begins anew then.
    pub epoch: String,
    pub node: String,
    /// In order of their first occurrences.
    pub entries: Vec<Entry>,
    /// Whether older entries were dropped.
    pub missed: bool,
    /// The steps of the last boot and of the last deployment, as far as the journal has them.
    pub chains: Vec<Chain>,
    /// What the node waits for, since when, and what would help.
    pub explanation: String,
}
