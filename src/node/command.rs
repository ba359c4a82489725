//! Commands to a node, their outcomes, and the reasons to refuse them.
//!
//! Each part of a node has its own commands, in the same file as the code that executes them.

use std::time::Duration;

use super::ipa::{CommandRecord, IpaCommand};
use super::{bmc, host};

/// A change that a client requests. One request is exactly one command, so a request is executed completely or not at
/// all.
#[derive(Clone, Debug)]
pub enum Command {
    /// Power and settings of the `ComputerSystem`.
    Host(host::Command),
    Bios(bmc::bios::Command),
    SecureBoot(bmc::secure_boot::Command),
    Media(bmc::media::Command),
    Led(bmc::led::Command),
    /// The `Manager` itself: its restart and its clock.
    Bmc(bmc::Command),
    /// Sessions at the BMC's own service root.
    Session(bmc::session::Command),
    /// A command of the Ironic Python Agent's API.
    Ipa(IpaCommand),
}

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The command is done, or its execution has begun.
    Done,
    /// The command has created a resource with this number.
    Created(u32),
    /// The agent has recorded the command.
    Ipa(CommandRecord),
}

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
    #[error("secure boot needs the UEFI boot mode")]
    SecureBootNeedsUefi,
    /// The BMC has as many sessions as it may have.
    #[error("there are too many sessions")]
    TooManySessions,
    #[error("no agent runs on this machine")]
    NoAgent,
    /// The agent is executing another command. IPA uses this text.
    #[error("Agent is busy")]
    AgentBusy,
}
