//! Nodes by their names and UUIDs.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::{First, Fleet};
use crate::node::imports::Imports;
use crate::node::spec::Spec;
use crate::node::{Node, NodeId, State};
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
        let id = self.imported(|imports| imports.with_uuid(uuid));
        let id = id.unwrap_or_else(|| NodeId(Spec::index_of_uuid(self.seed, uuid)));
        self.slots.get(id)?.lock().node.as_ref().filter(|n| n.spec().uuid() == uuid).map(Node::id)
    }

    /// The node with this name or UUID, in upper or lower case.
    pub fn find_named(&self, name: &str) -> Option<NodeId> {
        let id = self.candidate(name)?;
        self.identify(id, |node, _| node.spec().is_named(name)).filter(|is| *is).map(|_| id)
    }

    /// The only node that can have this name or UUID. The caller must compare it with the node's.
    pub fn candidate(&self, name: &str) -> Option<NodeId> {
        let imported = self.imported(|imports| imports.named(name));
        imported.or_else(|| Spec::index_of_name(self.seed, name).map(NodeId))
    }

    /// The states of imported nodes that differ from those of new machines, in the order of their indexes.
    pub fn imported_states(&self) -> Vec<(NodeId, State)> {
        let mut ids: Vec<_> = self.imports.read().ids().collect();
        ids.sort_unstable();
        let state = |id| self.identify(id, |node, _| node.state().clone()).filter(|state| !state.is_new());
        ids.into_iter().filter_map(|id| Some((id, state(id)?))).collect()
    }

    /// The node that is found among the imported ones. A fleet without them looks at one number.
    fn imported(&self, find: impl FnOnce(&Imports) -> Option<NodeId>) -> Option<NodeId> {
        if self.has_imports.load(Ordering::Acquire) { find(&self.imports.read()) } else { None }
    }

    /// The first node, as it is at each moment.
    pub fn first(&self) -> &Arc<First> {
        &self.first
    }

    /// Finds the first node again, after nodes were added or removed. No node is locked by the caller.
    pub(super) fn find_first(&self) {
        let known = self.first.get().map(|(id, _)| id);
        let is_there = known.is_some_and(|id| self.identify(id, |_, _| ()).is_some());
        if is_there {
            return;
        }
        let from = known.map_or(0, |id| id.0);
        let mut ids = (from..self.next_index()).map(NodeId);
        let found = ids.find_map(|id| Some((id, self.identify(id, |node, _| node.spec().uuid())?)));
        self.first.set(found);
    }
}
