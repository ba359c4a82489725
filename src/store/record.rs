//! The format of the files, and the description of the fleet that a file contains.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::fleet::persist::{ADDED, REMOVED};
use crate::node::State;
use crate::profile::Profile;
use crate::profile::identities::Identity;
use crate::seed::Seed;
use crate::time::SimTime;

/// The format of the state files and snapshots that this version writes, and the newest that it reads. The states of
/// the nodes determine it; see [`State::FORMAT`].
pub const FORMAT: u32 = State::FORMAT;

/// The oldest format that this version reads.
const OLDEST_FORMAT: u32 = 1;

/// Checks that this version can read a file of the format `found`.
pub(super) fn check_format(file: &Path, found: u64) -> Result<(), StoreError> {
    if (u64::from(OLDEST_FORMAT)..=u64::from(FORMAT)).contains(&found) {
        return Ok(());
    }
    Err(StoreError::Format { file: file.to_owned(), found, oldest: OLDEST_FORMAT, newest: FORMAT })
}

/// Checks a time that a file holds. A later one than [`SimTime::LATEST`] is damage or an attack.
pub(super) fn check_time(file: &Path, key: &str, ms: u64, advice: &'static str) -> Result<(), StoreError> {
    let most = SimTime::LATEST.ms();
    if ms <= most {
        return Ok(());
    }
    let problem = format!("its '{key}' is {ms}; at most {most}, the start of the year 9999, is allowed");
    Err(StoreError::damaged(file, problem, advice))
}

/// Checks the models that a file has. fauxmetal writes names and absolute paths of profiles, because a relative path would mean
/// another folder in each working directory; and one identity for each imported node.
pub(super) fn check_models(file: &Path, fleet: &StoredFleet, advice: &'static str) -> Result<(), StoreError> {
    let relative =
        |model: &&StoredModel| model.profile.contains('/') && !Path::new(&model.profile).is_absolute();
    let incomplete = |model: &&StoredModel| {
        model.systems.as_ref().is_some_and(|systems| systems.len() as u64 != u64::from(model.count))
    };
    if let Some(model) = fleet.models.iter().chain(&fleet.added).find(incomplete) {
        let systems = model.systems.as_ref().map_or(0, |systems| systems.len());
        let problem = format!("it has {systems} systems for the {} imported nodes of a model", model.count);
        return Err(StoreError::damaged(file, problem, advice));
    }
    match fleet.models.iter().chain(&fleet.added).find(relative) {
        None => Ok(()),
        Some(model) => {
            let name = &model.profile;
            let problem =
                format!("its profile '{name}' is a relative path; only names and absolute paths are allowed");
            Err(StoreError::damaged(file, problem, advice))
        }
    }
}

/// The description of a fleet. It determines the identity and the model of every node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFleet {
    /// The seed that determines every UUID, MAC and serial number.
    pub seed: Seed,
    /// The configured models with their numbers of nodes, in the order of the nodes' indexes.
    pub models: Vec<StoredModel>,
    /// Nodes that were added while the fleet ran. Their indexes follow those of `models`.
    #[serde(default)]
    pub added: Vec<StoredModel>,
    /// Indexes of nodes that were removed while the fleet ran.
    #[serde(default)]
    pub removed: Vec<u32>,
}

/// A model of a fleet, with its number of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredModel {
    /// The name of a built-in model, or the path of a folder.
    pub profile: String,
    pub count: u32,
    /// The identities of imported nodes, one for each node. Other nodes compute theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub systems: Option<Arc<[Identity]>>,
}

impl StoredModel {
    /// The description of consecutive nodes of a model, of which the first has index `first`.
    pub fn new(profile: &Profile, first: u32, count: u32) -> Self {
        let own = profile.identities.as_ref().filter(|identities| identities.first == first);
        let systems = own.map(|identities| Arc::clone(&identities.list));
        Self { profile: profile.source.clone(), count, systems }
    }

    /// The models of consecutive nodes that begin with the index `first`.
    pub fn all(runs: &[(Arc<Profile>, u32)], mut first: u32) -> Vec<Self> {
        let each = runs.iter().map(|(profile, count)| {
            let model = Self::new(profile, first, *count);
            first += count;
            model
        });
        each.collect()
    }
}

impl StoredFleet {
    pub(super) const EMPTY: Self =
        Self { seed: Seed(0), models: Vec::new(), added: Vec::new(), removed: Vec::new() };

    /// Adds the nodes of a record that were added or removed while the fleet ran. Returns whether the record was one of those,
    /// or `None` if it cannot be read.
    pub(super) fn note(&mut self, key: &str, value: &[u8]) -> Option<bool> {
        if key.starts_with(ADDED) {
            self.added.push(serde_json::from_slice(value).ok()?);
        } else if let Some(id) = key.strip_prefix(REMOVED) {
            self.removed.push(id.parse().ok()?);
        } else {
            return Some(false);
        }
        Some(true)
    }

    /// The configured number of nodes.
    pub fn nodes(&self) -> u64 {
        self.models.iter().map(|model| u64::from(model.count)).sum()
    }

    /// The number of indexes in use, including those of removed nodes.
    pub fn indexes(&self) -> u64 {
        self.nodes() + self.added.iter().map(|model| u64::from(model.count)).sum::<u64>()
    }

    /// The current number of nodes.
    pub fn living(&self) -> u64 {
        self.indexes().saturating_sub(self.removed.len() as u64)
    }

    /// The configured models in the form of the flags: `20 generic, 5 ./mine`. Imported nodes are left out.
    pub fn models_text(&self) -> String {
        let each: Vec<_> = self.computed().map(|m| format!("{} {}", m.count, m.profile)).collect();
        each.join(", ")
    }

    /// The configured models whose nodes compute their identities.
    pub fn computed(&self) -> impl Iterator<Item = &StoredModel> {
        self.models.iter().filter(|model| model.systems.is_none())
    }

    /// The configured models whose nodes were imported, each with its identities.
    pub fn imported(&self) -> impl Iterator<Item = (&StoredModel, &[Identity])> {
        self.models.iter().filter_map(|model| Some((model, model.systems.as_deref()?)))
    }
}
