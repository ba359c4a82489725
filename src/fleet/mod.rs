//! All nodes of one daemon, their locks and their deadlines.
//!
//! [`Fleet::with`] is the only way to change a node. It runs a closure on one node that is settled to now. The closure
//! cannot await, and no lock leaves the fleet. The effects of all nodes go into one queue, which the room `effect`
//! performs.

// A new variant must be named in every match, so that the compiler shows each place that must handle it.
#![warn(clippy::wildcard_enum_match_arm)]

mod census;
mod deadlines;
mod durability;
#[doc(hidden)]
pub mod persist;
mod slots;
mod wake;

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::clock::Clock;
use crate::node::command::{Command, Outcome, Refusal};
use crate::node::effect::{Answer, Effect};
use crate::node::spec::Spec;
use crate::node::{Node, NodeId};
use crate::profile::Profile;
use crate::seed::Seed;
use crate::time::SimTime;
use deadlines::Deadlines;
use persist::Ledger;
use slots::{Slot, Slots};

/// All nodes of one daemon.
pub struct Fleet {
    seed: Seed,
    clock: Clock,
    slots: Slots,
    /// The next index. The index of a removed node is never used again, so a new machine never has its identity.
    next: Mutex<u32>,
    /// Number of nodes, without removed ones.
    count: AtomicU32,
    /// The models in use, a handful, with the number of their nodes.
    profiles: Mutex<Vec<(Arc<Profile>, u32)>>,
    deadlines: Deadlines,
    /// Due effects. A node has at most a handful of effects under way, so the size of the fleet bounds the queue.
    effects: mpsc::UnboundedSender<(NodeId, Effect)>,
    /// Nodes that a task waits for; see [`Fleet::changed`]. An entry lives as long as its waiters.
    waiters: DashMap<NodeId, Arc<Notify>>,
    /// Number of [`Changed`]. While it is zero, a change of a node does not search `waiters`.
    waiting: AtomicUsize,
    /// Changes to be stored on disk; empty if the fleet is not persisted.
    ledger: OnceLock<Arc<Ledger>>,
}

/// The fleet has used up its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fleet can have {} nodes in its life, including removed ones; these would be {wanted}; add fewer",
    NodeId::MAX + 1
)]
pub struct Full {
    /// The number of nodes, including removed ones, that the fleet would have had.
    pub wanted: u64,
}

/// The queue of due effects, in the order in which they became due.
pub type Effects = mpsc::UnboundedReceiver<(NodeId, Effect)>;

impl Fleet {
    /// An empty fleet, and the queue of its effects.
    pub fn new(seed: Seed, clock: Clock) -> (Self, Effects) {
        let (effects, queue) = mpsc::unbounded_channel();
        let fleet = Self {
            seed,
            clock,
            slots: Slots::new(),
            next: Mutex::new(0),
            count: AtomicU32::new(0),
            profiles: Mutex::new(Vec::new()),
            deadlines: Deadlines::default(),
            effects,
            waiters: DashMap::new(),
            waiting: AtomicUsize::new(0),
            ledger: OnceLock::new(),
        };
        (fleet, queue)
    }

    /// The seed that determines all identities.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The clock that determines simulated time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Number of nodes, without removed ones.
    pub fn len(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the fleet has no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The models of the nodes, in the order in which they were added.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.profiles.lock().iter().map(|(profile, _)| Arc::clone(profile)).collect()
    }

    /// The model of the nodes, if all have the same model.
    pub fn only_profile(&self) -> Option<Arc<Profile>> {
        match self.profiles.lock().as_slice() {
            [(profile, _)] => Some(Arc::clone(profile)),
            _ => None,
        }
    }

    /// Adds `count` new machines of a model and returns their indexes.
    ///
    /// # Errors
    /// If too few indexes are left. Then no machine is added.
    pub fn add(&self, profile: &Arc<Profile>, count: u32) -> Result<std::ops::Range<u32>, Full> {
        let mut next = self.next.lock();
        let end = u64::from(*next) + u64::from(count);
        if end > u64::from(NodeId::MAX) + 1 {
            return Err(Full { wanted: end });
        }
        let added = *next..*next + count;
        for id in added.clone().map(NodeId) {
            self.slots.make(id).lock().node = Some(Node::new(id, self.seed, Arc::clone(profile)));
        }
        *next = added.end;
        if count > 0 {
            if let Some(ledger) = self.ledger() {
                ledger.added(added.start, profile, count);
            }
            let mut profiles = self.profiles.lock();
            match profiles.iter_mut().find(|(known, _)| known.name == profile.name) {
                Some((_, nodes)) => *nodes += count,
                None => profiles.push((Arc::clone(profile), count)),
            }
        }
        self.count.fetch_add(count, Ordering::Relaxed);
        Ok(added)
    }

    /// Removes a node in any state. Returns whether it existed.
    pub fn remove(&self, id: NodeId) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        let node = {
            let mut slot = slot.lock();
            let Some(node) = slot.node.take() else { return false };
            if let Some(ledger) = self.ledger() {
                slot.batch = ledger.removed(id, slot.batch);
            }
            node
        };
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.profiles.lock().retain_mut(|(profile, nodes)| {
            *nodes -= u32::from(profile.name == node.profile().name);
            *nodes > 0
        });
        self.notify(id);
        true
    }

    /// All indexes in use, in order, including those of removed nodes; [`Fleet::look`] returns `None` for them.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.next_index()).map(NodeId)
    }

    /// The index that the next added node gets: the number of nodes so far, including removed ones.
    pub fn next_index(&self) -> u32 {
        *self.next.lock()
    }

    /// The node with this UUID.
    pub fn find(&self, uuid: Uuid) -> Option<NodeId> {
        let id = NodeId(Spec::index_of_uuid(self.seed, uuid));
        self.slots.get(id)?.lock().node.as_ref().filter(|n| n.spec().uuid() == uuid).map(Node::id)
    }

    /// Reads a node that is settled to now. `None` if there is no such node.
    pub fn look<R>(&self, id: NodeId, see: impl FnOnce(&Node, SimTime) -> R) -> Option<R> {
        self.with(id, |node, now| see(node, now))
    }

    /// Reads the data of a node that never changes: its identity and its model. The node is not settled, and the caller
    /// need not wait until changes are durable.
    pub fn identify<R>(&self, id: NodeId, see: impl FnOnce(&Node, SimTime) -> R) -> Option<R> {
        let slot = self.slots.get(id)?.lock();
        slot.node.as_ref().map(|node| see(node, self.clock.now()))
    }

    /// Reads or changes a node that is settled to now. `None` if there is no such node.
    ///
    /// Every change of a node passes through here. Afterwards its effects and its next deadline are queued, the change is
    /// added to the current batch, and the tasks that wait for a change are woken.
    pub fn with<R>(&self, id: NodeId, act: impl FnOnce(&mut Node, SimTime) -> R) -> Option<R> {
        let mut slot = self.slots.get(id)?.lock();
        let now = self.clock.now();
        let node = slot.node.as_mut()?;
        let deadline = node.next_deadline();
        let overdue = deadline <= now;
        if overdue {
            node.settle(now);
        }
        let result = act(node, now);
        self.after(id, &mut slot, deadline.min(now));
        if overdue {
            self.notify(id);
        }
        if self.ledger().is_some() {
            persist::note(slot.batch);
        }
        Some(result)
    }

    /// Gives a node a command. `None` if there is no such node.
    ///
    /// # Errors
    /// If the node refuses the command.
    pub fn apply(&self, id: NodeId, command: Command) -> Option<Result<Outcome, Refusal>> {
        self.with(id, |node, now| node.apply(command, now))
    }

    /// Gives a node the answer to an effect.
    pub fn answer(&self, id: NodeId, answer: Answer) {
        self.with(id, |node, now| node.answer(answer, now));
    }

    /// Waits for changes of a node. The caller creates this first and reads the node afterwards, so that it misses no
    /// change in between.
    pub fn changed(&self, id: NodeId) -> Changed<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let notify = Arc::clone(&self.waiters.entry(id).or_default());
        Changed { fleet: self, id, notify }
    }

    fn notify(&self, id: NodeId) {
        // Relaxed is enough: a waiter that counts itself before it reads the node is seen by a change after that read,
        // because both hold the lock of the node.
        if self.waiting.load(Ordering::Relaxed) > 0
            && let Some(waiter) = self.waiters.get(&id)
        {
            waiter.notify_waiters();
        }
    }

    /// Settles a node whose deadline was taken from the queue.
    fn woken(&self, id: NodeId) {
        if let Some(slot) = self.slots.get(id) {
            slot.lock().armed = SimTime::NEVER;
            self.with(id, |_, _| ());
        }
    }

    /// Queues the effects and the next deadline of a node, and publishes a change. `due` is the moment since which its
    /// effects are due.
    fn after(&self, id: NodeId, slot: &mut Slot, due: SimTime) {
        let Some(node) = &mut slot.node else { return };
        node.take_effects(due, |effect| {
            // The receiver is gone only while the daemon stops. Then nothing performs effects any more.
            let _ = self.effects.send((id, effect));
        });
        if node.take_touched() {
            if let Some(ledger) = self.ledger() {
                slot.batch = ledger.add(id, slot.batch);
            }
            self.notify(id);
        }
        let next = node.next_deadline();
        if next < slot.armed {
            slot.armed = next;
            self.deadlines.add(next, id);
        }
    }
}

/// A waiter for changes of one node.
pub struct Changed<'a> {
    fleet: &'a Fleet,
    id: NodeId,
    notify: Arc<Notify>,
}

impl Changed<'_> {
    /// Completes at the next change. The caller creates and enables (or polls) this future before it reads the node.
    pub fn next(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        self.fleet.waiting.fetch_sub(1, Ordering::Relaxed);
        // Only the map and this waiter hold the `Arc`: there is no other waiter.
        self.fleet.waiters.remove_if(&self.id, |_, notify| Arc::strong_count(notify) <= 2);
    }
}

#[cfg(test)]
mod tests {
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
        assert!(fleet.waiters.is_empty() && fleet.waiting.load(Ordering::Relaxed) == 0);
    }
}
