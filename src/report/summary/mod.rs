//! `summary.json`: the figures of a run, in memory that does not depend on the number of items.

mod figures;
mod merge;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use merge::MergeError;
pub use parts::{
    Failure, Gap, Idle, Items, Judged, OTHER, OperationFigures, Outcome, Part, ProcessUse, Requests, RuleUse,
    Tally,
};

use super::cause::cause;
use super::durations::Durations;
use super::item::{Item, Status};
use super::sample::Sample;
use crate::plan::{Assertion, Operation};
use parts::{MAX_FAILURES, MAX_PROCESSES, MAX_ROWS, MAX_RUNS, MAX_WARNINGS, row};

/// What a run is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The id of the run, the name of its folder.
    pub id: String,
    /// The name of the plan, or its file.
    pub plan: String,
    /// The version of fauxmetal, such as [`Facts::VERSION`].
    pub version: String,
    /// The control plane or the BMCs, in a few words, such as `ironic http://127.0.0.1:6385`.
    pub target: String,
    /// The start, RFC 3339 in UTC. All times of items and samples count from it.
    pub start: String,
}

impl Facts {
    /// The version of this fauxmetal.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");
}

/// The figures of a run, or of several runs that were merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The format of the document, [`Summary::FORMAT`].
    pub format: u32,
    #[serde(flatten)]
    pub facts: Facts,
    /// Seconds from the start to the end, or to the last thing that is known.
    pub seconds: f64,
    pub outcome: Outcome,
    /// The exit code of the run; `None` while it runs.
    pub exit_code: Option<u8>,
    /// The runs whose items are counted here, by their ids, with what cannot be computed from items.
    pub runs: BTreeMap<String, Part>,
    pub operations: BTreeMap<Operation, OperationFigures>,
    /// The ends of operations by the group of the item.
    pub groups: BTreeMap<String, BTreeMap<Operation, Tally>>,
    /// How much later than scheduled items started. It grows if the control plane, or fauxmetal, does not keep up.
    pub lateness: Durations,
    /// The times in which an agent waited for the control plane.
    pub idle: BTreeMap<Gap, Idle>,
    /// Failures by operation and cause, the most frequent ones first in [`Summary::failures`].
    pub failures: Vec<Failure>,
    pub conductors: BTreeMap<String, Tally>,
    pub endpoints: BTreeMap<String, Tally>,
    /// Requests of the ended operations that ask for changes, and how many of them repeated a refused one.
    pub item_requests: u64,
    pub item_retries: u64,
    pub assertions: Vec<Judged>,
    /// The rules of faults.
    pub rules: Vec<RuleUse>,
    pub warnings: Vec<String>,
}

impl Summary {
    pub const FORMAT: u32 = 1;

    /// The summary of a run that begins.
    pub fn new(facts: Facts) -> Self {
        let part = Part { start: facts.start.clone(), ..Part::default() };
        Self {
            format: Self::FORMAT,
            runs: BTreeMap::from([(facts.id.clone(), part)]),
            facts,
            seconds: 0.0,
            outcome: Outcome::Running,
            exit_code: None,
            operations: BTreeMap::new(),
            groups: BTreeMap::new(),
            lateness: Durations::default(),
            idle: BTreeMap::new(),
            failures: Vec::new(),
            conductors: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            item_requests: 0,
            item_retries: 0,
            assertions: Vec::new(),
            rules: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same run without anything that follows from items and samples, which are then added again.
    pub fn emptied(&self) -> Self {
        let runs = self.runs.iter().map(|(id, part)| {
            let part = Part {
                items: Items::default(),
                requests: Requests::default(),
                processes: BTreeMap::new(),
                ..part.clone()
            };
            (id.clone(), part)
        });
        Self {
            seconds: 0.0,
            outcome: self.outcome,
            exit_code: self.exit_code,
            runs: runs.collect(),
            assertions: self.assertions.clone(),
            rules: self.rules.clone(),
            warnings: self.warnings.clone(),
            ..Self::new(self.facts.clone())
        }
    }

    /// Counts an operation of an item that has ended.
    pub fn add(&mut self, item: &Item) {
        self.seconds = self.seconds.max(item.ended);
        let failed = item.status == Status::Failed;
        let figures = self.operations.entry(item.operation).or_default();
        figures.end(item.status, item.started, item.ended, item.duration);
        for (operation, duration) in machine(item) {
            let figures = self.operations.entry(operation).or_default();
            figures.end(Status::Succeeded, item.started, item.ended, duration);
        }
        let group = row(&mut self.groups, &item.group, MAX_ROWS);
        group.entry(item.operation).or_default().count(item.status);
        for (rows, name) in [(&mut self.conductors, &item.conductor), (&mut self.endpoints, &item.endpoint)] {
            if let Some(name) = name {
                row(rows, name, MAX_ROWS).count(item.status);
            }
        }
        if let Some(late) = item.late {
            self.lateness.record(late);
        }
        for (gap, waited) in Gap::of(item) {
            self.idle.entry(gap).or_default().record(&item.name, waited);
        }
        self.item_requests += u64::from(item.requests);
        self.item_retries += u64::from(item.retries);
        if failed {
            self.fail(item);
        }
    }

    fn fail(&mut self, item: &Item) {
        let names: Vec<_> = [Some(&item.name), item.node.as_ref(), item.cluster_name.as_ref()]
            .into_iter()
            .flatten()
            .collect();
        let names: Vec<_> = names.into_iter().map(String::as_str).collect();
        let found = item.cause.clone().or_else(|| item.error.as_deref().map(|error| cause(error, &names)));
        let found =
            found.filter(|cause| !cause.is_empty()).unwrap_or_else(|| "no reason is known".to_owned());
        self.count_failure(&Failure::of(item.operation, found, item.name.clone()));
    }

    /// Counts failures with those of the same operation and cause. Beyond [`MAX_FAILURES`] causes, they count as [`OTHER`].
    fn count_failure(&mut self, failure: &Failure) {
        let same = |one: &&mut Failure| (one.operation, &one.cause) == (failure.operation, &failure.cause);
        if let Some(found) = self.failures.iter_mut().find(same) {
            return found.add(failure);
        }
        let is_full = self.failures.iter().filter(|one| one.cause != OTHER).count() >= MAX_FAILURES;
        match is_full && failure.cause != OTHER {
            true => self.count_failure(&Failure { cause: OTHER.to_owned(), ..failure.clone() }),
            false => self.failures.push(failure.clone()),
        }
        self.failures.sort_by(|one, other| {
            other
                .count
                .cmp(&one.count)
                .then_with(|| (one.operation, &one.cause).cmp(&(other.operation, &other.cause)))
        });
    }

    /// Takes over the counts of a sample.
    pub fn sample(&mut self, sample: &Sample) {
        self.seconds = self.seconds.max(sample.at);
        if !self.runs.contains_key(&sample.uuid) && self.runs.len() >= MAX_RUNS {
            return;
        }
        let part = self.runs.entry(sample.uuid.clone()).or_default();
        part.seconds = part.seconds.max(sample.at);
        part.items = Items {
            succeeded: sample.succeeded.into(),
            failed: sample.failed.into(),
            parked: sample.parked.into(),
            in_flight: sample.in_flight.into(),
            not_started: sample.waiting.into(),
        };
        part.requests = Requests {
            changes: sample.requests,
            polls: sample.polls,
            poll_requests: sample.poll_requests,
            poll_seconds: sample.poll_seconds,
            agents: BTreeMap::new(),
        };
        for (kind, count) in &sample.agent_requests {
            *row(&mut part.requests.agents, kind, MAX_ROWS) += count;
        }
        for (name, process) in &sample.processes {
            let seen = row(&mut part.processes, name, MAX_PROCESSES);
            seen.cpu = seen.cpu.max(process.cpu);
            seen.rss = seen.rss.max(process.rss);
        }
    }

    /// Takes over the counts of the items of this run.
    pub fn count(&mut self, items: Items) {
        self.runs.entry(self.facts.id.clone()).or_default().items = items;
    }

    /// Judges the assertions of the plan by the present figures, instead of what was judged before.
    pub fn judge(&mut self, assertions: &[Assertion]) {
        self.assertions = assertions.iter().map(|assertion| Judged::of(assertion, self)).collect();
    }

    /// Judges again what was judged before, by the present figures. What is no assertion of a plan, such as the judgement on a
    /// quiet phase, stays.
    pub fn judge_by_texts(&mut self) {
        let again = |judged: &Judged| match judged.assertion.parse() {
            Ok(assertion) => Judged::of(&assertion, self),
            Err(_) => judged.clone(),
        };
        self.assertions = self.assertions.iter().map(again).collect();
    }

    /// Adds a warning. Further ones are dropped when there are a hundred.
    pub fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < MAX_WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Notes how the run has ended, after so many seconds.
    pub fn finish(&mut self, outcome: Outcome, exit_code: u8, seconds: f64) {
        (self.outcome, self.exit_code, self.seconds) = (outcome, Some(exit_code), self.seconds.max(seconds));
        if let Some(part) = self.runs.get_mut(&self.facts.id) {
            (part.outcome, part.exit_code, part.seconds) = (outcome, Some(exit_code), self.seconds);
        }
    }
}

/// The operations of the machine within an operation of an item, with their seconds.
fn machine(item: &Item) -> impl Iterator<Item = (Operation, f64)> + '_ {
    let named =
        item.machine_seconds.iter().filter_map(|(name, seconds)| Some((Operation::named(name)?, *seconds)));
    named.filter(|(operation, _)| operation.is_of_machine())
}
