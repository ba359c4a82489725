//! One queue of deadlines for the whole fleet, and one task that waits for them. A timer decides nothing: it only
//! settles a node.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Fleet;
use crate::node::NodeId;
use crate::time::SimTime;

/// Deadlines in order, at most a few for each node. An outdated deadline is harmless.
#[derive(Default)]
pub(super) struct Wake {
    due: Mutex<BTreeSet<(SimTime, NodeId)>>,
    earlier: Notify,
}

impl Wake {
    /// Adds a deadline, and wakes the waiting task if the new deadline is the first one.
    pub(super) fn file(&self, at: SimTime, id: NodeId) {
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

    fn next(&self) -> SimTime {
        self.due.lock().first().map_or(SimTime::NEVER, |(at, _)| *at)
    }

    fn take_due(&self, now: SimTime) -> Option<NodeId> {
        let mut due = self.due.lock();
        due.first().is_some_and(|(at, _)| *at <= now).then(|| due.pop_first()).flatten().map(|(_, id)| id)
    }
}

impl Fleet {
    /// Settles every node whose deadline has come. Returns the next deadline.
    pub fn wake_due(&self) -> SimTime {
        while let Some(id) = self.wake.take_due(self.clock.now()) {
            self.woken(id);
        }
        self.wake.next()
    }

    /// Settles each node at its deadline, for as long as this future is polled. A fleet needs exactly one such task.
    pub async fn keep_time(&self) {
        loop {
            let next = self.wake_due();
            match self.clock.wait(next) {
                Some(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.wake.earlier.notified() => {}
                    }
                }
                None => self.wake.earlier.notified().await,
            }
        }
    }
}
