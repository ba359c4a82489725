//! Data of a log entry that is no document: what `LogEntry.AdditionalDataURI` leads to.

use super::context::NodeCx;
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// The last segment of the URI, as OpenBMC has it.
pub(super) const SEGMENT: &str = "attachment";

/// The diagnostic data of a log entry, before the archive is made: the machine as it was.
pub(super) struct Attachment {
    pub(super) node: Node,
    pub(super) at: SimTime,
    /// The root at which a client asks belongs to the node. The URIs in the archive are those of that root.
    pub(super) own_root: bool,
    pub(super) content: Content,
    /// The number of the log entry.
    pub(super) entry: u32,
}

/// Node, entry, moment and root of an archive. The moment is part of it, because the numbers of entries begin again when a machine
/// is made new, or is restored from a snapshot.
pub(super) type Key = (NodeId, u32, SimTime, bool);

/// The documents of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The BMC: its settings, its logs, its tasks and the firmware.
    Manager,
    /// The machine: its parts, its sensors and its logs.
    Machine,
    Everything,
}

impl Attachment {
    /// What tells its archive from every other one of this process.
    pub(super) fn key(&self) -> Key {
        (self.node.id(), self.entry, self.at, self.own_root)
    }
}

/// Looks at the whole machine for one of its documents.
pub(super) trait Measure: Sync {
    /// Tells the URI, the type, the ETag and the methods of each document and collection that the root of the node's BMC has, except
    /// the model's list of all of them.
    fn resources(&self, cx: &NodeCx<'_>, each: &mut dyn FnMut([&str; 4]));
    /// The size of its archive, bytes. The first look makes the archive.
    fn bytes_of(&self, attachment: &Attachment) -> u64;
}
