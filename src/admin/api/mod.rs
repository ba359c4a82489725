//! The types of the control API: requests and answers, as JSON. The command line reads the same types.
//!
//! Names of members are camelCase, as in Kubernetes. Members are added in later versions, never renamed or removed. A request
//! with a member that is not listed here is refused.

mod clock;
mod fault;
mod fleet;
mod journal;
mod node;
mod problem;
mod snapshot;
mod verb;

pub use clock::{Clock, ClockJump, ClockSpeed, ClockStep, NoMembers, Occasion, Stepped};
pub use fault::{
    AddFaults, AddedFault, AddedFaults, ClearFaults, ClearedFault, ClearedFaults, Fault, Faults, TestFault,
    TestedFault, TestedNode,
};
pub use fleet::{Addresses, Fleet, LabelCount, Limit, ProfileCount, Setting, StateCount};
pub use journal::{FleetEvent, Missed, NodeJournal};
pub use node::{
    Agent, AgentCommand, Alarm, Bmc, BootFailure, BootSettings, Disk, Environment, Listed, Medium, Nic, Node,
    NodeDetails, NodeField, Wait,
};
pub use problem::Problem;
pub use snapshot::{SaveSnapshot, SavedSnapshot};
pub use verb::{
    Add, Added, Boot, Cool, Crash, Done, Eject, Enabled, Fail, Heat, Import, ImportedSystem, Insert, Label,
    Nodes, OpenBmc, Plug, Power, PowerAction, Refused, Remove, Reset, RestartBmc,
};

/// The path of the API's version 1. All paths of the API begin with it.
pub const BASE: &str = "/fauxmetal/v1";

/// The largest number of systems in a request. So many have less than the bytes that a request may have.
pub const MAX_SYSTEMS: usize = 4000;
