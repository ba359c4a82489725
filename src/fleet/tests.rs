//! Tests of the fleet: nodes come and go, deadlines take effect, and changes wake waiters.

use super::persist::Next;
use super::*;
use crate::dmtf::{PowerState, ResetType};
use crate::fault::Rule;
use crate::node::effect::EffectKind;
use crate::node::host;
use crate::profile::built_in;

fn fleet(count: u32) -> (Fleet, Effects) {
    let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_000_000)));
    fleet.add(&built_in("generic").unwrap(), count).unwrap();
    (fleet, effects)
}

fn rule(text: &str) -> Rule {
    serde_json::from_str(text).unwrap()
}

/// A rule for all nodes.
fn named(name: &str) -> Rule {
    rule(&format!(r#"{{"name": "{name}", "who": {{"all": true}}, "what": "power-lost"}}"#))
}

fn names_of_rules(fleet: &Fleet) -> Vec<String> {
    fleet.rules().iter().map(|armed| armed.rule.name.to_string()).collect()
}

/// The batches of changes that wait for the writer.
fn changes(ledger: &persist::Ledger) -> (Vec<NodeId>, Vec<persist::Record>) {
    match ledger.take(Some(std::time::Duration::ZERO)) {
        Next::Write(batch) => (batch.nodes, batch.records),
        Next::Nothing | Next::Stop => Default::default(),
    }
}

fn on() -> Command {
    Command::Host(host::Command::Reset(ResetType::On))
}

fn uuid_of(fleet: &Fleet, id: u32) -> Uuid {
    fleet.look(NodeId(id), |n, _| n.spec().uuid()).unwrap()
}

#[test]
fn adding_and_removing_nodes_leaves_the_others_alone() {
    let (fleet, _effects) = fleet(3);
    let uuids: Vec<_> = (0..3).map(|i| uuid_of(&fleet, i)).collect();
    assert!(fleet.remove(NodeId(1)) && !fleet.remove(NodeId(1)));
    assert_eq!(fleet.find(uuids[1]), None);
    assert_eq!(fleet.find(uuids[2]), Some(NodeId(2)));
    assert_eq!(fleet.add(&built_in("generic").unwrap(), 2), Ok(3..5));
    assert_eq!(fleet.len(), 4);
    assert!(!uuids.contains(&uuid_of(&fleet, 3)), "a new machine has a new identity");
}

#[test]
fn a_model_is_listed_as_long_as_it_has_nodes() {
    let (fleet, _effects) = fleet(2);
    let names = |fleet: &Fleet| fleet.profiles().iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&fleet), ["generic"]);
    fleet.remove(NodeId(0));
    assert_eq!(names(&fleet), ["generic"]);
    fleet.remove(NodeId(1));
    assert!(names(&fleet).is_empty());
}

#[test]
fn a_full_fleet_refuses_to_add_nodes() {
    let (fleet, _effects) = fleet(1);
    let error = fleet.add(&built_in("generic").unwrap(), u32::MAX).unwrap_err();
    assert!(error.to_string().contains("16777216 nodes"), "{error}");
    assert_eq!(fleet.len(), 1);
}

#[test]
fn nodes_are_counted_by_state_and_an_effect_has_the_moment_when_it_became_due() {
    let (fleet, mut effects) = fleet(3);
    fleet.apply(NodeId(1), on()).unwrap().unwrap();
    let states = |fleet: &Fleet| fleet.states().into_iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>();
    assert_eq!(states(&fleet), [("off", 2), ("powering_on", 1)]);
    let posted = fleet.look(NodeId(1), |n, _| n.next_deadline()).unwrap();
    fleet.clock.set(posted);
    fleet.wake_due();
    let read = fleet.look(NodeId(1), |n, _| n.next_deadline()).unwrap();
    // The fleet processes the deadline a minute late.
    fleet.clock.set(read.after_ms(60_000));
    fleet.wake_due();
    assert_eq!(effects.try_recv().unwrap().1.due, read);
    assert_eq!(states(&fleet), [("off", 2), ("booting", 1)]);
}

#[test]
fn deadlines_take_effect_without_a_request() {
    let (fleet, mut effects) = fleet(2);
    fleet.apply(NodeId(1), on()).unwrap().unwrap();
    let mut next = fleet.wake_due();
    while next != SimTime::NEVER {
        fleet.clock.set(next);
        next = fleet.wake_due();
    }
    let (id, effect) = effects.try_recv().unwrap();
    assert_eq!((id, effect.kind), (NodeId(1), EffectKind::ReadBoot { start: 1 }));
    assert_eq!(fleet.look(NodeId(0), |n, _| n.host().power_state()), Some(PowerState::Off));
}

/// Whether `act` completes a wait for a change of node 0.
fn wakes<R>(fleet: &Fleet, act: impl FnOnce() -> R) -> bool {
    let changed = fleet.changed(NodeId(0));
    let mut next = std::pin::pin!(changed.next());
    next.as_mut().enable();
    act();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    next.poll(&mut cx).is_ready()
}

#[test]
fn every_change_of_a_node_wakes_its_waiters() {
    let (fleet, _effects) = fleet(2);
    let node = NodeId(0);
    assert!(wakes(&fleet, || fleet.apply(node, on()).unwrap().unwrap()));
    let off = || Command::Host(host::Command::Reset(ResetType::ForceOff));
    let through_with = || fleet.with(node, |node, now| node.apply(off(), now)).unwrap().unwrap();
    assert!(wakes(&fleet, through_with), "as the Redfish service changes a node");
    let deadline = fleet.look(node, |n, _| n.next_deadline()).unwrap();
    fleet.clock.set(deadline);
    assert!(wakes(&fleet, || fleet.look(node, |_, _| ())), "a read settles the node");
    fleet.apply(node, on()).unwrap().unwrap();
    fleet.clock.set(fleet.look(node, |n, _| n.next_deadline()).unwrap());
    assert!(wakes(&fleet, || fleet.wake_due()));
    assert!(wakes(&fleet, || assert!(fleet.remove(node))));
}

#[test]
fn nothing_else_wakes_a_waiter_and_a_waiter_leaves_nothing_behind() {
    let (fleet, _effects) = fleet(2);
    assert!(!wakes(&fleet, || fleet.look(NodeId(0), |_, _| ())), "a read");
    let nmi = || Command::Host(host::Command::Reset(ResetType::Nmi));
    assert!(!wakes(&fleet, || fleet.apply(NodeId(0), nmi()).unwrap().unwrap_err()), "a refusal");
    assert!(!wakes(&fleet, || fleet.apply(NodeId(1), on()).unwrap().unwrap()), "another node");
    let late = Answer::MediaOpened { slot: 0, insertion: 7, result: Ok(()) };
    assert!(!wakes(&fleet, || fleet.answer(NodeId(0), late)), "a late answer");
    assert!(fleet.waiters.is_empty());
}

#[tokio::test]
async fn the_task_that_keeps_time_is_woken_when_the_clock_changes() {
    let (fleet, _effects) = Fleet::new(Seed(5), Clock::held_at(1.0, SimTime::from_ms(1_000_000)));
    let node = NodeId(fleet.add(&built_in("generic").unwrap(), 1).unwrap().start);
    let clock = fleet.clock().clone();
    let change = async {
        fleet.apply(node, on()).unwrap().unwrap();
        let mut due = fleet.coming().unwrap().0;
        // An hour of real time is a day of the test, so each change must wake the task by itself.
        clock.set_speed(0.001);
        for _ in 0..2 {
            for change in [&|| assert!(clock.jump_to(due) >= due), &|| clock.release()] as [&dyn Fn(); 2] {
                change();
                tokio::task::yield_now().await;
            }
            while fleet.deadlines.next() <= due {
                tokio::task::yield_now().await;
            }
            clock.hold();
            due = fleet.deadlines.next();
        }
    };
    tokio::select! {
        () = fleet.keep_time() => panic!("keep_time ended"),
        () = change => {}
        () = tokio::time::sleep(std::time::Duration::from_secs(60)) => panic!("nobody woke the task"),
    }
}

#[test]
fn the_next_thing_is_the_real_deadline_of_a_node() {
    let (fleet, _effects) = fleet(3);
    assert_eq!(fleet.coming(), None);
    fleet.apply(NodeId(1), on()).unwrap().unwrap();
    let first = fleet.coming().unwrap();
    assert_eq!(first, (fleet.look(NodeId(1), |n, _| n.next_deadline()).unwrap(), NodeId(1)));
    fleet.clock.set(SimTime::from_ms(1_000_001));
    fleet.apply(NodeId(2), on()).unwrap().unwrap();
    fleet.apply(NodeId(1), Command::Host(host::Command::Reset(ResetType::ForceOff))).unwrap().unwrap();
    // The deadline of the power-on is still in the queue, and the node has none, or another one.
    assert_eq!(fleet.deadlines.next(), first.0.min(fleet.look(NodeId(2), |n, _| n.next_deadline()).unwrap()));
    let deadline = |id| fleet.look(NodeId(id), |n, _| n.next_deadline()).unwrap();
    let coming = fleet.coming().unwrap();
    assert_eq!(coming, [(deadline(1), NodeId(1)), (deadline(2), NodeId(2))].into_iter().min().unwrap());
    assert_ne!(coming, first);
    fleet.remove(NodeId(2));
    fleet.remove(NodeId(1));
    assert_eq!((fleet.coming(), fleet.deadlines.len()), (None, 0), "nothing outdated is left");
}

#[test]
fn rules_that_have_no_room_together_change_nothing() {
    let (fleet, _effects) = fleet(2);
    let many = |count: usize| (0..count).map(|number| named(&format!("r{number}"))).collect::<Vec<_>>();
    fleet.add_rules(vec![named("kept"), named("r0")], false, false).unwrap();
    let most = Fleet::MAX_RULES_PER_NODE;
    for dry_run in [true, false] {
        // `r0` is replaced.
        let refused = fleet.add_rules(many(most), true, dry_run).unwrap_err();
        let last = format!("r{}", most - 1).parse().unwrap();
        assert_eq!(refused, RuleProblem::NodeFull { rule: last, node: "generic-0".into(), most });
        assert_eq!(names_of_rules(&fleet), ["kept", "r0"]);
        assert_eq!(fleet.rule_status("r0").unwrap().fired, 2, "the old rule is in effect, with its memory");
    }
    assert_eq!(fleet.add_rules(many(most - 1), true, false).unwrap().len(), most - 1);
    assert_eq!(names_of_rules(&fleet).len(), most);
    let again = fleet.add_rules(vec![named("new"), named("r1")], false, false);
    assert_eq!(again.unwrap_err(), RuleProblem::Exists("r1".parse().unwrap()));
    assert_eq!((fleet.rule("new").is_none(), fleet.rule_status("new").is_none()), (true, true));
}

/// A rule has been replaced, and the process has ended before the record of the older one was deleted, and before any node had the
/// newer one.
#[test]
fn a_replaced_rule_does_not_come_back_after_a_restart() {
    let key = |number: u32| format!("{}{number:08}", Fleet::RULES);
    let record = |number: u32, complete: bool| {
        let stored = serde_json::json!({"rule": named("r"), "added": 1_000_000, "complete": complete});
        (key(number), stored.to_string().into_bytes())
    };
    let state = {
        let (fleet, _effects) = fleet(2);
        fleet.add_rule(named("r"), false, false).unwrap();
        fleet.look(NodeId(1), |node, _| node.state().clone()).unwrap()
    };
    let (fleet, _effects) = fleet(2);
    let (ledger, records) = (fleet.persist(), [record(1, true), record(2, false)]);
    fleet.restore_rules(&records).unwrap();
    assert!(fleet.restore(NodeId(1), state));
    assert_eq!(changes(&ledger).0, [NodeId(1)], "the stored node has the number of a rule that is no more");
    fleet.complete_rules(&records);
    let (nodes, records) = changes(&ledger);
    assert_eq!(nodes, [NodeId(0), NodeId(1)]);
    let records: Vec<_> =
        records.into_iter().map(|(key, value)| (key.into_string(), value.is_some())).collect();
    assert_eq!(records, [(key(1), false), (key(2), true)]);
    assert_eq!(fleet.rule_status("r").map(|status| (status.armed.number, status.nodes)), Some((2, 2)));
}
