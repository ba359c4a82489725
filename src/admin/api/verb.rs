//! Changes of nodes: one verb, applied to each node of a selection.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The nodes to change: exactly one of the three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Nodes {
    /// A selection, such as `rack=r7,power!=off`.
    #[schema(example = "rack=r7,power!=off")]
    Selector(String),
    /// Names or UUIDs, at most 10,000. Each must exist.
    #[schema(example = json!(["generic-3"]))]
    Names(Vec<String>),
    /// All nodes of the fleet; `true` is the only value.
    #[schema(example = true)]
    All(bool),
}

/// The result of a change. Nodes that accept are changed, and nodes that refuse are not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Number of selected nodes.
    pub selected: u64,
    /// Number of nodes that have accepted the change.
    pub accepted: u64,
    /// Number of nodes that have refused it.
    pub refused: u64,
    /// The first 1000 refusals.
    pub refusals: Vec<Refused>,
    /// Whether nothing was changed, because the request has `dryRun`.
    pub dry_run: bool,
}

/// A node that has refused a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    #[schema(example = "generic-3")]
    pub node: String,
    #[schema(example = "the machine is off")]
    pub reason: String,
}

/// Presses a button of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Power {
    pub nodes: Nodes,
    pub action: PowerAction,
    #[serde(default)]
    pub dry_run: bool,
}

/// A button. In Redfish `on` is the `ResetType` `On`, `off` is `ForceOff`, `shutdown` is `GracefulShutdown`, `cycle` is
/// `PowerCycle`, `restart` is `ForceRestart` and `press` is `PushPowerButton`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PowerAction {
    On,
    Off,
    Shutdown,
    Cycle,
    Restart,
    Press,
}

/// Changes the boot override. Members that are left out stay as they are, as with PATCH of `ComputerSystem.Boot`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Boot {
    pub nodes: Nodes,
    /// `BootSourceOverrideTarget`, such as `Pxe`, `Cd`, `Hdd`, `UefiHttp` or `None`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "Pxe")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub enabled: Option<Enabled>,
    /// `BootSourceOverrideMode`: `UEFI` or `Legacy`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "UEFI")]
    pub mode: Option<String>,
    /// `HttpBootUri`, at most 2048 bytes; an empty text removes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http_boot_uri: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// How long a boot override lasts: `BootSourceOverrideEnabled` of Redfish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enabled {
    Once,
    Continuous,
    Disabled,
}

/// Inserts an image into a slot for virtual media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Insert {
    pub nodes: Nodes,
    /// The URL of the image.
    #[schema(example = "http://127.0.0.1:8000/boot.iso")]
    pub image: String,
    /// The `Id` of the slot in Redfish; by default the first one for CDs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "Cd")]
    pub slot: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// Ejects images. A slot that is empty accepts it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Eject {
    pub nodes: Nodes,
    /// The `Id` of the slot in Redfish; by default all slots.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "Cd")]
    pub slot: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// The part to plug or unplug: exactly one of `nic`, `disk` and `psu`. A part that is plugged or unplugged already accepts it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plug {
    pub nodes: Nodes,
    /// The cable of a network interface: the `Id` of its `EthernetInterface` in Redfish, or its name under Linux.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "ens1f0")]
    pub nic: Option<String>,
    /// A drive in its bay: the `Id` of the `Drive` in Redfish, or its name under Linux, with or without `/dev/`. Its content
    /// stays on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "sda")]
    pub disk: Option<String>,
    /// The cord of a power supply: the `Id` or the `Name` of the `PowerSupply` in Redfish. A machine keeps one supply with input.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "PSU1")]
    pub psu: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// Sets the temperature of the air that enters machines. What is behind the inlet gets warmer, the fans turn faster, and readings
/// cross their thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heat {
    pub nodes: Nodes,
    /// Degrees Celsius, whole, from -20 to 80.
    #[serde(deserialize_with = "degrees")]
    #[schema(example = 45)]
    pub inlet_celsius: i64,
    #[serde(default)]
    pub dry_run: bool,
}

/// Makes the air that enters machines normal again. A machine with normal air accepts it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cool {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// The part that fails or is repaired: exactly one of `fan`, `disk`, `dimm` and `psu`. A part that has failed or works already accepts
/// it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fail {
    pub nodes: Nodes,
    /// A fan: the `Id` or the `Name` of the `Fan` in Redfish.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "Fan1")]
    pub fan: Option<String>,
    /// A drive: the `Id` of the `Drive` in Redfish, or its name under Linux, with or without `/dev/`. It stays in its bay, and the
    /// host does not see it. Its content is there again when it is repaired.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "sda")]
    pub disk: Option<String>,
    /// A memory module: the `Id` of the `Memory` in Redfish. The next self test leaves it out. A machine keeps one module that works.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "DIMM-A1")]
    pub dimm: Option<String>,
    /// A power supply: the `Id` or the `Name` of the `PowerSupply` in Redfish. A machine keeps one supply that works and has input.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "PSU1")]
    pub psu: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// Changes labels. A node has at most 64 labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Label {
    pub nodes: Nodes,
    /// Labels to set; a label that exists gets the new value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schema(example = json!({"rack": "r7"}))]
    pub set: BTreeMap<String, String>,
    /// Keys of labels to remove. A node without the label accepts it too.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub remove: Vec<String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// Ends the agent's program. The ramdisk goes on without an agent, until the machine is restarted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Crash {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// Restarts the BMC, as `Manager.Reset` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartBmc {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// Lets BMCs listen again for HTTP and HTTPS, which a client has disabled in `ManagerNetworkProtocol`. A BMC that listens accepts it,
/// too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenBmc {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// Removes nodes from the fleet, in any state. Their names and indexes are never used again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Remove {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// Makes nodes as good as new: off, with empty disks and default settings. Identity and labels stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reset {
    pub nodes: Nodes,
    #[serde(default)]
    pub dry_run: bool,
}

/// Adds new nodes after the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Add {
    /// The name of a built-in model, or of a model that the fleet has.
    #[schema(example = "generic")]
    pub profile: String,
    /// Number of nodes, from 1.
    #[serde(deserialize_with = "whole")]
    #[schema(example = 10, minimum = 1)]
    pub count: u32,
    /// The labels of all new nodes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schema(example = json!({"rack": "r7"}))]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// Adds new nodes with the identities that another simulator's systems have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Import {
    /// The name of a built-in model, or of a model that the fleet has.
    #[schema(example = "generic")]
    pub profile: String,
    /// The systems, in the order of the indexes of their nodes.
    pub systems: Vec<ImportedSystem>,
    /// The labels of all new nodes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    #[schema(example = json!({"rack": "r7"}))]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub dry_run: bool,
}

/// The identity of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportedSystem {
    /// The UUID, which is also the last segment of the system's URI.
    #[schema(example = "27946b59-9e44-4fa7-8e91-f3527a1ef094")]
    pub uuid: String,
    /// The name: letters, digits, `.`, `_`, `-` and `~`, and no UUID.
    #[schema(example = "fake1")]
    pub name: String,
    /// The MAC addresses of the first interfaces. The others have computed ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(example = json!(["02:00:00:ab:cd:ef"]))]
    pub macs: Vec<String>,
    /// Whether the machine is on from the start.
    #[serde(default)]
    pub on: bool,
}

/// A whole number. In JSON and in JSON Schema 10.0 is one, too.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    integer(&number).and_then(|integer| u32::try_from(integer).ok()).ok_or_else(|| {
        serde::de::Error::custom(format!("{number} is no whole number from 1 to {}", u32::MAX))
    })
}

/// A whole number of degrees.
fn degrees<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    integer(&number)
        .ok_or_else(|| serde::de::Error::custom(format!("{number} is no whole number of degrees")))
}

/// The integer that a number of JSON is, with or without a point.
fn integer(number: &serde_json::Number) -> Option<i64> {
    /// Each integer up to this one is a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT);
    #[expect(clippy::cast_possible_truncation, reason = "the filter leaves integers of 54 bits")]
    number.as_i64().or_else(|| float().map(|float| float as i64))
}

/// The new nodes. Their indexes follow each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Added {
    /// Name of the first new node.
    #[schema(example = "generic-100")]
    pub first: String,
    /// Name of the last new node.
    #[schema(example = "generic-109")]
    pub last: String,
    pub count: u32,
    /// Whether nothing was added, because the request has `dryRun`.
    pub dry_run: bool,
}
