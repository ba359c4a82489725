//! What of the fleet is to be kept on disk, and who waits for that: batches of nodes that were told something.
//!
//! A node that was told something goes into the batch that is being collected, under its own lock. One taker makes batch
//! after batch durable and says so here; until then nobody outside is told what depends on it. How it is made durable is
//! not known here.

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

/// Nodes of one batch, at most: a transaction of a few MiB.
const MAX_BATCH: usize = 4096;
/// Full batches that wait to be taken, at most; with more, changes are refused.
const MAX_FULL: usize = 64;
/// How long an answer is held back until what it tells is kept, at most. Clients of BMCs wait for a minute or so.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while the disk is known to fail, which mostly lasts.
const PATIENCE_FAILING: Duration = Duration::from_secs(1);

thread_local! {
    /// The last batch that anything depends on which this thread has looked at; see [`Fleet::noting`].
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Notes that what is looked at depends on this batch.
pub(super) fn note(batch: u64) {
    SEEN.set(SEEN.get().max(batch));
}

/// Up to which batch all must be kept before somebody is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what depends on it must not be told before it is kept"]
pub struct Seen(u64);

/// What cannot be kept now, and so is not done or not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state cannot be kept on disk at the moment")]
pub struct NotKept;

impl NotKept {
    /// After how many seconds another try may go better.
    pub const RETRY_AFTER_S: u64 = 5;
}

/// Below which what was added while the fleet ran is kept, each by its first index: its model and how many.
pub const ADDED: &str = "added/";
/// Below which the records of removed nodes are kept, each by its index.
pub const REMOVED: &str = "removed/";

/// A service's own record, such as a session, beside the nodes: its key, and its value or that it is gone.
pub type Record = (Box<str>, Option<Box<[u8]>>);

/// What is made durable together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Its number, from 1.
    pub number: u64,
    /// Nodes that were told something, each once. Their state is read when the batch is written.
    pub nodes: Vec<NodeId>,
    /// Records in the order in which they were written.
    pub records: Vec<Record>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.records.is_empty()
    }
}

/// What a taker of batches is to do.
#[derive(Debug)]
pub enum Next {
    /// Make this durable.
    Keep(Batch),
    /// Nothing has come in that time.
    Nothing,
    /// All has been taken, and nothing more will come.
    Stop,
}

/// What is to be kept and has not been yet. Locked after a node, never before.
#[derive(Debug)]
pub struct Ledger {
    open: Mutex<Open>,
    more: Condvar,
    /// All batches up to this one are durable.
    kept: watch::Sender<u64>,
    /// The last attempt to make one durable failed.
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
            kept: watch::Sender::new(0),
            failing: AtomicBool::new(false),
        }
    }

    /// Puts a node that is in batch `last` into the one that is collected now; its number.
    pub(super) fn add(&self, id: NodeId, last: u64) -> u64 {
        let mut open = self.open.lock();
        if open.collecting.number != last { self.put(&mut open, |batch| batch.nodes.push(id)) } else { last }
    }

    /// Has it kept that there are more nodes. Whoever [notes](Fleet::noting) waits for it.
    pub(super) fn added(&self, first: u32, profile: &Profile, count: u32) {
        let added = serde_json::json!({"profile": profile.source, "count": count});
        self.record(&format!("{ADDED}{first:08}"), Some(added.to_string().into_bytes()));
    }

    /// Has it kept that a node is gone; the number of the batch.
    pub(super) fn removed(&self, id: NodeId, last: u64) -> u64 {
        self.record(&format!("{REMOVED}{:08}", id.0), Some(b"true".to_vec()));
        self.add(id, last)
    }

    /// Has a service's own record kept, or forgotten when there is no value. Whoever [notes](Fleet::noting) waits for it.
    pub fn record(&self, key: &str, value: Option<Vec<u8>>) {
        let mut open = self.open.lock();
        let record = (key.into(), value.map(Vec::into_boxed_slice));
        open.last_record = self.put(&mut open, |batch| batch.records.push(record));
        note(open.last_record);
    }

    /// Has whoever [notes](Fleet::noting) wait for all records so far.
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

    /// The next batch to be made durable, as soon as there is something; after `patience` there is none.
    pub fn take(&self, patience: Option<Duration>) -> Next {
        let mut open = self.open.lock();
        loop {
            if let Some(batch) = open.full.pop_front() {
                return Next::Keep(batch);
            }
            if !open.collecting.is_empty() {
                return Next::Keep(open.next_batch());
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

    /// Says that a batch, and all before it, is durable.
    pub fn kept(&self, number: u64) {
        self.failing.store(false, Ordering::Release);
        self.kept.send_if_modified(|kept| std::mem::replace(kept, number.max(*kept)) < number);
    }

    /// Says that nothing can be made durable now: changes are refused until something [can](Ledger::kept). Rests for
    /// `rest`, or until all is to stop; whether it is.
    pub fn failed(&self, rest: Duration) -> bool {
        self.failing.store(true, Ordering::Release);
        let mut open = self.open.lock();
        self.more.wait_while_for(&mut open, |open| !open.stopping, rest);
        open.stopping
    }

    /// Says that nothing more will come.
    pub fn stop(&self) {
        self.open.lock().stopping = true;
        self.more.notify_all();
    }

    fn accepts(&self) -> bool {
        !self.failing.load(Ordering::Acquire) && self.open.lock().full.len() < MAX_FULL
    }

    async fn wait(&self, number: u64) -> Result<(), NotKept> {
        if *self.kept.borrow() >= number {
            return Ok(());
        }
        let mut kept = self.kept.subscribe();
        let failing = self.failing.load(Ordering::Acquire);
        let patience = if failing { PATIENCE_FAILING } else { PATIENCE };
        match tokio::time::timeout(patience, kept.wait_for(|kept| *kept >= number)).await {
            Ok(Ok(_)) => Ok(()),
            // The sender lives as long as this does.
            Ok(Err(_)) | Err(_) => Err(NotKept),
        }
    }
}

impl Open {
    fn next_batch(&mut self) -> Batch {
        let number = self.collecting.number + 1;
        std::mem::replace(&mut self.collecting, Batch { number, ..Batch::default() })
    }
}

/// A node's state as it is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands in the buffer.
    State,
    /// The node is as new, or gone: there is nothing to keep.
    Nothing,
}

impl Fleet {
    /// Has all that nodes are told from here on collected to be kept.
    pub fn keep(&self) -> Arc<Ledger> {
        Arc::clone(self.ledger.get_or_init(|| Arc::new(Ledger::new())))
    }

    /// What is to be kept; `None` when nothing is.
    pub fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.ledger.get()
    }

    /// Gives a node its memory back; whether there is such a node. What it waits for outside is asked for again; what is
    /// overdue happens when [`Fleet::keep_time`] comes to it, the oldest first.
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

    /// Writes a node's state into an empty buffer, JSON.
    pub fn write_state(&self, id: NodeId, buffer: &mut Vec<u8>) -> Written {
        let Some(slot) = self.slots.get(id) else { return Written::Nothing };
        let slot = slot.lock();
        let Some(state) = slot.node.as_ref().map(Node::state).filter(|state| !state.is_new()) else {
            return Written::Nothing;
        };
        serde_json::to_writer(buffer, state).expect("a state has text keys only, and a buffer takes all");
        Written::State
    }

    /// Runs `see`, and says up to which batch all must be kept before anything that it saw is told to anybody.
    ///
    /// It notes by thread what is looked at, which is exact, for `see` cannot await.
    pub fn noting<R>(&self, see: impl FnOnce() -> R) -> (R, Seen) {
        if self.ledger().is_none() {
            return (see(), Seen(0));
        }
        let before = SEEN.replace(0);
        let result = see();
        (result, Seen(SEEN.replace(before)))
    }

    /// Waits until what was seen is kept; not at all when nothing is.
    ///
    /// # Errors
    /// When it takes too long, as with a disk that is full.
    pub async fn until_kept(&self, seen: Seen) -> Result<(), NotKept> {
        match self.ledger() {
            Some(ledger) => ledger.wait(seen.0).await,
            None => Ok(()),
        }
    }

    /// Waits until all that a node was told is kept; not at all when nothing is.
    ///
    /// # Errors
    /// When it takes too long, as with a disk that is full.
    pub async fn until_node_kept(&self, id: NodeId) -> Result<(), NotKept> {
        let Some(ledger) = self.ledger() else { return Ok(()) };
        let batch = self.slots.get(id).map_or(0, |slot| slot.lock().batch);
        ledger.wait(batch).await
    }

    /// To be asked before anything is changed for a client.
    ///
    /// # Errors
    /// When it could not be kept.
    pub fn may_change(&self) -> Result<(), NotKept> {
        match self.ledger() {
            Some(ledger) if !ledger.accepts() => Err(NotKept),
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
    use crate::node::command::{Command, Effect, EffectKind};
    use crate::profile::built_in;
    use crate::seed::Seed;
    use crate::time::SimTime;

    const T0: SimTime = SimTime::from_ms(1_000_000);

    fn fleet(at: SimTime) -> (Fleet, Effects) {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(at));
        fleet.add(&built_in("generic").unwrap(), 3).unwrap();
        (fleet, effects)
    }

    fn state(fleet: &Fleet, id: u32) -> State {
        let mut text = Vec::new();
        assert_eq!(fleet.write_state(NodeId(id), &mut text), Written::State);
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn what_is_overdue_happens_after_a_restart_without_anybody_looking() {
        let (before, _effects) = fleet(T0);
        before.apply(NodeId(1), Command::Reset(ResetType::On)).unwrap().unwrap();
        let (after, mut effects) = fleet(T0.after_ms(3_600_000));
        assert!(after.restore(NodeId(1), state(&before, 1)) && !after.restore(NodeId(7), state(&before, 1)));
        assert!(effects.try_recv().is_err(), "nobody has kept its time yet");
        after.wake_due();
        let (id, effect) = effects.try_recv().unwrap();
        assert_eq!((id, effect.kind), (NodeId(1), EffectKind::ReadBoot));
        // That call dies with the process, and is made again.
        let (again, mut effects) = fleet(T0.after_ms(3_600_000));
        again.restore(NodeId(1), state(&after, 1));
        let once_more = Effect { due: again.clock().now(), ..effect };
        assert_eq!(effects.try_recv().unwrap(), (NodeId(1), once_more));
        assert_eq!(again.look(NodeId(1), |n, _| n.host().power_state()), Some(PowerState::On));
    }

    #[test]
    fn a_node_is_in_a_batch_once_and_a_restored_one_in_none() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.keep();
        fleet.restore(NodeId(2), State::default());
        for _ in 0..3 {
            fleet.apply(NodeId(1), Command::ResetBios).unwrap().unwrap();
        }
        let Next::Keep(first) = ledger.take(None) else { panic!("there is something") };
        assert_eq!((first.number, first.nodes.as_slice()), (1, &[NodeId(1)][..]));
        fleet.apply(NodeId(1), Command::ResetBios).unwrap().unwrap();
        let Next::Keep(second) = ledger.take(None) else { panic!("there is something") };
        assert_eq!((second.number, second.nodes.as_slice()), (2, &[NodeId(1)][..]));
        assert!(matches!(ledger.take(Some(Duration::ZERO)), Next::Nothing));
        ledger.stop();
        assert!(matches!(ledger.take(None), Next::Stop));
    }

    #[test]
    fn too_many_full_batches_refuse_changes_until_some_are_taken() {
        let (fleet, _effects) = fleet(T0);
        let ledger = fleet.keep();
        for n in 0..MAX_BATCH * MAX_FULL {
            assert_eq!(fleet.may_change(), Ok(()), "after {n}");
            ledger.record("x/y", None);
        }
        assert_eq!(fleet.may_change(), Err(NotKept));
        assert!(matches!(ledger.take(None), Next::Keep(batch) if batch.records.len() == MAX_BATCH));
        assert_eq!(fleet.may_change(), Ok(()));
    }
}
