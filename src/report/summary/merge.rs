//! The sum of summaries: histograms and counts are added, and no percentile is averaged.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::parts::{MAX_ROWS, MAX_RUNS, row};
use super::{RuleUse, Summary, Tally};

/// Why two summaries cannot be merged. Neither is changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("both count the items of {}; each run may be counted once", .0.iter().cloned().collect::<Vec<_>>().join(", "))]
    Overlap(BTreeSet<String>),
    #[error("run {0}: start '{1}' is no time of RFC 3339, such as 2026-01-31T12:00:00Z")]
    Start(String, String),
    #[error("there are more than {MAX_RUNS} runs")]
    TooMany,
}

impl Summary {
    /// Seconds by which `other` started later than this.
    ///
    /// # Errors
    /// If one of the starts is no time.
    pub fn later(&self, other: &Self) -> Result<f64, MergeError> {
        Ok(other.began()?.duration_since(self.began()?).as_secs_f64())
    }

    fn began(&self) -> Result<Timestamp, MergeError> {
        let (id, start) = (&self.facts.id, &self.facts.start);
        start.parse().map_err(|_| MergeError::Start(id.clone(), start.clone()))
    }

    /// Adds the figures of another run. Times count from the start of the first one, and the worse outcome is that of both.
    /// Assertions of both are judged again by the figures of all.
    ///
    /// # Errors
    /// If a run is counted in both, a start is no time, or the runs are too many.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        let both: BTreeSet<_> = self.runs.keys().filter(|id| other.runs.contains_key(*id)).cloned().collect();
        if !both.is_empty() {
            return Err(MergeError::Overlap(both));
        }
        if self.runs.len() + other.runs.len() > MAX_RUNS {
            return Err(MergeError::TooMany);
        }
        let mut later = self.later(other)?;
        if later < 0.0 {
            self.shift(-later);
            self.facts.start.clone_from(&other.facts.start);
            later = 0.0;
        }
        if self.facts.plan != other.facts.plan {
            self.warn(format!("the plans differ: {} and {}", self.facts.plan, other.facts.plan));
        }
        self.add_figures(other, later);
        self.seconds = self.seconds.max(other.seconds + later);
        self.outcome = self.outcome.max(other.outcome);
        self.exit_code = self.exit_code.zip(other.exit_code).map(|(one, other)| one.max(other));
        self.runs.extend(other.runs.iter().map(|(id, part)| (id.clone(), part.clone())));
        for rule in &other.rules {
            self.add_rule(rule);
        }
        other.warnings.iter().for_each(|warning| self.warn(warning.clone()));
        for judged in &other.assertions {
            match self.assertions.iter_mut().find(|mine| mine.assertion == judged.assertion) {
                // What cannot be judged again holds if it holds in both.
                Some(mine) if mine.holds => mine.clone_from(judged),
                Some(_) => {}
                None => self.assertions.push(judged.clone()),
            }
        }
        self.judge_by_texts();
        Ok(())
    }

    /// Adds everything that follows from items, with times that began `later` seconds after these.
    fn add_figures(&mut self, other: &Self, later: f64) {
        for (operation, figures) in &other.operations {
            self.operations.entry(*operation).or_default().add(figures, later);
        }
        for (group, operations) in &other.groups {
            let mine = row(&mut self.groups, group, MAX_ROWS);
            for (operation, ends) in operations {
                mine.entry(*operation).or_default().add(ends);
            }
        }
        self.lateness.add(&other.lateness);
        for (gap, idle) in &other.idle {
            self.idle.entry(*gap).or_default().add(idle);
        }
        other.failures.iter().for_each(|failure| self.count_failure(failure));
        let tallies = [(&mut self.conductors, &other.conductors), (&mut self.endpoints, &other.endpoints)];
        for (mine, theirs) in tallies {
            for (name, ends) in theirs {
                Tally::add(row(mine, name, MAX_ROWS), ends);
            }
        }
        self.item_requests += other.item_requests;
        self.item_retries += other.item_retries;
    }

    fn add_rule(&mut self, rule: &RuleUse) {
        match self.rules.iter_mut().find(|mine| (&mine.name, &mine.phase) == (&rule.name, &rule.phase)) {
            Some(mine) => {
                (mine.fired, mine.reached) = (mine.fired + rule.fired, mine.reached || rule.reached);
            }
            None => self.rules.push(rule.clone()),
        }
    }

    /// Moves all times by some seconds.
    fn shift(&mut self, later: f64) {
        self.seconds += later;
        self.operations.values_mut().for_each(|figures| figures.shift(later));
    }
}
