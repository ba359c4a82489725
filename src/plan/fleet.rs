//! Where the machines of a run come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The machines of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FleetSource {
    /// A fleet of the run's own, in the same process, with as many nodes as the plan has items.
    Own(OwnFleet),
    /// The nodes of a running `fauxmetal serve`.
    Server(RunningDaemon),
    /// Nodes of another simulator, or hardware.
    File(ForeignNodes),
}

impl Default for FleetSource {
    fn default() -> Self {
        Self::Own(OwnFleet::default())
    }
}

/// A fleet of the run's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnFleet {
    /// Settings of the fleet, with the keys of the configuration file of `fauxmetal serve`, such as `boot-time: 5s`. The groups
    /// determine its nodes, so `nodes` and `profile` are not allowed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// A `fauxmetal serve` that runs already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunningDaemon {
    /// URL of its control API, such as `http://127.0.0.1:8440`.
    pub url: String,
    /// PEM file with the CA of an `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ca: Option<PathBuf>,
    /// File whose first line is the token of the control API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub token_file: Option<PathBuf>,
    /// The nodes, such as `rack=r7`; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// File whose first line is the password of the BMCs; the default is `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password_file: Option<PathBuf>,
}

/// A file of nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignNodes {
    /// A JSON list of `{uuid, name, nics: [{mac}]}`, as `fauxmetal export --format nodes-json` and metal3's scripts write it. A node can
    /// have `redfish_address`, `redfish_system_id`, `redfish_username` and `redfish_password` of its own.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// URL of the BMCs of nodes without `redfish_address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// User of the BMCs of nodes without `redfish_username`; `admin` by default.
    #[serde(default = "admin")]
    pub username: String,
    /// File whose first line is the password of the BMCs of nodes without `redfish_password`; the default is `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub password_file: Option<PathBuf>,
    /// Path of the BMCs' CA certificate on Ironic's host. Without it, Ironic does not verify their certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_ca: Option<String>,
}

fn admin() -> String {
    "admin".to_owned()
}
