//! The state of a node, and how it leaves and enters the process.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::bmc::Bmc;
use super::boot::Boot;
use super::format;
use super::host::Host;
use super::ipa::{Text, TextName};
use super::labels::Labels;
use super::rules::Faults;
use super::sparse::Sparse;

/// Everything that a node must remember across a restart of the process.
///
/// The state is stored as JSON, and later versions must be able to read it. Every field is stored. A new field needs a
/// default, which `serde(default)` gives all fields of this struct. A change that an earlier version would not read, or from
/// which it would lose something, needs a new format number; see [`State::FORMAT`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub(super) host: Host,
    pub(super) boot: Boot,
    /// Number of starts of the machine so far. It identifies the effects of a start, and selects its random numbers.
    pub(super) starts: u32,
    /// Number of draws for the agent so far.
    pub(super) draws: u32,
    /// Number of changes so far.
    pub(super) generation: u32,
    /// A disk holds an operating system. There is one at most: a second installation takes the place of the first, also if
    /// that one is on a drive that is out of its bay.
    pub(super) installed: bool,
    /// The number of the disk with the operating system, as [`Disk::number`](super::hardware::Disk::number). `None` without
    /// one, and if an earlier version has stored the state.
    pub(super) system_disk: Option<u8>,
    #[serde(serialize_with = "Sparse::or_null")]
    pub(super) bmc: Sparse<Bmc>,
    pub(super) labels: Labels,
    /// The rules of the node, with their memory.
    pub(super) faults: Sparse<Faults>,
}

impl State {
    /// The format number of the JSON that this version writes. This version reads all formats from 1 to this one.
    ///
    /// To change the format: raise the number, describe the change in `format.rs`, add a conversion there if the new format has no
    /// default for the difference, and add a fixture `state-format-<number>.json` that no later version changes.
    pub const FORMAT: u32 = 8;

    /// Reads the JSON that a version with format number `format` has written.
    ///
    /// # Errors
    /// If the JSON is damaged.
    pub fn read(format: u64, json: &[u8]) -> Result<Self, serde_json::Error> {
        match format {
            1 => serde_json::from_value(format::from_1(serde_json::from_slice(json)?)),
            // Formats 2 to 7 are parts of format 8.
            _ => serde_json::from_slice(json),
        }
    }

    /// The long texts of the agent, each with its name. The JSON of a state does not contain them, so they must be stored
    /// beside it.
    pub fn long_texts(&self) -> Vec<(TextName, Text)> {
        let mut texts = Vec::new();
        if let Some(agent) = self.host.ipa() {
            agent.long_texts(|name, text| texts.push((name, text.clone())));
        }
        texts
    }

    /// Puts a long text, which was stored apart, into a state that was read. A text of which no command is left is ignored.
    pub fn attach(&mut self, name: TextName, text: String) {
        if let Some(place) = self.host.ipa_mut().and_then(|agent| agent.text_mut(name)) {
            *place = text.into();
        }
    }

    /// Shares the memory of equal labels in `known`, the labels of other nodes that were read.
    pub fn share_labels(&mut self, known: &mut HashSet<Labels>) {
        self.labels.share(known);
    }

    /// No disk holds an operating system any more.
    pub(super) fn lose_system(&mut self) {
        (self.installed, self.system_disk) = (false, None);
    }

    /// Whether the node is in the state of a new machine, which need not be stored.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Moves every moment `ms` milliseconds into the future, so that a snapshot continues as if time had stood still
    /// since it was saved. Each part names all of its fields, so that the compiler asks about a new one.
    pub fn shift(&mut self, ms: u64) {
        let Self {
            host,
            boot: _,
            starts: _,
            draws: _,
            generation: _,
            installed: _,
            system_disk: _,
            bmc,
            labels: _,
            faults,
        } = self;
        host.shift(ms);
        if let Some(bmc) = bmc.get_mut() {
            bmc.shift(ms);
        }
        if let Some(faults) = faults.get_mut() {
            faults.shift(ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::effect::{Answer, Bootable, EffectKind};
    use super::super::tests::{Bench, T0, any_command, params, timed};
    use super::super::{Node, ipa};
    use super::*;
    use crate::time::SimTime;

    fn written(state: &State) -> String {
        serde_json::to_string(state).unwrap()
    }

    /// The node after a restart of the process.
    fn restarted(bench: &Bench) -> Node {
        let node = &bench.node;
        let state = State::read(u64::from(State::FORMAT), written(node.state()).as_bytes()).unwrap();
        let mut restored = Node::restore(node.id(), node.spec().seed, Arc::clone(node.profile()), state);
        let rules: Vec<_> =
            node.faults().rules().iter().filter_map(|bound| bound.rule.armed().cloned()).collect();
        let find = |number| rules.iter().find(|rule| rule.number == number).cloned();
        restored.attach_rules(find, bench.now);
        restored
    }

    /// All fields, including any that serde would skip, with calls under way shown as due.
    fn all_fields(state: &State) -> String {
        format!("{state:?}").replace("Underway", "Due")
    }

    proptest! {
        /// Whatever a node has done, a restart loses nothing, and the node continues as if there had been no restart.
        #[test]
        fn a_restart_loses_nothing(
            steps in proptest::collection::vec((any_command(), 0u64..20_000, 0u64..30_000), 1..12),
            serving in proptest::bool::ANY,
        ) {
            let mut bench = Bench::new();
            if serving {
                bench.serving();
            }
            for (command, wait, more) in steps {
                bench.now = bench.now.after_ms(wait);
                let _ = bench.apply(command);
                prop_assert_eq!(all_fields(bench.node.state()), all_fields(restarted(&bench).state()));
                bench.answer_boot(Ok(Bootable::Ipa(Box::new(params()))));
                let mut other = restarted(&bench);
                let end = bench.now.after_ms(more);
                other.settle(end);
                let mut node = bench.node.clone();
                node.settle(end);
                // A heartbeat that is due after the restart already reports all ended commands, so no other one follows.
                let later = |node: &Node| all_fields(node.state()).replace("again: true", "again: false");
                prop_assert_eq!(later(&node), later(&other));
                prop_assert_eq!(node.next_deadline(), other.next_deadline());
            }
        }

        /// A shifted state behaves as the original does, but later; and no moment in it is forgotten.
        #[test]
        fn a_shifted_state_does_the_same_later(
            steps in proptest::collection::vec((any_command(), 0u64..20_000), 1..12),
            serving in proptest::bool::ANY,
            more in 0u64..400_000,
        ) {
            const LATER_MS: u64 = 5_000_000;
            let mut bench = Bench::new();
            if serving {
                bench.serving();
            }
            for (command, wait) in steps {
                bench.now = bench.now.after_ms(wait);
                let _ = bench.apply(command);
                bench.answer_boot(Ok(Bootable::Ipa(Box::new(params()))));
            }
            let mut shifted = bench.node.clone();
            shifted.state.shift(LATER_MS);
            let moments = |node: &Node| {
                let mut moments = Vec::new();
                find_moments(&serde_json::to_value(node.state()).unwrap(), &mut moments);
                moments
            };
            let expected: Vec<u64> = moments(&bench.node).into_iter().map(|ms| ms + LATER_MS).collect();
            prop_assert_eq!(moments(&shifted), expected);
            let end = bench.now.after_ms(more);
            shifted.settle(end.after_ms(LATER_MS));
            bench.node.settle(end);
            bench.node.state.shift(LATER_MS);
            prop_assert_eq!(&bench.node.state, &shifted.state);
        }
    }

    /// All moments in a state: in these tests no other number is as large.
    fn find_moments(json: &Value, found: &mut Vec<u64>) {
        match json {
            Value::Number(number) => {
                found.extend(number.as_u64().filter(|ms| (T0.ms()..SimTime::NEVER.ms()).contains(ms)));
            }
            Value::Array(list) => list.iter().for_each(|value| find_moments(value, found)),
            Value::Object(map) => map.values().for_each(|value| find_moments(value, found)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn a_restart_repeats_the_calls_that_were_under_way() {
        let mut bench = Bench::new();
        bench.serving();
        assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
        let mut effects = Vec::new();
        restarted(&bench).take_effects(bench.now, |effect| effects.push(effect.kind));
        let start = bench.node.starts();
        let heartbeat = EffectKind::Ipa { start, effect: ipa::Effect::Heartbeat };
        assert_eq!(effects, [EffectKind::OpenMedia { slot: 0, insertion: 1 }, heartbeat]);
    }

    #[test]
    fn only_commands_and_answers_touch_a_node() {
        let mut bench = Bench::new();
        assert!(bench.node.state().is_new() && !bench.node.take_touched());
        assert!(bench.apply(timed()).is_err() && !bench.node.take_touched(), "the node refused the command");
        bench.serving();
        assert!(bench.node.take_touched() && !bench.node.take_touched());
        bench.now = bench.now.after_ms(3_600_000);
        bench.node.settle(bench.now);
        assert!(!bench.node.take_touched(), "settling can be repeated");
        let late = Answer::BootRead { start: 0, result: Ok(Bootable::Live) };
        bench.node.answer(late, bench.now);
        assert!(!bench.node.take_touched(), "the answer was late");
    }
}
