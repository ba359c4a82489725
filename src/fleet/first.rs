//! The first node of the fleet, whose certificate a listener presents that all nodes share.

use parking_lot::RwLock;
use uuid::Uuid;

use crate::node::NodeId;

/// The node with the lowest index and its UUID. It can be asked while a node is locked.
#[derive(Debug, Default)]
pub struct First(RwLock<Option<(NodeId, Uuid)>>);

impl First {
    /// `None` if the fleet has no node.
    pub fn get(&self) -> Option<(NodeId, Uuid)> {
        *self.0.read()
    }

    pub(super) fn set(&self, first: Option<(NodeId, Uuid)>) {
        *self.0.write() = first;
    }
}
