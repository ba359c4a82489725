//! The reasons to refuse a command.

use std::time::Duration;

use super::bmc::account;
use crate::profile::secure_boot::Kind;

/// Why a node refuses a command. A refusal changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the machine is off")]
    PoweredOff,
    /// The BMC is restarting and will be back after this time.
    #[error("the BMC is restarting")]
    ManagerRestarting(Duration),
    #[error("the slot already holds an image")]
    MediaInserted,
    #[error("a volume cannot have these drives")]
    DrivesDoNotFit,
    #[error("the component is being updated")]
    UpdateUnderway,
    #[error("secure boot needs the UEFI boot mode")]
    SecureBootNeedsUefi,
    /// There are as many certificates, signatures or licenses as there may be.
    #[error("there is no room for another one")]
    TooManyKeys,
    /// The same certificate or signature is there, with this number.
    #[error("it is there already, with the number {1}")]
    KeyExists(Kind, u32),
    /// The same license is there, with this id.
    #[error("the license is there already, with the id {0}")]
    LicenseExists(Box<str>),
    /// The BMC has as many sessions as it may have.
    #[error("there are too many sessions")]
    TooManySessions,
    /// The root has as many subscriptions as it may have.
    #[error("there are too many subscriptions")]
    TooManySubscriptions,
    /// Clients have created as many definitions of reports as the BMC may have.
    #[error("there are too many report definitions")]
    TooManyReports,
    /// There is a definition of a report with this id.
    #[error("there is already a report definition '{0}'")]
    ReportExists(Box<str>),
    /// The change of an account or a role is refused.
    #[error(transparent)]
    Account(#[from] account::Refused),
    /// The BMC has as many unfinished tasks as it may have.
    #[error("there are too many tasks")]
    TooManyTasks,
    #[error("the task service is disabled")]
    TaskServiceDisabled,
    /// The work of the task cannot be stopped.
    #[error("the task cannot be cancelled")]
    TaskNotCancellable,
    #[error("there is no such volume")]
    NoVolume,
    /// A task works on the volume.
    #[error("a task works on the volume")]
    VolumeInUse,
    #[error("no agent runs on this machine")]
    NoAgent,
    /// The machine and its BMC would have no power.
    #[error("no other power supply feeds the machine; it keeps one")]
    LastInput,
    /// The machine could not pass its self test.
    #[error("no other memory module works; a machine keeps one")]
    LastMemory,
    /// The agent is executing another command. IPA uses this text.
    #[error("Agent is busy")]
    AgentBusy,
}
