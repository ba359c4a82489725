//! What goes into a node and what comes out: commands and their refusals, effects and their answers.

use std::time::Duration;

use super::bmc::session::Secret;
use super::boot::BootChange;
use super::ipa::{Beat, Inspected, IpaCommand, LookedUp, Params};
use crate::dmtf::{IndicatorLed, ResetKeysType, ResetType, TransferMethod, TransferProtocol};
use crate::profile::bios::Value;
use crate::time::SimTime;

/// What a client wants of a node. One request is one command, so that a request is done whole or not at all.
#[derive(Clone, Debug)]
pub enum Command {
    /// `ComputerSystem.Reset`; the type is one that the profile lists.
    Reset(ResetType),
    /// `PATCH` of the system.
    ChangeSystem(SystemChange),
    /// New BIOS values, applied at the next start. Names and values fit the profile.
    ChangeBios(Vec<(Box<str>, Value)>),
    /// `Bios.ResetBios`: all defaults, at the next start.
    ResetBios,
    /// `SecureBootEnable`, in force from the next start.
    EnableSecureBoot(bool),
    /// `SecureBoot.ResetKeys`.
    ResetKeys(ResetKeysType),
    /// `VirtualMedia.InsertMedia` into a slot that the profile has.
    InsertMedia(Insertion),
    /// `VirtualMedia.EjectMedia` of the slot with that number.
    EjectMedia(u8),
    /// `Manager.Reset`: the controller is away for a while; the host is not touched.
    ResetManager,
    /// The controller's clock: how far it is ahead of simulated time, ms, and its offset from UTC, minutes.
    SetManagerClock {
        /// Ahead of simulated time, ms; negative is behind.
        ahead_ms: Option<i64>,
        /// `DateTimeLocalOffset`, minutes east.
        offset_minutes: Option<i16>,
    },
    /// The chassis's light.
    SetChassisLed(IndicatorLed),
    /// The light of the drive with that number.
    SetDriveLed(u8, IndicatorLed),
    /// Somebody who may logs in at the controller's own service root; the outcome is the session's id.
    BeginSession {
        /// Who.
        user: Box<str>,
        /// What the token is written from: fresh randomness.
        secret: Secret,
        /// Sessions that the controller may have at once, with this one.
        most: usize,
    },
    /// The session with that id ends, if it has not.
    EndSession(u32),
    /// `SessionTimeout` of the controller's own service, seconds.
    SetSessionTimeout(u32),
    /// A command of the agent's API.
    Ipa(IpaCommand),
}

/// What a client changes of a system; `None` leaves a property as it is.
#[derive(Clone, Debug, Default)]
pub struct SystemChange {
    /// `Boot`.
    pub boot: BootChange,
    /// `AssetTag`; at most [`SystemChange::MAX_ASSET_TAG`] characters.
    pub asset_tag: Option<Box<str>>,
    /// `IndicatorLED`, or `LocationIndicatorActive`.
    pub led: Option<IndicatorLed>,
}

impl SystemChange {
    /// Longest asset tag, characters.
    pub const MAX_ASSET_TAG: usize = 63;
}

/// What goes into a virtual media slot.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Insertion {
    /// Number of the slot.
    pub slot: u8,
    /// Where the image is.
    pub image: Box<str>,
    /// `WriteProtected`.
    pub write_protected: bool,
    /// `UserName` and `Password` for the image's server; the password is never shown.
    pub credentials: Option<Box<(Box<str>, Box<str>)>>,
    /// `TransferMethod`.
    pub method: TransferMethod,
    /// `TransferProtocolType`.
    pub protocol: TransferProtocol,
}

/// Why a node does not do what a command says. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The command needs a machine that is on.
    #[error("the machine is off")]
    PoweredOff,
    /// The controller is restarting; how long still.
    #[error("the controller is restarting")]
    ManagerRestarting(Duration),
    /// The slot holds an image already.
    #[error("the slot holds an image already")]
    MediaInserted,
    /// Secure boot needs UEFI.
    #[error("secure boot needs UEFI boot mode")]
    SecureBootNeedsUefi,
    /// The controller holds as many sessions as it has room for.
    #[error("there are too many sessions")]
    TooManySessions,
    /// No agent runs on this machine.
    #[error("no agent runs here")]
    NoAgent,
    /// The agent runs another command.
    #[error("Agent is busy")]
    AgentBusy,
}

/// Something to be done outside, whose answer comes back as an [`Answer`]. Only the kind: whoever does it asks the node
/// for what it needs, at the moment of doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What to do.
    pub kind: EffectKind,
    /// The start of the machine (or insertion of the media) that it belongs to; an answer to an earlier one is ignored.
    pub epoch: u32,
    /// When it became due, so that it can be told how late it is done.
    pub due: SimTime,
}

/// The kinds of [`Effect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// Read the boot image or the network's boot configuration.
    ReadBoot,
    /// Open the image in the slot with that number.
    OpenMedia(u8),
    /// Send the agent's inspection data.
    Inspect,
    /// Look the node up.
    LookUp,
    /// Send a heartbeat.
    Heartbeat,
    /// Stream the image that the agent is to write.
    WriteImage,
}

/// What came of an [`Effect`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of [`EffectKind::ReadBoot`]: what was found, or why nothing can be booted from there.
    BootRead(Result<Bootable, String>),
    /// Of [`EffectKind::OpenMedia`]: whether the image can be read, and if not why.
    MediaOpened(u8, Result<(), String>),
    /// Of [`EffectKind::Inspect`].
    Inspected(Inspected),
    /// Of [`EffectKind::LookUp`].
    LookedUp(LookedUp),
    /// Of [`EffectKind::Heartbeat`].
    Beat(Beat),
    /// Of [`EffectKind::WriteImage`]: the image that is on the disk now, or the agent's error.
    ImageWritten(Result<super::ipa::Written, super::ipa::IpaError>),
}

/// What a boot source holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Bootable {
    /// A ramdisk with an agent, started with these parameters.
    Ipa(Box<Params>),
    /// A system of its own, without an agent.
    Live,
    /// The network says: boot from disk.
    Disk,
}
