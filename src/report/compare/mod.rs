//! What changed from one run to another, and what of it is more than chance.

mod statistics;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use super::durations::Durations;
use super::summary::{Facts, OperationFigures, Summary};
use crate::plan::Operation;
use statistics::{SIGNIFICANT, ranks, shares};

/// Fewer durations on one side say nothing.
const LEAST: u64 = 10;
/// Fewer durations on one side say nothing about the slowest twentieth.
const LEAST_FOR_TAIL: u64 = 100;
/// The least Cliff's delta that matters: the bound that is usual for a small effect.
const LEAST_DELTA: f64 = 0.147;
/// The least change of the median, and of p95, that matters.
const LEAST_MEDIAN: f64 = 0.02;
const LEAST_TAIL: f64 = 0.05;
/// Lines of the plans that are named if they differ.
const MAX_LINES: usize = 10;

/// What became of the durations of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Fewer than ten durations on one side.
    TooFew,
    None,
    Faster,
    Slower,
    /// The slowest twentieth is faster, and the middle did not change.
    ShorterTail,
    LongerTail,
}

impl Change {
    /// The change in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TooFew => "too few to tell",
            Self::None => "no change",
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::ShorterTail => "shorter tail",
            Self::LongerTail => "longer tail",
        }
    }
}

/// The figures of an operation in one of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Side {
    pub succeeded: u64,
    pub failed: u64,
    /// Percentiles and the longest, in seconds.
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
    /// Successful ends a minute.
    pub rate: Option<f64>,
}

impl Side {
    fn of(figures: Option<&OperationFigures>) -> Self {
        let quantile = |share| figures.and_then(|figures| figures.durations.quantile(share));
        Self {
            succeeded: figures.map_or(0, |figures| figures.ends.succeeded),
            failed: figures.map_or(0, |figures| figures.ends.failed),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            max: figures.and_then(|figures| figures.durations.max()),
            rate: figures.and_then(OperationFigures::rate),
        }
    }
}

/// An operation in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperationChange {
    pub operation: Operation,
    pub before: Side,
    pub after: Side,
    pub change: Change,
    /// Cliff's delta from -1 to 1; above zero if durations of the second run are longer. `None` without durations.
    pub effect: Option<f64>,
    /// More failures, fewer failures, or no change of their share beyond chance.
    pub failures: Change,
}

/// A value of which each run has one, so that nothing is known about its noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueChange {
    pub name: String,
    /// Seconds, bytes or a number, as the name says.
    pub before: f64,
    pub after: f64,
}

impl ValueChange {
    /// The change in per cent of the first value; `None` if that is zero.
    pub fn percent(&self) -> Option<f64> {
        (self.before != 0.0).then(|| (self.after - self.before) / self.before * 100.0)
    }
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub before: Facts,
    pub after: Facts,
    /// What makes the runs hard to compare, such as different plans.
    pub notes: Vec<String>,
    pub operations: Vec<OperationChange>,
    pub values: Vec<ValueChange>,
}

impl Comparison {
    /// Compares two runs with their plans, which are empty if they are not known.
    pub fn of((before, plan_before): (&Summary, &str), (after, plan_after): (&Summary, &str)) -> Self {
        let names: BTreeSet<_> = before.operations.keys().chain(after.operations.keys()).collect();
        let operations = names.into_iter().map(|operation| {
            let (one, other) = (before.operations.get(operation), after.operations.get(operation));
            operation_change(*operation, one, other)
        });
        Self {
            before: before.facts.clone(),
            after: after.facts.clone(),
            notes: notes(before, after, plan_before, plan_after),
            operations: operations.collect(),
            values: values(before, after),
        }
    }

    /// Whether anything changed beyond chance.
    pub fn has_change(&self) -> bool {
        let still = [Change::None, Change::TooFew];
        self.operations.iter().any(|one| !still.contains(&one.change) || !still.contains(&one.failures))
    }
}

fn operation_change(
    operation: Operation,
    before: Option<&OperationFigures>,
    after: Option<&OperationFigures>,
) -> OperationChange {
    let none = OperationFigures::default();
    let (one, other) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let found = ranks(&one.durations, &other.durations);
    OperationChange {
        operation,
        before: Side::of(before),
        after: Side::of(after),
        change: durations_change(&one.durations, &other.durations),
        effect: found.map(|found| found.delta),
        failures: failures_change(one, other),
    }
}

fn durations_change(before: &Durations, after: &Durations) -> Change {
    let fewest = before.count().min(after.count());
    let Some(found) = ranks(before, after).filter(|_| fewest >= LEAST) else { return Change::TooFew };
    let relative = |share: f64| {
        let (one, other) = (before.quantile(share).unwrap_or(0.0), after.quantile(share).unwrap_or(0.0));
        (other - one) / one.max(1e-6)
    };
    let (median, tail) = (relative(0.5), relative(0.95));
    if found.z.abs() > SIGNIFICANT && found.delta.abs() >= LEAST_DELTA && median.abs() >= LEAST_MEDIAN {
        return if found.delta > 0.0 { Change::Slower } else { Change::Faster };
    }
    let mut both = before.clone();
    both.add(after);
    let bound = both.quantile(0.95).unwrap_or(0.0);
    let slow = |durations: &Durations| (durations.longer_than(bound), durations.count());
    let z = shares(slow(before), slow(after));
    match fewest >= LEAST_FOR_TAIL && z.abs() > SIGNIFICANT && tail.abs() >= LEAST_TAIL {
        true if z > 0.0 => Change::LongerTail,
        true => Change::ShorterTail,
        false => Change::None,
    }
}

/// Whether the share of failures changed: `Slower` stands for more of them.
fn failures_change(before: &OperationFigures, after: &OperationFigures) -> Change {
    let share =
        |figures: &OperationFigures| (figures.ends.failed, figures.ends.failed + figures.ends.succeeded);
    let (one, other) = (share(before), share(after));
    match shares(one, other) {
        _ if one.1.min(other.1) < LEAST => Change::TooFew,
        z if z > SIGNIFICANT => Change::Slower,
        z if z < -SIGNIFICANT => Change::Faster,
        _ => Change::None,
    }
}

fn notes(before: &Summary, after: &Summary, plan_before: &str, plan_after: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if plan_before != plan_after {
        let lines = |text: &str, other: &str| {
            let other: BTreeSet<_> = other.lines().map(str::trim).collect();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !other.contains(line));
            lines.take(MAX_LINES).map(str::to_owned).collect::<Vec<_>>().join("; ")
        };
        let (one, other) = (lines(plan_before, plan_after), lines(plan_after, plan_before));
        notes.push(format!("the plans differ; only in the first: {one}; only in the second: {other}"));
    }
    for (what, one, other) in [
        ("targets", &before.facts.target, &after.facts.target),
        ("versions of fauxmetal", &before.facts.version, &after.facts.version),
    ] {
        if one != other {
            notes.push(format!("the {what} differ: {one} and {other}"));
        }
    }
    for summary in [before, after] {
        let outcome = summary.outcome;
        if outcome > super::Outcome::NotHeld {
            notes.push(format!("run {} {}", summary.facts.id, outcome.text()));
        }
    }
    notes
}

fn values(before: &Summary, after: &Summary) -> Vec<ValueChange> {
    let mut values = Vec::new();
    let mut push = |name: String, before: f64, after: f64| {
        if before != 0.0 || after != 0.0 {
            values.push(ValueChange { name, before, after });
        }
    };
    push("duration of the run, s".to_owned(), before.seconds, after.seconds);
    let names: BTreeSet<_> = before.process_names().chain(after.process_names()).collect();
    for name in names {
        let (one, other) =
            (before.process(name).unwrap_or_default(), after.process(name).unwrap_or_default());
        push(format!("cpu({name}), s"), one.cpu, other.cpu);
        push(format!("rss({name}), bytes"), one.rss as f64, other.rss as f64);
    }
    let (one, other) = (before.requests(), after.requests());
    push("requests of the run".to_owned(), one.changes as f64, other.changes as f64);
    push("repeated requests".to_owned(), before.item_retries as f64, after.item_retries as f64);
    push("requests of polls".to_owned(), one.poll_requests as f64, other.poll_requests as f64);
    let sum = |requests: &super::Requests| requests.agents.values().sum::<u64>() as f64;
    push("requests of the machines".to_owned(), sum(&one), sum(&other));
    let late = |summary: &Summary| summary.lateness.quantile(0.99).unwrap_or(0.0);
    push("p99 of the lateness of starts, s".to_owned(), late(before), late(after));
    values
}
