//! The storage of the nodes: chunks that are allocated on demand and never move, with one lock for each node.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// Number of nodes in a chunk.
const CHUNK: usize = 1024;
/// Maximum number of chunks: together they have a slot for every index.
const CHUNKS: usize = (NodeId::MAX as usize + 1) / CHUNK;

pub(super) struct Slot {
    /// `None` if the node was removed or does not exist yet.
    pub(super) node: Option<Node>,
    /// The earliest deadline of the node in the queue of deadlines.
    pub(super) armed: SimTime,
    /// The last batch that contains the node; zero for none. See [`super::persist::Ledger`].
    pub(super) batch: u64,
}

type Chunk = Box<[Mutex<Slot>]>;

/// The slots of all indexes.
pub(super) struct Slots(Box<[OnceLock<Chunk>]>);

impl Slots {
    pub(super) fn new() -> Self {
        Self((0..CHUNKS).map(|_| OnceLock::new()).collect())
    }

    /// The slot of an index, if its chunk has been allocated.
    pub(super) fn get(&self, id: NodeId) -> Option<&Mutex<Slot>> {
        let index = id.0 as usize;
        self.0.get(index / CHUNK)?.get()?.get(index % CHUNK)
    }

    /// The slot of an index, which must be at most [`NodeId::MAX`]. Allocates its chunk on demand.
    pub(super) fn make(&self, id: NodeId) -> &Mutex<Slot> {
        let index = id.0 as usize;
        let empty = || Mutex::new(Slot { node: None, armed: SimTime::NEVER, batch: 0 });
        let chunk = self.0[index / CHUNK].get_or_init(|| (0..CHUNK).map(|_| empty()).collect());
        &chunk[index % CHUNK]
    }
}
