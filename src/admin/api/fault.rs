//! Rules of faults.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Rule;
use crate::fleet::RuleState;

/// Adds rules: all of them, or none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddFaults {
    /// 1 to 1000 rules, each with a name of its own.
    #[schema(min_items = 1, max_items = 1000)]
    pub rules: Vec<Rule>,
    /// Whether rules of the same names are replaced.
    #[serde(default)]
    pub replace: bool,
    #[serde(default)]
    pub dry_run: bool,
}

/// The rules that were added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedFaults {
    /// In the order of the request.
    pub rules: Vec<AddedFault>,
    /// Whether nothing was added, because the request has `dryRun`.
    pub dry_run: bool,
}

/// A rule that was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddedFault {
    #[schema(example = "flaky-bmc")]
    pub name: String,
    /// Number of nodes that the selection has.
    pub selected: u64,
    /// Number of nodes that have the rule: fewer than `selected` with a mode.
    pub nodes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    pub items: Vec<Fault>,
}

/// A rule, with what it has done so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    pub rule: Rule,
    pub state: RuleState,
    /// The moment at which it was added, simulated time.
    pub added: String,
    /// Number of nodes that have it.
    pub nodes: u64,
    /// How often it fired.
    pub fired: u64,
    /// On how many nodes it fired.
    pub fired_nodes: u64,
    /// On how many nodes it imposes a condition now.
    pub active_nodes: u64,
    /// The moment of the last firing, simulated time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fired: Option<String>,
    /// Whether it was never reached. A paused rule is never reached, and is not meant.
    pub unreached: bool,
}

/// Clears rules: exactly one of `names` and `all`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClearFaults {
    /// Names of rules, at most 1000. Each must exist.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(example = json!(["flaky-bmc"]))]
    pub names: Vec<String>,
    #[serde(default)]
    pub all: bool,
}

/// The rules that were cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClearedFaults {
    pub rules: Vec<ClearedFault>,
}

/// A rule that was cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClearedFault {
    pub name: String,
    /// Number of nodes that had it.
    pub nodes: u64,
}

/// Tells which nodes and which occasions a rule would hit. Nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestFault {
    pub rule: Rule,
    /// The occasions that are looked at, from the first one; 20 by default.
    #[serde(default = "twenty")]
    #[schema(minimum = 1, maximum = 10000)]
    pub occasions: u32,
    /// The number of nodes in the answer; 1000 by default.
    #[serde(default = "thousand")]
    #[schema(minimum = 1, maximum = 10000)]
    pub limit: u32,
}

fn twenty() -> u32 {
    20
}

fn thousand() -> u32 {
    1000
}

impl TestFault {
    /// The largest number of occasions, and of nodes in the answer.
    pub const MAX: u32 = 10_000;
}

/// What a rule would hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedFault {
    /// The name of the rule.
    pub name: String,
    /// Number of nodes that the selection has.
    pub selected: u64,
    /// Number of nodes that would have the rule.
    pub nodes: u64,
    /// What an occasion is, such as `request`.
    pub occasion: String,
    /// What is counted: the occasions of a `node`, or of each `operation` of it.
    pub per: String,
    /// The first nodes that would have it, by index.
    pub items: Vec<TestedNode>,
}

/// What a rule would hit on one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedNode {
    #[schema(example = "generic-3")]
    pub node: String,
    pub uuid: String,
    /// The numbers of the occasions that fire, from 1, while the rule is in effect and its other limits allow it. With
    /// `per: operation` and a probability, these are those of one operation; another one has others.
    pub occasions: Vec<u32>,
}
