//! What is asked of a fleet that gets new nodes, and why it refuses.

use std::sync::Arc;

use crate::node::NodeId;
use crate::node::imports::Taken;
use crate::node::labels::Labels;
use crate::profile::Profile;

/// The fleet has used up its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the fleet can have {most} nodes in its life, including removed ones; these would be {wanted}; add fewer"
)]
pub struct Full {
    /// The number of nodes, including removed ones, that the fleet would have had.
    pub wanted: u64,
    /// The largest number allowed.
    pub most: u64,
}

impl Full {
    /// The number of indexes.
    pub(super) const MOST: u64 = NodeId::MAX as u64 + 1;
}

/// New nodes of one model, which follow each other.
#[derive(Clone, Debug)]
pub struct New {
    pub profile: Arc<Profile>,
    pub count: u32,
    pub labels: Labels,
    /// The largest number of indexes that the fleet may have afterwards.
    pub most: u64,
    /// The fleet says what it would add, and adds nothing.
    pub dry_run: bool,
}

/// Why no node was added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// Too few indexes are left.
    #[error(transparent)]
    Full(#[from] Full),
    /// Two nodes would have one identity.
    #[error(transparent)]
    Taken(#[from] Taken),
}

impl New {
    /// So many machines of a model, without labels.
    pub fn of(profile: &Arc<Profile>, count: u32) -> Self {
        let (profile, labels) = (Arc::clone(profile), Labels::default());
        Self { profile, count, labels, most: Full::MOST, dry_run: false }
    }
}
