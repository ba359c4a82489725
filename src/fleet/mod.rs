//! All nodes of one daemon, their locks and their deadlines.
//!
//! Nobody gets a guard: a closure looks at one node, settled to now, and cannot await. What a node wants done outside
//! goes into one queue as it arises, from which `effect.rs` takes it.

mod census;
#[doc(hidden)]
pub mod keep;
mod slots;
mod wake;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::clock::Clock;
use crate::node::command::{Answer, Command, Effect, Refusal};
use crate::node::spec::Spec;
use crate::node::{Node, NodeId, Outcome};
use crate::profile::Profile;
use crate::seed::Seed;
use crate::time::SimTime;
use keep::Ledger;
use slots::{Slot, Slots};
use wake::Wake;

/// All nodes of one daemon.
pub struct Fleet {
    seed: Seed,
    clock: Clock,
    slots: Slots,
    /// The next index; those of removed nodes are not used again, for their identity is gone with them.
    next: Mutex<u32>,
    /// Nodes there are.
    count: AtomicU32,
    /// Models in use, with how many nodes are of each; a handful.
    profiles: Mutex<Vec<(Arc<Profile>, u32)>>,
    wake: Wake,
    /// What nodes want done outside. Each node has a handful under way at most, so it is bounded by the fleet.
    effects: mpsc::UnboundedSender<(NodeId, Effect)>,
    /// Nodes that somebody waits for; an entry lives as long as its waiters.
    waiters: DashMap<NodeId, Arc<Notify>>,
    /// What is to be kept on disk; empty when nothing is.
    ledger: OnceLock<Arc<Ledger>>,
}

/// The fleet has used up its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fleet can number {} nodes in its life, and this would make {wanted}", NodeId::MAX + 1)]
pub struct Full {
    /// Nodes that there would have been in its life.
    pub wanted: u64,
}

/// Effects of a fleet's nodes, in the order in which they arose.
pub type Effects = mpsc::UnboundedReceiver<(NodeId, Effect)>;

impl Fleet {
    /// An empty fleet, and the queue of what its nodes will want done outside.
    pub fn new(seed: Seed, clock: Clock) -> (Self, Effects) {
        let (effects, queue) = mpsc::unbounded_channel();
        let fleet = Self {
            seed,
            clock,
            slots: Slots::new(),
            next: Mutex::new(0),
            count: AtomicU32::new(0),
            profiles: Mutex::new(Vec::new()),
            wake: Wake::default(),
            effects,
            waiters: DashMap::new(),
            ledger: OnceLock::new(),
        };
        (fleet, queue)
    }

    /// The seed from which all identities follow.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The fleet's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Nodes there are.
    pub fn len(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The models that nodes of this fleet are of, in the order in which they came.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.profiles.lock().iter().map(|(profile, _)| Arc::clone(profile)).collect()
    }

    /// The model that all nodes are of, if they are of one.
    pub fn only_profile(&self) -> Option<Arc<Profile>> {
        match self.profiles.lock().as_slice() {
            [(profile, _)] => Some(Arc::clone(profile)),
            _ => None,
        }
    }

    /// Adds `count` new machines of a model; their indexes.
    ///
    /// # Errors
    /// When the fleet has no indexes left for them; then none is added.
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

    /// Takes a node away, whatever it is doing. Whether it was there.
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

    /// The indexes that are or were in use, in order; [`Fleet::look`] says which are.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.indexes().map(NodeId)
    }

    /// The same, as numbers.
    pub fn indexes(&self) -> std::ops::Range<u32> {
        0..*self.next.lock()
    }

    /// The node with that UUID.
    pub fn find(&self, uuid: Uuid) -> Option<NodeId> {
        let id = NodeId(Spec::index_of_uuid(self.seed, uuid));
        self.slots.get(id)?.lock().node.as_ref().filter(|n| n.spec().uuid() == uuid).map(Node::id)
    }

    /// Looks at a node, settled to now. `None` when there is no such node.
    pub fn look<R>(&self, id: NodeId, see: impl FnOnce(&Node, SimTime) -> R) -> Option<R> {
        self.with(id, |node, now| see(node, now))
    }

    /// Looks at what never changes of a node: who it is, and its model. It is not settled for that, and whoever is told
    /// need not wait for anything to be kept.
    pub fn identify<R>(&self, id: NodeId, see: impl FnOnce(&Node, SimTime) -> R) -> Option<R> {
        let slot = self.slots.get(id)?.lock();
        slot.node.as_ref().map(|node| see(node, self.clock.now()))
    }

    /// Looks at a node, settled to now, and may tell it things.
    pub fn with<R>(&self, id: NodeId, act: impl FnOnce(&mut Node, SimTime) -> R) -> Option<R> {
        let mut slot = self.slots.get(id)?.lock();
        let now = self.clock.now();
        let node = slot.node.as_mut()?;
        let due = node.next_deadline().min(now);
        node.settle(now);
        let result = act(node, now);
        self.after(id, &mut slot, due);
        if self.ledger().is_some() {
            keep::note(slot.batch);
        }
        Some(result)
    }

    /// Has a node do what a command says.
    ///
    /// # Errors
    /// When the node refuses.
    pub fn apply(&self, id: NodeId, command: Command) -> Option<Result<Outcome, Refusal>> {
        let outcome = self.with(id, |node, now| node.apply(command, now));
        self.notify(id);
        outcome
    }

    /// Brings a node the answer to an effect.
    pub fn answer(&self, id: NodeId, epoch: u32, answer: Answer) {
        self.with(id, |node, now| node.answer(epoch, answer, now));
        self.notify(id);
    }

    /// Waits until something may have changed about a node; the caller looks again. Take it before looking, so that no
    /// change falls between.
    pub fn changed(&self, id: NodeId) -> Changed<'_> {
        let notify = Arc::clone(&self.waiters.entry(id).or_default());
        Changed { fleet: self, id, notify }
    }

    fn notify(&self, id: NodeId) {
        if !self.waiters.is_empty()
            && let Some(waiter) = self.waiters.get(&id)
        {
            waiter.notify_waiters();
        }
    }

    fn woken(&self, id: NodeId) {
        if let Some(slot) = self.slots.get(id) {
            slot.lock().armed = SimTime::NEVER;
            self.with(id, |_, _| ());
            self.notify(id);
        }
    }

    /// What follows any act: effects into the queue, the next deadline into the other.
    fn after(&self, id: NodeId, slot: &mut Slot, due: SimTime) {
        let Some(node) = &mut slot.node else { return };
        node.take_effects(due, |effect| {
            // The queue's other end is only gone when the daemon is; then nobody is left to do anything.
            let _ = self.effects.send((id, effect));
        });
        if node.take_touched()
            && let Some(ledger) = self.ledger()
        {
            slot.batch = ledger.add(id, slot.batch);
        }
        let next = node.next_deadline();
        if next < slot.armed {
            slot.armed = next;
            self.wake.file(next, id);
        }
    }
}

/// A wait for a change of one node.
#[doc(hidden)]
pub struct Changed<'a> {
    fleet: &'a Fleet,
    id: NodeId,
    notify: Arc<Notify>,
}

impl Changed<'_> {
    /// The next change. Create this future (and poll it, or `enable` it) before looking at the node.
    pub fn next(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        // Two holders are the map and this one: nobody else waits.
        self.fleet.waiters.remove_if(&self.id, |_, notify| Arc::strong_count(notify) <= 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::{PowerState, ResetType};
    use crate::node::command::EffectKind;
    use crate::profile::built_in;

    fn fleet(count: u32) -> (Fleet, Effects) {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_000_000)));
        fleet.add(&built_in("generic").unwrap(), count).unwrap();
        (fleet, effects)
    }

    fn uuid_of(fleet: &Fleet, id: u32) -> Uuid {
        fleet.look(NodeId(id), |n, _| n.spec().uuid()).unwrap()
    }

    #[test]
    fn nodes_come_and_go_while_others_stay() {
        let (fleet, _effects) = fleet(3);
        let uuids: Vec<_> = (0..3).map(|i| uuid_of(&fleet, i)).collect();
        assert!(fleet.remove(NodeId(1)) && !fleet.remove(NodeId(1)));
        assert_eq!(fleet.find(uuids[1]), None);
        assert_eq!(fleet.find(uuids[2]), Some(NodeId(2)));
        assert_eq!(fleet.add(&built_in("generic").unwrap(), 2), Ok(3..5));
        assert_eq!(fleet.len(), 4);
        assert!(!uuids.contains(&uuid_of(&fleet, 3)), "a new machine is not the old one");
    }

    #[test]
    fn models_are_known_while_nodes_are_of_them() {
        let (fleet, _effects) = fleet(2);
        let names = |fleet: &Fleet| fleet.profiles().iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&fleet), ["generic"]);
        fleet.remove(NodeId(0));
        assert_eq!(names(&fleet), ["generic"]);
        fleet.remove(NodeId(1));
        assert!(names(&fleet).is_empty());
    }

    #[test]
    fn a_fleet_that_is_full_says_so_and_adds_none() {
        let (fleet, _effects) = fleet(1);
        let error = fleet.add(&built_in("generic").unwrap(), u32::MAX).unwrap_err();
        assert!(error.to_string().contains("16777216 nodes"), "{error}");
        assert_eq!(fleet.len(), 1);
    }

    #[test]
    fn nodes_are_counted_by_state_and_effects_know_when_they_were_due() {
        let (fleet, mut effects) = fleet(3);
        fleet.apply(NodeId(1), Command::Reset(ResetType::On)).unwrap().unwrap();
        let states = |fleet: &Fleet| fleet.states().into_iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>();
        assert_eq!(states(&fleet), [("off", 2), ("powering_on", 1)]);
        let posted = fleet.look(NodeId(1), |n, _| n.next_deadline()).unwrap();
        fleet.clock.set(posted);
        fleet.wake_due();
        let read = fleet.look(NodeId(1), |n, _| n.next_deadline()).unwrap();
        // Looked at a minute late.
        fleet.clock.set(read.after_ms(60_000));
        fleet.wake_due();
        assert_eq!(effects.try_recv().unwrap().1.due, read);
        assert_eq!(states(&fleet), [("off", 2), ("booting", 1)]);
    }

    #[test]
    fn deadlines_are_kept_without_anybody_looking() {
        let (fleet, mut effects) = fleet(2);
        fleet.apply(NodeId(1), Command::Reset(ResetType::On)).unwrap().unwrap();
        let mut next = fleet.wake_due();
        while next != SimTime::NEVER {
            fleet.clock.set(next);
            next = fleet.wake_due();
        }
        let (id, effect) = effects.try_recv().unwrap();
        assert_eq!((id, effect.kind), (NodeId(1), EffectKind::ReadBoot));
        assert_eq!(fleet.look(NodeId(0), |n, _| n.host().power_state()), Some(PowerState::Off));
    }

    #[tokio::test]
    async fn a_waiter_hears_of_a_change_and_leaves_nothing_behind() {
        let (fleet, _effects) = fleet(1);
        let changed = fleet.changed(NodeId(0));
        let next = changed.next();
        fleet.apply(NodeId(0), Command::Reset(ResetType::On)).unwrap().unwrap();
        next.await;
        drop(changed);
        assert!(fleet.waiters.is_empty());
    }
}
