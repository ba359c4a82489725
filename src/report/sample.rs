//! `samples.ndjson`: the state of the run and of its surroundings, every few seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of `samples.ndjson`. Counters begin at zero when the run starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// The id of the run.
    pub uuid: String,
    /// RFC 3339 in UTC.
    pub timestamp: String,
    /// Seconds since the start of the run.
    pub at: f64,
    /// The phase of the plan; absent in a plan without phases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Items of the run by state of the control plane, such as `inspect wait`.
    pub states: BTreeMap<String, u32>,
    /// Items that have not started.
    pub waiting: u32,
    /// Items between start and end.
    pub in_flight: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// Items that have reached the state in which the plan leaves them.
    pub parked: u32,
    /// Requests by which the run asked for changes.
    pub requests: u64,
    /// Lists of all nodes that the run has read, their requests, and the seconds until their answers.
    pub polls: u64,
    pub poll_requests: u64,
    pub poll_seconds: f64,
    /// Requests that the machines themselves have made, by kind and result, such as `heartbeat ok`. Empty if the fleet is not known.
    pub agent_requests: BTreeMap<String, u64>,
    /// Watched processes by name; `fauxmetal` is the process of the run.
    pub processes: BTreeMap<String, Process>,
    /// Values of scraped metrics, with the names and labels that the server gives them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scraped: BTreeMap<String, f64>,
}

/// The use of a process and of all of its descendants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// CPU seconds since the start of the run.
    pub cpu: f64,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Processes that were found; zero after their end.
    pub count: u32,
}
