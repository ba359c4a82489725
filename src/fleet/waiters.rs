//! Tasks that wait for a change of a node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::node::NodeId;

/// The tasks that wait, by node.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// An entry lives as long as its waiters.
    nodes: DashMap<NodeId, Arc<Notify>>,
    /// Number of waiters. While it is zero, a change of a node does not search `nodes`.
    count: AtomicUsize,
}

impl Waiters {
    pub(super) fn changed(&self, id: NodeId) -> Changed<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let notify = Arc::clone(&self.nodes.entry(id).or_default());
        Changed { waiters: self, id, notify }
    }

    /// Wakes the tasks that wait for a node.
    pub(super) fn notify(&self, id: NodeId) {
        // Relaxed is enough: a waiter counts itself before it reads the node, and that read and every change of the node
        // hold the lock of the node.
        if self.count.load(Ordering::Relaxed) > 0
            && let Some(waiter) = self.nodes.get(&id)
        {
            waiter.notify_waiters();
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.count.load(Ordering::Relaxed) == 0
    }
}

/// A waiter for changes of one node.
#[derive(Debug)]
pub struct Changed<'a> {
    waiters: &'a Waiters,
    id: NodeId,
    notify: Arc<Notify>,
}

impl Changed<'_> {
    /// Completes at the next change. The caller creates and enables (or polls) this future before it reads the node.
    pub fn next(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        self.waiters.count.fetch_sub(1, Ordering::Relaxed);
        // Only the map and this waiter hold the `Arc`: there is no other waiter.
        self.waiters.nodes.remove_if(&self.id, |_, notify| Arc::strong_count(notify) <= 2);
    }
}
