//! Nodes by their names and UUIDs.

use uuid::Uuid;

use super::Fleet;
use crate::node::spec::Spec;
use crate::node::{Node, NodeId};

impl Fleet {
    /// The node with this UUID.
    pub fn find(&self, uuid: Uuid) -> Option<NodeId> {
        let id = NodeId(Spec::index_of_uuid(self.seed, uuid));
        self.slots.get(id)?.lock().node.as_ref().filter(|n| n.spec().uuid() == uuid).map(Node::id)
    }

    /// The node with this name or UUID, in upper or lower case.
    pub fn find_named(&self, name: &str) -> Option<NodeId> {
        let id = NodeId(Spec::index_of_name(self.seed, name)?);
        self.identify(id, |node, _| node.spec().is_named(name)).filter(|is| *is).map(|_| id)
    }
}
