//! Commands to a node, and their outcomes.
//!
//! Each part of a node has its own commands, in the same file as the state that they change.

use super::ipa::{CommandRecord, IpaCommand};
pub use super::refusal::Refusal;
use super::{bmc, host, lab};

/// A change that a client requests. One request is exactly one command, so a request is executed completely or not at
/// all.
#[derive(Clone, Debug)]
pub enum Command {
    /// Power and settings of the `ComputerSystem`.
    Host(host::Command),
    Bios(bmc::bios::Command),
    SecureBoot(bmc::secure_boot::Command),
    Media(bmc::media::Command),
    /// The certificate of the BMC.
    Certificate(bmc::certificate::Command),
    Led(bmc::led::Command),
    /// The `Manager` itself: its restart and its clock.
    Bmc(bmc::Command),
    /// Licenses of the BMC.
    License(bmc::licenses::Command),
    /// Network settings of the BMC.
    Network(bmc::network::Command),
    /// Properties of the maker, and the change that the rest of the request asks for. If that is refused, nothing is changed.
    Oem {
        values: Vec<bmc::oem::Kept>,
        rest: Option<Box<Self>>,
    },
    /// Volumes of a storage controller.
    Volume(bmc::volume::Command),
    /// An update of a firmware component.
    Firmware(bmc::firmware::Command),
    /// The task service and its tasks.
    Task(bmc::tasks::Command),
    /// Sessions at the BMC's own service root.
    Session(bmc::session::Command),
    /// Accounts and roles at the BMC's own service root. `configured` is the user name in the settings of the service.
    Account {
        command: bmc::account::Command,
        configured: Box<str>,
    },
    /// Log services: clearing, deletion of entries, and collection of diagnostic data.
    Log(bmc::logs::Command),
    /// The definitions of metric reports.
    Telemetry(bmc::telemetry::Command),
    /// The event service at the BMC's own service root.
    Event(bmc::subscriptions::Command),
    /// A command of the Ironic Python Agent's API.
    Ipa(IpaCommand),
    /// An action of a person in the lab.
    Lab(lab::Command),
}

impl Command {
    /// What the command needs to become a task, if its work takes time.
    pub fn start_mut(&mut self) -> Option<&mut bmc::tasks::Start> {
        use bmc::{bios, licenses, volume};
        match self {
            Self::Bios(bios::Command::ResetAsTask(start)) => Some(start),
            Self::Bmc(bmc::Command::ResetToDefaults { start, .. }) => Some(start),
            Self::Firmware(bmc::firmware::Command { start, .. }) => Some(start),
            Self::Volume(
                volume::Command::Create { start, .. }
                | volume::Command::Delete { start, .. }
                | volume::Command::Initialize { start, .. },
            ) => Some(start),
            Self::Log(bmc::logs::Command::Collect { start, .. }) => Some(start),
            Self::License(licenses::Command::Fetch { start, .. }) => Some(start),
            Self::Oem { rest, .. } => rest.as_mut()?.start_mut(),
            Self::Host(_)
            | Self::Bios(bios::Command::Change(_) | bios::Command::Reset)
            | Self::SecureBoot(_)
            | Self::Media(_)
            | Self::Certificate(_)
            | Self::Led(_)
            | Self::Network(_)
            | Self::License(licenses::Command::Install(_) | licenses::Command::Delete(_))
            | Self::Bmc(bmc::Command::Reset | bmc::Command::SetClock { .. } | bmc::Command::LimitPower(_))
            | Self::Task(_)
            | Self::Session(_)
            | Self::Account { .. }
            | Self::Log(bmc::logs::Command::Clear(_) | bmc::logs::Command::DeleteEntry { .. })
            | Self::Telemetry(_)
            | Self::Event(_)
            | Self::Ipa(_)
            | Self::Lab(_) => None,
        }
    }

    /// Whether its execution can be an event in the life of the node. Changes of settings are none.
    pub(super) fn is_eventful(&self) -> bool {
        match self {
            Self::Oem { rest, .. } => rest.as_ref().is_some_and(|rest| rest.is_eventful()),
            Self::Host(
                host::Command::Change(_)
                | host::Command::ChangeChassis(_)
                | host::Command::EnableBootOption { .. }
                | host::Command::DefaultBootOrder,
            )
            | Self::Bios(_)
            | Self::Task(_)
            | Self::SecureBoot(_)
            | Self::Certificate(_)
            | Self::Led(_)
            | Self::Network(_)
            | Self::License(_)
            | Self::Session(_)
            | Self::Log(_)
            | Self::Telemetry(_)
            | Self::Event(_)
            | Self::Account { .. } => false,
            Self::Host(host::Command::Reset(_) | host::Command::CycleChassis)
            | Self::Media(_)
            | Self::Bmc(_)
            | Self::Volume(_)
            | Self::Firmware(_)
            | Self::Ipa(_)
            | Self::Lab(_) => true,
        }
    }
}

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The command is done, or its execution has begun.
    Done,
    /// The command has created a resource with this number.
    Created(u32),
    /// The command has created a resource with this id.
    CreatedAs(Box<str>),
    /// The command takes time. Its task has this number.
    Accepted(u32),
    /// The command has made a request for a certificate, PEM.
    Requested(bmc::certificate::Why, Box<str>),
    /// The agent has recorded the command.
    Ipa(CommandRecord),
}

impl Outcome {
    /// The number of the resource that the command has created. `None` if it has created none with a number.
    pub fn created(&self) -> Option<u32> {
        if let Self::Created(number) = self { Some(*number) } else { None }
    }
}
