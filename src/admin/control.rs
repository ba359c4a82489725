//! What the handlers of the control API need: the fleet, and facts about the daemon that never change.

use std::path::PathBuf;
use std::sync::Arc;

use super::api::{self, Problem};
use super::moves::Moves;
use crate::address::Urls;
use crate::blocking::Blocking;
use crate::clock::Stopwatch;
use crate::effect::Mover;
use crate::fleet::Fleet;
use crate::node::Node;
use crate::profile::Profile;
use crate::time::SimTime;

/// Work on many nodes that runs at the same time. Each piece takes some milliseconds, and others wait for their turn.
const WORKERS: usize = 2;

/// The control API's view of the daemon.
pub struct Control {
    pub(super) fleet: Arc<Fleet>,
    pub(super) facts: Facts,
    /// A new word at each start.
    pub(super) epoch: String,
    pub(super) started: SimTime,
    pub(super) uptime: Stopwatch,
    pub(super) mover: Arc<Mover>,
    pub(super) moves: Moves,
    workers: Blocking,
    /// Snapshots keep a disk busy, so that one after the other is written.
    disk: Blocking,
}

/// From the name of a model to the model, or why there is none.
type FindModel = Box<dyn Fn(&str) -> Result<Arc<Profile>, String> + Send + Sync>;

/// Facts about the daemon.
pub struct Facts {
    pub addresses: api::Addresses,
    pub settings: Vec<api::Setting>,
    pub limits: Vec<api::Limit>,
    /// The URLs of the BMCs at the first listener.
    pub bmcs: Urls,
    /// The URLs of the agents, if they have a listener.
    pub agents: Option<Urls>,
    /// The state directory, for snapshots.
    pub state: Option<PathBuf>,
    /// The number of models in the configuration of the fleet. Others were added later.
    pub models: usize,
    /// The largest number of nodes that the listening addresses have room for, including removed ones.
    pub room: u64,
    /// Finds the model of a name, with the timings of the configuration.
    ///
    /// # Errors
    /// If there is no such model.
    pub model: FindModel,
}

impl Control {
    pub fn new(fleet: Arc<Fleet>, facts: Facts, mover: Mover) -> Self {
        let started = fleet.clock().now();
        let random = crate::seed::secret().expect("the system has randomness");
        let epoch = format!("{:016x}", u64::from_ne_bytes(random));
        Self {
            fleet,
            facts,
            epoch,
            started,
            uptime: Stopwatch::start(),
            mover: Arc::new(mover),
            moves: Moves::default(),
            workers: Blocking::new(WORKERS),
            disk: Blocking::new(1),
        }
    }

    /// Runs `work` on a thread for blocking work, and waits until the changes that it has made or seen are on disk.
    ///
    /// # Errors
    /// If the disk is slow or fails.
    pub(super) async fn on_fleet<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Fleet) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let fleet = Arc::clone(&self.fleet);
        let worked = self.workers.run(move || fleet.noting(|| work(&fleet))).await;
        let (result, seen) = worked.map_err(failed)?;
        self.fleet.until_persisted(seen).await?;
        Ok(result)
    }

    /// Runs `work` that reads or writes files.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.disk.run(work).await.map_err(failed)
    }

    /// The URL of a node's `ComputerSystem`.
    pub(super) fn system_url(&self, node: &Node) -> String {
        let (spec, bmcs) = (node.spec(), &self.facts.bmcs);
        bmcs.of(node.id().0, || spec.name()) + &spec.system_path(bmcs.are_own())
    }
}

/// A defect, or the end of the daemon.
fn failed(error: tokio::task::JoinError) -> Problem {
    tracing::error!(%error, "work for the control API has failed");
    Problem::new(http::StatusCode::INTERNAL_SERVER_ERROR, "the work has failed; the log has more")
}
