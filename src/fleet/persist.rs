//! Persistence of the fleet: batches of changed nodes, and the responses that wait until a batch is on disk.
//!
//! A changed node is added to the batch that is being collected, under the lock of the node. One writer (`store/keeper.rs`)
//! makes batch after batch durable and reports each here. A response that depends on a batch is sent only after that.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::Fleet;
use crate::node::{Node, NodeId, State};
use crate::profile::Profile;
use crate::time::SimTime;

/// Maximum number of nodes and records in a batch. A full batch is a transaction of a few MiB.
const MAX_BATCH: usize = 4096;
/// Maximum number of full batches that wait for the writer. Beyond it, changes are refused.
const MAX_FULL: usize = 64;
/// Maximum time that a response waits for its batch. Clients of BMCs wait for about a minute.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while the disk fails, because most failures last longer than a client waits.
const PATIENCE_FAILING: Duration = Duration::from_secs(1);

thread_local! {
    /// The newest batch that the data depends on which this thread has read; see [`Fleet::noting`].
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Notes that this thread has read data that depends on `batch`.
pub(super) fn note(batch: u64) {
    SEEN.set(SEEN.get().max(batch));
}

/// The newest batch that a response depends on. That batch and all earlier ones must be durable before the response is
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a response must not be sent before the batch that it depends on is durable"]
pub struct Seen(u64);

/// A change cannot be stored on disk at the moment, so it is refused or not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state cannot be stored on disk at the moment")]
pub struct NotPersisted;

impl NotPersisted {
    /// The time after which a client should retry, seconds.
    pub const RETRY_AFTER_S: u64 = 5;
}

/// Prefix of the records of nodes that were added while the fleet ran. The key continues with the first index; the value
/// is the profile and the number of nodes.
pub const ADDED: &str = "added/";
/// Prefix of the records of removed nodes. The key continues with the index.
pub const REMOVED: &str = "removed/";

/// A record of a service beside the nodes, such as a session: its key, and its value, or `None` to delete it.
pub type Record = (Box<str>, Option<Box<[u8]>>);

/// Changes that become durable together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Batches are numbered from 1.
    pub number: u64,
    /// Changed nodes, each once. The writer reads their state when it writes the batch.
    pub nodes: Vec<NodeId>,
    /// Records in the order in which they were written.
    pub records: Vec<Record>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.records.is_empty()
    }
}

/// The next task of the writer.
#[derive(Debug)]
pub enum Next {
    /// Make this batch durable.
    Write(Batch),
    /// No change has come within the given time.
    Nothing,
    /// All batches have been taken, and no more will come.
    Stop,
}

/// The changes that are not yet durable. Lock order: a node first, then the ledger.
#[derive(Debug)]
pub struct Ledger {
    open: Mutex<Open>,
    more: Condvar,
    /// All batches up to this one are durable.
    persisted: watch::Sender<u64>,
    /// The last attempt to write a batch failed.
    failing: AtomicBool,
}

#[derive(Debug)]
struct Open {
    collecting: Batch,
    full: VecDeque<Batch>,
    /// The last batch with a record in it.
    last_record: u64,
    stopping: bool,
}

impl Ledger {
    fn new() -> Self {
        let collecting = Batch { number: 1, ..Batch::default() };
        let open = Open { collecting, full: VecDeque::new(), last_record: 0, stopping: false };
        Self {
            open: Mutex::new(open),
            more: Condvar::new(),
            persisted: watch::Sender::new(0),
            failing: AtomicBool::new(false),
        }
    }

    /// Adds a changed node, whose last batch is `last`, to the current batch. Returns the number of the batch.
    pub(super) fn add(&self, id: NodeId, last: u64) -> u64 {
        let mut open = self.open.lock();
        if open.collecting.number != last { self.put(&mut open, |batch| batch.nodes.push(id)) } else { last }
    }

    /// Records the addition of nodes. Callers inside [`Fleet::noting`] wait until it is durable.
    pub(super) fn added(&self, first: u32, profile: &Profile, count: u32) {
        let added = serde_json::json!({"profile": profile.source, "count": count});
        self.record(&format!("{ADDED}{first:08}"), Some(added.to_string().into_bytes()));
    }

    /// Records the removal of a node. Returns the number of the batch.
    pub(super) fn removed(&self, id: NodeId, last: u64) -> u64 {
        self.record(&format!("{REMOVED}{:08}", id.0), Some(b"true".to_vec()));
        self.add(id, last)
    }

    /// Writes a record of a service, or deletes it if there is no value. Callers inside [`Fleet::noting`] wait until the
    /// change is durable.
    pub fn record(&self, key: &str, value: Option<Vec<u8>>) {
        let mut open = self.open.lock();
        let record = (key.into(), value.map(Vec::into_boxed_slice));
        open.last_record = self.put(&mut open, |batch| batch.records.push(record));
        note(open.last_record);
    }

    /// Makes the caller inside [`Fleet::noting`] wait until all records so far are durable.
    pub fn note_records(&self) {
        note(self.open.lock().last_record);
    }

    fn put(&self, open: &mut Open, put: impl FnOnce(&mut Batch)) -> u64 {
        let first = open.collecting.is_empty();
        put(&mut open.collecting);
        let number = open.collecting.number;
        if open.collecting.nodes.len() + open.collecting.records.len() >= MAX_BATCH {
            let batch = open.next_batch();
            open.full.push_back(batch);
        }
        if first {
            self.more.notify_one();
        }
        number
    }

    /// Waits for the next batch, at most as long as `patience`.
    pub fn take(&self, patience: Option<Duration>) -> Next {
        let mut open = self.open.lock();
        loop {
            if let Some(batch) = open.full.pop_front() {
                return Next::Write(batch);
            }
            if !open.collecting.is_empty() {
                return Next::Write(open.next_batch());
            }
            if open.stopping {
                return Next::Stop;
            }
            match patience {
                None => self.more.wait(&mut open),
                Some(patience) => {
                    if self.more.wait_for(&mut open, patience).timed_out() && open.collecting.is_empty() {
                        return Next::Nothing;
                    }
                }
            }
        }
    }

    /// Reports that a batch and all earlier ones are durable.
    pub fn persisted(&self, number: u64) {
        self.failing.store(false, Ordering::Release);
        self.persisted.send_if_modified(|last| std::mem::replace(last, number.max(*last)) < number);
    }

    /// Reports that the disk fails. Changes are refused until the next [`Ledger::persisted`]. Waits for `rest`, or until
    /// [`Ledger::stop`]. Returns whether the writer should stop.
    pub fn failed(&self, rest: Duration) -> bool {
        self.failing.store(true, Ordering::Release);
        let mut open = self.open.lock();
        self.more.wait_while_for(&mut open, |open| !open.stopping, rest);
        open.stopping
    }

    /// Reports that no more changes will come.
    pub fn stop(&self) {
        self.open.lock().stopping = true;
        self.more.notify_all();
    }

    fn accepts(&self) -> bool {
        !self.failing.load(Ordering::Acquire) && self.open.lock().full.len() < MAX_FULL
    }

    async fn wait(&self, number: u64) -> Result<(), NotPersisted> {
        if *self.persisted.borrow() >= number {
            return Ok(());
        }
        let mut persisted = self.persisted.subscribe();
        let failing = self.failing.load(Ordering::Acquire);
        let patience = if failing { PATIENCE_FAILING } else { PATIENCE };
        match tokio::time::timeout(patience, persisted.wait_for(|last| *last >= number)).await {
            Ok(Ok(_)) => Ok(()),
            // `Ok(Err(_))` cannot happen: the sender lives as long as the ledger.
            Ok(Err(_)) | Err(_) => Err(NotPersisted),
        }
    }
}

impl Open {
    fn next_batch(&mut self) -> Batch {
        let number = self.collecting.number + 1;
        std::mem::replace(&mut self.collecting, Batch { number, ..Batch::default() })
    }
}

/// The result of [`Fleet::write_state`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The buffer contains the state.
    State,
    /// Nothing needs to be stored: the node is in the state of a new machine, or it was removed.
    Nothing,
}

impl Fleet {
    /// Begins to collect all changes for a writer.
    pub fn persist(&self) -> Arc<Ledger> {
        Arc::clone(self.ledger.get_or_init(|| Arc::new(Ledger::new())))
    }

    /// The changes that are not yet durable; `None` if the fleet is not persisted.
    pub fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.ledger.get()
    }

    /// Restores the stored state of a node. Returns whether the node exists. Its calls to the outside are repeated. Its
    /// overdue deadlines take effect in [`Fleet::keep_time`], the oldest first.
    pub fn restore(&self, id: NodeId, state: State) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        let mut slot = slot.lock();
        let Some(node) = &slot.node else { return false };
        let (now, profile) = (self.clock.now(), Arc::clone(node.profile()));
        let mut node = Node::restore(id, self.seed, profile, state);
        node.use_sessions(now);
        slot.node = Some(node);
        slot.armed = SimTime::NEVER;
        self.after(id, &mut slot, now);
        true
    }

    /// Writes the state of a node as JSON into an empty buffer.
    pub fn write_state(&self, id: NodeId, buffer: &mut Vec<u8>) -> Written {
        let Some(slot) = self.slots.get(id) else { return Written::Nothing };
        let slot = slot.lock();
        let Some(state) = slot.node.as_ref().map(Node::state).filter(|state| !state.is_new()) else {
            return Written::Nothing;
        };
        serde_json::to_writer(buffer, state)
            .expect("a state is valid JSON, and writing to memory does not fail");
        Written::State
    }

    /// Runs `see`, and returns the newest batch that the result depends on.
    ///
    /// Reads are noted per thread. This is exact, because `see` cannot await and so runs on one thread.
    pub fn noting<R>(&self, see: impl FnOnce() -> R) -> (R, Seen) {
        if self.ledger().is_none() {
            return (see(), Seen(0));
        }
        let before = SEEN.replace(0);
        let result = see();
        (result, Seen(SEEN.replace(before)))
    }

    /// Waits until the batch is durable. Returns immediately if the fleet is not persisted.
    ///
    /// # Errors
    /// If the wait takes too long, for example because the disk is full.
    pub async fn until_persisted(&self, seen: Seen) -> Result<(), NotPersisted> {
        match self.ledger() {
            Some(ledger) => ledger.wait(seen.0).await,
            None => Ok(()),
        }
    }

    /// Waits until all changes of a node are durable. Returns immediately if the fleet is not persisted.
    ///
    /// # Errors
    /// If the wait takes too long, for example because the disk is full.
    pub async fn until_node_persisted(&self, id: NodeId) -> Result<(), NotPersisted> {
        let Some(ledger) = self.ledger() else { return Ok(()) };
        let batch = self.slots.get(id).map_or(0, |slot| slot.lock().batch);
        ledger.wait(batch).await
    }

    /// Checks whether a change could be stored. Callers check this before they change anything for a client.
    ///
    /// # Errors
    /// If the disk fails, or too many batches wait for it.
    pub fn may_change(&self) -> Result<(), NotPersisted> {
        match self.ledger() {
            Some(ledger) if !ledger.accepts() => Err(NotPersisted),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::dmtf::{PowerState, ResetType};
    use crate::fleet::Effects;
    use crate::node::bmc::bios;
    use crate::node::command::Command;
    use crate::node::effect::{Effect, EffectKind};
    use crate::node::host;
    use crate::profile::built_in;
    use crate::seed::Seed;
    use crate::time::SimTime;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    fn fleet(at: SimTime) -> (Fleet, Effects) {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(at));
        fleet.add(&built_in("generic").unwrap(), 3).unwrap();
        (fleet, effects)
    }

    fn on() -> Command {
        Command::Host(host::Command::Reset(ResetType::On))
    }

    fn state(fleet: &Fleet, id: u32) -> State {
        let mut text = Vec::new();
        assert_eq!(fleet.write_state(NodeId(id), &mut text), Written::State);
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn overdue_deadlines_take_effect_after_a_restart_without_a_request() {
        let (before, _effects) = fleet(T0);
        before.apply(NodeId(1), on()).unwrap().unwrap();
        let (after, mut effects) = fleet(T0.after_ms(3_600_000));
        assert!(after.restore(NodeId(1), state(&before, 1)) && !after.restore(NodeId(7), state(&before, 1)));
        assert!(effects.try_recv().is_err(), "no deadline has been processed yet");
        after.wake_due();
        let (id, effect) = effects.try_recv().unwrap();
        assert_eq!((id, effect.kind), (NodeId(1), EffectKind::ReadBoot { start: 1 }));
        // The call is lost when the process ends, and is repeated.
        let (again, mut effects) = fleet(T0.after_ms(3_600_000));
        again.restore(NodeId(1), state(&after, 1));
        let once_more = Effect { due: again.clock().now(), ..effect };
        assert_eq!(effects.try_recv().unwrap(), (NodeId(1), once_more));
        assert_eq!(again.look(NodeId(1), |n, _| n.host().power_state()), Some(PowerState::On));
    }

    #[test]
    fn a_changed_node_is_in_a_batch_once_and_a_restored_node_in_none() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.persist();
        fleet.restore(NodeId(2), State::default());
        for _ in 0..3 {
            fleet.apply(NodeId(1), Command::Bios(bios::Command::Reset)).unwrap().unwrap();
        }
        let Next::Write(first) = ledger.take(None) else { panic!("no batch") };
        assert_eq!((first.number, first.nodes.as_slice()), (1, &[NodeId(1)][..]));
        fleet.apply(NodeId(1), Command::Bios(bios::Command::Reset)).unwrap().unwrap();
        let Next::Write(second) = ledger.take(None) else { panic!("no batch") };
        assert_eq!((second.number, second.nodes.as_slice()), (2, &[NodeId(1)][..]));
        assert!(matches!(ledger.take(Some(Duration::ZERO)), Next::Nothing));
        ledger.stop();
        assert!(matches!(ledger.take(None), Next::Stop));
    }

    #[test]
    fn too_many_full_batches_refuse_changes_until_some_are_taken() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.persist();
        for n in 0..MAX_BATCH * MAX_FULL {
            assert_eq!(fleet.may_change(), Ok(()), "after {n}");
            ledger.record("x/y", None);
        }
        assert_eq!(fleet.may_change(), Err(NotPersisted));
        assert!(matches!(ledger.take(None), Next::Write(batch) if batch.records.len() == MAX_BATCH));
        assert_eq!(fleet.may_change(), Ok(()));
    }
}
