//! A group of equal items.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::until::Until;
use crate::fault::{Name, Period};

/// A group of items with the same goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Group {
    /// Name of the group; the names of its items contain it.
    pub name: Name,
    /// Items; with `roles`, sets of items with all roles.
    pub count: u32,
    /// The goal of each item.
    pub until: Until,
    /// Models of the machines in a fleet of the run's own: the items have them in turn. `generic` by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Labels of the machines in a fleet of the run's own, which rules of faults can select; and of the nodes in Ironic, in `extra`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Items of each set by role, such as `{controlPlane: 3, worker: 2}`. A number can be the name of a list in `values`. The roles start in
    /// the order of their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Count>,
    /// Whether the items of a set start together, as soon as there is room for all of them. So two sets never hold the capacity with
    /// a part of each. Without it, the items of a set start one after the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gang: bool,
    /// Values by name, such as `workers: [20, 25, 30]`: the items, or the sets, have them in turn. They are in the files of the run and
    /// in `extra` of the nodes in Ironic.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Vec<serde_json::Value>>,
    /// Whether the items stay in their goal for the rest of the run: they keep their place under `maxInFlight`, and count neither as
    /// succeeded nor as failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub park: bool,
    /// Whether a node is inspected on its way to a goal above `manageable`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inspect: bool,
    /// The longest time for one operation; by default that of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "30m")]
    pub timeout: Option<Period>,
    /// Ironic: image to deploy; needed for `active`, `rescued` and `deleted`, unless `instanceInfo` has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Ironic: configuration drive: an object with `meta_data`, `user_data` and `network_data`, or a base64 text of a compressed image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config_drive: Option<serde_json::Value>,
    /// Ironic: interfaces by kind, such as `{boot: redfish-virtual-media, deploy: direct}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interfaces: BTreeMap<String, String>,
    /// Ironic: traits of the node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<String>,
    /// Ironic: driver; `redfish` by default.
    #[serde(default = "redfish")]
    pub driver: String,
    /// Ironic: resource class of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_class: Option<String>,
    /// Ironic: conductor group of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conductor_group: Option<String>,
    /// Ironic: whether the node is cleaned; by default as Ironic is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automated_clean: Option<bool>,
    /// Ironic: members of `driver_info` besides the access to the BMC, such as `deploy_kernel`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub driver_info: serde_json::Map<String, serde_json::Value>,
    /// Ironic: members of `instance_info` besides those of the image.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub instance_info: serde_json::Map<String, serde_json::Value>,
    /// Ironic: members of `properties`; `cpu_arch` and `capabilities` have the defaults `x86_64` and `boot_mode:uefi`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub properties: serde_json::Map<String, serde_json::Value>,
}

impl Group {
    /// The most items of a set.
    pub const MAX_SET: u32 = 10_000;
    /// The most values of a list, and the most lists.
    pub const MAX_VALUES: usize = 1000;
    /// The names of fields in the documents of items, which a value must not have.
    pub const VALUE_NAMES_IN_USE: &[&str] = &[
        "id",
        "uuid",
        "timestamp",
        "operation",
        "status",
        "duration",
        "name",
        "group",
        "cluster_name",
        "role",
        "node",
        "phase",
        "cycle",
        "scheduled",
        "started",
        "ended",
        "late",
        "requests",
        "retries",
        "error",
        "cause",
        "conductor",
        "endpoint",
        "states",
        "machine",
        "machine_seconds",
    ];
}

/// An image to deploy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// URL of the image (`image_source`).
    pub url: String,
    /// Checksum, or the URL of a file with it (`image_checksum`). By default `<url>.sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// Format of the image (`image_disk_format`), such as `raw`; by default Ironic finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A number of items, or the name of a list of numbers in `values`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a number, or the name of a list in 'values'")]
pub enum Count {
    Number(u32),
    Value(String),
}

fn redfish() -> String {
    "redfish".to_owned()
}
