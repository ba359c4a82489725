//! What a person in the lab does to a machine, and no client of its BMC or its agent can do.

use std::sync::Arc;

use super::bmc::environment::Environment;
use super::bmc::failures::Part;
use super::bmc::plugs::Plug;
use super::ipa::{Closed, Phase};
use super::labels::Labels;
use super::refusal::Refusal;
use super::state::State;
use crate::fault::Armed;
use crate::profile::Profile;
use crate::time::SimTime;

/// Commands of the control API that neither Redfish nor the agent has. The restart of a BMC does not refuse them.
#[derive(Clone, Debug)]
pub enum Command {
    /// The labels of the node, in place of those that it has.
    Label(Labels),
    /// The agent's program ends. The ramdisk goes on without it.
    CrashAgent,
    /// A cable, a drive or a power cord is plugged in. A part that is in already stays as it is.
    Plug(Plug),
    /// A cable, a drive or a power cord is pulled. A part that is out already stays as it is. What runs on the machine goes on: a
    /// simulated operating system does not miss its disk before the next boot. The last cord with power cannot be pulled.
    Unplug(Plug),
    /// The air that enters the machine gets this temperature, degrees Celsius, from [`Environment::MIN_INLET`] to
    /// [`Environment::MAX_INLET`]. `None`: the normal temperature of the model.
    Inlet(Option<i8>),
    /// A part fails. It stays in its place, and one that has failed already stays as it is. What runs on the machine goes on, as
    /// with [`Command::Unplug`]. The last power supply that feeds the machine and its last memory module cannot fail.
    Fail(Part),
    /// A part works again. A part that works already stays as it is.
    Repair(Part),
    /// The machine is as good as new, with the same labels and rules.
    Renew,
    /// The node gets a rule.
    Bind(Arc<Armed>),
    /// The node loses the rule with this number.
    Unbind(u32),
}

impl State {
    pub(super) fn execute_lab(
        &mut self,
        command: Command,
        profile: &Profile,
        now: SimTime,
    ) -> Result<(), Refusal> {
        match command {
            Command::Label(labels) => self.labels = labels,
            Command::CrashAgent => {
                let agent = self.host.ipa_mut().ok_or(Refusal::NoAgent)?;
                if let Phase::Closed(_) = agent.phase {
                    return Err(Refusal::NoAgent);
                }
                agent.phase = Phase::Closed(Closed::Crashed);
            }
            Command::Plug(Plug::Cord(number)) => {
                self.surround(|environment| environment.set_input(number, true, now));
            }
            Command::Unplug(Plug::Cord(number)) => {
                self.keep_a_supply(number, profile)?;
                self.surround(|environment| environment.set_input(number, false, now));
            }
            Command::Plug(part) => self.plug(part, true, profile),
            Command::Unplug(part) => self.plug(part, false, profile),
            Command::Inlet(celsius) => self.surround(|environment| environment.set_inlet(celsius, now)),
            Command::Fail(part) => {
                match part {
                    Part::Supply(number) => self.keep_a_supply(number, profile)?,
                    Part::Memory(number) => self.keep_a_module(number, profile)?,
                    Part::Fan(_) | Part::Drive(_) => {}
                }
                self.surround(|environment| environment.set_failed(part, true, now));
            }
            Command::Repair(part) => {
                self.surround(|environment| environment.set_failed(part, false, now));
            }
            Command::Renew => *self = self.renewed(),
            // The node does that.
            Command::Bind(_) | Command::Unbind(_) => {}
        }
        Ok(())
    }

    /// Refuses a change after which no power supply would feed the machine.
    fn keep_a_supply(&self, lost: u8, profile: &Profile) -> Result<(), Refusal> {
        let supplies = (0..=u8::MAX).zip(&profile.power_supplies).map(|(supply, _)| supply);
        let mut others = supplies.filter(|supply| *supply != lost);
        if others.any(|supply| self.bmc.feeds(supply)) { Ok(()) } else { Err(Refusal::LastInput) }
    }

    /// Refuses a change after which no memory module would work.
    fn keep_a_module(&self, lost: u8, profile: &Profile) -> Result<(), Refusal> {
        let modules = (0..=u8::MAX).zip(&profile.dimms).map(|(module, _)| module);
        let mut others = modules.filter(|module| *module != lost);
        if others.any(|module| !self.bmc.has_failed(Part::Memory(module))) {
            Ok(())
        } else {
            Err(Refusal::LastMemory)
        }
    }

    fn plug(&mut self, part: Plug, plugged: bool, profile: &Profile) {
        self.bmc.change(|bmc| bmc.plugs.change(|plugs| plugs.set(part, plugged, profile)));
    }

    fn surround(&mut self, change: impl FnOnce(&mut Environment)) {
        self.bmc.change(|bmc| bmc.environment.change(change));
    }

    /// The state of a new machine with the same labels. Numbers that distinguish late answers, and the number of changes, go
    /// on: a call that was made before must not be taken for one that is made afterwards.
    #[must_use]
    pub(super) fn renewed(&self) -> Self {
        let mut state = Self {
            starts: self.starts,
            draws: self.draws,
            generation: self.generation,
            labels: self.labels.clone(),
            faults: self.faults.renewed().into(),
            ..Self::default()
        };
        let (media, firmware) = (self.bmc.media.renewed(), self.bmc.firmware.renewed());
        let (tasks, logs) = (self.bmc.tasks.renewed(), self.bmc.logs.renewed());
        let subscriptions = self.bmc.subscriptions.renewed();
        state.bmc.change(|bmc| {
            bmc.media = media;
            bmc.firmware.change(|part| *part = firmware);
            bmc.tasks.change(|part| *part = tasks);
            bmc.logs.change(|part| *part = logs);
            bmc.subscriptions.change(|part| *part = subscriptions);
        });
        state
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Command as NodeCommand;
    use super::super::effect::Answer;
    use super::super::tests::Bench;
    use super::*;
    use crate::node::tests::insert;

    fn lab(bench: &mut Bench, command: Command) -> Result<(), Refusal> {
        bench.apply(NodeCommand::Lab(command)).map(drop)
    }

    #[test]
    fn a_crashed_agent_is_closed_until_the_machine_starts_again() {
        let mut bench = Bench::new();
        assert_eq!(lab(&mut bench, Command::CrashAgent), Err(Refusal::NoAgent));
        bench.serving();
        assert_eq!((bench.node.state_word(), bench.node.agent_word()), ("agent-running", "serving"));
        lab(&mut bench, Command::CrashAgent).unwrap();
        assert_eq!((bench.node.state_word(), bench.node.agent_word()), ("agent-closed", "closed"));
        assert_eq!(lab(&mut bench, Command::CrashAgent), Err(Refusal::NoAgent));
        assert_eq!(bench.node.next_deadline(), crate::time::SimTime::NEVER, "it makes no call any more");
    }

    #[test]
    fn a_renewed_machine_is_new_and_takes_no_answer_from_before() {
        let mut bench = Bench::new();
        bench.serving();
        bench.apply(insert(1, "http://x/late.iso")).unwrap();
        let late: Vec<_> =
            bench.node.bmc().media.iter().map(|(slot, inserted)| (slot, inserted.number)).collect();
        assert!(!late.is_empty());
        let labels = Labels::from_iter([("rack".into(), "r7".into())]);
        lab(&mut bench, Command::Label(labels.clone())).unwrap();
        let (generation, starts) = (bench.node.generation(), bench.node.starts());
        lab(&mut bench, Command::Renew).unwrap();
        let node = &mut bench.node;
        assert_eq!((node.state_word(), node.installed()), ("off", false));
        assert_eq!((node.labels(), node.generation(), node.starts()), (&labels, generation + 1, starts));
        assert_eq!(node.bmc().media.iter().count(), 0);
        // The same slot gets another image; the answer for the first one comes late.
        for (slot, _) in &late {
            bench.apply(insert(*slot, "http://x/new.iso")).unwrap();
        }
        for (slot, insertion) in late {
            let answer = Answer::MediaOpened { slot, insertion, result: Err("late".into()) };
            bench.node.answer(answer, bench.now);
            let inserted = bench.node.bmc().media.get(slot).unwrap();
            assert!(inserted.number > insertion && inserted.opened_at.is_none(), "{inserted:?}");
        }
    }
}
