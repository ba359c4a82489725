//! Moves a clock that stands still, from deadline to deadline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::runner::EffectRunner;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::redfish::Redfish;
use crate::time::SimTime;

/// Moves the clock of a fleet while it stands still: one that is held, or one that is set by hand.
pub struct Mover {
    fleet: Arc<Fleet>,
    redfish: Arc<Redfish>,
    outside: Arc<EffectRunner>,
    /// Held while the clock is moved, so that two moves follow each other.
    moving: Mutex<()>,
}

/// How a move has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The clock is at the wanted moment, and all that is due there has happened.
    Arrived,
    /// The clock was released in between.
    Released,
    /// The move took too long. The clock stands at a deadline, or at the moment of the calls that are not answered.
    TooLong {
        /// Number of calls that are due or under way.
        calls: u64,
    },
}

/// A move that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Number of moments at which the clock stood still in between because something was due.
    pub deadlines: u64,
    pub ended: Ended,
}

/// The next thing that happens by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coming {
    pub at: SimTime,
    /// The node to which it happens; `None` if it happens to the root that all nodes share.
    pub node: Option<NodeId>,
}

impl Mover {
    pub fn new(fleet: Arc<Fleet>, redfish: Arc<Redfish>, outside: Arc<EffectRunner>) -> Self {
        Self { fleet, redfish, outside, moving: Mutex::new(()) }
    }

    /// Moves the clock to `end`. It stands still at each deadline until all outgoing calls are answered: those of nodes, and those of
    /// the root that all nodes share. It gives up after `limit`, real time.
    pub async fn advance(&self, end: SimTime, limit: Duration) -> Moved {
        let _one_at_a_time = self.moving.lock().await;
        let mut deadlines = 0;
        let ended = match tokio::time::timeout(limit, self.walk(end, &mut deadlines)).await {
            Ok(ended) => ended,
            Err(_) => Ended::TooLong { calls: self.calls() },
        };
        Moved { deadlines, ended }
    }

    async fn walk(&self, end: SimTime, deadlines: &mut u64) -> Ended {
        let clock = self.fleet.clock();
        loop {
            let next = self.settle().await;
            if next > end {
                return if clock.step(end) { Ended::Arrived } else { Ended::Released };
            }
            if !clock.step(next) {
                return Ended::Released;
            }
            *deadlines += 1;
            // Millions of deadlines without a call need their time, which others want, too.
            tokio::task::yield_now().await;
        }
    }

    /// The next thing that happens, once all outgoing calls are answered. It gives up after `limit`, real time.
    ///
    /// # Errors
    /// The number of calls that are not answered in time.
    pub async fn coming(&self, limit: Duration) -> Result<Option<Coming>, u64> {
        let _one_at_a_time = self.moving.lock().await;
        let settled = tokio::time::timeout(limit, self.settle()).await;
        settled.map(|_| self.look()).map_err(|_| self.calls())
    }

    /// The next thing that happens as it is known now. A call that is under way can bring something earlier.
    pub fn look(&self) -> Option<Coming> {
        let of_root = self.redfish.coming(self.fleet.clock().now());
        let of_node = self.fleet.coming().map(|(at, id)| Coming { at, node: Some(id) });
        let of_root = (of_root < SimTime::NEVER).then_some(Coming { at: of_root, node: None });
        of_node.into_iter().chain(of_root).min_by_key(|coming| coming.at)
    }

    /// Lets everything happen that is due now. Returns the next deadline, or an earlier moment.
    async fn settle(&self) -> SimTime {
        loop {
            self.outside.until_idle().await;
            self.redfish.events.until_idle().await;
            let next = self.fleet.wake_due().min(self.redfish.settle(self.fleet.clock().now()));
            if self.outside.is_idle() && self.redfish.events.is_idle() {
                return next;
            }
        }
    }

    fn calls(&self) -> u64 {
        self.outside.under_way() + u64::from(!self.redfish.events.is_idle())
    }
}
