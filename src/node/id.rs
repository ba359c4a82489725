//! The index of a node.

use serde::{Deserialize, Serialize};

/// The index of a node in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The largest index: identities contain 24 bits of it.
    pub const MAX: u32 = (1 << 24) - 1;
}
