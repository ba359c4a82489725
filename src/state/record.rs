//! Which fleet a file holds.

use serde::{Deserialize, Serialize};

use crate::seed::Seed;

/// The format of state files and snapshots that this version writes, and the last that it reads. It goes up only when a
/// field changes its meaning; one that is added has a default, and needs no new format.
pub const FORMAT: u32 = 1;

/// Which fleet it is: what decides every node's identity and model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// From what identities follow.
    pub seed: Seed,
    /// Models with how many nodes are of each, in the order of their indexes.
    pub models: Vec<HeldModel>,
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
    /// How many nodes there are.
    pub fn nodes(&self) -> u64 {
        self.models.iter().map(|model| u64::from(model.count)).sum()
    }

    /// As flags would give it: `20 generic, 5 ./mine`.
    pub fn models_text(&self) -> String {
        let each: Vec<_> = self.models.iter().map(|m| format!("{} {}", m.count, m.profile)).collect();
        each.join(", ")
    }
}
