//! All nodes of one daemon, their locks and their deadlines.
//!
//! [`Fleet::with`] is the only way to change a node. It runs a closure on one node that is settled to now. The closure
//! cannot await, and no lock leaves the fleet. The effects of all nodes go into one queue, which the room `effect`
//! performs.

// A new variant must be named in every match, so that the compiler shows each place that must handle it.
#![warn(clippy::wildcard_enum_match_arm)]

mod add;
mod causes;
mod census;
mod deadlines;
mod durability;
mod events;
mod explain;
mod faults;
mod find;
mod first;
mod new;
#[doc(hidden)]
pub mod persist;
mod rules;
mod slots;
mod stream;
mod waiters;
mod wake;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::clock::Clock;
use crate::journal::{Event, Journal};
use crate::limit::Limits;
use crate::node::command::{Command, Outcome, Refusal};
use crate::node::effect::{Answer, Effect};
use crate::node::imports::Imports;
use crate::node::ipa::Total;
use crate::node::{self, Node, NodeId};
use crate::profile::Profile;
use crate::seed::Seed;
use crate::time::SimTime;
use deadlines::Deadlines;
use events::View;
use persist::Ledger;
use rules::Rules;
use slots::{Slot, Slots};
use waiters::Waiters;

#[doc(hidden)]
pub use explain::Explanation;
#[doc(hidden)]
pub use first::First;
pub use new::{Full, New, NotAdded};
#[doc(hidden)]
pub use rules::{RuleAdded, RuleProblem, RuleState, RuleStatus};
pub use stream::{Happened, Reader, Stream};
#[doc(hidden)]
pub use waiters::Changed;

/// All nodes of one daemon.
pub struct Fleet {
    seed: Seed,
    clock: Clock,
    slots: Slots,
    /// The next index. The index of a removed node is never used again, so a new machine never has its identity.
    next: Mutex<u32>,
    /// The models in the order of the indexes, each with the number of its nodes, as they were added.
    added: Mutex<Vec<(Arc<Profile>, u32)>>,
    /// Number of nodes, without removed ones.
    count: AtomicU32,
    /// The models in use, a handful, with the number of their nodes.
    profiles: Mutex<Vec<(Arc<Profile>, u32)>>,
    first: Arc<First>,
    /// Whether `imports` has nodes. A fleet without them takes no lock to find a node.
    has_imports: AtomicBool,
    /// The nodes with identities from files. It is locked after `next`.
    imports: RwLock<Imports>,
    deadlines: Deadlines,
    /// Held while nodes are settled at their deadlines. It is locked before any node.
    waking: Mutex<()>,
    /// Due effects. A node has at most a handful of effects under way, so the size of the fleet bounds the queue.
    effects: mpsc::UnboundedSender<(NodeId, Effect)>,
    /// Number of effects that were ever due.
    effects_due: AtomicU64,
    waiters: Waiters,
    /// The nodes that have tasks of the BMC: a few of a large fleet. It is locked last.
    with_tasks: Mutex<BTreeSet<NodeId>>,
    journal: Arc<Journal>,
    stream: Arc<Stream>,
    /// The long results that all agents keep.
    results: Arc<Total>,
    /// Receives the events of all BMCs, if somebody has subscribed to them.
    witness: OnceLock<Arc<dyn Witness>>,
    rules: Rules,
    /// Changes to be stored on disk; empty if the fleet is not persisted.
    ledger: OnceLock<Arc<Ledger>>,
}

/// Receives the events that the BMCs of a fleet remember.
pub trait Witness: Send + Sync {
    /// Whether somebody wants the events.
    fn is_on(&self) -> bool;

    /// Receives new events of a node, in their order. It is called under the lock of the node, and must not lock a node.
    fn see(&self, node: NodeId, events: &mut dyn Iterator<Item = &node::event::Event>);
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
            added: Mutex::new(Vec::new()),
            count: AtomicU32::new(0),
            profiles: Mutex::new(Vec::new()),
            first: Arc::default(),
            has_imports: AtomicBool::new(false),
            imports: RwLock::default(),
            deadlines: Deadlines::default(),
            waking: Mutex::default(),
            effects,
            effects_due: AtomicU64::new(0),
            waiters: Waiters::default(),
            with_tasks: Mutex::default(),
            journal: Arc::new(Journal::new(Limits::DEFAULT.journal)),
            stream: Arc::default(),
            results: Arc::default(),
            witness: OnceLock::new(),
            rules: Rules::default(),
            ledger: OnceLock::new(),
        };
        (fleet, queue)
    }

    /// Replaces the journal by an empty one of at most so many bytes; without any, the fleet keeps no journal.
    #[must_use]
    pub fn with_journal(mut self, bytes: usize) -> Self {
        self.journal = Arc::new(Journal::new(bytes));
        self
    }

    /// The last requests, outgoing calls and changes of state of each node.
    #[doc(hidden)]
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Hands the events of all BMCs to `witness` from now on. A fleet has one witness: a second one gets nothing.
    #[doc(hidden)]
    pub fn witnessed_by(&self, witness: Arc<dyn Witness>) {
        let _ = self.witness.set(witness);
    }

    /// The last events of all nodes, for readers that follow the fleet.
    #[doc(hidden)]
    pub fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// The seed that determines all identities.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// The clock that determines simulated time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The bytes of the long results that all agents keep together.
    pub fn results(&self) -> &Arc<Total> {
        &self.results
    }

    /// Number of effects that were ever put into the queue of [`Effects`].
    #[doc(hidden)]
    pub fn effects_due(&self) -> u64 {
        self.effects_due.load(Ordering::Acquire)
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

    /// Removes a node in any state. Returns whether it existed.
    pub fn remove(&self, id: NodeId) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        let node = {
            let mut slot = slot.lock();
            let Some(node) = slot.node.take() else { return false };
            if let Some(ledger) = self.ledger() {
                slot.batch = ledger.removed(id, slot.batch);
            }
            self.with_tasks.lock().remove(&id);
            self.lost_rules(&node);
            node
        };
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.profiles.lock().retain_mut(|(profile, nodes)| {
            *nodes -= u32::from(profile.name == node.profile().name);
            *nodes > 0
        });
        self.stream.publish(&node, self.clock.now(), Event::Removed, "");
        self.journal.forget(id);
        self.waiters.notify(id);
        self.find_first();
        true
    }

    /// The models in the order of the indexes, each with the number of its nodes, and the indexes of removed nodes.
    pub fn history(&self) -> (Vec<(Arc<Profile>, u32)>, Vec<u32>) {
        let next = self.next.lock();
        let removed = (0..*next)
            .filter(|index| self.slots.get(NodeId(*index)).is_none_or(|slot| slot.lock().node.is_none()));
        (self.added.lock().clone(), removed.collect())
    }

    /// All indexes in use, in order, including those of removed nodes; [`Fleet::look`] returns `None` for them.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.next_index()).map(NodeId)
    }

    /// The nodes whose BMCs have tasks, in order. A node that is overdue may have lost its last task.
    pub fn with_tasks(&self) -> Vec<NodeId> {
        self.with_tasks.lock().iter().copied().collect()
    }

    /// The index that the next added node gets: the number of nodes so far, including removed ones.
    pub fn next_index(&self) -> u32 {
        *self.next.lock()
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
        let Slot { node, batch, .. } = &mut *slot;
        let node = node.as_mut()?;
        let mut before = events::view(node, &self.journal, &self.stream);
        let deadline = node.next_deadline();
        let overdue = deadline <= now;
        if overdue {
            before = self.settle(node, batch, before, now);
        }
        let remembered = node.bmc().logs.last();
        let labels = self.has_rules().then(|| node.labels().address());
        let result = act(node, now);
        let relabelled = labels.is_some_and(|labels| labels != node.labels().address());
        self.witness(node, batch, remembered);
        let eventful = node.take_eventful();
        self.after(id, &mut slot, deadline.min(now));
        if overdue {
            self.waiters.notify(id);
        }
        if let (true, Some(before), Some(node)) = (eventful, before, &slot.node) {
            events::note(before, node, now, &self.journal, &self.stream);
        }
        if self.ledger().is_some() {
            persist::note(slot.batch);
        }
        drop(slot);
        if relabelled {
            self.rejoin(id);
        }
        Some(result)
    }

    /// Settles a node, and notes its events at the moments at which they happen.
    fn settle(
        &self,
        node: &mut Node,
        batch: &mut u64,
        mut before: Option<View>,
        now: SimTime,
    ) -> Option<View> {
        loop {
            let at = node.next_deadline();
            if at > now {
                // Its events have been noted.
                node.take_eventful();
                return before;
            }
            let remembered = node.bmc().logs.last();
            node.settle(at);
            self.witness(node, batch, remembered);
            before = before.map(|before| events::note(before, node, at, &self.journal, &self.stream));
        }
    }

    /// Hands the events after number `remembered` to the witness. What it records is stored with the node, so that no event is lost,
    /// and none happens again, after a restart of the process.
    #[inline]
    fn witness(&self, node: &mut Node, batch: &mut u64, remembered: u32) {
        if node.bmc().logs.last() != remembered
            && let Some(witness) = self.witness.get().filter(|witness| witness.is_on())
        {
            if let Some(ledger) = self.ledger() {
                *batch = ledger.add(node.id(), *batch);
            }
            witness.see(node.id(), &mut node.bmc().logs.after(remembered));
        }
    }

    /// Gives a node a command. `None` if there is no such node.
    ///
    /// # Errors
    /// If the node refuses the command.
    pub fn apply(&self, id: NodeId, command: Command) -> Option<Result<Outcome, Refusal>> {
        self.with(id, |node, now| node.apply(command, now))
    }

    /// Name and UUID of a node, as every line of the log about it has them.
    #[doc(hidden)]
    pub fn names(&self, id: NodeId) -> (String, Uuid) {
        self.identify(id, |node, _| (node.spec().name(), node.spec().uuid())).unwrap_or_default()
    }

    /// Gives a node the answer to an effect.
    pub fn answer(&self, id: NodeId, answer: Answer) {
        self.with(id, |node, now| node.answer(answer, now));
    }

    /// Waits for changes of a node. The caller creates this first and reads the node afterwards, so that it misses no
    /// change in between.
    pub fn changed(&self, id: NodeId) -> Changed<'_> {
        self.waiters.changed(id)
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
            self.effects_due.fetch_add(1, Ordering::AcqRel);
            // The receiver is gone only while the daemon stops. Then nothing performs effects any more.
            let _ = self.effects.send((id, effect));
        });
        if let Some(news) = node.take_fault_news() {
            self.note_faults(node, news);
        }
        if let Some(has) = node.take_task_news() {
            let mut all = self.with_tasks.lock();
            if has {
                all.insert(id)
            } else {
                all.remove(&id)
            };
        }
        if node.take_touched() {
            if let Some(ledger) = self.ledger() {
                slot.batch = ledger.add(id, slot.batch);
            }
            self.waiters.notify(id);
        }
        let next = node.next_deadline();
        if next < slot.armed {
            slot.armed = next;
            self.deadlines.add(next, id);
        }
    }
}

#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod tests;
