//! A node's memory as it leaves and enters the process.

use std::sync::Arc;

use super::{Node, NodeId, State};
use crate::profile::Profile;
use crate::seed::Seed;

impl State {
    /// Whether it is that of a new machine, which need not be kept.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }
}

impl Node {
    /// All that it remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The node that remembers `state`. Calls that were under way when it was written are due again, and deadlines that
    /// have passed since are met when it is settled, each at its own moment.
    pub fn restore(id: NodeId, seed: Seed, profile: Arc<Profile>, state: State) -> Self {
        Self { id, seed, profile, state: State { due: true, ..state }, touched: false }
    }

    /// Whether it was told something since this was asked last, which would be lost if it were not kept. What time alone
    /// brings about is not counted: settling brings it about again.
    pub fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::command::Bootable;
    use super::super::tests::{Bench, any_command, params, timed};
    use super::super::{Answer, EffectKind};
    use super::*;
    use crate::time::SimTime;

    fn written(state: &State) -> String {
        serde_json::to_string(state).unwrap()
    }

    /// As it is after a restart, on another's profile and identity, which are not part of it.
    fn restarted(bench: &Bench) -> Node {
        let node = &bench.node;
        let state = serde_json::from_str(&written(node.state())).unwrap();
        Node::restore(node.id(), node.spec().seed, Arc::clone(node.profile()), state)
    }

    /// Every field, whatever serde thinks of it, with what a restart makes of it.
    fn all_fields(state: &State) -> String {
        format!("{:?}", State { due: true, ..state.clone() }).replace("Underway", "Due")
    }

    proptest! {
        /// Whatever was done: nothing of a node is lost by a restart, and it goes on as if there had been none.
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
                if bench.effects().contains(&EffectKind::ReadBoot) {
                    bench.answer(Answer::BootRead(Ok(Bootable::Ipa(Box::new(params())))));
                }
                let mut other = restarted(&bench);
                let end = bench.now.after_ms(more);
                other.settle(end);
                let mut node = bench.node.clone();
                node.settle(end);
                // A heartbeat that is still to be sent tells of all commands that have ended; one under way does not.
                let later = |node: &Node| all_fields(node.state()).replace("again: true", "again: false");
                prop_assert_eq!(later(&node), later(&other));
                prop_assert_eq!(node.next_deadline(), other.next_deadline());
            }
        }
    }

    #[test]
    fn what_was_under_way_is_asked_for_again() {
        let mut bench = Bench::new();
        bench.serving();
        assert_eq!(bench.run(), [EffectKind::Heartbeat]);
        let mut effects = Vec::new();
        restarted(&bench).take_effects(bench.now, |effect| effects.push(effect.kind));
        assert_eq!(effects, [EffectKind::OpenMedia(0), EffectKind::Heartbeat]);
    }

    #[test]
    fn only_what_a_node_is_told_touches_it() {
        let mut bench = Bench::new();
        assert!(bench.node.state().is_new() && !bench.node.take_touched());
        assert!(bench.apply(timed()).is_err() && !bench.node.take_touched(), "it refused");
        bench.serving();
        assert!(bench.node.take_touched() && !bench.node.take_touched());
        bench.now = bench.now.after_ms(3_600_000);
        bench.node.settle(bench.now);
        assert!(!bench.node.take_touched(), "settling brings it about again");
    }

    #[test]
    fn moments_move_with_a_snapshot() {
        let mut bench = Bench::new();
        bench.serving();
        let text = written(bench.node.state());
        let later: State = crate::time::moved_on(5_000, || serde_json::from_str(&text)).unwrap();
        let node =
            Node::restore(bench.node.id(), bench.node.spec().seed, Arc::clone(bench.node.profile()), later);
        assert_eq!(node.next_deadline(), bench.node.next_deadline().after_ms(5_000));
        assert_ne!(node.next_deadline(), SimTime::NEVER);
    }

    /// A state that format 1 wrote. It must be readable for ever, and nothing in it be lost: do not change the file, but
    /// give a new field a default, and a renamed one its old name as an alias.
    #[test]
    fn a_state_of_format_1_is_read_whole() {
        let text = include_str!("state-format-1.json");
        let state: State = serde_json::from_str(text).unwrap();
        let (then, now) = (serde_json::from_str(text).unwrap(), serde_json::to_value(&state).unwrap());
        assert_within("", &then, &now);
        // And one of which nothing is known is that of a new machine.
        assert!(serde_json::from_str::<State>("{}").unwrap().is_new());
    }

    fn assert_within(place: &str, then: &Value, now: &Value) {
        match (then, now) {
            (Value::Object(then), Value::Object(now)) => {
                for (key, value) in then {
                    assert_within(&format!("{place}.{key}"), value, now.get(key).unwrap_or(&Value::Null));
                }
            }
            (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
                then.iter().zip(now).for_each(|(then, now)| assert_within(place, then, now));
            }
            _ => assert_eq!(then, now, "{place}"),
        }
    }
}
