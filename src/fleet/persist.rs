//! Changes that must be stored on disk: batches of changed nodes, and the responses that wait for a batch.
//!
//! A changed node is added to the batch that is being collected, under the lock of the node. One writer (`store/keeper.rs`)
//! makes batch after batch durable and reports each here. A response that depends on a batch is sent only after that.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::node::NodeId;
use crate::node::ipa::{Text, TextName};
use crate::profile::Profile;

/// Maximum number of nodes and records in a batch. A full batch is a transaction of a few MiB.
pub(super) const MAX_BATCH: usize = 4096;
/// Maximum number of full batches that wait for the writer. Beyond it, changes are refused.
pub(super) const MAX_FULL: usize = 64;
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

/// Runs `see`, and returns the newest batch that this thread has noted meanwhile.
pub(super) fn noting<R>(see: impl FnOnce() -> R) -> (R, Seen) {
    let before = SEEN.replace(0);
    let result = see();
    (result, Seen(SEEN.replace(before)))
}

/// The newest batch that a response depends on. That batch and all earlier ones must be durable before the response is
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a response must not be sent before the batch that it depends on is durable"]
pub struct Seen(pub(super) u64);

/// A change cannot be stored on disk at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPersisted {
    /// The change was refused before it was made.
    #[error("the disk of the simulator is full or fails, so nothing was changed")]
    Refused,
    /// The change is made, or the data to be shown contains one, and it is not on disk. It takes effect if the disk works
    /// again before the process ends.
    #[error("the disk of the simulator is slow or fails; a change that was asked for can still take effect")]
    Unknown,
}

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
    /// Records that belong to the states of these nodes. The writer takes them with the states, and writes them before the other
    /// records.
    pub of_nodes: Vec<Record>,
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
    /// The disk is full, and what is in memory is being written to reserved space.
    refusing: AtomicBool,
}

#[derive(Debug)]
struct Open {
    collecting: Batch,
    /// Records that become durable with the next state of their node that is written. The state is that of the moment at which it is
    /// written, and not of the moment at which its batch was collected; so a record in a batch could come too late.
    of_nodes: HashMap<NodeId, Vec<Record>>,
    full: VecDeque<Batch>,
    /// The last batch with a record in it.
    last_record: u64,
    stopping: bool,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let collecting = Batch { number: 1, ..Batch::default() };
        let (of_nodes, full) = (HashMap::new(), VecDeque::new());
        let open = Open { collecting, of_nodes, full, last_record: 0, stopping: false };
        Self {
            open: Mutex::new(open),
            more: Condvar::new(),
            persisted: watch::Sender::new(0),
            failing: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
        }
    }

    /// Adds a changed node, whose last batch is `last`, to the current batch. Returns the number of the batch.
    pub(super) fn add(&self, id: NodeId, last: u64) -> u64 {
        let mut open = self.open.lock();
        if open.collecting.number != last { self.put(&mut open, |batch| batch.nodes.push(id)) } else { last }
    }

    /// Records the addition of nodes, with the identities of imported ones. Callers inside [`Fleet::noting`] wait until it is durable.
    pub(super) fn added(&self, first: u32, profile: &Profile, count: u32) {
        let mut added = serde_json::json!({"profile": profile.source, "count": count});
        if let Some(imported) = profile.identities.as_ref().filter(|identities| identities.first == first) {
            added["systems"] = serde_json::json!(&*imported.list);
        }
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

    /// Writes a record that follows from a change of a node: both become durable together. The caller holds the node, which is in the
    /// current batch or in one before it.
    pub fn record_with(&self, id: NodeId, key: &str, value: Vec<u8>) {
        let mut open = self.open.lock();
        open.of_nodes.entry(id).or_default().push((key.into(), Some(value.into_boxed_slice())));
        let Batch { number, .. } = open.collecting;
        let newest = if open.collecting.is_empty() { number - 1 } else { number };
        open.last_record = open.last_record.max(newest);
        note(open.last_record);
    }

    /// Takes the records that become durable with the state of a node. The caller holds the node.
    pub(super) fn take_records_of(&self, id: NodeId) -> Vec<Record> {
        self.open.lock().of_nodes.remove(&id).unwrap_or_default()
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

    /// Refuses changes from now on, or accepts them again.
    pub fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::Release);
    }

    /// Whether [`Ledger::refuse`] is in effect.
    pub fn refuses(&self) -> bool {
        self.refusing.load(Ordering::Acquire)
    }

    /// Reports that no more changes will come.
    pub fn stop(&self) {
        self.open.lock().stopping = true;
        self.more.notify_all();
    }

    /// Whether changes can be stored at the moment.
    pub(super) fn accepts(&self) -> bool {
        !self.failing.load(Ordering::Acquire) && !self.refuses() && self.open.lock().full.len() < MAX_FULL
    }

    /// Waits until a batch is durable.
    pub(super) async fn wait(&self, Seen(number): Seen) -> Result<(), NotPersisted> {
        if *self.persisted.borrow() >= number {
            return Ok(());
        }
        let mut persisted = self.persisted.subscribe();
        let failing = self.failing.load(Ordering::Acquire);
        let patience = if failing { PATIENCE_FAILING } else { PATIENCE };
        match tokio::time::timeout(patience, persisted.wait_for(|last| *last >= number)).await {
            Ok(Ok(_)) => Ok(()),
            // `Ok(Err(_))` cannot happen: the sender lives as long as the ledger.
            Ok(Err(_)) | Err(_) => Err(NotPersisted::Unknown),
        }
    }
}

impl Open {
    fn next_batch(&mut self) -> Batch {
        let number = self.collecting.number + 1;
        std::mem::replace(&mut self.collecting, Batch { number, ..Batch::default() })
    }
}

/// The result of [`Fleet::write_state`](super::Fleet::write_state).
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// The buffer contains the state without these texts.
    State(Vec<(TextName, Text)>),
    /// Nothing needs to be stored: the node is in the state of a new machine, or it was removed.
    Nothing,
}
