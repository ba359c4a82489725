//! Tests of the fleet: nodes come and go, deadlines take effect, and changes wake waiters.

use super::*;
use crate::dmtf::{PowerState, ResetType};
use crate::node::effect::EffectKind;
use crate::node::host;
use crate::profile::built_in;

fn fleet(count: u32) -> (Fleet, Effects) {
    let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_000_000)));
    fleet.add(&built_in("generic").unwrap(), count).unwrap();
    (fleet, effects)
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
