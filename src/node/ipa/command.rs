//! Commands of an agent: their work, the job of the running command, and their results.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::closed::Closed;
use super::dice::Dice;
use super::image::ImageJob;
use crate::node::call::Call;
use crate::node::refusal::Refusal;
use crate::seed::Purpose;
use crate::time::{SimTime, Span};

/// A command for an agent, parsed from its API.
#[derive(Clone, Debug)]
pub struct IpaCommand {
    /// The name without the extension.
    pub name: Box<str>,
    pub work: Work,
}

/// The work of a command.
#[derive(Clone, Debug)]
pub enum Work {
    /// None: the command ends immediately.
    Done(CommandEnd),
    /// Takes a random time from the span, then ends. The effect on the machine applies only to a success.
    Timed(Span, CommandEnd, Then),
    /// Writes an image to a disk.
    Image(Box<ImageJob>),
    PowerOff,
    Reboot,
    /// Ends immediately with this result, and closes the agent's API.
    Close(Box<str>, Closed),
}

/// The commands that an agent has accepted. At most the last one is running.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Commands {
    /// Oldest first, at most [`Commands::MAX`].
    records: Vec<CommandRecord>,
    /// Number of commands accepted so far.
    pub taken: u32,
    /// A command has ended since the last accepted heartbeat (`agent.py`, `heartbeat_forced`).
    #[serde(default)]
    pub unreported: bool,
}

/// A command that the agent has accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRecord {
    pub id: Uuid,
    /// The name without the extension, as IPA reports it.
    pub name: Box<str>,
    pub status: CommandStatus,
}

/// The progress of a command (`command_status`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandStatus {
    /// `RUNNING`, with the job that is left to do.
    Running(Job),
    Ended(CommandEnd),
}

/// The end of a command (`command_status`), with its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CommandEnd {
    /// `SUCCEEDED`, with `command_result` as JSON text.
    Succeeded(Box<str>),
    /// `FAILED`, with the error as `command_error`.
    Failed(Box<IpaError>),
    /// `CLEAN_VERSION_MISMATCH` or the like: the steps have another version now.
    VersionMismatch(Box<IpaError>),
}

/// An error as IPA reports it (`ironic_python_agent/errors.py`): `type`, `code`, `message` and `details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpaError {
    /// The class of the error.
    pub kind: Box<str>,
    /// The HTTP status of the error.
    pub code: u16,
    pub message: Box<str>,
    /// Ironic shows the details as the node's `last_error`.
    pub details: Box<str>,
}

/// The job of a running command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// Waits, then ends the command.
    Timed { until: SimTime, end: CommandEnd, then: Then },
    /// Writes an image. `call` is the transfer of the image.
    Image { call: Call, image: Box<ImageJob> },
    /// Shuts the machine down. The agent ends with the machine, so the command never ends.
    ShutDown,
}

/// The effect of an ended command on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    Nothing,
    /// The disks are empty.
    EmptyDisks,
    /// A disk holds an operating system.
    Install,
}

impl CommandStatus {
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

impl Job {
    pub(super) fn deadline(&self) -> SimTime {
        match self {
            Self::Timed { until, .. } => *until,
            Self::Image { call, .. } => call.deadline(),
            Self::ShutDown => SimTime::NEVER,
        }
    }

    fn shift(&mut self, ms: u64) {
        match self {
            Self::Timed { until, end: _, then: _ } => until.shift(ms),
            Self::Image { call, image: _ } => call.shift(ms),
            Self::ShutDown => {}
        }
    }
}

impl Commands {
    /// Number of commands that an agent remembers. Ironic reads the last one, and whether there was one before it.
    pub const MAX: usize = 64;

    /// The remembered commands, oldest first.
    pub fn records(&self) -> &[CommandRecord] {
        &self.records
    }

    /// The job of the running command.
    pub fn running(&self) -> Option<&Job> {
        match &self.records.last()?.status {
            CommandStatus::Running(job) => Some(job),
            CommandStatus::Ended(_) => None,
        }
    }

    fn running_mut(&mut self) -> Option<&mut Job> {
        match &mut self.records.last_mut()?.status {
            CommandStatus::Running(job) => Some(job),
            CommandStatus::Ended(_) => None,
        }
    }

    /// The transfer of the image that the running command writes.
    pub(super) fn transfer(&mut self) -> Option<&mut Call> {
        match self.running_mut()? {
            Job::Image { call, .. } => Some(call),
            Job::Timed { .. } | Job::ShutDown => None,
        }
    }

    /// Records a command and begins its work. The caller changes the power and closes the API. The agent forgets the
    /// oldest command beyond [`Commands::MAX`].
    pub(super) fn accept(
        &mut self,
        command: IpaCommand,
        now: SimTime,
        draw: impl FnOnce() -> Dice,
    ) -> Result<CommandRecord, Refusal> {
        if self.running().is_some() {
            return Err(Refusal::AgentBusy);
        }
        self.taken += 1;
        let dice = draw();
        let dice = Dice { count: dice.count ^ self.taken << 16, ..dice };
        let status = match command.work {
            Work::Done(end) => CommandStatus::Ended(end),
            Work::Close(result, _) => CommandStatus::Ended(CommandEnd::Succeeded(result)),
            Work::Timed(span, end, then) => {
                let until = now.after_ms(span.pick_ms(dice.draw(Purpose::CommandTime)));
                CommandStatus::Running(Job::Timed { until, end, then })
            }
            Work::Image(image) => CommandStatus::Running(Job::Image { call: Call::Due, image }),
            Work::PowerOff | Work::Reboot => CommandStatus::Running(Job::ShutDown),
        };
        let record = CommandRecord { id: dice.command_id(), name: command.name, status };
        if self.records.len() >= Self::MAX {
            self.records.remove(0);
        }
        self.records.push(record.clone());
        Ok(record)
    }

    /// Ends the running command.
    pub(super) fn end(&mut self, end: CommandEnd) {
        if let Some(last) = self.records.last_mut().filter(|last| last.status.is_running()) {
            last.status = CommandStatus::Ended(end);
        }
    }

    /// Makes the running command wait until `until` before it ends.
    pub(super) fn end_at(&mut self, until: SimTime, end: CommandEnd, then: Then) {
        if let Some(job) = self.running_mut() {
            *job = Job::Timed { until, end, then };
        }
    }

    /// Ends the running command if its time is over, and returns its effect on the machine.
    pub(super) fn end_timed(&mut self, now: SimTime) -> Option<Then> {
        let (end, then) = match self.running()? {
            Job::Timed { until, end, then } if *until <= now => (end.clone(), *then),
            Job::Timed { .. } | Job::Image { .. } | Job::ShutDown => return None,
        };
        let then = match end {
            CommandEnd::Succeeded(_) => then,
            CommandEnd::Failed(_) | CommandEnd::VersionMismatch(_) => Then::Nothing,
        };
        self.end(end);
        Some(then)
    }

    pub(super) fn shift(&mut self, ms: u64) {
        // Only the last command can be running.
        if let Some(job) = self.running_mut() {
            job.shift(ms);
        }
    }
}
