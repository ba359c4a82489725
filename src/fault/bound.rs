//! The memory that a node has of a rule: what was counted, and what is in effect. Whether the rule fires follows from it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::act::Occasion;
use super::armed::{Armed, RuleRef};
use super::commands::AskedCommand;
use super::requests::Asked;
use super::rule::Rule;
use super::when::Per;
use crate::seed::Seed;
use crate::time::SimTime;

/// A rule of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    pub rule: RuleRef,
    /// Number of occasions so far, by operation, at most [`Bound::MAX_OPERATIONS`].
    seen: Vec<(u32, u32)>,
    /// How often the rule fired on this node.
    pub fired: u32,
    /// The moment of the last firing.
    pub last: Option<SimTime>,
    /// The beginning of the effect, if it is known.
    begin: Option<SimTime>,
    /// The beginning is still to be met.
    pending: bool,
    /// The condition that the rule imposes now.
    pub on: Option<On>,
}

/// A condition that a rule imposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct On {
    pub since: SimTime,
    /// [`SimTime::NEVER`] if only the rule's end ends it.
    pub until: SimTime,
}

/// What decides where chance does: the seed of the fleet, and the index of the node.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    pub seed: Seed,
    pub node: u32,
}

impl Dice {
    /// 64 random bits for an occasion of a rule.
    pub fn roll(self, rule: &Rule, operation: u32, count: u32) -> u64 {
        self.seed.fault(self.node, rule.name.as_str(), operation, count)
    }

    /// The same bits as a number from 0 to 1.
    pub fn share(self, rule: &Rule, operation: u32, count: u32) -> f64 {
        self.roll(rule, operation, count) as f64 / 18_446_744_073_709_551_616.0
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Met<'r> {
    pub occasion: Occasion,
    /// The request, for [`Occasion::Request`].
    pub asked: Option<Asked<'r>>,
    /// The command, for [`Occasion::Command`].
    pub command: Option<AskedCommand<'r>>,
}

impl Met<'_> {
    /// An occasion that nothing distinguishes from others of its kind.
    pub fn at(occasion: Occasion) -> Self {
        Self { occasion, asked: None, command: None }
    }
}

impl Bound {
    /// Number of operations of which a node counts the occasions for a rule. All others are counted as one.
    pub const MAX_OPERATIONS: usize = 64;
    /// The operation of all occasions that are not told apart.
    const ANY: u32 = 0;

    /// A rule that the node gets at `now`.
    pub fn new(armed: &Arc<Armed>, now: SimTime) -> Self {
        let at_once = armed.rule.when.after.as_ref().is_none_or(|after| after.state.is_none());
        let from = armed.rule.when.after.as_ref().map_or(0, |after| after.from.ms());
        Self {
            rule: armed.into(),
            seen: Vec::new(),
            fired: 0,
            last: None,
            begin: at_once.then(|| now.after_ms(from)),
            pending: at_once,
            on: None,
        }
    }

    /// Finds the rule of a stored node. `false` if there is no such rule any more.
    pub fn attach(&mut self, armed: Option<&Arc<Armed>>) -> bool {
        self.rule.attach(armed);
        armed.is_some()
    }

    fn armed(&self) -> Option<&Arc<Armed>> {
        self.rule.armed()
    }

    /// The node enters a state.
    pub fn entered(&mut self, state: &str, now: SimTime) {
        let after = self.armed().and_then(|armed| armed.rule.when.after.as_ref());
        if let Some(after) = after.filter(|after| after.state.as_deref() == Some(state)) {
            self.begin = Some(now.after_ms(after.from.ms()));
            self.pending = true;
        }
    }

    /// The end of the effect that began last.
    fn end(&self, armed: &Armed) -> SimTime {
        let length = armed.rule.when.for_time.map_or(u64::MAX, super::Period::ms);
        let end = self.begin.map_or(SimTime::NEVER, |begin| begin.after_ms(length));
        end.min(armed.rule.when.window_end(armed.added))
    }

    /// Whether the rule is in effect.
    fn is_in_effect(&self, armed: &Armed, now: SimTime) -> bool {
        let begun = self.begin.is_some_and(|begin| begin <= now);
        begun && now < self.end(armed) && armed.rule.when.has(now, armed.added) && !armed.rule.paused
    }

    /// Whether the rule fires at an occasion of the node: then 64 random bits for its act.
    pub fn meet(&mut self, met: &Met<'_>, dice: Dice, now: SimTime) -> Option<u64> {
        let armed = self.armed().cloned()?;
        if armed.rule.what.occasion() != met.occasion || !self.is_in_effect(&armed, now) {
            return None;
        }
        let when = &armed.rule.when;
        if met.command.is_some_and(|command| !when.commands.contain(&command)) {
            return None;
        }
        let operation = match (met.asked, when.per) {
            (Some(asked), _) if !when.requests.contain(&asked) => return None,
            (Some(asked), Per::Operation) => asked.operation(),
            (Some(_), Per::Node) | (None, _) => Self::ANY,
        };
        if when.limit_per_node.is_some_and(|limit| self.fired >= limit) || !armed.has_left() {
            return None;
        }
        let count = self.count(operation);
        if !fires(&armed.rule, dice, operation, count) || !armed.claim() {
            return None;
        }
        self.fired = self.fired.saturating_add(1);
        self.last = Some(now);
        // Other bits than those that have decided whether it fires.
        Some(dice.roll(&armed.rule, !operation, count))
    }

    /// Counts an occasion. Returns its number, from 1.
    fn count(&mut self, operation: u32) -> u32 {
        let known = self.seen.iter().position(|(known, _)| *known == operation);
        let place = known.unwrap_or_else(|| {
            // Beyond the limit, the first operation stands for all others.
            if self.seen.len() >= Self::MAX_OPERATIONS {
                return 0;
            }
            self.seen.push((operation, 0));
            self.seen.len() - 1
        });
        let (_, count) = &mut self.seen[place];
        *count = count.saturating_add(1);
        *count
    }

    /// Takes the counts of a later moment. The effect stays as it is.
    pub fn count_as(&mut self, later: &Self) {
        let Self { rule: _, seen, fired, last, begin: _, pending: _, on: _ } = later;
        self.seen.clone_from(seen);
        (self.fired, self.last) = (*fired, *last);
    }

    /// The moment at which the rule's effect begins or ends by itself, as far as that is an occasion.
    pub fn next_deadline(&self) -> SimTime {
        let Some(armed) = self.armed() else { return SimTime::NEVER };
        if let Some(on) = self.on {
            return on.until;
        }
        if !self.pending || armed.rule.what.occasion() != Occasion::Begin || armed.rule.paused {
            return SimTime::NEVER;
        }
        let begin = self.begin.unwrap_or(SimTime::NEVER).max(armed.rule.when.window_begin(armed.added));
        if begin < self.end(armed) { begin } else { SimTime::NEVER }
    }

    /// Passes the deadline `at`: the effect begins or ends. Returns whether it is on afterwards, if that has changed.
    pub fn pass(&mut self, dice: Dice, at: SimTime) -> Option<bool> {
        if self.next_deadline() > at {
            return None;
        }
        if self.on.take().is_some() {
            return Some(false);
        }
        self.pending = false;
        self.meet(&Met::at(Occasion::Begin), dice, at)?;
        let until = self.armed().map_or(at, |armed| self.end(armed));
        self.on = Some(On { since: at, until });
        Some(true)
    }

    /// Imposes a condition until `until`, or until the effect ends.
    pub fn hold(&mut self, now: SimTime, until: SimTime) {
        let Some(armed) = self.armed() else { return };
        let until = until.min(self.end(armed));
        self.on = Some(On { since: now, until });
    }

    /// Whether the rule can fire again on this node.
    pub fn can_fire(&self, now: SimTime) -> bool {
        let Some(armed) = self.armed() else { return false };
        let when = &armed.rule.when;
        let used_up = when.limit_per_node.is_some_and(|limit| self.fired >= limit) || !armed.has_left();
        let comes_again = when.after.as_ref().is_some_and(|after| after.state.is_some());
        let is_over = !comes_again && now >= self.end(armed) || now >= when.window_end(armed.added);
        let has_begun = armed.rule.what.occasion() == Occasion::Begin && !self.pending && !comes_again;
        let first = when.first.map(|first| first.saturating_add(when.skip.unwrap_or(0)));
        let is_past = first.is_some_and(|first| {
            when.per == Per::Node && self.seen.first().is_some_and(|(_, seen)| *seen >= first)
        });
        !(used_up || is_over || has_begun || is_past)
    }

    pub fn shift(&mut self, ms: u64) {
        let Self { rule: _, seen: _, fired: _, last, begin, pending: _, on } = self;
        last.iter_mut().chain(begin).for_each(|at| at.shift(ms));
        if let Some(On { since, until }) = on {
            since.shift(ms);
            until.shift(ms);
        }
    }
}

/// Whether occasion number `count` of an operation fires, as long as the rule is in effect and within its limits.
pub(super) fn fires(rule: &Rule, dice: Dice, operation: u32, count: u32) -> bool {
    let when = &rule.when;
    let Some(count_after) = count.checked_sub(when.skip.unwrap_or(0)).filter(|count| *count > 0) else {
        return false;
    };
    if when.first.is_some_and(|first| count_after > first) {
        return false;
    }
    if when.every.is_some_and(|every| count_after % every != 0) {
        return false;
    }
    when.probability.is_none_or(|probability| dice.share(rule, operation, count) < probability)
}

impl Rule {
    /// The numbers of the first `most` occasions of each operation of a node that fire, among occasions 1 to `among`.
    pub fn firings(&self, dice: Dice, among: u32, most: usize) -> Vec<u32> {
        let limit = self.when.limit_per_node.map_or(most, |limit| most.min(limit as usize));
        (1..=among).filter(|count| fires(self, dice, Bound::ANY, *count)).take(limit).collect()
    }
}
