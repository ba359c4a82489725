//! One node, in a list and in full.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list of nodes, in the order of their indexes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Listed {
    /// A new word at each start of the daemon.
    pub epoch: String,
    /// At most `limit` nodes.
    pub items: Vec<Node>,
    /// The value of `after` for the next page; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// A node in a list. Members that the parameter `fields` leaves out are missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// The name that Ironic logs: model and index.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "generic-3")]
    pub name: Option<String>,
    /// The UUID of the machine, `ComputerSystem.UUID` of Redfish.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uuid: Option<String>,
    /// The number of the node in its fleet, from 0. It is never used again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = 3)]
    pub index: Option<u32>,
    /// The name of the model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "generic")]
    pub profile: Option<String>,
    /// `off`, `powering-on`, `on` or `powering-off`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "on")]
    pub power: Option<String>,
    /// What the machine does: `off`, `powering-on`, `post`, `booting`, `no-boot-device`, `setup`, `os-running`,
    /// `live-running`, `agent-running`, `agent-closed` or `powering-off`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "agent-running")]
    pub state: Option<String>,
    /// The phase of the Ironic agent: `none`, `starting`, `inspecting`, `looking-up`, `serving`, `working` or `closed`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "serving")]
    pub agent: Option<String>,
    /// MAC addresses of the interfaces with a cable.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub macs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = json!({"rack": "r7"}))]
    pub labels: Option<BTreeMap<String, String>>,
    /// Number of changes of the node so far. It grows with each change, also with a reset and over restarts of a daemon with
    /// `--state`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub generation: Option<u32>,
}

/// A member of a node in a list, for the parameter `fields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeField {
    Name,
    Uuid,
    Index,
    Profile,
    Power,
    State,
    Agent,
    Macs,
    Labels,
    Generation,
}

impl NodeField {
    /// All fields, in the order of the members.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Uuid,
        Self::Index,
        Self::Profile,
        Self::Power,
        Self::State,
        Self::Agent,
        Self::Macs,
        Self::Labels,
        Self::Generation,
    ];

    /// The name of the member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Uuid => "uuid",
            Self::Index => "index",
            Self::Profile => "profile",
            Self::Power => "power",
            Self::State => "state",
            Self::Agent => "agent",
            Self::Macs => "macs",
            Self::Labels => "labels",
            Self::Generation => "generation",
        }
    }
}

/// A node in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeDetails {
    /// A new word at each start of the daemon.
    pub epoch: String,
    /// All members of a node in a list.
    #[serde(flatten)]
    pub node: Node,
    /// Maker and model, as Redfish shows them.
    #[schema(example = "Contoso BMC-1000")]
    pub model: String,
    pub serial: String,
    /// Number of starts of the machine.
    pub starts: u32,
    /// Whether a disk holds an operating system.
    pub installed: bool,
    pub bmc: Bmc,
    pub boot: BootSettings,
    /// The images in the slots for virtual media.
    pub media: Vec<Medium>,
    /// The network interfaces, in the order of the model.
    pub nics: Vec<Nic>,
    /// The bays for drives, in the order of the model.
    pub disks: Vec<Disk>,
    /// What surrounds and feeds the machine.
    pub environment: Environment,
    /// Why the first source of the last boot could not be booted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub boot_failure: Option<BootFailure>,
    /// The agent, if its ramdisk runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent_details: Option<Agent>,
    /// The present simulated time, RFC 3339.
    pub now: String,
    /// What the node waits for.
    pub wait: Wait,
}

/// The BMC of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bmc {
    /// The URL of the node's `ComputerSystem`.
    pub url: String,
    pub mac: String,
    pub firmware: String,
    /// The BMC restarts until this simulated time, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub restarting_until: Option<String>,
}

/// The boot settings, as `ComputerSystem.Boot` shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BootSettings {
    #[schema(example = "Pxe")]
    pub target: String,
    #[schema(example = "Once")]
    pub enabled: String,
    #[schema(example = "UEFI")]
    pub mode: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http_boot_uri: Option<String>,
    /// The sources that the machine tries without an override, in their order.
    #[schema(example = json!(["Hdd", "Pxe"]))]
    pub order: Vec<String>,
}

/// An image in a slot for virtual media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Medium {
    #[schema(example = "Cd")]
    pub slot: String,
    pub image: String,
    /// Whether the BMC has opened the image: `opening`, `connected` or `failed`.
    #[schema(example = "connected")]
    pub state: String,
    /// Why the BMC cannot open the image.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

/// A network interface of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Nic {
    /// The `Id` of its `EthernetInterface` in Redfish.
    #[schema(example = "NIC1")]
    pub id: String,
    /// Its name under Linux.
    #[schema(example = "ens1f0")]
    pub name: String,
    pub mac: String,
    /// Whether it has a cable.
    pub plugged: bool,
}

/// A drive of a machine, in its bay or out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Disk {
    /// The `Id` of the `Drive` in Redfish.
    #[schema(example = "Disk0")]
    pub id: String,
    /// Its name under Linux.
    #[schema(example = "sda")]
    pub name: String,
    /// Whether it is in its bay.
    pub plugged: bool,
}

/// What surrounds and feeds a machine, as far as it differs from a healthy one, and the alarms that follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// The temperature of the inlet air that `heat` has set, degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = 45)]
    pub inlet_celsius: Option<i8>,
    /// The fans that have failed, by their `Id` in Redfish.
    #[serde(default)]
    #[schema(example = json!(["Fan1"]))]
    pub failed_fans: Vec<String>,
    /// The drives that have failed, by their `Id` in Redfish.
    #[serde(default)]
    #[schema(example = json!(["Disk0"]))]
    pub failed_disks: Vec<String>,
    /// The memory modules that have failed, by their `Id` in Redfish.
    #[serde(default)]
    #[schema(example = json!(["DIMM-A1"]))]
    pub failed_dimms: Vec<String>,
    /// The power supplies that have failed, by their `Id` in Redfish.
    #[serde(default)]
    #[schema(example = json!(["PSU1"]))]
    pub failed_psus: Vec<String>,
    /// The power supplies without input, by their `Id` in Redfish.
    #[serde(default)]
    #[schema(example = json!(["PSU1"]))]
    pub supplies_without_input: Vec<String>,
    /// The readings that have crossed a threshold.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
}

/// A reading that has crossed a threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    /// The `Id` of the `Sensor` in Redfish.
    #[schema(example = "InletTemp")]
    pub sensor: String,
    /// The side of the threshold: `lower` or `upper`.
    #[schema(example = "upper")]
    pub side: String,
    /// The worst threshold that the reading has crossed: `caution`, `critical` or `fatal`.
    #[schema(example = "critical")]
    pub level: String,
    /// Simulated time, RFC 3339.
    pub since: String,
}

/// A boot source that could not be booted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BootFailure {
    /// The source and the reason.
    pub reason: String,
    /// Simulated time, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
}

/// The Ironic agent of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Agent {
    /// The phase, as in the member `agent`.
    pub phase: String,
    /// The start of the ramdisk, RFC 3339.
    pub started: String,
    /// The URL at which Ironic reaches the agent; missing without a listener for agents.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// Ironic's API that the agent calls.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api_url: Option<String>,
    /// The UUID of the node in Ironic, once the agent knows it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ironic_uuid: Option<String>,
    /// Failed calls since the last one that succeeded.
    pub failed_calls: u16,
    /// The last heartbeat that was answered, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_heartbeat: Option<String>,
    /// The next call to Ironic, RFC 3339; missing while one is under way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_call: Option<String>,
    /// The command that runs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<AgentCommand>,
    /// Why the agent is closed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub closed: Option<String>,
}

/// A command of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentCommand {
    #[schema(example = "deploy.execute_deploy_step")]
    pub name: String,
    /// The simulated time at which it ends, RFC 3339; missing if that depends on a download.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

/// What a node waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Wait {
    /// One sentence: what the node waits for, since when, and what would help.
    pub text: String,
    /// The simulated time since which the node waits, RFC 3339; missing if nothing knows it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<String>,
    /// The simulated time at which the node goes on by itself or tries again, RFC 3339; missing if it does not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}
