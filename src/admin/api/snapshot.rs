//! Snapshots of the running fleet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Saves the fleet as a snapshot in the state directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveSnapshot {
    /// 1 to 64 letters, digits, `.`, `_` and `-`; the first is a letter, a digit or `_`.
    #[schema(
        example = "available",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_][A-Za-z0-9._-]*$"
    )]
    pub name: String,
    /// Whether an existing snapshot of the same name is replaced.
    #[serde(default)]
    pub replace: bool,
}

/// A snapshot that was saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SavedSnapshot {
    pub name: String,
    /// Number of nodes that differ from new nodes.
    pub changed: u64,
}
