//! Commands of an agent: their work, the job of the running command, and their results.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::closed::Closed;
use super::dice::Dice;
use super::image::ImageJob;
use super::text::{OverTotal, Part, Text, TextName, Total};
use crate::node::call::Call;
use crate::node::refusal::Refusal;
use crate::seed::Purpose;
use crate::time::{SimTime, Span};

/// A command for an agent, parsed from its API.
#[derive(Clone, Debug)]
pub struct IpaCommand {
    /// The name without the extension.
    pub name: Box<str>,
    /// What the client has asked for, for the rules of the node.
    pub asked: Option<Box<AskedFor>>,
    pub work: Work,
    /// The limit of all long results that the agent keeps, bytes. It forgets the oldest ones first.
    pub results_bytes: u64,
}

/// What a client has asked for with a command.
#[derive(Clone, Debug)]
pub struct AskedFor {
    /// The name with the extension.
    pub name: Box<str>,
    /// The name of the step, if the command executes one.
    pub step: Option<Box<str>>,
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
    Close(Text, Closed),
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
    Succeeded(Text),
    /// `SUCCEEDED`, with a `command_result` that consists of the result of a step and of the step itself. `word` is the
    /// kind of the step, as in `clean_step`.
    StepSucceeded { word: Box<str>, result: Text, step: Text },
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
    /// A disk holds an operating system. Only earlier versions have stored this, without the number of the disk.
    Install,
    /// The disk with this number holds an operating system ([`Disk::number`](crate::node::hardware::Disk::number)).
    InstallOn(u8),
    /// The machine shuts down, after a hang.
    PowerOff,
    /// The machine restarts, after a hang.
    Reboot,
    /// The agent closes its API, after a hang.
    Close(Closed),
}

impl IpaCommand {
    /// A command without a limit of results.
    pub fn new(name: &str, work: Work) -> Self {
        Self { name: name.into(), asked: None, work, results_bytes: u64::MAX }
    }

    /// The bytes of the command's long texts.
    pub fn long_bytes(&self) -> u64 {
        long_bytes(self.work.texts())
    }

    /// Counts the command's long texts in `total`.
    ///
    /// # Errors
    /// If the total would be more than `limit`.
    pub fn hold(&self, total: &Arc<Total>, limit: u64) -> Result<(), OverTotal> {
        self.work.texts().into_iter().flatten().try_for_each(|(_, text)| text.hold(total, limit))
    }
}

/// The texts of a command, with what each is to it.
type Texts<T> = [Option<(Part, T)>; 2];

fn long_bytes(texts: Texts<&Text>) -> u64 {
    texts.iter().flatten().filter_map(|(_, text)| text.long_bytes()).sum()
}

impl Work {
    /// The work fails with `end`. Work without a time of its own takes a time from `takes`, unless it ends at once.
    pub(in crate::node) fn fail(&mut self, end: CommandEnd, takes: Span) {
        let at_once = Span::exactly_ms(0);
        *self = match self {
            Self::Done(_) => Self::Done(end),
            Self::Timed(span, ..) => Self::Timed(*span, end, Then::Nothing),
            Self::Image(_) => Self::Timed(takes, end, Then::Nothing),
            Self::PowerOff | Self::Reboot | Self::Close(..) => Self::Timed(at_once, end, Then::Nothing),
        };
    }

    /// Turns work that is done at once into a job, so that it can be held.
    pub(in crate::node) fn take_time(&mut self) {
        let (end, then) = match self {
            Self::Done(end) => (end.clone(), Then::Nothing),
            Self::PowerOff => (CommandEnd::Succeeded("null".into()), Then::PowerOff),
            Self::Reboot => (CommandEnd::Succeeded("null".into()), Then::Reboot),
            Self::Close(result, why) => (CommandEnd::Succeeded(result.clone()), Then::Close(*why)),
            Self::Timed(..) | Self::Image(_) => return,
        };
        *self = Self::Timed(Span::exactly_ms(0), end, then);
    }

    fn texts(&self) -> Texts<&Text> {
        match self {
            Self::Done(end) | Self::Timed(_, end, _) => end.texts(),
            Self::Close(result, _) => [Some((Part::Result, result)), None],
            Self::Image(image) => [image.step.as_ref().map(|(_, step)| (Part::Step, step)), None],
            Self::PowerOff | Self::Reboot => [None, None],
        }
    }
}

impl CommandEnd {
    fn texts(&self) -> Texts<&Text> {
        match self {
            Self::Succeeded(result) => [Some((Part::Result, result)), None],
            Self::StepSucceeded { word: _, result, step } => {
                [Some((Part::Result, result)), Some((Part::Step, step))]
            }
            Self::Failed(_) | Self::VersionMismatch(_) => [None, None],
        }
    }

    fn texts_mut(&mut self) -> Texts<&mut Text> {
        match self {
            Self::Succeeded(result) => [Some((Part::Result, result)), None],
            Self::StepSucceeded { word: _, result, step } => {
                [Some((Part::Result, result)), Some((Part::Step, step))]
            }
            Self::Failed(_) | Self::VersionMismatch(_) => [None, None],
        }
    }
}

impl CommandRecord {
    fn texts(&self) -> Texts<&Text> {
        match &self.status {
            CommandStatus::Running(Job::Timed { until: _, end, then: _ }) | CommandStatus::Ended(end) => {
                end.texts()
            }
            CommandStatus::Running(Job::Image { call: _, image }) => {
                [image.step.as_ref().map(|(_, step)| (Part::Step, step)), None]
            }
            CommandStatus::Running(Job::ShutDown) => [None, None],
        }
    }

    fn texts_mut(&mut self) -> Texts<&mut Text> {
        match &mut self.status {
            CommandStatus::Running(Job::Timed { until: _, end, then: _ }) | CommandStatus::Ended(end) => {
                end.texts_mut()
            }
            CommandStatus::Running(Job::Image { call: _, image }) => {
                [image.step.as_mut().map(|(_, step)| (Part::Step, step)), None]
            }
            CommandStatus::Running(Job::ShutDown) => [None, None],
        }
    }

    /// Puts a note in the place of long results. Returns their bytes.
    fn forget(&mut self) -> u64 {
        let bytes = long_bytes(self.texts());
        if bytes > 0 && !self.status.is_running() {
            let note =
                format!(r#"{{"result":"{}: the {bytes} bytes of the result were forgotten"}}"#, self.name);
            self.status = CommandStatus::Ended(CommandEnd::Succeeded(note.into()));
        }
        bytes
    }
}

impl CommandStatus {
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

impl Job {
    pub fn deadline(&self) -> SimTime {
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

    /// A command without data runs, and never ends.
    pub(super) fn run_nothing(&mut self) {
        let status = CommandStatus::Running(Job::ShutDown);
        self.records.push(CommandRecord { id: Uuid::nil(), name: Box::default(), status });
    }

    /// The running command with its job.
    pub fn running_record(&self) -> Option<(&CommandRecord, &Job)> {
        self.records.last().zip(self.running())
    }

    /// The job of the running command.
    pub fn running(&self) -> Option<&Job> {
        match &self.records.last()?.status {
            CommandStatus::Running(job) => Some(job),
            CommandStatus::Ended(_) => None,
        }
    }

    /// The step that the running command writes an image for: its kind and its JSON text.
    pub(super) fn image_step(&self) -> Option<(Box<str>, Text)> {
        match self.running()? {
            Job::Image { call: _, image } => image.step.clone(),
            Job::Timed { .. } | Job::ShutDown => None,
        }
    }

    pub(super) fn running_mut(&mut self) -> Option<&mut Job> {
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

    /// Calls `see` with every long text and its name.
    pub(super) fn long_texts<'a>(&'a self, mut see: impl FnMut(TextName, &'a Text)) {
        for record in &self.records {
            let command = record.id;
            let long = record.texts().into_iter().flatten().filter(|(_, text)| text.long_bytes().is_some());
            long.for_each(|(part, text)| see(TextName { command, part }, text));
        }
    }

    /// The text of that name.
    pub(super) fn text_mut(&mut self, name: TextName) -> Option<&mut Text> {
        let record = self.records.iter_mut().find(|record| record.id == name.command)?;
        record.texts_mut().into_iter().flatten().find(|(part, _)| *part == name.part).map(|(_, text)| text)
    }

    /// Forgets the oldest long results until `more` bytes fit into `limit`.
    fn make_room(&mut self, more: u64, limit: u64) {
        let mut kept: u64 = self.records.iter().map(|record| long_bytes(record.texts())).sum();
        for record in &mut self.records {
            if kept.saturating_add(more) <= limit {
                break;
            }
            kept -= record.forget();
        }
    }

    /// Records a command and begins its work. The caller changes the power and closes the API. The agent forgets the
    /// oldest command beyond [`Commands::MAX`], and the oldest long results beyond the limit of the command.
    pub(super) fn accept(
        &mut self,
        command: IpaCommand,
        now: SimTime,
        draw: impl FnOnce() -> Dice,
    ) -> Result<CommandRecord, Refusal> {
        if self.running().is_some() {
            return Err(Refusal::AgentBusy);
        }
        self.make_room(command.long_bytes(), command.results_bytes);
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
            CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. } => then,
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
