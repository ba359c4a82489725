//! The rules of a fleet, as data.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::fault::{Armed, Name, Rule, RuleError};
use crate::node::NodeId;
use crate::time::SimTime;

/// The rules of a fleet.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) all: RwLock<All>,
    /// Number of rules, so that a look at it needs no lock.
    pub(super) count: AtomicUsize,
    /// Number of rules that nodes have, of all nodes together.
    pub(super) bound: AtomicU64,
    pub(super) check: OnceLock<Check>,
}

/// Checks what a rule asks of the rooms above.
pub(super) type Check = Box<dyn Fn(&Rule) -> Result<(), String> + Send + Sync>;

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("all", &self.all).field("bound", &self.bound).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct All {
    by_name: BTreeMap<Name, Arc<Armed>>,
    /// The same rules: stored nodes know them by their numbers.
    by_number: HashMap<u32, Arc<Armed>>,
    /// The number of the newest rule.
    pub(super) last: u32,
}

impl All {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// All rules, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Armed>> {
        self.by_name.values()
    }

    pub(super) fn named(&self, name: &str) -> Option<&Arc<Armed>> {
        self.by_name.get(name)
    }

    pub(super) fn numbered(&self, number: u32) -> Option<&Arc<Armed>> {
        self.by_number.get(&number)
    }

    /// Adds a rule. It takes the place of a rule of the same name.
    pub(super) fn insert(&mut self, armed: &Arc<Armed>) {
        self.last = self.last.max(armed.number);
        self.by_number.insert(armed.number, Arc::clone(armed));
        if let Some(old) = self.by_name.insert(armed.rule.name.clone(), Arc::clone(armed)) {
            self.by_number.remove(&old.number);
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Arc<Armed>> {
        let armed = self.by_name.remove(name)?;
        self.by_number.remove(&armed.number)
    }
}

/// A rule on disk.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) rule: Rule,
    pub(super) added: SimTime,
    /// Whether all of its nodes have it. If not, the process has ended in between.
    pub(super) complete: bool,
}

/// Why a rule is not added or cleared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    #[error(transparent)]
    Wrong(#[from] RuleError),
    #[error("there is a rule '{0}' already; clear it first, or replace it")]
    Exists(Name),
    #[error("there is no rule '{0}'")]
    Missing(String),
    #[error("rule '{rule}': there is no node '{node}'")]
    NoNode { rule: Name, node: String },
    #[error("the fleet has {most} rules, the largest number that is allowed; clear some first")]
    TooMany { most: usize },
    #[error("rule '{rule}': node {node} has {most} rules already, the largest number of a node")]
    NodeFull { rule: Name, node: String, most: usize },
}

/// What adding a rule has done, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleAdded {
    /// Number of nodes that the selection has.
    pub selected: usize,
    /// The nodes that have the rule, in order.
    pub nodes: Vec<NodeId>,
}

/// What a rule is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum RuleState {
    /// It can fire, and imposes no condition now.
    Armed,
    /// It imposes a condition on at least one node.
    Active,
    /// It cannot fire any more, and imposes no condition.
    Recovered,
    /// It waits, because the rule says so.
    Paused,
}

/// A rule with what it has done so far.
#[derive(Clone, Debug)]
pub struct RuleStatus {
    pub armed: Arc<Armed>,
    pub state: RuleState,
    /// Number of nodes that have it.
    pub nodes: u64,
    /// How often it fired.
    pub fired: u64,
    /// On how many nodes it fired.
    pub fired_nodes: u64,
    /// On how many nodes it imposes a condition now.
    pub active_nodes: u64,
    /// The moment of the last firing.
    pub last: Option<SimTime>,
}
