//! Nodes by their names and UUIDs.

use std::ops::Range;

use uuid::Uuid;

use super::Fleet;
use crate::node::spec::Spec;
use crate::node::{Node, NodeId};
use crate::selection::Selection;

impl Fleet {
    /// The indexes that a selection can match; all of them without one.
    pub fn indexes(&self, selection: Option<&Selection>) -> Range<u32> {
        let end = self.next_index();
        let (first, last) = selection.map_or((0, u64::MAX), Selection::indexes);
        let index = |index: u64| u32::try_from(index).unwrap_or(u32::MAX).min(end);
        index(first)..index(last.saturating_add(1))
    }

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
