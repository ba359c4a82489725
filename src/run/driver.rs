//! The interface between the engine and the control plane or BMC that a run drives.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::time::Instant;

use serde_json::Value;

use super::machine::Machine;
use crate::plan::{Group, Operation, Stage, Until};

/// An item as a driver sees it.
#[derive(Clone, Debug)]
pub struct Job {
    /// The number of the item in the plan.
    pub item: u32,
    /// The id of the run, which marks the nodes that it creates.
    pub run: Arc<str>,
    /// The name of the node that the run creates, unique in the control plane.
    pub name: Arc<str>,
    pub group: Arc<Group>,
    pub machine: Arc<Machine>,
    /// The values of the plan for this item.
    pub values: Arc<BTreeMap<String, Value>>,
    /// The moment at which the operation has failed for lack of time.
    pub deadline: Instant,
}

/// How an operation went.
#[derive(Clone, Debug, Default)]
pub struct Performed {
    /// The reason of a failure.
    pub error: Option<String>,
    /// The id of the node at the control plane.
    pub node: Option<String>,
    pub conductor: Option<String>,
    /// The API that got the requests.
    pub endpoint: Option<Arc<str>>,
    /// The states that the control plane reported, with the moments at which the driver saw them.
    pub states: Vec<(String, Instant)>,
    pub requests: u32,
    pub retries: u32,
    /// Parts of the operation that are measured on their own.
    pub parts: Vec<Part>,
}

/// A part of an operation, such as the cleaning within `provide`.
#[derive(Clone, Debug)]
pub struct Part {
    pub operation: Operation,
    pub started: Instant,
    pub ended: Instant,
    /// The reason, if the operation failed in this part.
    pub error: Option<String>,
}

/// Totals of a driver since its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// Requests that ask for changes, with their repetitions.
    pub requests: u64,
    /// Requests that only wait for a state: lists of all nodes, or reads of one machine; with their pages and repetitions, and the
    /// seconds until their answers.
    pub polls: u64,
    pub poll_requests: u64,
    pub poll_seconds: f64,
    /// The reason why the last list could not be read.
    pub problem: Option<String>,
}

/// What a run drives. Operations of different items run at the same time.
pub trait Driver: Send + Sync + 'static {
    /// The operations that bring an item from a stage to a goal.
    fn path(&self, group: &Group, from: Stage, until: Until) -> Vec<Operation>;

    /// Carries out an operation, and returns when it has ended. It is dropped if the run is stopped.
    fn perform(&self, job: &Job, operation: Operation) -> impl Future<Output = Performed> + Send;

    /// Deletes the node of an item, whatever its state is. A node that does not exist is deleted.
    fn delete(&self, job: &Job) -> impl Future<Output = Result<(), String>> + Send;

    /// Deletes what the run has created and `kept` does not name, such as a node whose creation was under way when the run was
    /// stopped. Returns the names and reasons of those that could not be deleted.
    fn sweep(&self, run: &str, kept: &HashSet<String>) -> impl Future<Output = Vec<(String, String)>> + Send;

    /// Ends what the run has kept open, such as sessions, after the cleanup and also without one.
    fn end(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// The problem of an item that should rest at a stage; `None` if it is well.
    fn ailment(&self, job: &Job, stage: Stage) -> impl Future<Output = Option<String>> + Send;

    /// Works beside the operations for as long as the run lasts, such as on the list of nodes.
    fn attend(&self) -> impl Future<Output = ()> + Send;

    /// The items by state, as seen last.
    fn states(&self) -> BTreeMap<String, u32>;

    /// The totals so far.
    fn asked(&self) -> Asked;
}
