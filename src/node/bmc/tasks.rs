//! Tasks: work of the BMC that takes time. A task names its work and ends when the work ends.
//!
//! The state and the progress of a task that has not ended follow from its work and from the clock; only the end is stored.
//! Source of the words: the schema `Task.v1_7_4` and DSP0266, "Asynchronous operations".

use serde::{Deserialize, Serialize};

use super::source::Fetch;
use crate::dmtf::{ResetToDefaultsType, TaskState};
use crate::limit::Limits;
use crate::node::event::Collection;
use crate::node::refusal::Refusal;
use crate::node::sparse;
use crate::time::SimTime;

/// Commands to the `TaskService` of a BMC and to its tasks.
#[derive(Clone, Debug)]
pub enum Command {
    /// New settings of the BMC's own service root; `None` leaves a setting unchanged.
    Change { enabled: Option<bool>, auto_delete_minutes: Option<u32> },
    /// `DELETE` of a task: a task that has not ended is cancelled, one that has ended is removed.
    Delete(u32),
    /// `DELETE` of a task monitor: a task that has not ended is cancelled. The monitor is gone in any case.
    DeleteMonitor(u32),
}

/// What a command that takes time needs to become a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// Maximum number of tasks that the BMC keeps, including this one.
    pub most: usize,
    /// The settings of the service root at which the client asks. `None`: those of the BMC's own service root.
    pub settings: Option<Settings>,
    /// The request, for `Task.Payload`.
    pub payload: Option<Payload>,
}

impl Default for Start {
    fn default() -> Self {
        Self { most: Limits::DEFAULT.tasks_per_bmc, settings: None, payload: None }
    }
}

/// The settings of a `TaskService`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `ServiceEnabled`. Without it, the BMC refuses every command that would become a task.
    pub enabled: bool,
    /// `TaskAutoDeleteTimeoutMinutes`, for tasks that begin from now on.
    pub auto_delete_minutes: u32,
}

impl Settings {
    /// The settings of a new machine. Ironic looks at a task again for several minutes after its end.
    pub const NEW: Self = Self { enabled: true, auto_delete_minutes: 60 };
    /// The allowed values of `TaskAutoDeleteTimeoutMinutes`: up to a year.
    pub const AUTO_DELETE_MINUTES: std::ops::RangeInclusive<i64> = 1..=525_600;

    /// Sets new values; `None` leaves a setting unchanged.
    pub fn change(&mut self, enabled: Option<bool>, auto_delete_minutes: Option<u32>) {
        self.enabled = enabled.unwrap_or(self.enabled);
        self.auto_delete_minutes = auto_delete_minutes.unwrap_or(self.auto_delete_minutes);
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::NEW
    }
}

/// The request that a task executes, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    /// `TargetUri`, without a host.
    pub uri: Box<str>,
    /// `HttpOperation`: `POST` or `DELETE`.
    pub method: Box<str>,
    /// `JsonBody`: the body without its secrets.
    pub json: Box<str>,
}

impl Payload {
    /// Maximum length of `JsonBody`, bytes. The payload of a longer body is hidden.
    pub const MAX_JSON: usize = 2048;
}

/// The tasks of a BMC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tasks {
    /// In the order of their numbers. [`Start::most`] bounds them.
    pub(super) kept: Vec<Task>,
    /// The number of the newest task.
    last: u32,
    /// The settings of the BMC's own service root.
    pub settings: Settings,
}

/// Work that a client follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// A number that the BMC never uses again.
    pub number: u32,
    pub work: Work,
    /// `StartTime`: the moment of the request.
    pub started: SimTime,
    pub payload: Option<Payload>,
    /// The end, of a task that has ended.
    pub ended: Option<Ended>,
    /// Minutes after its end until it is removed.
    keep_minutes: u32,
    /// Its task monitor is there.
    pub monitored: bool,
    /// A rule of faults keeps it from its normal end.
    #[serde(default)]
    pub(in crate::node) held: Option<Held>,
}

/// How a rule of faults keeps a task from its normal end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// It never ends by itself.
    Forever,
    /// It fails at this moment.
    Fails(SimTime),
}

/// The work of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// `UpdateService.SimpleUpdate`: one part for each component.
    Firmware(Vec<Part>),
    /// Work on a volume of a controller, until a moment.
    Volume { doing: Doing, storage: u8, id: Box<str>, until: SimTime },
    /// `Manager.ResetToDefaults`. It ends when the BMC is back.
    ManagerDefaults(ResetToDefaultsType),
    /// `Bios.ResetBios`. It ends at the next start of the host.
    BiosDefaults,
    /// `LogService.CollectDiagnosticData`, until a moment. `entry` is the number of the log entry, once the data is there.
    Diagnostics { collection: Box<Collection>, until: SimTime, entry: Option<u32> },
    /// `LicenseService.Install`: the file to be fetched, until it is there or the task has ended, and the id of the license, once it is installed.
    License { fetch: Option<Box<Fetch>>, id: Option<Box<str>> },
}

/// What is done to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doing {
    /// The volume is there from the beginning, and its drives are prepared.
    Create,
    /// The volume is there until the end.
    Delete,
    Initialize,
}

/// The update of one component, which is a sub-task if there are several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The component, by its number in the profile.
    pub component: u8,
    /// The number of the update in the node's firmware.
    pub update: u32,
    /// The name of the image's file.
    pub image: Box<str>,
    pub ended: Option<Ended>,
}

/// The end of a task or of its part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub at: SimTime,
    pub how: End,
}

/// How a task ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum End {
    Completed,
    /// By a client, or because a later command replaces the work.
    Cancelled,
    /// It has failed for this reason.
    Failed(Box<str>),
}

impl sparse::Part for Tasks {
    fn of_new_machine() -> &'static Self {
        static NEW: Tasks = Tasks { kept: Vec::new(), last: 0, settings: Settings::NEW };
        &NEW
    }
}

impl Task {
    /// Whether a client can cancel it: resets to defaults cannot be taken back.
    pub fn can_be_cancelled(&self) -> bool {
        let can_stop = match self.work {
            Work::Firmware(_) | Work::Volume { .. } | Work::Diagnostics { .. } | Work::License { .. } => true,
            Work::ManagerDefaults(_) | Work::BiosDefaults => false,
        };
        self.ended.is_none() && can_stop
    }

    /// `EstimatedDuration`, ms, of work whose end is known.
    pub fn estimated_ms(&self) -> Option<u64> {
        match self.work {
            Work::Volume { until, .. } | Work::Diagnostics { until, .. } => {
                Some(until.since_ms(self.started))
            }
            Work::Firmware(_) | Work::ManagerDefaults(_) | Work::BiosDefaults | Work::License { .. } => None,
        }
    }

    fn next_deadline(&self) -> SimTime {
        match (&self.ended, &self.work) {
            (None, _) if self.held.is_some() => match self.held {
                Some(Held::Fails(at)) => at,
                Some(Held::Forever) | None => SimTime::NEVER,
            },
            (Some(ended), _) => ended.at.after_ms(u64::from(self.keep_minutes) * 60_000),
            (None, Work::Volume { until, .. } | Work::Diagnostics { until, .. }) => *until,
            (
                None,
                Work::Firmware(_) | Work::ManagerDefaults(_) | Work::BiosDefaults | Work::License { .. },
            ) => SimTime::NEVER,
        }
    }

    pub(super) fn end(&mut self, how: End, at: SimTime) {
        if self.held.is_some() && how == End::Completed {
            return;
        }
        match &mut self.work {
            Work::Firmware(parts) => {
                for part in parts.iter_mut().filter(|part| part.ended.is_none()) {
                    part.ended = Some(Ended { at, how: how.clone() });
                }
            }
            // A late answer is ignored, and the password is not needed any more.
            Work::License { fetch, .. } => *fetch = None,
            Work::Volume { .. }
            | Work::ManagerDefaults(_)
            | Work::BiosDefaults
            | Work::Diagnostics { .. } => {}
        }
        self.ended.get_or_insert(Ended { at, how });
    }

    /// Ends the task if all of its parts have ended: with the first failure, if there is one.
    fn end_with_parts(&mut self, at: SimTime) {
        let Work::Firmware(parts) = &self.work else { return };
        let ends: Option<Vec<&End>> = parts.iter().map(|part| Some(&part.ended.as_ref()?.how)).collect();
        let Some(ends) = ends.filter(|_| self.ended.is_none() && self.held.is_none()) else { return };
        let failed = ends.iter().find(|end| matches!(end, End::Failed(_)));
        let worst = failed.or_else(|| ends.iter().find(|end| ***end == End::Cancelled));
        let how = worst.map_or(End::Completed, |end| (**end).clone());
        self.ended = Some(Ended { at, how });
    }
}

impl Tasks {
    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All tasks, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Task> {
        self.kept.iter()
    }

    /// The task with this number.
    pub fn get(&self, number: u32) -> Option<&Task> {
        self.kept.iter().find(|task| task.number == number)
    }

    /// The work that is being done to a volume, with the task.
    pub fn of_volume(&self, of: u8, with_id: &str) -> Option<(Doing, &Task)> {
        self.kept.iter().filter(|task| task.ended.is_none()).find_map(|task| match &task.work {
            Work::Volume { doing, storage, id, .. } if *storage == of && **id == *with_id => {
                Some((*doing, task))
            }
            Work::Volume { .. }
            | Work::Firmware(_)
            | Work::ManagerDefaults(_)
            | Work::BiosDefaults
            | Work::Diagnostics { .. }
            | Work::License { .. } => None,
        })
    }

    /// Tasks of a new machine. Their numbers go on, so that the URI of an old task never leads to a new one.
    pub(in crate::node) fn renewed(&self) -> Self {
        Self { last: self.last, ..Self::default() }
    }

    /// Refuses a task that has no room or comes to a service that is disabled.
    pub(in crate::node) fn check(&self, start: &Start) -> Result<(), Refusal> {
        if !start.settings.unwrap_or(self.settings).enabled {
            return Err(Refusal::TaskServiceDisabled);
        }
        let unfinished = self.kept.iter().filter(|task| task.ended.is_none()).count();
        if unfinished < start.most { Ok(()) } else { Err(Refusal::TooManyTasks) }
    }

    /// Begins a task that [`Tasks::check`] has accepted, and returns its number. The tasks that ended first make room for it.
    pub(in crate::node) fn begin(&mut self, work: Work, start: Start, now: SimTime) -> u32 {
        let settings = start.settings.unwrap_or(self.settings);
        while self.kept.len() >= start.most {
            let ended = self.kept.iter().filter_map(|task| Some((task.ended.as_ref()?.at, task.number)));
            let Some((_, oldest)) = ended.min() else { break };
            self.kept.retain(|task| task.number != oldest);
        }
        self.last += 1;
        self.kept.reserve_exact(1);
        self.kept.push(Task {
            number: self.last,
            work,
            started: now,
            payload: start.payload,
            ended: None,
            keep_minutes: settings.auto_delete_minutes,
            monitored: true,
            held: None,
        });
        self.last
    }

    /// Cancels a task that has not ended. Its monitor is gone, and the task too if `removes`.
    pub(super) fn cancel(&mut self, number: u32, removes: bool, at: SimTime) {
        for task in self.kept.iter_mut().filter(|task| task.number == number) {
            task.monitored = false;
            if task.ended.is_none() {
                task.end(End::Cancelled, at);
            }
        }
        self.kept.retain(|task| task.number != number || !removes);
    }

    /// Ends every task whose work `is` selects.
    pub(super) fn end_all(&mut self, is: impl Fn(&Work) -> bool, how: &End, at: SimTime) {
        let tasks = self.kept.iter_mut().filter(|task| task.ended.is_none() && is(&task.work));
        tasks.for_each(|task| task.end(how.clone(), at));
    }

    /// Ends the task with this number.
    pub(in crate::node) fn end(&mut self, number: u32, how: End, at: SimTime) {
        if let Some(task) = self.kept.iter_mut().find(|task| task.number == number) {
            task.end(how, at);
        }
    }

    /// The data that the task with this number collects is there, with this entry.
    pub(in crate::node) fn collected(&mut self, number: u32, of: u32) {
        let task = self.kept.iter_mut().find(|task| task.number == number);
        if let Some(Task { work: Work::Diagnostics { entry, .. }, .. }) = task {
            *entry = Some(of);
        }
    }

    /// Drops the requests with their passwords, for a client that has not made them.
    pub(super) fn hide_requests(&mut self) {
        for task in &mut self.kept {
            task.payload = None;
            if let Work::License { fetch, .. } = &mut task.work {
                *fetch = None;
            }
        }
    }

    /// Ends the part of a task that is this update of a component, and the task with its last part.
    pub(super) fn end_update(&mut self, component: u8, update: u32, how: &End, at: SimTime) {
        for task in &mut self.kept {
            let Work::Firmware(parts) = &mut task.work else { continue };
            let is = |part: &&mut Part| (part.component, part.update) == (component, update);
            if let Some(part) = parts.iter_mut().find(is) {
                part.ended.get_or_insert_with(|| Ended { at, how: how.clone() });
                task.end_with_parts(at);
            }
        }
    }

    /// The next moment at which work ends, or a task is removed.
    pub(super) fn next_deadline(&self) -> SimTime {
        self.kept.iter().map(Task::next_deadline).min().unwrap_or(SimTime::NEVER)
    }

    /// A rule of faults holds a task.
    pub(in crate::node) fn hold(&mut self, number: u32, held: Held) {
        if let Some(task) = self.kept.iter_mut().find(|task| task.number == number) {
            task.held = Some(held);
        }
    }

    /// Tasks that never end go on from `now`: their work takes its normal end, at once if its time has passed.
    pub(in crate::node) fn release(&mut self, now: SimTime) {
        for task in self.kept.iter_mut().filter(|task| task.held == Some(Held::Forever)) {
            task.held = None;
            match &mut task.work {
                Work::Volume { until, .. } | Work::Diagnostics { until, .. } => *until = now.max(*until),
                Work::Firmware(_) => task.end_with_parts(now),
                Work::License { id, .. } => {
                    if id.is_some() {
                        task.end(End::Completed, now);
                    }
                }
                // They end with a restart of the BMC or of the host.
                Work::ManagerDefaults(_) | Work::BiosDefaults => {}
            }
        }
    }

    /// Passes a deadline. Returns the volumes that are gone now, each with the number of its controller, and the work of tasks that
    /// have failed.
    pub(super) fn step(&mut self, at: SimTime) -> (Vec<(u8, Box<str>)>, Vec<Work>) {
        let (mut gone, mut failed) = (Vec::new(), Vec::new());
        self.kept.retain(|task| task.ended.is_none() || task.next_deadline() > at);
        for task in self.kept.iter_mut().filter(|task| task.next_deadline() <= at) {
            if task.held.take().is_some() {
                failed.push(task.work.clone());
                task.end(End::Failed("the operation has failed".into()), at);
                continue;
            }
            if let Work::Volume { doing: Doing::Delete, storage, id, .. } = &task.work {
                gone.push((*storage, id.clone()));
            }
            task.end(End::Completed, at);
        }
        (gone, failed)
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { kept, last: _, settings: _ } = self;
        for task in kept {
            let Task { number: _, work, started, payload: _, ended, keep_minutes: _, monitored: _, held } =
                task;
            started.shift(ms);
            if let Some(Held::Fails(at)) = held {
                at.shift(ms);
            }
            let mut ends: Vec<_> = ended.iter_mut().collect();
            match work {
                Work::Firmware(parts) => ends.extend(parts.iter_mut().filter_map(|p| p.ended.as_mut())),
                Work::Volume { until, .. } | Work::Diagnostics { until, .. } => until.shift(ms),
                Work::License { fetch, id: _ } => {
                    if let Some(fetch) = fetch {
                        fetch.call.shift(ms);
                    }
                }
                Work::ManagerDefaults(_) | Work::BiosDefaults => {}
            }
            ends.into_iter().for_each(|Ended { at, how: _ }| at.shift(ms));
        }
    }
}

impl End {
    /// `TaskState` of a task that has ended so.
    pub fn state(&self) -> TaskState {
        match self {
            Self::Completed => TaskState::Completed,
            Self::Cancelled => TaskState::Cancelled,
            Self::Failed(_) => TaskState::Exception,
        }
    }
}
