//! The rules of a node, as data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bmc::failures::Part;
use super::sparse;
use super::state::State;
use crate::fault::{Act, Armed, Bound, RuleRef, host};
use crate::time::SimTime;

/// The rules of a node, with their memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Faults {
    /// In the order in which they were added.
    pub(super) rules: Vec<Bound>,
    /// Whether the machine was on when it lost its mains power; `None` if it has mains power.
    pub(super) was_on: Option<bool>,
    /// The parts that rules have let fail.
    pub(super) broken: Vec<Part>,
    /// The node as its BMC shows it, if that is an earlier one.
    pub(super) stale: Option<Box<State>>,
    /// What the fleet has not yet been told.
    pub(super) news: Vec<News>,
}

/// A rule has fired, or its condition has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct News {
    pub rule: RuleRef,
    pub at: SimTime,
    /// Whether this is the end of a condition.
    pub ended: bool,
}

impl sparse::Part for Faults {
    fn of_new_machine() -> &'static Self {
        static NEW: Faults =
            Faults { rules: Vec::new(), was_on: None, broken: Vec::new(), stale: None, news: Vec::new() };
        &NEW
    }
}

impl Faults {
    /// The rules, in the order in which they were added.
    pub fn rules(&self) -> &[Bound] {
        &self.rules
    }

    /// Whether the node has the rule with this number.
    pub fn has(&self, number: u32) -> bool {
        self.rules.iter().any(|bound| bound.rule.number() == number)
    }

    /// The rules that impose a condition now.
    pub fn in_effect(&self) -> impl DoubleEndedIterator<Item = &Arc<Armed>> {
        self.rules.iter().filter(|bound| bound.on.is_some()).filter_map(|bound| bound.rule.armed())
    }

    /// Whether the machine has no mains power.
    pub fn is_without_power(&self) -> bool {
        self.was_on.is_some()
    }

    #[inline]
    pub(super) fn next_deadline(&self) -> SimTime {
        if self.rules.is_empty() {
            return SimTime::NEVER;
        }
        self.rules.iter().map(Bound::next_deadline).min().unwrap_or(SimTime::NEVER)
    }

    /// What the conditions do that are on.
    pub(super) fn conditions(&self) -> impl Iterator<Item = Act> {
        let on = self.rules.iter().filter(|bound| bound.on.is_some());
        on.filter_map(|bound| Some(bound.rule.armed()?.rule.what.act()))
    }

    pub(super) fn tell(&mut self, rule: usize, at: SimTime, ended: bool) {
        let rule = self.rules[rule].rule.clone();
        self.news.push(News { rule, at, ended });
    }

    /// The rules of a machine that is made new: they keep what they have counted, and impose nothing but the times of phases, which are
    /// no part of the machine.
    pub(super) fn renewed(&self) -> Self {
        let mut rules = self.rules.clone();
        for bound in &mut rules {
            let act = bound.rule.armed().map(|armed| armed.rule.what.act());
            bound.on = bound.on.filter(|_| act == Some(Act::Host(host::Act::Timing)));
        }
        Self { rules, ..Self::default() }
    }

    /// The rules count what they have counted `later`. Conditions stay as they are.
    pub(super) fn count_as(&mut self, later: &Self) {
        for bound in &mut self.rules {
            if let Some(later) = later.rules.iter().find(|later| later.rule.number() == bound.rule.number()) {
                bound.count_as(later);
            }
        }
        // No condition has ended since then.
        let new = later.news.iter().skip(self.news.len());
        self.news.extend(new.filter(|news| !news.ended).cloned());
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { rules, was_on: _, broken: _, stale, news } = self;
        if let Some(stale) = stale {
            stale.shift(ms);
        }
        rules.iter_mut().for_each(|bound| bound.shift(ms));
        news.iter_mut().for_each(|News { rule: _, at, ended: _ }| at.shift(ms));
    }
}
