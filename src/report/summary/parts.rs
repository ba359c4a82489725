//! The rows of a summary, and how many there may be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::plan::{Assertion, Figures, Operation};
use crate::report::durations::Durations;
use crate::report::item::{Item, Status};

/// Conductors, endpoints, groups, and kinds of requests of agents, each; further ones count as [`OTHER`].
pub(super) const MAX_ROWS: usize = 64;
/// Causes of failures, over all operations; further ones count as [`OTHER`].
pub(super) const MAX_FAILURES: usize = 64;
/// Watched processes; further ones count as [`OTHER`].
pub(super) const MAX_PROCESSES: usize = 32;
/// Runs of a merged summary.
pub(super) const MAX_RUNS: usize = 1000;
pub(super) const MAX_WARNINGS: usize = 100;
/// Names of items beside a cause, and beside the longest waits.
const MAX_NAMES: usize = 5;

/// The row for what is beyond the limit of rows.
pub const OTHER: &str = "(other)";

/// The row of a name, or that of [`OTHER`] if there are `most` already.
pub(super) fn row<'a, T: Default>(rows: &'a mut BTreeMap<String, T>, name: &str, most: usize) -> &'a mut T {
    let others = usize::from(rows.contains_key(OTHER));
    let has_room = rows.contains_key(name) || rows.len() - others < most;
    rows.entry(if has_room { name } else { OTHER }.to_owned()).or_default()
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All assertions of the plan hold.
    Held,
    /// An assertion does not hold, or a rule of faults was never reached.
    NotHeld,
    /// The user, or `abortOnFail`, has ended it before its end.
    Aborted,
    CouldNotRun,
    /// It runs, or was killed.
    #[default]
    Running,
}

impl Outcome {
    /// The outcome in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::NotHeld => "did not hold",
            Self::Aborted => "was aborted",
            Self::CouldNotRun => "could not run",
            Self::Running => "still runs, or was killed",
        }
    }
}

/// What is known about one run beside its items. Those of merged runs stand side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// RFC 3339 in UTC.
    pub start: String,
    pub seconds: f64,
    pub outcome: Outcome,
    pub exit_code: Option<u8>,
    pub items: Items,
    pub requests: Requests,
    /// Watched processes by name. Two runs that watch the same process count it twice.
    pub processes: BTreeMap<String, ProcessUse>,
}

/// Items by what has become of them. Each item is in one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Items {
    pub succeeded: u64,
    pub failed: u64,
    /// Left in the state in which the plan parks them.
    pub parked: u64,
    /// Between start and end. After the end of the run: those that it gave up.
    pub in_flight: u64,
    pub not_started: u64,
}

impl Items {
    pub fn total(&self) -> u64 {
        self.succeeded + self.failed + self.parked + self.in_flight + self.not_started
    }

    /// The fields with an item, in words.
    pub fn named(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let named = [
            (self.succeeded, "succeeded"),
            (self.failed, "failed"),
            (self.parked, "parked"),
            (self.in_flight, "under way"),
            (self.not_started, "not started"),
        ];
        named.into_iter().filter(|(number, _)| *number > 0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.parked += other.parked;
        self.in_flight += other.in_flight;
        self.not_started += other.not_started;
    }
}

/// Requests by their reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// Those by which the run asked for changes.
    pub changes: u64,
    /// Lists of all nodes that the run has read, their requests, and the seconds until their answers: the cost of watching.
    pub polls: u64,
    pub poll_requests: u64,
    pub poll_seconds: f64,
    /// Those of the simulated machines themselves, by kind and result, such as `heartbeat ok`.
    pub agents: BTreeMap<String, u64>,
}

impl Requests {
    pub(super) fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.polls += other.polls;
        self.poll_requests += other.poll_requests;
        self.poll_seconds += other.poll_seconds;
        for (kind, count) in &other.agents {
            *row(&mut self.agents, kind, MAX_ROWS) += count;
        }
    }
}

/// What a watched process has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProcessUse {
    /// CPU seconds of all runs together.
    pub cpu: f64,
    /// The largest resident memory, bytes.
    pub rss: u64,
}

/// Ends by their result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub succeeded: u64,
    pub failed: u64,
    pub aborted: u64,
}

impl Tally {
    pub(super) fn count(&mut self, status: Status) {
        match status {
            Status::Succeeded => self.succeeded += 1,
            Status::Failed => self.failed += 1,
            Status::Aborted => self.aborted += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.aborted += other.aborted;
    }
}

/// The figures of an operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationFigures {
    #[serde(flatten)]
    pub ends: Tally,
    /// Seconds after the start of the run.
    pub first_start: Option<f64>,
    pub last_end: Option<f64>,
    /// The durations of those that succeeded.
    pub durations: Durations,
}

impl OperationFigures {
    pub(super) fn end(&mut self, status: Status, started: f64, ended: f64, duration: f64) {
        self.ends.count(status);
        self.span(Some(started), Some(ended));
        if status == Status::Succeeded {
            self.durations.record(duration);
        }
    }

    fn span(&mut self, start: Option<f64>, end: Option<f64>) {
        let least = |one: Option<f64>, other: Option<f64>| one.into_iter().chain(other).reduce(f64::min);
        let most = |one: Option<f64>, other: Option<f64>| one.into_iter().chain(other).reduce(f64::max);
        (self.first_start, self.last_end) = (least(self.first_start, start), most(self.last_end, end));
    }

    /// Adds figures whose times began `later` seconds after these.
    pub(super) fn add(&mut self, other: &Self, later: f64) {
        self.ends.add(&other.ends);
        self.span(other.first_start.map(|at| at + later), other.last_end.map(|at| at + later));
        self.durations.add(&other.durations);
    }

    pub(super) fn shift(&mut self, later: f64) {
        for at in [&mut self.first_start, &mut self.last_end] {
            *at = at.map(|at| at + later);
        }
    }

    /// Successful ends a minute, from the first start to the last end.
    pub fn rate(&self) -> Option<f64> {
        let seconds = self.last_end? - self.first_start?;
        (seconds > 0.0).then(|| self.ends.succeeded as f64 * 60.0 / seconds)
    }
}

/// Failures of an operation with the same cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub operation: Operation,
    pub cause: String,
    pub count: u64,
    /// The first five of the items in the order of their names.
    pub names: BTreeSet<String>,
}

impl Failure {
    pub(super) fn of(operation: Operation, cause: String, name: String) -> Self {
        Self { operation, cause, count: 1, names: BTreeSet::from([name]) }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.names.extend(other.names.iter().cloned());
        while self.names.len() > MAX_NAMES {
            self.names.pop_last();
        }
    }
}

/// A time in which the agent of a machine waited for the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// From an accepted heartbeat, the first one or one after failures, to the next command.
    HeartbeatToCommand,
    /// From the end of a command to the next command.
    CommandToCommand,
}

impl Gap {
    /// The gap in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::HeartbeatToCommand => "between heartbeat and next command",
            Self::CommandToCommand => "between the end of a command and the next one",
        }
    }

    /// The gaps of an operation with their seconds.
    pub fn of(item: &Item) -> impl Iterator<Item = (Self, f64)> + '_ {
        let mut since = None;
        item.machine.iter().filter_map(move |event| match event.event.as_str() {
            "first-heartbeat" | "heartbeat-again" => {
                since = Some((Self::HeartbeatToCommand, event.at));
                None
            }
            "command-ended" | "command-failed" => {
                since = Some((Self::CommandToCommand, event.at));
                None
            }
            "command-started" => since.take().map(|(gap, from)| (gap, micros((event.at - from).max(0.0)))),
            // What ends the agent ends its wait.
            "agent-stopped" | "power-off" | "restart" => {
                since = None;
                None
            }
            _ => None,
        })
    }
}

/// Seconds as whole microseconds, which JSON keeps exactly.
fn micros(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// Waits of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    pub waits: Durations,
    /// The five longest: the item, and the seconds.
    pub longest: Vec<(String, f64)>,
}

impl Idle {
    pub(super) fn record(&mut self, name: &str, waited: f64) {
        self.waits.record(waited);
        self.keep(&[(name.to_owned(), waited)]);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.waits.add(&other.waits);
        self.keep(&other.longest);
    }

    fn keep(&mut self, waits: &[(String, f64)]) {
        self.longest.extend_from_slice(waits);
        self.longest.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        self.longest.truncate(MAX_NAMES);
    }
}

/// An assertion and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub assertion: String,
    pub holds: bool,
    /// The value with its unit; `None` if there was nothing to compute it from.
    pub value: Option<String>,
}

impl Judged {
    pub(super) fn of(assertion: &Assertion, figures: &impl Figures) -> Self {
        let (holds, value) = assertion.judge(figures);
        Self {
            assertion: assertion.to_string(),
            holds,
            value: value.map(|value| assertion.function.shown(value)),
        }
    }
}

/// A rule of faults, and how often it fired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleUse {
    pub name: String,
    /// The phase of the plan that adds it; absent for a rule of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    pub fired: u64,
    /// Whether it has fired at all, or had to. A rule that is not reached makes the run fail.
    pub reached: bool,
}
