//! The rules of a fleet: which there are, and which nodes have them.
//!
//! A rule is bound to its nodes when it is added; from then on each node decides on its own. So a request to a node without a
//! rule pays for nothing, however many rules there are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Fleet;
use super::rules::{Check, RuleAdded, RuleProblem, RuleState, RuleStatus, Stored};
use crate::fault::{Act, Armed, Asked, Dice, Met, Mode, Occasion, Rule, RuleError, wire};
use crate::journal::Event;
use crate::node::command::Command;
use crate::node::rules::News;
use crate::node::{Node, NodeId, lab};
use crate::selection::Selection;
use crate::time::SimTime;
use crate::wire::{Opening, Shape};

impl Fleet {
    /// The largest number of rules.
    pub const MAX_RULES: usize = 4096;
    /// The largest number of rules of a node.
    pub const MAX_RULES_PER_NODE: usize = 64;
    /// Prefix of the records of rules. The key continues with the number.
    pub const RULES: &'static str = "fault/";
    /// The occasion that decides which nodes have a rule that only some of the selected ones get: those with the lowest rolls. The
    /// numbers of real occasions begin with 1.
    const LOT: u32 = 0;

    /// Whether any node has a rule.
    #[inline]
    pub fn has_faults(&self) -> bool {
        self.rules.bound.load(Ordering::Relaxed) > 0
    }

    /// What goes wrong with a new connection to a node. Nodes that share a listener share its rules, whose occasions are counted for
    /// the first node of the fleet.
    pub fn opening(&self, node: Option<u32>, occasion: Occasion) -> Option<Opening> {
        if !self.has_faults() {
            return None;
        }
        let first = || self.ids().find(|id| self.identify(*id, |_, _| ()).is_some());
        let id = node.map(NodeId).or_else(first)?;
        let acts = self.with(id, |node, now| node.meet(&Met::at(occasion), now))?;
        acts.into_iter().find_map(|act| match act {
            Act::Wire(wire::Act::Open(opening)) => Some(opening),
            Act::Wire(wire::Act::Shape(_)) | Act::Bmc(_) | Act::Host(_) | Act::Agent(_) => None,
        })
    }

    /// What happens to the answers of an agent.
    pub fn agent_shape(&self, id: NodeId, asked: Asked<'_>) -> Option<Shape> {
        if !self.has_faults() {
            return None;
        }
        let met = Met { asked: Some(asked), ..Met::at(Occasion::AgentRequest) };
        wire::shape(&self.with(id, |node, now| node.meet(&met, now))?)
    }

    /// As [`Fleet::add_rules`], for one rule.
    ///
    /// # Errors
    /// If the rule is wrong, or has no room. Then nothing has changed.
    pub fn add_rule(&self, rule: Rule, replace: bool, dry_run: bool) -> Result<RuleAdded, RuleProblem> {
        Ok(self.add_rules(vec![rule], replace, dry_run)?.remove(0))
    }

    /// Adds rules with different names, and binds them to their nodes: all of them, or none. With `replace`, they take the places of
    /// rules of the same names. With `dry_run` nothing changes.
    ///
    /// # Errors
    /// If a rule is wrong, or has no room. Then nothing has changed.
    pub fn add_rules(
        &self,
        rules: Vec<Rule>,
        replace: bool,
        dry_run: bool,
    ) -> Result<Vec<RuleAdded>, RuleProblem> {
        let mut checked = Vec::with_capacity(rules.len());
        for rule in rules {
            checked.push((self.check_rule(&rule)?, rule));
        }
        let mut all = self.rules.all.write();
        let mut old = BTreeMap::new();
        for (_, rule) in &checked {
            match all.named(rule.name.as_str()) {
                Some(_) if !replace => return Err(RuleProblem::Exists(rule.name.clone())),
                Some(known) => _ = old.insert(known.number, Arc::clone(known)),
                None => {}
            }
        }
        if all.len() + checked.len() - old.len() > Self::MAX_RULES {
            return Err(RuleProblem::TooMany { most: Self::MAX_RULES });
        }
        let mut added = Vec::with_capacity(checked.len());
        let mut gets = Gets::default();
        for (selection, rule) in &checked {
            let is_replaced = |number: u32| old.contains_key(&number);
            let one = self.nodes_of(rule, selection.as_ref(), is_replaced, &gets)?;
            gets.add(&one.nodes);
            added.push(one);
        }
        if dry_run {
            return Ok(added);
        }
        let mut new = Vec::with_capacity(checked.len());
        for (selection, rule) in checked {
            let armed = Arc::new(Armed::new(all.last + 1, rule, selection, self.clock.now()));
            self.store_rule(&armed, false);
            all.insert(&armed);
            new.push(armed);
        }
        self.rules.count.store(all.len(), Ordering::Relaxed);
        for old in old.values() {
            self.forget_rule(old);
        }
        for (armed, RuleAdded { nodes, .. }) in new.iter().zip(&added) {
            nodes.iter().for_each(|id| self.bind(*id, armed));
            self.store_rule(armed, true);
            tracing::info!(target: "fauxmetal::fault", rule = %armed.rule.name, nodes = nodes.len(), "fault rule added");
        }
        Ok(added)
    }

    /// Checks what rules ask of the rooms above with `check` from now on.
    pub fn check_rules_with(&self, check: Check) {
        let _ = self.rules.check.set(check);
    }

    /// Checks a rule. Returns the selection of its nodes.
    ///
    /// # Errors
    /// If the rule is wrong.
    pub fn check_rule(&self, rule: &Rule) -> Result<Option<Selection>, RuleError> {
        let selection = rule.check()?;
        let checked = self.rules.check.get().map_or(Ok(()), |check| check(rule));
        checked.map_err(|problem| RuleError { rule: rule.name.to_string(), problem })?;
        Ok(selection)
    }

    /// Clears a rule: the conditions that it imposes end. Returns the number of nodes that had it.
    ///
    /// # Errors
    /// If there is no such rule.
    pub fn clear_rule(&self, name: &str) -> Result<u64, RuleProblem> {
        let mut all = self.rules.all.write();
        let armed = all.remove(name).ok_or_else(|| RuleProblem::Missing(name.to_owned()))?;
        self.rules.count.store(all.len(), Ordering::Relaxed);
        let nodes = self.forget_rule(&armed);
        tracing::info!(target: "fauxmetal::fault", rule = %name, nodes, "fault rule cleared");
        Ok(nodes)
    }

    /// All rules by name.
    pub fn rules(&self) -> Vec<Arc<Armed>> {
        self.rules.all.read().iter().cloned().collect()
    }

    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<Arc<Armed>> {
        self.rules.all.read().named(name).cloned()
    }

    /// All rules by name, with what they have done so far. It looks at every node of the fleet.
    pub fn rule_statuses(&self) -> Vec<RuleStatus> {
        self.statuses_of(self.rules())
    }

    /// As [`Fleet::rule_statuses`], for the rule of that name.
    pub fn rule_status(&self, name: &str) -> Option<RuleStatus> {
        self.statuses_of(vec![self.rule(name)?]).pop()
    }

    fn statuses_of(&self, rules: Vec<Arc<Armed>>) -> Vec<RuleStatus> {
        let mut by_number: BTreeMap<u32, (RuleStatus, bool)> = rules
            .into_iter()
            .map(|armed| {
                let state = if armed.rule.paused { RuleState::Paused } else { RuleState::Recovered };
                let number = armed.number;
                let status = RuleStatus {
                    armed,
                    state,
                    nodes: 0,
                    fired: 0,
                    fired_nodes: 0,
                    active_nodes: 0,
                    last: None,
                };
                (number, (status, false))
            })
            .collect();
        if self.has_faults() && !by_number.is_empty() {
            for id in self.ids() {
                let has_any = self.identify(id, |node, _| !node.faults().rules().is_empty()) == Some(true);
                if !has_any {
                    continue;
                }
                self.look(id, |node, now| {
                    for bound in node.faults().rules() {
                        let Some((status, can_fire)) = by_number.get_mut(&bound.rule.number()) else {
                            continue;
                        };
                        status.nodes += 1;
                        status.fired += u64::from(bound.fired);
                        status.fired_nodes += u64::from(bound.fired > 0);
                        status.active_nodes += u64::from(bound.on.is_some());
                        status.last = status.last.max(bound.last);
                        *can_fire |= bound.can_fire(now);
                    }
                });
            }
        }
        let mut statuses: Vec<_> = by_number
            .into_values()
            .map(|(mut status, can_fire)| {
                if status.state != RuleState::Paused {
                    status.state = match (status.active_nodes > 0, can_fire) {
                        (true, _) => RuleState::Active,
                        (false, true) => RuleState::Armed,
                        (false, false) if status.nodes == 0 => RuleState::Armed,
                        (false, false) => RuleState::Recovered,
                    };
                }
                status
            })
            .collect();
        statuses.sort_by(|a, b| a.armed.rule.name.cmp(&b.armed.rule.name));
        statuses
    }

    /// The nodes that a rule would have now, without the rules that are replaced, and beside those that nodes get.
    ///
    /// # Errors
    /// If a node that it names does not exist, or has no room for another rule.
    fn nodes_of(
        &self,
        rule: &Rule,
        selection: Option<&Selection>,
        is_replaced: impl Fn(u32) -> bool,
        gets: &Gets,
    ) -> Result<RuleAdded, RuleProblem> {
        let mut selected: Vec<(u64, NodeId)> = Vec::new();
        let mut full = None;
        let mut look = |id: NodeId| {
            self.identify(id, |node, _| {
                if selection.is_none_or(|selection| selection.matches(node)) {
                    selected.push((self.dice(id).roll(rule, Self::LOT, Self::LOT), id));
                    let rules = node.faults().rules().iter();
                    let others = rules.filter(|bound| !is_replaced(bound.rule.number())).count();
                    if others + gets.count(id) >= Self::MAX_RULES_PER_NODE {
                        full.get_or_insert_with(|| node.spec().name());
                    }
                }
            });
        };
        if rule.who.names.is_empty() {
            self.indexes(selection).map(NodeId).for_each(&mut look);
        } else {
            for name in &rule.who.names {
                let id = self
                    .find_named(name)
                    .ok_or_else(|| RuleProblem::NoNode { rule: rule.name.clone(), node: name.clone() })?;
                look(id);
            }
        }
        if let Some(node) = full {
            let (rule, most) = (rule.name.clone(), Self::MAX_RULES_PER_NODE);
            return Err(RuleProblem::NodeFull { rule, node, most });
        }
        let mut nodes = selected;
        nodes.sort_unstable_by_key(|(_, id)| *id);
        nodes.dedup();
        let selected = nodes.len();
        let count = rule.who.mode.count(selected);
        if count < selected {
            nodes.sort_unstable();
            nodes.truncate(count);
        }
        let mut nodes: Vec<_> = nodes.into_iter().map(|(_, id)| id).collect();
        nodes.sort_unstable();
        Ok(RuleAdded { selected, nodes })
    }

    fn dice(&self, id: NodeId) -> Dice {
        Dice { seed: self.seed, node: id.0 }
    }

    fn bind(&self, id: NodeId, armed: &Arc<Armed>) {
        if let Some(Ok(_)) = self.apply(id, Command::Lab(lab::Command::Bind(Arc::clone(armed)))) {
            self.rules.bound.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unbind(&self, id: NodeId, number: u32) -> bool {
        if self.identify(id, |node, _| node.faults().has(number)) != Some(true) {
            return false;
        }
        let _ = self.apply(id, Command::Lab(lab::Command::Unbind(number)));
        self.rules.bound.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Takes a rule from all of its nodes. Returns their number.
    fn forget_rule(&self, armed: &Armed) -> u64 {
        if let Some(ledger) = self.ledger() {
            ledger.record(&format!("{}{:08}", Self::RULES, armed.number), None);
        }
        self.ids().map(|id| u64::from(self.unbind(id, armed.number))).sum()
    }

    fn store_rule(&self, armed: &Armed, complete: bool) {
        if let Some(ledger) = self.ledger() {
            let stored = Stored { rule: armed.rule.clone(), added: armed.added, complete };
            let value = serde_json::to_vec(&stored).expect("a rule is valid JSON");
            ledger.record(&format!("{}{:08}", Self::RULES, armed.number), Some(value));
        }
    }

    /// Restores the stored rules, before the nodes are restored.
    ///
    /// # Errors
    /// If a record cannot be read.
    pub fn restore_rules(&self, records: &[(String, Vec<u8>)]) -> Result<(), String> {
        let mut all = self.rules.all.write();
        for (key, value) in records {
            let wrong = |problem: String| format!("the record '{key}' cannot be read: {problem}");
            let number = key.strip_prefix(Self::RULES).and_then(|number| number.parse().ok());
            let number: u32 = number.ok_or_else(|| wrong("its key has no number".to_owned()))?;
            let stored: Stored = serde_json::from_slice(value).map_err(|error| wrong(error.to_string()))?;
            let selection = stored.rule.check().map_err(|error| wrong(error.to_string()))?;
            let armed = Arc::new(Armed::new(number, stored.rule, selection, stored.added));
            // Records come in the order of their numbers. A newer rule takes the place of an older one whose record the process had no
            // time to delete.
            all.insert(&armed);
        }
        self.rules.count.store(all.len(), Ordering::Relaxed);
        Ok(())
    }

    /// Does what the process had no time for, after the nodes were restored: it binds rules to their nodes, and deletes the records of
    /// rules that newer ones have replaced.
    pub fn complete_rules(&self, records: &[(String, Vec<u8>)]) {
        let all = self.rules.all.read();
        for (key, value) in records {
            let number = key.strip_prefix(Self::RULES).and_then(|number| number.parse().ok());
            let Some(armed) = number.and_then(|number| all.numbered(number)) else {
                if let Some(ledger) = self.ledger() {
                    ledger.record(key, None);
                }
                continue;
            };
            if serde_json::from_slice::<Stored>(value).is_ok_and(|stored| stored.complete) {
                continue;
            }
            let is_this = |number: u32| number == armed.number;
            let added = self.nodes_of(&armed.rule, armed.selection.as_ref(), is_this, &Gets::default());
            for id in added.map(|added| added.nodes).unwrap_or_default() {
                if self.identify(id, |node, _| node.faults().has(armed.number)) == Some(false) {
                    self.bind(id, armed);
                }
            }
            self.store_rule(armed, true);
        }
    }

    /// Gives a restored node its rules.
    pub(super) fn attach_rules(&self, node: &mut Node, now: SimTime) {
        if node.faults().rules().is_empty() {
            return;
        }
        let all = self.rules.all.read();
        node.attach_rules(|number| all.numbered(number).cloned(), now);
        for bound in node.faults().rules() {
            self.rules.bound.fetch_add(1, Ordering::Relaxed);
            if let Some(armed) = bound.rule.armed() {
                armed.count_restored(bound.fired);
            }
        }
    }

    /// A node is removed, with its rules.
    pub(super) fn lost_rules(&self, node: &Node) {
        self.rules.bound.fetch_sub(node.faults().rules().len() as u64, Ordering::Relaxed);
    }

    /// A node is new, or has other labels: it joins the rules that select it now, and leaves those that do not.
    pub(super) fn rejoin(&self, id: NodeId) {
        for armed in self.rules() {
            let share = match armed.rule.who.mode {
                Mode::All => 1.0,
                Mode::Percent(percent) => percent / 100.0,
                Mode::One | Mode::Number(_) => continue,
            };
            if !armed.rule.who.names.is_empty() {
                continue;
            }
            let state = self.identify(id, |node, _| {
                let rules = node.faults().rules();
                let has = node.faults().has(armed.number);
                let selected = armed.selection.as_ref().is_none_or(|selection| selection.matches(node));
                (has, selected, rules.len() < Self::MAX_RULES_PER_NODE)
            });
            let lot = || self.dice(id).share(&armed.rule, Self::LOT, Self::LOT);
            match state {
                Some((false, true, true)) if lot() < share => self.bind(id, &armed),
                Some((true, false, _)) => drop(self.unbind(id, armed.number)),
                Some(_) | None => {}
            }
        }
    }

    /// Whether there are rules.
    pub(super) fn has_rules(&self) -> bool {
        self.rules.count.load(Ordering::Relaxed) > 0
    }

    /// Records what rules have done to a node.
    pub(super) fn note_faults(&self, node: &Node, news: Vec<News>) {
        for News { rule, at, ended } in news {
            let Some(armed) = rule.armed() else { continue };
            let event = if ended { Event::FaultEnded } else { Event::FaultFired };
            super::events::tell(node, at, event, armed.rule.name.as_str(), &self.journal, &self.stream);
        }
    }
}

/// How many rules nodes get from one list, by the index of the node; at most [`Fleet::MAX_RULES_PER_NODE`].
#[derive(Default)]
struct Gets(Vec<u8>);

impl Gets {
    fn count(&self, id: NodeId) -> usize {
        self.0.get(id.0 as usize).map_or(0, |count| usize::from(*count))
    }

    /// These nodes, in order, get one more.
    fn add(&mut self, nodes: &[NodeId]) {
        let most = nodes.last().map_or(0, |id| id.0 as usize + 1);
        self.0.resize(self.0.len().max(most), 0);
        nodes.iter().for_each(|id| self.0[id.0 as usize] += 1);
    }
}
