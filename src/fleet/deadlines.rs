//! The queue of deadlines of all nodes.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::node::NodeId;
use crate::time::SimTime;

/// Deadlines in order, at most a few for each node. An outdated deadline is harmless.
#[derive(Default)]
pub(super) struct Deadlines {
    due: Mutex<BTreeSet<(SimTime, NodeId)>>,
    /// Notified when a new deadline is the first one.
    pub(super) earlier: Notify,
}

impl Deadlines {
    /// Adds a deadline, and wakes the waiting task if the new deadline is the first one.
    pub(super) fn add(&self, at: SimTime, id: NodeId) {
        let mut due = self.due.lock();
        due.insert((at, id));
        let first = due.first() == Some(&(at, id));
        drop(due);
        if first {
            self.earlier.notify_one();
        }
    }

    /// Number of deadlines in the queue.
    pub(super) fn len(&self) -> usize {
        self.due.lock().len()
    }

    pub(super) fn next(&self) -> SimTime {
        self.due.lock().first().map_or(SimTime::NEVER, |(at, _)| *at)
    }

    pub(super) fn first(&self) -> Option<(SimTime, NodeId)> {
        self.due.lock().first().copied()
    }

    pub(super) fn remove(&self, at: SimTime, id: NodeId) {
        self.due.lock().remove(&(at, id));
    }

    pub(super) fn take_due(&self, now: SimTime) -> Option<NodeId> {
        let mut due = self.due.lock();
        due.first().is_some_and(|(at, _)| *at <= now).then(|| due.pop_first()).flatten().map(|(_, id)| id)
    }
}
