//! A rule of a fleet, which its nodes share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rule::Rule;
use crate::selection::Selection;
use crate::time::SimTime;

/// A rule of a fleet. It never changes: another rule with the same name has another number.
#[derive(Debug)]
pub struct Armed {
    /// Its number. No rule of a fleet ever gets it again.
    pub number: u32,
    pub rule: Rule,
    pub selection: Option<Selection>,
    /// The moment at which it was added.
    pub added: SimTime,
    /// How often it fired on all nodes together, if that has a limit.
    fired: AtomicU64,
}

impl Armed {
    pub fn new(number: u32, rule: Rule, selection: Option<Selection>, added: SimTime) -> Self {
        Self { number, rule, selection, added, fired: AtomicU64::new(0) }
    }

    /// Takes one of the firings that are left, of all nodes together. `false` if none is left.
    pub(super) fn claim(&self) -> bool {
        let Some(limit) = self.rule.when.limit else { return true };
        let more = |fired| (fired < limit).then_some(fired + 1);
        self.fired.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Whether a firing is left, of all nodes together.
    pub(super) fn has_left(&self) -> bool {
        self.rule.when.limit.is_none_or(|limit| self.fired.load(Ordering::Relaxed) < limit)
    }

    /// Counts the firings of a node whose state was read from disk.
    pub fn count_restored(&self, fired: u32) {
        self.fired.fetch_add(u64::from(fired), Ordering::Relaxed);
    }
}

/// A node's reference to a rule. On disk it is the number of the rule.
#[derive(Clone)]
pub struct RuleRef {
    number: u32,
    /// `None` between the reading of a stored node and its restoration.
    armed: Option<Arc<Armed>>,
}

impl RuleRef {
    /// The number of the rule.
    pub fn number(&self) -> u32 {
        self.number
    }

    pub fn armed(&self) -> Option<&Arc<Armed>> {
        self.armed.as_ref()
    }

    /// Finds the rule of a stored node.
    pub(super) fn attach(&mut self, armed: Option<&Arc<Armed>>) {
        self.armed = armed.cloned();
    }
}

impl From<&Arc<Armed>> for RuleRef {
    fn from(armed: &Arc<Armed>) -> Self {
        Self { number: armed.number, armed: Some(Arc::clone(armed)) }
    }
}

impl PartialEq for RuleRef {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl fmt::Debug for RuleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}", self.number)
    }
}

impl Serialize for RuleRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RuleRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { number: u32::deserialize(deserializer)?, armed: None })
    }
}
