//! The plan as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assertion::Assertion;
use super::cleanup::Cleanup;
use super::fleet::FleetSource;
use super::group::Group;
use super::pacing::Pacing;
use super::phase::Phase;
use super::target::Target;
use super::watch::Watch;
use crate::fault::{Name, Period};
use crate::seed::Seed;

/// A load run: which items are brought into which state, how fast, and how the run is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// Name of the runs; the id of a run begins with it. `run` by default.
    #[serde(default = "default_name")]
    pub name: Name,
    /// Number or word that determines every random choice of the run. `1` by default.
    #[serde(default = "default_seed", deserialize_with = "seed")]
    #[schema(value_type = SeedSchema)]
    pub seed: String,
    /// The control plane or the BMCs that the run drives.
    pub target: Target,
    /// The machines; by default a fleet of the run's own, in the same process.
    #[serde(default)]
    pub fleet: FleetSource,
    /// The items, in groups.
    pub groups: Vec<Group>,
    /// How the items start; by default all at once.
    #[serde(default, skip_serializing_if = "Pacing::is_default")]
    pub pacing: Pacing,
    /// Phases, one after the other; by default one phase with all groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Values by path, such as `pacing.maxInFlight`: the plan runs once for each, and the runs are compared. With several paths,
    /// once for each combination.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sweep: BTreeMap<String, Vec<serde_json::Value>>,
    /// The longest time for one operation of an item, such as an inspection; then the item has failed. `1h` by default.
    #[serde(default = "default_timeout")]
    #[schema(value_type = String, example = "30m")]
    pub timeout: Period,
    /// What happens at the end to the nodes that the run has created.
    #[serde(default)]
    pub cleanup: Cleanup,
    /// The time after which `fauxmetal clean --expired` deletes the nodes of this run, from the creation of each on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4h")]
    pub expire: Option<Period>,
    /// Conditions at the end, such as `failed == 0` or `p99(inspect) <= 120s`. If one does not hold, the exit code is 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub assert: Vec<Assertion>,
    /// Whether the run ends as soon as an assertion cannot hold any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort_on_fail: bool,
    /// What is measured besides the items.
    #[serde(default)]
    pub watch: Watch,
}

impl Plan {
    /// The seed that determines every random choice of the run.
    pub fn seed(&self) -> Seed {
        self.seed.parse().unwrap_or_else(|never: std::convert::Infallible| match never {})
    }

    /// The most items of a run.
    pub const MAX_ITEMS: u64 = 1_000_000;
    /// The most groups, and the most phases.
    pub const MAX_GROUPS: usize = 1000;
    /// The most runs of a sweep.
    pub const MAX_RUNS: usize = 100;
}

fn default_name() -> Name {
    "run".parse().expect("the text is a name")
}

/// Reads a number or a word.
fn seed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number or a word")]
    enum Written {
        Number(u64),
        Word(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Number(number) => number.to_string(),
        Written::Word(word) => word,
    })
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a seed")]
#[serde(untagged)]
enum SeedSchema {
    Number(u64),
    Word(String),
}

fn default_seed() -> String {
    "1".to_owned()
}

fn default_timeout() -> Period {
    Period::from_ms(3_600_000)
}

impl Plan {
    /// The phases in the order in which they run, with the number of the repetition. Phases in a row with the same number of
    /// repetitions are repeated in turn.
    pub fn in_order(&self) -> Vec<(&Phase, u32)> {
        let mut all = Vec::new();
        for block in self.phases.chunk_by(|one, next| one.repeat > 1 && one.repeat == next.repeat) {
            let times = block.first().map_or(1, |phase| phase.repeat);
            for cycle in 0..times {
                all.extend(block.iter().map(|phase| (phase, cycle)));
            }
        }
        all
    }
}
