//! Where the nodes are kept: in chunks that are made when they are needed and never move, one lock a node.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// Nodes to a chunk.
const CHUNK: usize = 1024;
/// Chunks, at most: together as many nodes as there are indexes.
const CHUNKS: usize = (NodeId::MAX as usize + 1) / CHUNK;

/// A place for a node.
pub(super) struct Slot {
    /// The node, unless it has been removed.
    pub(super) node: Option<Node>,
    /// The earliest deadline that has been filed for it.
    pub(super) armed: SimTime,
    /// The last batch that it was put into, to be kept; zero for none. See [`super::keep::Ledger`].
    pub(super) batch: u64,
}

/// Places that were made together, and stay where they are.
type Chunk = Box<[Mutex<Slot>]>;

/// All places.
pub(super) struct Slots(Box<[OnceLock<Chunk>]>);

impl Slots {
    pub(super) fn new() -> Self {
        Self((0..CHUNKS).map(|_| OnceLock::new()).collect())
    }

    /// The place of that index, if its chunk has been made.
    pub(super) fn get(&self, id: NodeId) -> Option<&Mutex<Slot>> {
        let index = id.0 as usize;
        self.0.get(index / CHUNK)?.get()?.get(index % CHUNK)
    }

    /// The place of that index, made if need be; the index is within [`NodeId::MAX`].
    pub(super) fn make(&self, id: NodeId) -> &Mutex<Slot> {
        let index = id.0 as usize;
        let empty = || Mutex::new(Slot { node: None, armed: SimTime::NEVER, batch: 0 });
        let chunk = self.0[index / CHUNK].get_or_init(|| (0..CHUNK).map(|_| empty()).collect());
        &chunk[index % CHUNK]
    }
}
