//! The rules of a node, and what they do to it.

use std::borrow::Cow;
use std::sync::Arc;

use super::Node;
use super::bmc::clock::Clock;
use super::bmc::failures::Part;
use super::bmc::tasks::Held;
use super::host::{AfterOff, Host};
use super::lab;
use super::rules::{Faults, News};
use super::sparse::Sparse;
use super::state::State;
use super::view::View;
use crate::dmtf::{PowerRestorePolicy, PowerState};
use crate::fault::host::part_fails::Kind;
use crate::fault::{Act, Armed, Bound, Dice, Met, Occasion, What, bmc, host};
use crate::seed::Purpose;
use crate::time::SimTime;
use crate::time::timing::Timing;

/// The words of a node's states before a change; `None` for a node without rules.
pub(super) struct Words(&'static str, &'static str);

impl Node {
    /// The length of work whose length is not known, ms.
    const TASK_MS: u64 = 60_000;

    /// The rules of the node.
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// What has happened since the last call, if anything has.
    pub fn take_fault_news(&mut self) -> Option<Vec<News>> {
        let faults = self.state.faults.get_mut().filter(|faults| !faults.news.is_empty());
        faults.map(|faults| std::mem::take(&mut faults.news))
    }

    fn dice(&self) -> Dice {
        Dice { seed: self.seed, node: self.id.0 }
    }

    /// The node gets a rule. A rule that it has already stays as it is.
    pub(super) fn bind(&mut self, armed: &Arc<Armed>, now: SimTime) {
        if !self.state.faults.has(armed.number) {
            self.state.faults.change(|faults| faults.rules.push(Bound::new(armed, now)));
        }
    }

    /// The node loses a rule. The condition that it imposes ends.
    pub(super) fn unbind(&mut self, number: u32, now: SimTime) {
        let Some(faults) = self.state.faults.get_mut() else { return };
        let Some(place) = faults.rules.iter().position(|bound| bound.rule.number() == number) else { return };
        if faults.rules[place].on.is_some() {
            faults.tell(place, now, true);
        }
        let bound = faults.rules.remove(place);
        if bound.on.is_some()
            && let Some(armed) = bound.rule.armed()
        {
            self.end_condition(&armed.rule.what.act(), now);
        }
        if let Some(faults) = self.state.faults.get_mut()
            && *faults == Faults::default()
        {
            self.state.faults = Faults::default().into();
        }
    }

    /// Finds the rules of a stored node. Conditions of rules that are no more end.
    pub fn attach_rules(&mut self, find: impl Fn(u32) -> Option<Arc<Armed>>, now: SimTime) {
        let Some(faults) = self.state.faults.get_mut() else { return };
        let mut lost = Vec::new();
        for bound in &mut faults.rules {
            let armed = find(bound.rule.number());
            if !bound.attach(armed.as_ref()) {
                lost.push(bound.rule.number());
            }
        }
        let released = !lost.is_empty();
        for number in lost {
            self.unbind(number, now);
        }
        if released {
            self.release(now);
            self.release_all_of_agent(now);
            // A later rule can have the number of a lost one, so the stored node must not keep that.
            self.touched = true;
        }
    }

    /// Asks the rules whether they fire at an occasion. Returns what those that do so do, in their order.
    pub fn meet(&mut self, met: &Met<'_>, now: SimTime) -> Vec<Act> {
        self.fire(met, now).into_iter().map(|(_, act)| act).collect()
    }

    /// As [`Node::meet`], each with the place of its rule.
    pub(super) fn fire(&mut self, met: &Met<'_>, now: SimTime) -> Vec<(usize, Act)> {
        let dice = self.dice();
        let Some(faults) = self.state.faults.get_mut() else { return Vec::new() };
        let mut acts = Vec::new();
        for place in 0..faults.rules.len() {
            if let Some(roll) = faults.rules[place].meet(met, dice, now) {
                faults.tell(place, now, false);
                let armed = faults.rules[place].rule.armed();
                acts.extend(armed.map(|armed| (place, armed.rule.what.act_with(roll))));
            }
        }
        if !acts.is_empty() {
            self.touched = true;
        }
        acts
    }

    /// What the machine does at an occasion of the host, if a rule fires.
    pub(super) fn meet_host(&mut self, occasion: Occasion, now: SimTime) -> Option<host::Act> {
        let acts = self.meet(&Met::at(occasion), now);
        acts.into_iter().find_map(|act| if let Act::Host(act) = act { Some(act) } else { None })
    }

    /// The times of phases that begin now: those of the rules in effect, and else those of the profile.
    pub fn timing(&self) -> Cow<'_, Timing> {
        let mut timing = Cow::Borrowed(&self.profile.timing);
        // The first rule that names a timing decides, so it comes last here.
        for armed in self.state.faults.in_effect().rev() {
            if let What::Timing(other) = &armed.rule.what {
                other.apply(timing.to_mut());
            }
        }
        timing
    }

    /// The end of a step of the host that begins `now` and takes `ms` normally.
    pub(super) fn until(&mut self, occasion: Occasion, now: SimTime, ms: u64) -> SimTime {
        match self.meet_host(occasion, now) {
            Some(host::Act::Takes(Some(ms))) => now.after_ms(ms),
            Some(host::Act::Takes(None)) => {
                self.hold(occasion, now);
                SimTime::NEVER
            }
            Some(_) | None => now.after_ms(ms),
        }
    }

    /// The rules that have just fired at an occasion hold the host, until they end.
    fn hold(&mut self, occasion: Occasion, now: SimTime) {
        let Some(faults) = self.state.faults.get_mut() else { return };
        for bound in &mut faults.rules {
            let is_meant = bound.rule.armed().is_some_and(|armed| armed.rule.what.occasion() == occasion);
            if is_meant && bound.last == Some(now) {
                bound.on = Some(crate::fault::On { since: now, until: SimTime::NEVER });
            }
        }
    }

    /// The states of the node in words, if it has rules that may ask for them.
    pub(super) fn words(&self) -> Option<Words> {
        (!self.state.faults.rules.is_empty()).then(|| Words(self.state_word(), self.agent_word()))
    }

    /// The rules see which states the node has entered.
    pub(super) fn enter(&mut self, before: Option<Words>, now: SimTime) {
        let Some(before) = before else { return };
        self.end_empty_holds(now);
        let Some(words) = self.words() else { return };
        let Some(faults) = self.state.faults.get_mut() else { return };
        if before.0 != words.0 {
            for place in 0..faults.rules.len() {
                // What held the host has lost its hold.
                let holds = faults.rules[place].on.is_some()
                    && faults.rules[place].rule.armed().is_some_and(|armed| is_hang(&armed.rule.what.act()));
                if holds && words.0 != "powering-on" && words.0 != "post" {
                    faults.rules[place].on = None;
                    faults.tell(place, now, true);
                }
            }
        }
        for bound in &mut faults.rules {
            for (before, word) in [(before.0, words.0), (before.1, words.1)] {
                if before != word {
                    bound.entered(word, now);
                }
            }
        }
    }

    /// Passes the deadline `at` of the rules: effects begin and end.
    pub(super) fn pass_faults(&mut self, at: SimTime) {
        let dice = self.dice();
        for place in 0..self.state.faults.rules.len() {
            let Some(faults) = self.state.faults.get_mut() else { return };
            let Some(bound) = faults.rules.get_mut(place) else { return };
            let Some(on) = bound.pass(dice, at) else { continue };
            let Some(act) = bound.rule.armed().map(|armed| armed.rule.what.act()) else { continue };
            if act == Act::Host(host::Act::Reset) {
                // It is over at once.
                bound.on = None;
            }
            faults.tell(place, at, !on);
            self.touched = true;
            if on { self.begin_condition(&act, at) } else { self.end_condition(&act, at) }
        }
    }

    fn begin_condition(&mut self, act: &Act, at: SimTime) {
        match act {
            Act::Host(host::Act::Reset) if self.state.host.power_state() == PowerState::On => self.post(at),
            Act::Host(host::Act::NoPower(_)) => self.lose_power(at),
            Act::Host(host::Act::Break(kind, number)) => self.break_part(*kind, *number, at),
            Act::Bmc(bmc::Act::Stale) => {
                let state = &self.state;
                let shown = State { host: state.host.outline(), faults: Sparse::NEW, ..state.clone() };
                self.state.faults.change(|faults| _ = faults.stale.get_or_insert_with(|| Box::new(shown)));
            }
            Act::Host(_) | Act::Bmc(_) | Act::Wire(_) | Act::Agent(_) => {}
        }
    }

    fn end_condition(&mut self, act: &Act, at: SimTime) {
        match act {
            Act::Host(host::Act::NoPower(restore)) => self.get_power(*restore, at),
            Act::Host(host::Act::Takes(_)) => self.release(at),
            Act::Host(host::Act::Break(kind, number)) => {
                let others = self.state.faults.conditions().any(|other| other == *act);
                let part = part(*kind, *number);
                let is_ours = self.state.faults.broken.contains(&part);
                if is_ours && !others {
                    self.state.faults.change(|faults| faults.broken.retain(|other| *other != part));
                    let profile = Arc::clone(&self.profile);
                    let repaired = self.state.execute_lab(lab::Command::Repair(part), &profile, at);
                    debug_assert!(repaired.is_ok(), "every part can be repaired");
                }
            }
            Act::Bmc(bmc::Act::HoldTask(None)) => {
                if let Some(bmc) = self.state.bmc.get_mut() {
                    bmc.release_tasks(at);
                }
            }
            Act::Bmc(bmc::Act::Stale) => {
                let others = self.state.faults.conditions().any(|act| act == Act::Bmc(bmc::Act::Stale));
                if let Some(faults) = self.state.faults.get_mut().filter(|_| !others) {
                    faults.stale = None;
                }
            }
            Act::Agent(act) => self.release_agent(act, at),
            Act::Host(_) | Act::Bmc(_) | Act::Wire(_) => {}
        }
    }

    /// The rules see the task that a command has begun.
    pub(super) fn meet_task(&mut self, number: u32, now: SimTime) {
        let acts = self.meet(&Met::at(Occasion::Task), now);
        let held = acts.into_iter().find_map(|act| match act {
            Act::Bmc(bmc::Act::HoldTask(held)) => Some(held),
            Act::Bmc(_) | Act::Host(_) | Act::Wire(_) | Act::Agent(_) => None,
        });
        let (Some(held), Some(task)) = (held, self.bmc().tasks.get(number)) else { return };
        let held = match held {
            Some(percent) => {
                let ms = task.estimated_ms().unwrap_or(Self::TASK_MS);
                Held::Fails(now.after_ms(ms * u64::from(percent) / 100))
            }
            None => {
                self.hold(Occasion::Task, now);
                Held::Forever
            }
        };
        self.state.bmc.change(|bmc| bmc.tasks.change(|tasks| tasks.hold(number, held)));
    }

    /// The node that the BMC shows, if that is an earlier one.
    pub fn shown(&self) -> Option<Self> {
        let state = State::clone(self.state.faults.stale.as_ref()?);
        Some(Self { state, profile: Arc::clone(&self.profile), ..*self })
    }

    /// A step of the host that never ends ends now, unless another rule holds it.
    fn release(&mut self, now: SimTime) {
        if self.state.faults.conditions().any(|act| is_hang(&act)) {
            return;
        }
        match &mut self.state.host {
            Host::PoweringOn { until } | Host::Post { until, .. } if *until == SimTime::NEVER => *until = now,
            Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Off
            | Host::Booting(_)
            | Host::Running { .. }
            | Host::PoweringOff { .. } => {}
        }
    }

    /// A part fails, if the machine has it and can do without it. A part that a person has let fail is not the rule's to repair.
    fn break_part(&mut self, kind: Kind, number: u8, at: SimTime) {
        let profile = Arc::clone(&self.profile);
        let count = match kind {
            Kind::Disk => profile.drives().count(),
            Kind::Dimm => profile.dimms.len(),
            Kind::Fan => profile.fans.len(),
            Kind::Psu => profile.power_supplies.len(),
        };
        let part = part(kind, number);
        if usize::from(number) >= count || self.has_failed(part) {
            return;
        }
        if self.state.execute_lab(lab::Command::Fail(part), &profile, at).is_ok() {
            self.state.faults.change(|faults| faults.broken.push(part));
        }
    }

    fn lose_power(&mut self, at: SimTime) {
        if self.state.faults.was_on.is_some() {
            return;
        }
        let was_on = match &self.state.host {
            Host::Off | Host::PoweringOff { then: AfterOff::StayOff, .. } => false,
            Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::Running { .. }
            | Host::PoweringOff { then: AfterOff::PowerOn, .. } => true,
        };
        self.state.faults.change(|faults| faults.was_on = Some(was_on));
        self.state.host = Host::Off;
        let profile = Arc::clone(&self.profile);
        self.state.bmc.change(|bmc| {
            if let Some(codes) = bmc.post_codes.get_mut() {
                codes.cut(at);
            }
            bmc.lose_power(at, &profile);
        });
    }

    /// The mains power is back. The rule says what the machine does then, and else the machine's own setting.
    fn get_power(&mut self, restore: Option<PowerRestorePolicy>, at: SimTime) {
        let others = self.state.faults.conditions();
        if others.into_iter().any(|act| matches!(act, Act::Host(host::Act::NoPower(_)))) {
            return;
        }
        let was_on = self.state.faults.change(|faults| faults.was_on.take()).unwrap_or(false);
        let ms = self.draw_ms(self.timing().manager_reset, Purpose::ManagerReset);
        self.state.bmc.change(|bmc| bmc.restarting_until = Some(at.after_ms(ms)));
        let on = match restore.unwrap_or(self.power_restore_policy()) {
            PowerRestorePolicy::LastState => was_on,
            PowerRestorePolicy::AlwaysOff => false,
            PowerRestorePolicy::AlwaysOn => true,
        };
        if on {
            self.power_on(at);
        }
    }

    /// `ComputerSystem.PowerRestorePolicy`, as a client has set it or as the model has it.
    pub fn power_restore_policy(&self) -> PowerRestorePolicy {
        self.bmc().system.power_restore.unwrap_or(self.profile.power_restore_policy)
    }

    /// The clock of the BMC, as it shows it.
    pub fn clock(&self) -> Clock {
        let mut clock = *self.bmc().clock;
        for act in self.state.faults.conditions() {
            if let Act::Bmc(bmc::Act::Clock(ms)) = act {
                clock.ahead_ms = clock.ahead_ms.saturating_add(ms);
            }
        }
        clock
    }

    /// The BMC restarts at once, in the middle of a request.
    pub fn restart_bmc_now(&mut self, now: SimTime) {
        let before = View::of(&self.state);
        let ms = self.draw_ms(self.timing().manager_reset, Purpose::ManagerReset);
        let profile = Arc::clone(&self.profile);
        self.state.bmc.change(|bmc| bmc.restart(now, now.after_ms(ms), &profile));
        (self.touched, self.eventful) = (true, true);
        self.remember(&before, now);
    }

    /// Takes the state of the node from before a change that is forgotten, with the conditions of that moment. What the rules have
    /// counted stays.
    pub fn forget(&mut self, before: Self) {
        let State { generation, faults, .. } = std::mem::replace(&mut self.state, before.state);
        self.state.generation = generation;
        self.state.faults.change(|before| before.count_as(&faults));
        self.touched = true;
    }
}

fn part(kind: Kind, number: u8) -> Part {
    match kind {
        Kind::Disk => Part::Drive(number),
        Kind::Dimm => Part::Memory(number),
        Kind::Fan => Part::Fan(number),
        Kind::Psu => Part::Supply(number),
    }
}

fn is_hang(act: &Act) -> bool {
    matches!(act, Act::Host(host::Act::Takes(None)))
}
