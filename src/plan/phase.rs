//! A phase of a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pacing::Pacing;
use super::until::Until;
use crate::fault::{Name, Period, Rule};

/// A part of a run that starts after a barrier: when all items of the phase before have ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Phase {
    pub name: Name,
    /// The groups that take part; all by default. An item that has failed before takes no part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub groups: Vec<Name>,
    /// The goal in this phase; by default that of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// How fast items start; by default as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Pacing>,
    /// The barrier before the phase; `all` by default.
    #[serde(default, skip_serializing_if = "After::is_all")]
    pub after: After,
    /// Time between the barrier and the first start.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(value_type = String, example = "30s")]
    pub grace: Period,
    /// How often the phase is done. With several phases in a row that have the same number, all of them are repeated in turn.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub repeat: u32,
    /// Instead of bringing each item to a goal once: some of the items leave, and new ones come, again and again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// Rules of faults that are in force during the phase. They are taken back at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Rule>,
    /// Nothing starts for so long. At the end, each item that has not failed must be in its state, in no maintenance and without a fault:
    /// otherwise the run is judged as not held, as by an assertion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2m")]
    pub quiet: Option<Period>,
}

impl Phase {
    pub const MAX_REPEAT: u32 = 100_000;
}

impl Phase {
    /// Whether a group takes part.
    pub fn has(&self, group: &Name) -> bool {
        self.groups.is_empty() || self.groups.contains(group)
    }
}

/// The barrier before a phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum After {
    /// All items of the phase before have ended.
    #[default]
    All,
    /// All items of the phase before have started.
    Started,
}

impl After {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

/// Coming and going: a share of the items is deleted and created again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Churn {
    /// The share of the items of the phase that is replaced in each round, above 0 and at most 100; at least one item.
    pub percent: f64,
    /// Time between two rounds.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(value_type = String, example = "30s")]
    pub pause: Period,
    /// Time after which no round begins.
    #[schema(value_type = String, example = "10m")]
    pub duration: Period,
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

fn is_zero(period: &Period) -> bool {
    period.ms() == 0
}
