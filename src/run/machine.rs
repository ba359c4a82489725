//! The machines of a run: where they come from, what happens to them, and their faults.

use std::collections::BTreeMap;
use tokio::time::Instant;

use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::fault::Rule;

/// A machine and the access to its BMC.
#[derive(Clone, PartialEq, Eq)]
pub struct Machine {
    /// The UUID of the system.
    pub uuid: String,
    /// Its name in the fleet.
    pub name: String,
    /// URL of the service root without its path (`redfish_address`).
    pub address: String,
    /// Path of the system (`redfish_system_id`).
    pub system: String,
    pub username: String,
    pub password: String,
    /// Path of the CA certificate on Ironic's host. `None`: certificates are not verified.
    pub verify_ca: Option<String>,
    /// The MAC addresses of interfaces with a cable.
    pub macs: Vec<String>,
}

// The password is no part of a log.
impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// A change of the state of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// The number of the machine in the run.
    pub machine: u32,
    pub at: Instant,
    /// The kind, as `fauxmetal events` names it.
    pub event: String,
    pub detail: String,
}

/// A rule of faults of the run, and how often it fired.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fired {
    pub name: String,
    pub fired: u64,
}

/// The machines of a run.
pub trait Machines: Send + Sync + 'static {
    /// The machine of the item with a number.
    fn machine(&self, item: u32) -> Machine;

    /// The CAs of the BMCs' certificates for a client on this host (PEM). `None`: those of the platform.
    fn ca(&self) -> Option<Vec<u8>> {
        None
    }

    /// The next changes of state. It waits for them, for ever if the machines have no journal.
    fn happened(&self) -> BoxFuture<'_, Vec<Happened>>;

    /// Requests that the machines have made by kind and result, such as `heartbeat ok`; empty if they are not known.
    fn requests(&self) -> BoxFuture<'_, BTreeMap<String, u64>>;

    /// Adds rules of faults.
    fn add_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>>;

    /// Takes rules back, and returns how often each fired.
    fn clear_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>>;
}
