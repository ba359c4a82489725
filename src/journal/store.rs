//! The store of all entries, and those who follow a node.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use super::encoding;
use super::entry::{Asked, Call, Entry, What};
use super::event::Event;
use super::ring::{self, Head};
use super::shard::{Shard, Watched};
use super::user_agents::UserAgents;
use crate::limit::Limit;
use crate::meter::{Counter, Page};
use crate::node::NodeId;
use crate::time::SimTime;

/// The most shards. Each has a lock of its own.
const MAX_SHARDS: usize = 64;
/// The least bytes of a shard, if there are several.
const SHARD_BYTES: usize = 256 << 10;

thread_local! {
    /// The entry that this thread records.
    static ENTRY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The last requests, outgoing calls and changes of state of all nodes, in a bounded number of bytes.
pub struct Journal {
    /// A power of two of them; none if the journal is off. Nodes are divided among them by index.
    shards: Box<[Mutex<Shard>]>,
    /// The most bytes of a shard.
    budget: usize,
    user_agents: UserAgents,
    /// Entries that were dropped because the store was full.
    lost: Counter,
}

impl Journal {
    /// A journal of at most so many bytes; off if there are none.
    pub fn new(bytes: usize) -> Self {
        let count = match bytes {
            0 => 0,
            bytes => 1 << (bytes / SHARD_BYTES).clamp(1, MAX_SHARDS).ilog2(),
        };
        Self {
            shards: (0..count).map(|_| Mutex::default()).collect(),
            budget: bytes.checked_div(count).unwrap_or_default(),
            user_agents: UserAgents::new(),
            lost: Counter::default(),
        }
    }

    /// Whether entries are recorded.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.shards.is_empty()
    }

    fn shard(&self, id: NodeId) -> Option<&Mutex<Shard>> {
        self.shards.get(id.0 as usize & self.shards.len().wrapping_sub(1))
    }

    #[inline]
    fn note(&self, id: NodeId, at: SimTime, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(shard) = self.shard(id) else { return };
        ENTRY.with_borrow_mut(|entry| {
            ring::frame(entry, write);
            let lost = shard.lock().note(id, at, entry, self.budget);
            if lost > 0 {
                self.lost.add(lost as u64);
            }
        });
    }

    /// Records a request to a node.
    #[inline]
    pub fn request(&self, id: NodeId, asked: &Asked<'_>) {
        self.note(id, asked.at, |body| encoding::request(body, asked, &self.user_agents));
    }

    /// Records a call that a node has made.
    pub fn call(&self, id: NodeId, at: SimTime, call: &Call) {
        self.note(id, at, |body| encoding::call(body, call));
    }

    /// Records a change of a node's state.
    pub fn state(&self, id: NodeId, at: SimTime, event: Event, detail: &str) {
        self.note(id, at, |body| encoding::state(body, event, detail));
    }

    /// Drops all entries of a node that is removed, and ends the streams of those who follow it.
    pub fn forget(&self, id: NodeId) {
        let Some(shard) = self.shard(id) else { return };
        let mut shard = shard.lock();
        shard.forget(id);
        if let Some(watched) = shard.take_watched(id) {
            watched.gone.store(true, Ordering::Release);
            watched.notify.notify_waiters();
        }
    }

    /// The entries of a node in order of their first occurrences.
    pub fn entries(&self, id: NodeId) -> Vec<Entry> {
        self.since(id, 0).entries
    }

    /// The entries of a node that are newer than a revision, or were repeated since.
    pub fn since(&self, id: NodeId, revision: u64) -> Batch {
        let Some(shard) = self.shard(id) else { return Batch::default() };
        let shard = shard.lock();
        let (newest, lost) = shard.revisions(id);
        // A node that lost all of its entries counts anew.
        let restarted = newest < revision;
        let after = if restarted { 0 } else { revision };
        let kept: Vec<_> = shard
            .entries_of(id)
            .filter(|(head, _)| head.revision > after)
            .map(|(head, body)| (head, body.to_vec()))
            .collect();
        drop(shard);
        let read = |(head, body): (Head, Vec<u8>)| {
            let Head { count, first, last, revision, id } = head;
            Some(Entry {
                id,
                revision,
                first,
                last,
                count,
                what: encoding::decode(&body, &self.user_agents)?,
            })
        };
        let mut entries: Vec<Entry> = kept.into_iter().filter_map(read).collect();
        // At the shared root of Redfish, a request is recorded after the changes that it makes.
        entries.sort_by_key(|entry| (entry.first, !changes(&entry.what), entry.id));
        Batch { entries, missed: restarted || lost > after, revision: newest }
    }

    /// Follows a node from its oldest entry on. The node keeps more entries as long as the follower lives.
    pub fn follow(self: &Arc<Self>, id: NodeId) -> Follower {
        let watched = self.shard(id).map_or_else(Arc::default, |shard| shard.lock().watch(id));
        Follower { journal: Arc::clone(self), id, watched, seen: 0 }
    }

    /// Bytes of the entries and of their tables.
    pub fn bytes(&self) -> usize {
        self.user_agents.bytes() + self.shards.iter().map(|shard| shard.lock().bytes).sum::<usize>()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().entries).sum()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the metrics of the journal to the page.
    pub fn meter(&self, page: &mut Page) {
        let (bytes, entries) = (self.bytes() as u64, self.len() as u64);
        page.gauge("fauxmetal_journal_bytes", "Memory of the journal of all nodes", &[], bytes);
        page.gauge("fauxmetal_journal_entries", "Entries in the journal of all nodes", &[], entries);
        page.limit(Limit::Journal.name(), &self.lost);
    }
}

/// Whether it is a request that may change the node.
fn changes(what: &What) -> bool {
    matches!(what, What::Request(request) if !matches!(&*request.method, "GET" | "HEAD"))
}

/// Entries that a reader has not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// In order of their first occurrences. A repeated entry has the [`Entry::id`] that it had before, and a larger count.
    pub entries: Vec<Entry>,
    /// Entries were dropped before the reader has seen them.
    pub missed: bool,
    /// The newest revision of the node, to ask for what comes next.
    pub revision: u64,
}

/// Follows the journal of one node, which keeps more entries meanwhile.
pub struct Follower {
    journal: Arc<Journal>,
    id: NodeId,
    watched: Arc<Watched>,
    /// The newest revision that [`Follower::next`] has returned.
    seen: u64,
}

impl Follower {
    /// Goes on after a revision, for a reader that comes back.
    #[must_use]
    pub fn after(mut self, revision: u64) -> Self {
        self.seen = revision;
        self
    }

    /// Waits for entries that are new or were repeated: at first all that the node has. `None` after the node was removed.
    ///
    /// The future can be dropped at any moment without a loss. It never completes if the journal is off.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            let mut changed = pin!(self.watched.notify.notified());
            changed.as_mut().enable();
            let batch = self.journal.since(self.id, self.seen);
            if !batch.entries.is_empty() {
                self.seen = batch.revision;
                return Some(batch);
            }
            if self.watched.gone.load(Ordering::Acquire) {
                return None;
            }
            changed.await;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(shard) = self.journal.shard(self.id) {
            shard.lock().unwatch(self.id, &self.watched);
        }
    }
}
