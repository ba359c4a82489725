//! What happens to the nodes at the end of a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Period;

/// What happens at the end to the nodes that the run has created. Other nodes are never deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cleanup {
    /// When they are deleted; `always` by default.
    #[serde(default)]
    pub when: CleanupWhen,
    /// Whether nodes of failed items stay, for a diagnosis.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_failed: bool,
    /// Time between two deletions.
    #[serde(default = "zero", skip_serializing_if = "is_zero")]
    #[schema(value_type = String, example = "1s")]
    pub delay: Period,
    /// Deletions at the same time, 1 to 256; 16 by default.
    #[serde(default = "sixteen")]
    pub concurrency: u32,
}

impl Cleanup {
    /// The most deletions at the same time.
    pub const MAX_CONCURRENCY: u32 = 256;
}

impl Default for Cleanup {
    fn default() -> Self {
        Self { when: CleanupWhen::Always, keep_failed: false, delay: zero(), concurrency: sixteen() }
    }
}

/// When the nodes of a run are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum CleanupWhen {
    #[default]
    Always,
    /// If no item has failed, all assertions hold, and the run was not stopped.
    OnSuccess,
    Never,
}

fn zero() -> Period {
    Period::from_ms(0)
}

fn is_zero(period: &Period) -> bool {
    period.ms() == 0
}

fn sixteen() -> u32 {
    16
}
