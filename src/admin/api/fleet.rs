//! The fleet as a whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The whole fleet: its totals, its settings and its addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Version of the daemon.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// A new word at each start of the daemon. A client that sees another word knows that the daemon has restarted.
    pub epoch: String,
    /// The start of the daemon, RFC 3339.
    pub started: String,
    /// Real time since the start, seconds.
    pub uptime_seconds: u64,
    /// The present simulated time, RFC 3339.
    pub now: String,
    /// Simulated seconds per real second.
    pub speed: f64,
    /// Whether the clock is held: no node moves by time.
    #[serde(default)]
    pub held: bool,
    /// Number of nodes, without removed ones.
    pub nodes: u64,
    /// Number of nodes in each state; states without nodes are left out.
    pub states: Vec<StateCount>,
    /// Number of nodes of each model.
    pub profiles: Vec<ProfileCount>,
    /// Number of nodes with each label, at most 1000 labels.
    pub labels: Vec<LabelCount>,
    /// Whether more than 1000 labels exist, so that some are missing in `labels`.
    pub more_labels: bool,
    /// Where the daemon listens.
    pub addresses: Addresses,
    /// The settings in force. Passwords and tokens are left out.
    pub settings: Vec<Setting>,
    /// The limits in force.
    pub limits: Vec<Limit>,
}

/// Number of nodes in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StateCount {
    /// A value of the field `state` of a node.
    #[schema(example = "agent-running")]
    pub state: String,
    pub nodes: u64,
}

/// Number of nodes of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProfileCount {
    #[schema(example = "generic")]
    pub profile: String,
    pub nodes: u64,
}

/// Number of nodes with a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LabelCount {
    #[schema(example = "rack")]
    pub key: String,
    #[schema(example = "r7")]
    pub value: String,
    pub nodes: u64,
}

/// The URLs of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Addresses {
    /// How nodes share addresses: `shared`, `ip`, `port` or `host`.
    #[schema(example = "shared")]
    pub layout: String,
    /// The BMCs of all nodes. `{...}` stands for the parts that differ between nodes.
    #[schema(example = json!(["https://127.0.0.1:8443"]))]
    pub redfish: Vec<String>,
    /// The agents; missing without agents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// This API; missing if it is on a Unix socket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admin: Option<String>,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// The name of the setting, which is also its key in the configuration file.
    #[schema(example = "boot-time")]
    pub name: String,
    /// Its values as written, or the default.
    pub values: Vec<String>,
    /// The source of the values: `flag`, `environment`, `file`, `import`, `state` or `default`.
    #[schema(example = "default")]
    pub origin: String,
}

/// A limit in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Limit {
    #[schema(example = "connections")]
    pub name: String,
    /// As `--limit` takes it. Times are in seconds, sizes in bytes.
    #[schema(example = "65536")]
    pub value: String,
}
