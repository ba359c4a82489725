//! A node as the public API shows it.

use crate::dmtf::{BootOverride, BootProgress, PowerState};
use crate::node::Node;
use crate::node::bmc::media::{Inserted, Opened};
use crate::node::host::{Host, Running};
use crate::node::ipa::{Ipa, Phase};
use crate::time::SimTime;

/// The identity of a node. It follows from the seed, the index and the model, and never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The index in the fleet, from 0.
    pub index: u32,
    /// The model and the index, such as `generic-2`.
    pub name: String,
    /// The UUID of the system (`ComputerSystem.UUID`), in lower case.
    pub uuid: String,
    /// The serial number of the system (`ComputerSystem.SerialNumber`).
    pub serial: String,
    /// The name of the model, such as `generic`.
    pub profile: String,
    /// The MAC addresses of the host's network interfaces, in their order, with colons.
    pub macs: Vec<String>,
    /// The MAC address of the BMC.
    pub bmc_mac: String,
}

impl Identity {
    pub(super) fn of(node: &Node) -> Self {
        let spec = node.spec();
        let ports = 0..u8::try_from(spec.profile.nics.len()).unwrap_or(u8::MAX);
        Self {
            index: spec.id.0,
            name: spec.name(),
            uuid: spec.uuid().to_string(),
            serial: spec.serial(),
            profile: spec.profile.name.clone(),
            macs: ports.map(|port| spec.mac(port).with(':')).collect(),
            bmc_mac: spec.bmc_mac().with(':'),
        }
    }
}

/// A node at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeState {
    /// The power of the host (`ComputerSystem.PowerState`).
    pub power: PowerState,
    /// The progress of the host (`ComputerSystem.BootProgress.LastState`).
    pub boot_progress: BootProgress,
    /// The program that runs on the host.
    pub system: System,
    /// The phase of the Ironic Python Agent. `None` if no ramdisk with an agent runs.
    pub agent: Option<AgentPhase>,
    /// The source of the boot override (`BootSourceOverrideTarget`), such as `Cd`.
    pub boot_source: &'static str,
    /// How long the boot override holds (`BootSourceOverrideEnabled`).
    pub boot_override: BootOverride,
    /// The images in the virtual media slots, in the order of the slots.
    pub media: Vec<Media>,
    /// Why the first source of the last boot could not be booted.
    pub boot_failure: Option<String>,
}

/// The program that runs on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum System {
    /// The machine is off, or its power changes, or its firmware starts.
    None,
    /// The firmware, which has found nothing to boot.
    NothingToBoot,
    /// The setup program of the firmware.
    Setup,
    /// The operating system on a disk.
    Installed,
    /// A system from an image, without an agent.
    Live,
    /// A ramdisk with an Ironic Python Agent.
    Agent,
}

/// The phases of an Ironic Python Agent, in the order in which it passes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentPhase {
    /// The ramdisk starts its services.
    Starting,
    /// The agent sends inspection data.
    Inspecting,
    /// The agent asks Ironic which node it is.
    LookingUp,
    /// The agent sends heartbeats and waits for commands.
    Serving,
    /// The agent sends heartbeats and executes a command.
    Working,
    /// The API of the agent is closed.
    Closed,
}

/// An image in a virtual media slot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// `VirtualMedia.Id`, such as `Cd`.
    pub slot: String,
    /// The URL of the image, as it was inserted.
    pub image: String,
    /// Whether the BMC could open the image.
    pub status: MediaStatus,
}

/// Whether a BMC could open an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaStatus {
    /// The BMC opens the image.
    Opening,
    /// The image is open.
    Connected,
    /// The BMC cannot open the image, for this reason.
    Failed(String),
}

impl NodeState {
    pub(super) fn of(node: &Node, now: SimTime) -> Self {
        let (host, boot, bmc) = (node.host(), node.boot(), node.bmc());
        let media = |(slot, inserted): (u8, &Inserted)| Media {
            slot: node.profile().media_slots.get(usize::from(slot)).map(|s| s.id.clone()).unwrap_or_default(),
            image: inserted.insertion.image.to_string(),
            status: match &inserted.opened {
                Opened::Trying(_) => MediaStatus::Opening,
                Opened::Connected => MediaStatus::Connected,
                Opened::Failed(why) => MediaStatus::Failed(why.to_string()),
            },
        };
        Self {
            power: host.power_state(),
            boot_progress: host.boot_progress(now),
            system: system(host),
            agent: node.ipa().map(phase),
            boot_source: boot.target.as_str(),
            boot_override: boot.enabled,
            media: bmc.media.iter().map(media).collect(),
            boot_failure: bmc.boot_failure.as_deref().map(str::to_owned),
        }
    }
}

fn system(host: &Host) -> System {
    match host {
        Host::Off
        | Host::PoweringOn { .. }
        | Host::Post { .. }
        | Host::Booting(_)
        | Host::PoweringOff { .. } => System::None,
        Host::Running { what, .. } => match what {
            Running::NoBootDevice => System::NothingToBoot,
            Running::Setup => System::Setup,
            Running::Os => System::Installed,
            Running::Live => System::Live,
            Running::Ipa(_) => System::Agent,
        },
    }
}

fn phase(agent: &Ipa) -> AgentPhase {
    match &agent.phase {
        Phase::Starting { .. } => AgentPhase::Starting,
        Phase::Inspecting(_) => AgentPhase::Inspecting,
        Phase::LookingUp(_) => AgentPhase::LookingUp,
        Phase::Serving(_) if agent.job().is_some() => AgentPhase::Working,
        Phase::Serving(_) => AgentPhase::Serving,
        Phase::Closed(_) => AgentPhase::Closed,
    }
}
