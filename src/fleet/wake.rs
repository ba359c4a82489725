//! The task that waits for the deadlines of the fleet. A timer decides nothing: it only settles a node.

use super::Fleet;
use crate::node::{Node, NodeId};
use crate::time::SimTime;

impl Fleet {
    /// Settles every node whose deadline has come. Returns the next deadline, or an earlier moment.
    ///
    /// When it returns, no other task that called it is still settling a node that was due then. So who moves the clock afterwards
    /// passes no deadline.
    pub fn wake_due(&self) -> SimTime {
        let _one = self.waking.lock();
        while let Some(id) = self.deadlines.take_due(self.clock.now()) {
            self.woken(id);
        }
        self.deadlines.next()
    }

    /// The next thing that happens to a node by time, and the node. `None` if nothing will.
    pub fn coming(&self) -> Option<(SimTime, NodeId)> {
        let _one = self.waking.lock();
        loop {
            let (at, id) = self.deadlines.first()?;
            let of_node =
                self.slots.get(id).and_then(|slot| slot.lock().node.as_ref().map(Node::next_deadline));
            if of_node == Some(at) {
                return Some((at, id));
            }
            // It is outdated. The node puts its real one into the queue.
            self.deadlines.remove(at, id);
            self.woken(id);
        }
    }

    /// Settles each node at its deadline, for as long as this future is polled. A fleet needs exactly one such task.
    pub async fn keep_time(&self) {
        let mut changes = self.clock.changes();
        loop {
            changes.look();
            let next = self.wake_due();
            let deadline = async {
                match self.clock.wait(next) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = deadline => {}
                () = self.deadlines.earlier.notified() => {}
                () = changes.next() => {}
            }
        }
    }
}
