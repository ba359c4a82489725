//! Which fleet a file holds.

use serde::{Deserialize, Serialize};

use crate::node::State;
use crate::seed::Seed;

/// The format number of the state files and snapshots that this version writes. This version reads all formats from 1 to
/// this one. The states of the nodes determine the number; see [`State::FORMAT`].
pub const FORMAT: u32 = State::FORMAT;

/// Which fleet it is: what decides every node's identity and model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// From what identities follow.
    pub seed: Seed,
    /// Models with how many nodes are of each, in the order of their indexes.
    pub models: Vec<HeldModel>,
    /// What was added while it ran, numbered after the others.
    #[serde(default)]
    pub added: Vec<HeldModel>,
    /// Indexes of nodes that were removed while it ran.
    #[serde(default)]
    pub removed: Vec<u32>,
}

/// A model of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldModel {
    /// A built-in name, or the path of a folder.
    pub profile: String,
    /// How many nodes are of it.
    pub count: u32,
}

impl Held {
    /// None, to be filled.
    pub(super) const NONE: Self =
        Self { seed: Seed(0), models: Vec::new(), added: Vec::new(), removed: Vec::new() };

    /// How many nodes it was configured with.
    pub fn nodes(&self) -> u64 {
        self.models.iter().map(|model| u64::from(model.count)).sum()
    }

    /// How many indexes are or were in use.
    pub fn indexes(&self) -> u64 {
        self.nodes() + self.added.iter().map(|model| u64::from(model.count)).sum::<u64>()
    }

    /// How many nodes there are.
    pub fn living(&self) -> u64 {
        self.indexes().saturating_sub(self.removed.len() as u64)
    }

    /// As flags would give it: `20 generic, 5 ./mine`.
    pub fn models_text(&self) -> String {
        let each: Vec<_> = self.models.iter().map(|m| format!("{} {}", m.count, m.profile)).collect();
        each.join(", ")
    }
}
