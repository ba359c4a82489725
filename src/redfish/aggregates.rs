//! The aggregates of the root that all nodes share, and the tasks that act on many resources.
//!
//! A task acts on its elements in batches. The moment of each batch follows from the start of the task, so a task goes on where it
//! was after a restart of the process.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dmtf::{ResetType, TaskState};
use crate::fleet::Fleet;
use crate::node::bmc::tasks::{End, Ended, Payload, Settings};
use crate::node::command::Refusal;
use crate::time::SimTime;

/// The aggregates and their tasks.
pub struct Aggregates {
    inner: Mutex<Inner>,
    fleet: Arc<Fleet>,
}

#[derive(Default)]
struct Inner {
    /// The number of the newest aggregate, and that of the newest task.
    last: (u32, u32),
    aggregates: BTreeMap<u32, Vec<Element>>,
    tasks: BTreeMap<u32, (GroupTask, Progress)>,
}

/// The collections whose members an aggregate can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Kind {
    Systems,
    Chassis,
    Managers,
}

/// A system, a chassis or a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Element {
    pub kind: Kind,
    /// The UUID of the machine.
    pub uuid: Uuid,
}

/// What is done to each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Doing {
    Reset(ResetType),
    SetDefaultBootOrder,
}

/// An action on many resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupTask {
    pub doing: Doing,
    /// Each resource stands there once.
    pub elements: Vec<Element>,
    /// Elements of a batch, at least 1.
    pub batch: u32,
    /// The time between two batches, seconds.
    pub delay_s: u32,
    /// The moment of the request and of the first batch.
    pub started: SimTime,
    pub payload: Option<Payload>,
    /// Minutes after its end until it is removed.
    pub keep_minutes: u32,
}

/// How far such a task is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Elements that the task has acted on.
    pub done: u32,
    /// Elements among them that refused.
    pub refused: u32,
    /// The first refusals, each with the URI of its element.
    pub reasons: Vec<Box<str>>,
    pub ended: Option<Ended>,
    /// Its task monitor is there.
    pub monitored: bool,
}

/// Elements on which a task acts next.
pub(super) struct Due {
    /// The number of the task.
    pub task: u32,
    pub doing: Doing,
    pub elements: Vec<Element>,
    /// When they have become due.
    pub at: SimTime,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Systems => "Systems",
            Self::Chassis => "Chassis",
            Self::Managers => "Managers",
        }
    }
}

impl Element {
    /// The element at a URI, which may be written with capitals in its UUID.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let (kind, uuid) = uri.strip_prefix("/redfish/v1/")?.split_once('/')?;
        let kind = [Kind::Systems, Kind::Chassis, Kind::Managers].into_iter().find(|k| k.as_str() == kind)?;
        let uuid = uuid.strip_suffix('/').unwrap_or(uuid).parse().ok()?;
        Some(Self { kind, uuid })
    }

    pub(super) fn uri(&self) -> String {
        format!("/redfish/v1/{}/{}", self.kind.as_str(), self.uuid)
    }
}

impl GroupTask {
    /// When the element at this place in the list is due.
    fn due(&self, element: u32) -> SimTime {
        let batches = u64::from(element / self.batch.max(1));
        self.started.after_ms(batches * u64::from(self.delay_s) * 1000)
    }

    /// When the last batch is due.
    pub(super) fn end(&self) -> SimTime {
        self.due(self.len().saturating_sub(1))
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.elements.len()).unwrap_or(u32::MAX)
    }

    fn next_deadline(&self, progress: &Progress) -> SimTime {
        match &progress.ended {
            Some(ended) => ended.at.after_ms(u64::from(self.keep_minutes) * 60_000),
            None => self.due(progress.done),
        }
    }

    pub(super) fn percent(&self, progress: &Progress) -> u64 {
        u64::from(progress.done) * 100 / u64::from(self.len().max(1))
    }
}

impl Progress {
    const NEW: Self = Self { done: 0, refused: 0, reasons: Vec::new(), ended: None, monitored: true };

    pub(super) fn state(&self) -> TaskState {
        self.ended.as_ref().map_or(TaskState::Running, |ended| ended.how.state())
    }

    fn end(&mut self, how: End, at: SimTime) {
        self.ended.get_or_insert(Ended { at, how });
    }
}

impl Aggregates {
    /// The most aggregates that a root keeps.
    const MAX: usize = 64;
    /// The most elements of an aggregate and of an action.
    pub(super) const MAX_ELEMENTS: usize = 4096;
    /// The most tasks that are kept, including those that have ended.
    const MAX_TASKS: usize = 16;
    /// The most refusals of which a task keeps the reasons.
    const MAX_REASONS: usize = 16;
    /// Elements that a task acts on before others have their turn.
    const SLICE: usize = 64;
    /// The longest time between two batches, seconds.
    pub(super) const MAX_DELAY_S: i64 = 3600;

    /// The prefix of the records' keys.
    pub const RECORDS: &str = "aggregation/";
    const LAST: &str = "aggregation/last";
    const AGGREGATE: &str = "aggregation/aggregate/";
    const TASK: &str = "aggregation/task/";
    const PROGRESS: &str = "aggregation/progress/";

    pub(super) fn of(fleet: Arc<Fleet>) -> Self {
        Self { inner: Mutex::default(), fleet }
    }

    /// Restores the aggregates and tasks from the records below [`Aggregates::RECORDS`].
    ///
    /// # Errors
    /// The key of a record that cannot be read, and the reason.
    pub fn restore(&self, records: &[(String, Vec<u8>)]) -> Result<(), String> {
        let mut inner = Inner::default();
        let mut progress = BTreeMap::<u32, Progress>::new();
        for (key, value) in records {
            let wrong = |error: &dyn std::fmt::Display| format!("record '{key}': {error}");
            let number = |digits: &str| digits.parse::<u32>().map_err(|error| wrong(&error));
            let json = |error| wrong(&error);
            if key == Self::LAST {
                inner.last = serde_json::from_slice(value).map_err(json)?;
            } else if let Some(digits) = key.strip_prefix(Self::AGGREGATE) {
                let elements = serde_json::from_slice(value).map_err(json)?;
                inner.aggregates.insert(number(digits)?, elements);
            } else if let Some(digits) = key.strip_prefix(Self::TASK) {
                let task = serde_json::from_slice(value).map_err(json)?;
                inner.tasks.insert(number(digits)?, (task, Progress::NEW));
            } else if let Some(digits) = key.strip_prefix(Self::PROGRESS) {
                progress.insert(number(digits)?, serde_json::from_slice(value).map_err(json)?);
            }
        }
        for (number, known) in progress {
            if let Some((_, progress)) = inner.tasks.get_mut(&number) {
                *progress = known;
            }
        }
        *self.inner.lock() = inner;
        Ok(())
    }

    /// Makes the response that shows an aggregate or a task wait until all of them are on disk.
    fn note(&self) {
        if let Some(ledger) = self.fleet.ledger() {
            ledger.note_records();
        }
    }

    fn record<T: Serialize>(&self, key: &str, value: Option<&T>) {
        if let Some(ledger) = self.fleet.ledger() {
            let json =
                value.map(|value| serde_json::to_vec(value).expect("numbers and texts are valid JSON"));
            ledger.record(key, json);
        }
    }

    /// The numbers of all aggregates.
    pub(super) fn ids(&self) -> Vec<u32> {
        self.note();
        self.inner.lock().aggregates.keys().copied().collect()
    }

    /// The elements of an aggregate. Those of machines that were removed are no longer among them.
    pub(super) fn elements(&self, id: u32) -> Option<Vec<Element>> {
        self.note();
        let mut elements = self.inner.lock().aggregates.get(&id)?.clone();
        elements.retain(|element| self.fleet.find(element.uuid).is_some());
        Some(elements)
    }

    /// Creates an aggregate, and returns its number. `None` if there are too many.
    pub(super) fn create(&self, elements: Vec<Element>) -> Option<u32> {
        let mut inner = self.inner.lock();
        if inner.aggregates.len() >= Self::MAX {
            return None;
        }
        inner.last.0 += 1;
        let id = inner.last.0;
        self.record(Self::LAST, Some(&inner.last));
        self.record(&format!("{}{id}", Self::AGGREGATE), Some(&elements));
        inner.aggregates.insert(id, elements);
        Some(id)
    }

    /// Sets the elements of an aggregate. `None` deletes it.
    pub(super) fn set(&self, id: u32, elements: Option<Vec<Element>>) {
        let mut inner = self.inner.lock();
        self.record(&format!("{}{id}", Self::AGGREGATE), elements.as_ref());
        match elements {
            Some(elements) => inner.aggregates.insert(id, elements),
            None => inner.aggregates.remove(&id),
        };
    }

    /// The numbers of all tasks.
    pub(super) fn tasks(&self) -> Vec<u32> {
        self.note();
        self.inner.lock().tasks.keys().copied().collect()
    }

    /// Looks at the task with this number.
    pub(super) fn task<R>(&self, number: u32, look: impl FnOnce(&GroupTask, &Progress) -> R) -> Option<R> {
        self.note();
        self.inner.lock().tasks.get(&number).map(|(task, progress)| look(task, progress))
    }

    /// Begins a task, and returns its number with the numbers of the tasks that have made room for it.
    ///
    /// # Errors
    /// The service is disabled, or has too many tasks that have not ended.
    pub(super) fn begin(&self, task: GroupTask, settings: Settings) -> Result<(u32, Vec<u32>), Refusal> {
        if !settings.enabled {
            return Err(Refusal::TaskServiceDisabled);
        }
        let mut inner = self.inner.lock();
        let mut gone = Vec::new();
        while inner.tasks.len() >= Self::MAX_TASKS {
            let ended =
                inner.tasks.iter().filter_map(|(n, (_, progress))| Some((progress.ended.as_ref()?.at, *n)));
            let Some((_, oldest)) = ended.min() else { return Err(Refusal::TooManyTasks) };
            self.forget(&mut inner, oldest);
            gone.push(oldest);
        }
        inner.last.1 += 1;
        let number = inner.last.1;
        self.record(Self::LAST, Some(&inner.last));
        self.record(&format!("{}{number}", Self::TASK), Some(&task));
        inner.tasks.insert(number, (task, Progress::NEW));
        Ok((number, gone))
    }

    fn forget(&self, inner: &mut Inner, number: u32) {
        inner.tasks.remove(&number);
        self.record::<()>(&format!("{}{number}", Self::TASK), None);
        self.record::<()>(&format!("{}{number}", Self::PROGRESS), None);
    }

    /// Changes the progress of a task.
    fn advance(&self, number: u32, change: impl FnOnce(&GroupTask, &mut Progress)) {
        if let Some((task, progress)) = self.inner.lock().tasks.get_mut(&number) {
            change(task, progress);
            self.record(&format!("{}{number}", Self::PROGRESS), Some(progress));
        }
    }

    /// `DELETE` of a task or of its monitor: a task that has not ended is cancelled, and its monitor is gone. Returns whether it was
    /// cancelled.
    pub(super) fn cancel(&self, number: u32, now: SimTime) -> bool {
        let mut cancelled = false;
        self.advance(number, |_, progress| {
            cancelled = progress.ended.is_none();
            progress.monitored = false;
            progress.end(End::Cancelled, now);
        });
        cancelled
    }

    /// Removes a task that has ended.
    pub(super) fn remove(&self, number: u32) {
        self.forget(&mut self.inner.lock(), number);
    }

    /// The elements that are due next: some of those of one batch.
    pub(super) fn due(&self, now: SimTime) -> Option<Due> {
        let inner = self.inner.lock();
        let unfinished = inner.tasks.iter().filter(|(_, (_, progress))| progress.ended.is_none());
        let due =
            unfinished.map(|(number, (task, progress))| (task.due(progress.done), number, task, progress));
        let (at, number, task, progress) = due.filter(|(at, ..)| *at <= now).min_by_key(|(at, ..)| *at)?;
        let same = (progress.done..task.len()).take(Self::SLICE).take_while(|n| task.due(*n) == at);
        let elements = same.map(|n| task.elements[n as usize]).collect();
        Some(Due { task: *number, doing: task.doing, elements, at })
    }

    /// The result of elements that were due: their number, and the reasons of those that refused. Returns how the task has ended, if
    /// it has.
    pub(super) fn done(&self, due: &Due, refusals: Vec<Box<str>>) -> Option<End> {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let mut ended = None;
        self.advance(due.task, |task, progress| {
            progress.done += count(due.elements.len());
            progress.refused += count(refusals.len());
            let room = Self::MAX_REASONS.saturating_sub(progress.reasons.len());
            progress.reasons.extend(refusals.into_iter().take(room));
            if progress.done >= task.len() && progress.ended.is_none() {
                let how = match progress.refused == task.len() && progress.refused > 0 {
                    true => End::Failed("all resources have refused".into()),
                    false => End::Completed,
                };
                progress.end(how.clone(), due.at);
                ended = Some(how);
            }
        });
        ended
    }

    /// Removes the tasks that ended long enough ago. Returns their numbers with the moments.
    pub(super) fn step(&self, now: SimTime) -> Vec<(SimTime, u32)> {
        let mut inner = self.inner.lock();
        let ended = inner.tasks.iter().filter(|(_, (_, progress))| progress.ended.is_some());
        let times = ended.map(|(number, (task, progress))| (task.next_deadline(progress), *number));
        let mut gone: Vec<_> = times.filter(|(at, _)| *at <= now).collect();
        gone.sort_unstable();
        gone.iter().for_each(|(_, number)| self.forget(&mut inner, *number));
        gone
    }

    /// The next moment at which elements are due, or a task is removed.
    pub(super) fn next_deadline(&self) -> SimTime {
        let inner = self.inner.lock();
        let deadlines = inner.tasks.values().map(|(task, progress)| task.next_deadline(progress));
        deadlines.min().unwrap_or(SimTime::NEVER)
    }
}
