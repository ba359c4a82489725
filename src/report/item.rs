//! `items.ndjson`: one document for each item and operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Operation;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The item has reached the state that the operation leads to.
    Succeeded,
    /// The control plane has reported a failure, or the time for the operation has passed.
    Failed,
    /// The run has ended before the operation did.
    Aborted,
}

/// The value that a group gives an item, such as `workers: 20`.
pub type Value = serde_json::Value;

/// One document of `items.ndjson`: an operation of an item, written when the operation ends.
///
/// Fields that the documents of hosted-wrapper have too keep those names: `uuid`, `timestamp`, `operation`, `status`, `duration`,
/// `cluster_name`, `workers`. All times are seconds of real time since the start of the run, except `timestamp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The id of the document, the same whenever the document is sent: run, item, and number of the operation within the item.
    pub id: String,
    /// The id of the run.
    pub uuid: String,
    /// The start of the operation, RFC 3339 in UTC.
    pub timestamp: String,
    pub operation: Operation,
    pub status: Status,
    /// Seconds from start to end.
    pub duration: f64,
    /// The name of the item, unique in the run; the name of the node that the run creates.
    pub name: String,
    /// The name of the group in the plan.
    pub group: String,
    /// The gang or the set of roles that the item belongs to, such as `small-0003`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The UUID of the node at the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The phase of the plan; absent in a plan without phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The repetition of the phase, from 0 on.
    pub cycle: u32,
    /// The moment at which the plan wanted the item to start. The items of a closed loop have the moment of their start.
    pub scheduled: f64,
    pub started: f64,
    pub ended: f64,
    /// Seconds by which the item started later than scheduled. Only the first operation of an item has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<f64>,
    /// Requests that ask for a change, with their repetitions.
    pub requests: u32,
    /// Repetitions of requests that were refused for a time: a locked node, or a busy server.
    pub retries: u32,
    /// The reason of a failure as the control plane gives it (`last_error`), or as the run has found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error without names, addresses and numbers, so that equal failures have equal texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The conductor that held the node when the operation ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conductor: Option<String>,
    /// The URL of the API that the requests went to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The states of the node as the control plane reported them, with the moments at which the run saw them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<(String, f64)>,
    /// Changes of the machine during the operation, from the journal of the fleet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machine: Vec<MachineEvent>,
    /// Seconds that the machine took, by name: `power`, `boot`, `lookup`, `heartbeat`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub machine_seconds: BTreeMap<String, f64>,
    /// Values of the plan for this item, such as `workers`. Their names differ from those of the fields ([`Group::VALUE_NAMES_IN_USE`](crate::plan::Group::VALUE_NAMES_IN_USE)).
    #[serde(flatten)]
    pub values: BTreeMap<String, Value>,
}

/// A change of the state of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineEvent {
    /// The kind, as `fauxmetal events` names it, such as `power-on`.
    pub event: String,
    pub at: f64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}
