//! What the rules of a node do to its agent.

use std::borrow::Cow;

use super::Node;
use super::hardware::Disk;
use super::ipa::{
    AskedFor, Closed, CommandEnd, CommandRecord, Dice, Held, Ipa, IpaCommand, IpaError, Phase, Serving, Work,
};
use super::refusal::Refusal;
use super::rules::Faults;
use crate::fault::agent::Act;
use crate::fault::agent::other_hardware::OtherHardware;
use crate::fault::{self, AskedCommand, Met, Occasion};
use crate::profile::inventory::Nic;
use crate::time::SimTime;

/// What a rule does to a command, once the agent has accepted it.
#[derive(Clone, Copy, Debug)]
enum Consequence {
    /// The rule at this place holds it, until this moment at the latest.
    Hold { rule: usize, until: SimTime },
    /// It takes the agent down.
    Crash,
}

impl Faults {
    /// What the conditions do to the agent that are on.
    fn of_agent(&self) -> impl Iterator<Item = Act> {
        self.conditions().filter_map(|act| if let fault::Act::Agent(act) = act { Some(act) } else { None })
    }
}

/// What an act holds, if it holds something.
fn held(act: &Act) -> Option<Held> {
    match act {
        Act::Silent(_) => Some(Held::Start),
        Act::Late(_) => Some(Held::Heartbeat),
        Act::Hang | Act::Slow(_) => Some(Held::Command),
        Act::Lost
        | Act::Twice
        | Act::Token(_)
        | Act::Certificate
        | Act::Fail(_)
        | Act::Crash
        | Act::Hardware(_)
        | Act::WrongSum
        | Act::Cut(_) => None,
    }
}

impl Node {
    /// What the rules do to the agent that fire at an occasion, each with the place of the rule.
    fn meet_agent(&mut self, met: &Met<'_>, now: SimTime) -> Vec<(usize, Act)> {
        let fired = self.fire(met, now).into_iter();
        let of_agent = fired.filter_map(|(rule, act)| match act {
            fault::Act::Agent(act) => Some((rule, act)),
            fault::Act::Bmc(_) | fault::Act::Host(_) | fault::Act::Wire(_) => None,
        });
        of_agent.collect()
    }

    /// The rule at a place imposes a condition, until this moment at the latest.
    fn impose(&mut self, rule: usize, now: SimTime, until: SimTime) {
        let bound = self.state.faults.get_mut().and_then(|faults| faults.rules.get_mut(rule));
        if let Some(bound) = bound {
            bound.hold(now, until);
        }
    }

    /// The rules see the start of an agent.
    pub(super) fn meet_agent_start(&mut self, now: SimTime) {
        let Some(ready) = self.ipa().and_then(Ipa::ready_at) else { return };
        for (rule, act) in self.meet_agent(&Met::at(Occasion::AgentStart), now) {
            if let Act::Silent(by) = act {
                self.impose(rule, now, by.map_or(SimTime::NEVER, |by| ready.after_ms(by.ms())));
                self.hold_agent(Held::Start);
            }
        }
    }

    /// The rules see a heartbeat that has just become due.
    pub(super) fn meet_heartbeat(&mut self, was_due: bool, now: SimTime) {
        let is_due = |agent: &Ipa| agent.has_new_heartbeat();
        if was_due || self.state.faults.rules.is_empty() || !self.ipa().is_some_and(is_due) {
            return;
        }
        let acts = self.meet_agent(&Met::at(Occasion::Heartbeat), now);
        if acts.iter().any(|(_, act)| *act == Act::Lost) {
            let dice = Dice::next(self.seed, self.id, &mut self.state.draws);
            if let Some(agent) = self.state.host.ipa_mut() {
                agent.lose_heartbeat(now, dice);
            }
            return;
        }
        for (rule, act) in acts {
            match (act, self.state.host.ipa_mut().and_then(Ipa::serving_mut)) {
                (Act::Twice, Some(serving)) => serving.twice = true,
                (Act::Late(by), _) => {
                    self.impose(rule, now, now.after_ms(by.ms()));
                    self.hold_agent(Held::Heartbeat);
                }
                _ => {}
            }
        }
    }

    /// Executes a command of the agent.
    pub(super) fn execute_ipa(
        &mut self,
        mut command: IpaCommand,
        now: SimTime,
    ) -> Result<CommandRecord, Refusal> {
        let consequences = self.meet_command(&mut command, now);
        let record = self.accept_command(command, now)?;
        self.take_consequences(consequences, now);
        Ok(record)
    }

    /// The rules see a command that the agent is about to accept. Returns what happens after that.
    fn meet_command(&mut self, command: &mut IpaCommand, now: SimTime) -> Vec<Consequence> {
        let accepts = |agent: &Ipa| agent.serving().is_some_and(|s| s.commands.running().is_none());
        if self.state.faults.rules.is_empty() || !self.ipa().is_some_and(accepts) {
            return Vec::new();
        }
        let AskedFor { name, step } = command
            .asked
            .take()
            .map_or_else(|| AskedFor { name: command.name.clone(), step: None }, |asked| *asked);
        let asked = AskedCommand { name: &name, step: step.as_deref() };
        let acts = self.meet_agent(&Met { command: Some(asked), ..Met::at(Occasion::Command) }, now);
        let mut consequences = Vec::new();
        // The first rule that fires decides.
        match acts.into_iter().next() {
            Some((_, Act::Fail(error))) => {
                let error = IpaError {
                    kind: error.kind().into(),
                    code: error.code(),
                    message: error.message().into(),
                    details: error.details().into(),
                };
                if matches!(command.work, Work::Done(_)) {
                    // IPA records the error of a synchronous command under the full name.
                    command.name = name;
                }
                let takes = self.timing().command;
                command.work.fail(CommandEnd::Failed(Box::new(error)), takes);
            }
            Some((rule, Act::Hang)) => {
                command.work.take_time();
                consequences.push(Consequence::Hold { rule, until: SimTime::NEVER });
            }
            Some((_, Act::Crash)) => {
                command.work.take_time();
                return vec![Consequence::Crash];
            }
            Some(_) | None => {}
        }
        if matches!(command.work, Work::Image(_)) {
            for (rule, act) in self.meet_agent(&Met::at(Occasion::Image), now) {
                if let Act::Slow(by) = act {
                    consequences.push(Consequence::Hold { rule, until: now.after_ms(by.ms()) });
                }
            }
        }
        consequences
    }

    /// The agent has accepted the command: what the rules do now.
    fn take_consequences(&mut self, consequences: Vec<Consequence>, now: SimTime) {
        for consequence in consequences {
            match consequence {
                Consequence::Hold { rule, until } => {
                    self.impose(rule, now, until);
                    self.hold_agent(Held::Command);
                }
                Consequence::Crash => self.close_agent(Closed::Crashed),
            }
        }
    }

    /// The rules see an attempt to download the image that the agent writes. Returns what happens to it.
    pub fn meet_download(&mut self, now: SimTime) -> Option<Act> {
        let acts = self.meet_agent(&Met::at(Occasion::Download), now);
        acts.into_iter().map(|(_, act)| act).next()
    }

    pub(super) fn close_agent(&mut self, why: Closed) {
        if let Some(agent) = self.state.host.ipa_mut() {
            agent.phase = Phase::Closed(why);
        }
    }

    fn hold_agent(&mut self, what: Held) {
        if let Some(agent) = self.state.host.ipa_mut() {
            agent.hold(what);
        }
    }

    /// A condition of the agent has ended: what it has held goes on, unless another condition holds it.
    pub(super) fn release_agent(&mut self, ended: &Act, now: SimTime) {
        if let Some(what) = held(ended) {
            self.let_go(what, now);
        }
    }

    /// What no condition holds any more goes on.
    pub(super) fn release_all_of_agent(&mut self, now: SimTime) {
        for what in [Held::Start, Held::Heartbeat, Held::Command] {
            self.let_go(what, now);
        }
    }

    fn let_go(&mut self, what: Held, now: SimTime) {
        if self.state.faults.of_agent().any(|act| held(&act) == Some(what)) {
            return;
        }
        if let Some(agent) = self.state.host.ipa_mut() {
            agent.release(what, now);
            self.effects_due = true;
        }
    }

    /// Conditions end that hold something which is gone: the machine was powered off, or the agent has ended.
    pub(super) fn end_empty_holds(&mut self, now: SimTime) {
        let host = &self.state.host;
        let is_empty = |act: &fault::Act| match act {
            fault::Act::Agent(act) => {
                held(act).is_some_and(|what| !host.ipa().is_some_and(|agent| agent.is_held(what)))
            }
            fault::Act::Bmc(_) | fault::Act::Host(_) | fault::Act::Wire(_) => false,
        };
        let Some(faults) = self.state.faults.get_mut() else { return };
        for place in 0..faults.rules.len() {
            let bound = &faults.rules[place];
            let act = bound.rule.armed().filter(|_| bound.on.is_some()).map(|armed| armed.rule.what.act());
            if act.is_some_and(|act| is_empty(&act)) {
                faults.rules[place].on = None;
                faults.tell(place, now, true);
            }
        }
    }

    /// What the agent takes for the token that it shares with Ironic; `None` if it has forgotten it.
    pub fn agent_token<'a>(&self, serving: &'a Serving) -> Option<Cow<'a, str>> {
        let token = |act| if let Act::Token(token) = act { Some(token) } else { None };
        match self.state.faults.of_agent().find_map(token) {
            Some(other) => other.map(|other| String::from(other).into()),
            None => Some((&*serving.token).into()),
        }
    }

    /// Whether the agent reports another certificate than its listener has.
    pub fn reports_other_certificate(&self) -> bool {
        self.state.faults.of_agent().any(|act| act == Act::Certificate)
    }

    fn other_hardware(&self) -> impl Iterator<Item = OtherHardware> {
        let hardware = |act| if let Act::Hardware(hardware) = act { Some(hardware) } else { None };
        self.state.faults.of_agent().filter_map(hardware)
    }

    /// The disks that the agent finds, in the order of their drives.
    pub fn agent_disks(&self) -> Vec<Disk<'_>> {
        let mut disks = self.disks();
        for hardware in self.other_hardware() {
            let last = disks.last().map(|disk| disk.number);
            disks.retain(|disk| !hardware.lacks(&disk.drive.device, Some(disk.number) == last));
        }
        disks
    }

    /// The name that the agent has for an interface.
    pub fn agent_nic_name<'a>(&self, number: u8, nic: &'a Nic) -> Cow<'a, str> {
        let mut renamed = self.other_hardware().filter_map(|hardware| hardware.renamed_nic);
        let name = renamed.find(|renamed| renamed.number == number).map(|renamed| renamed.name.into());
        name.unwrap_or_else(|| nic.name.as_str().into())
    }

    /// Total size of the memory that the agent finds, MiB.
    pub fn agent_memory_mib(&self) -> u64 {
        let percents = self.other_hardware().filter_map(|hardware| hardware.memory_percent);
        percents.fold(self.memory_mib(), |mib, percent| mib * u64::from(percent) / 100)
    }
}
