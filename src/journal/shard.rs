//! A part of the store: the rings of some nodes behind one lock, within a share of the store's bytes.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use super::ring::{Head, Noted, Ring};
use crate::node::NodeId;
use crate::time::SimTime;

/// The most bytes of a node's entries: about 50 entries.
pub const NODE_BYTES: usize = 4 << 10;
/// The same for a node that somebody follows.
pub const WATCHED_BYTES: usize = 64 << 10;
/// The first bytes of a node that has an entry. Each time when it needs more, it gets twice as many.
const FIRST_BYTES: usize = 128;
/// What a node with an entry costs beside its entries: its place here and in the index, both with the free places that a
/// growing table keeps.
const OVERHEAD: usize = 2 * (size_of::<Place>() + size_of::<(u32, u32)>() + 1);

/// Spreads node indexes, which are dense, over the table.
#[derive(Default)]
pub(super) struct SpreadIndex(u64);

impl Hasher for SpreadIndex {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Index<T> = HashMap<u32, T, BuildHasherDefault<SpreadIndex>>;

/// What those who follow a node share.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) notify: Notify,
    /// The node has been removed.
    pub(super) gone: AtomicBool,
}

struct Place {
    /// `None` if the place is free.
    node: Option<NodeId>,
    watched: bool,
    ring: Ring,
}

impl Place {
    fn bytes(&self) -> usize {
        OVERHEAD + self.ring.capacity()
    }
}

#[derive(Default)]
pub(super) struct Shard {
    index: Index<u32>,
    places: Vec<Place>,
    free: Vec<u32>,
    /// The place at which the next search for room begins.
    hand: usize,
    pub(super) bytes: usize,
    pub(super) entries: usize,
    /// The nodes that somebody follows, each with the number of followers.
    watched: Index<(Arc<Watched>, u32)>,
}

impl Shard {
    /// Records an occurrence, which is framed, within `budget` bytes. Returns how many entries were lost because the store is full.
    #[inline]
    pub(super) fn note(&mut self, id: NodeId, at: SimTime, framed: &mut [u8], budget: usize) -> usize {
        let place = match self.index.get(&id.0) {
            Some(place) => *place as usize,
            None => match self.settle(id, framed.len(), budget) {
                Ok((place, lost)) => return lost + self.note_at(place, at, framed, budget),
                Err(lost) => return lost,
            },
        };
        self.note_at(place, at, framed, budget)
    }

    #[inline]
    fn note_at(&mut self, place: usize, at: SimTime, framed: &mut [u8], budget: usize) -> usize {
        let to = &mut self.places[place];
        let (noted, watched) = (to.ring.note(at, framed), to.watched);
        let lost = match noted {
            Noted::Folded => 0,
            Noted::Added => {
                self.entries += 1;
                0
            }
            Noted::NoRoom => self.note_in_full_ring(place, at, framed, budget),
        };
        if watched {
            self.wake(place);
        }
        lost
    }

    #[cold]
    fn note_in_full_ring(&mut self, place: usize, at: SimTime, framed: &mut [u8], budget: usize) -> usize {
        let bytes = framed.len();
        let ring = &self.places[place].ring;
        let most = if self.places[place].watched { WATCHED_BYTES } else { NODE_BYTES };
        let (old, used) = (ring.capacity(), ring.len());
        let wanted = (used + bytes).next_power_of_two().max(FIRST_BYTES);
        let (grows, mut lost) = if wanted > most || wanted <= old {
            (false, 0)
        } else {
            self.take_room(place, wanted - old, budget)
        };
        if grows {
            let ring = &mut self.places[place].ring;
            ring.grow(wanted);
            self.bytes += ring.capacity() - old;
        } else if bytes > old {
            // Not even an empty ring of this size has room.
            return lost + 1;
        } else {
            let dropped = self.places[place].ring.make_room(bytes);
            self.entries -= dropped;
            // A node that has as much as it may ever have has not met the limit of the store.
            lost += if wanted <= most { dropped } else { 0 };
        }
        if self.places[place].ring.note(at, framed) == Noted::Added {
            self.entries += 1;
        }
        lost
    }

    /// Gives a node its first bytes. Returns its place, and how many entries of others were dropped for it.
    ///
    /// # Errors
    /// If there is no room: the number of lost entries, with the new one.
    fn settle(&mut self, id: NodeId, bytes: usize, budget: usize) -> Result<(usize, usize), usize> {
        let capacity = bytes.next_power_of_two().max(FIRST_BYTES);
        let (found, lost) = self.take_room(usize::MAX, OVERHEAD + capacity, budget);
        if !found {
            return Err(lost + 1);
        }
        let mut ring = Ring::default();
        ring.grow(capacity);
        let new = Place { node: Some(id), watched: self.watched.contains_key(&id.0), ring };
        self.bytes += new.bytes();
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = new;
                place
            }
            None => {
                self.places.push(new);
                (self.places.len() - 1) as u32
            }
        };
        self.index.insert(id.0, place);
        Ok((place as usize, lost))
    }

    /// Finds room for `more` bytes of the node at `place`, or of a new node. Nodes with more than their fair share lose
    /// their oldest entries. A node that would itself have more than that gets no room, so that a noisy node never evicts
    /// the entries of a quiet one. Returns whether there is room, and how many entries were dropped.
    fn take_room(&mut self, place: usize, more: usize, budget: usize) -> (bool, usize) {
        let is_new = place == usize::MAX;
        let mut dropped = 0;
        while self.bytes + more > budget {
            let share = budget / (self.index.len() + usize::from(is_new)).max(1);
            if more > budget || (!is_new && self.places[place].bytes() + more > share) {
                return (false, dropped);
            }
            let Some(victim) = self.above(share, place) else { return (false, dropped) };
            dropped += self.shrink(victim);
        }
        (true, dropped)
    }

    /// The next place of a node with more than `share` bytes. A node under watch keeps what every node may have.
    fn above(&mut self, share: usize, but: usize) -> Option<usize> {
        let count = self.places.len();
        let begin = self.hand;
        let found = (begin..begin + count).map(|place| place % count).find(|at| {
            let place = &self.places[*at];
            let share = if place.watched { share.max(OVERHEAD + NODE_BYTES) } else { share };
            *at != but && place.node.is_some() && place.bytes() > share
        })?;
        self.hand = found + 1;
        Some(found)
    }

    /// Takes half of the bytes of the node at `place`, or all if it has the least. Returns how many entries were dropped.
    fn shrink(&mut self, place: usize) -> usize {
        let old = self.places[place].ring.capacity();
        if old <= FIRST_BYTES {
            return self.places[place].node.map_or(0, |id| self.forget(id));
        }
        let ring = &mut self.places[place].ring;
        let dropped = ring.shrink(old / 2);
        self.bytes -= old - ring.capacity();
        self.entries -= dropped;
        dropped
    }

    /// Drops all entries of a node. Returns their number.
    pub(super) fn forget(&mut self, id: NodeId) -> usize {
        let Some(place) = self.index.remove(&id.0) else { return 0 };
        let old = &mut self.places[place as usize];
        let dropped = old.ring.iter().count();
        self.bytes -= old.bytes();
        self.entries -= dropped;
        *old = Place { node: None, watched: false, ring: Ring::default() };
        self.free.push(place);
        dropped
    }

    /// Wakes those who follow the node at `place`.
    #[cold]
    fn wake(&self, place: usize) {
        let id = self.places[place].node;
        if let Some((watched, _)) = id.and_then(|id| self.watched.get(&id.0)) {
            watched.notify.notify_waiters();
        }
    }

    /// Lets a node keep more from now on.
    pub(super) fn watch(&mut self, id: NodeId) -> Arc<Watched> {
        if let Some(place) = self.index.get(&id.0) {
            self.places[*place as usize].watched = true;
        }
        let (watched, followers) = self.watched.entry(id.0).or_default();
        *followers += 1;
        Arc::clone(watched)
    }

    /// Ends a watch. After the last one the node keeps as much as any other.
    pub(super) fn unwatch(&mut self, id: NodeId, by: &Arc<Watched>) {
        // The node may have been removed, and another follower may wait for its index.
        match self.watched.get_mut(&id.0) {
            Some((watched, followers)) if Arc::ptr_eq(watched, by) => {
                *followers -= 1;
                if *followers > 0 {
                    return;
                }
            }
            Some(_) | None => return,
        }
        self.watched.remove(&id.0);
        if let Some(place) = self.index.get(&id.0) {
            let place = &mut self.places[*place as usize];
            place.watched = false;
            let old = place.ring.capacity();
            if old > NODE_BYTES {
                self.entries -= place.ring.shrink(NODE_BYTES);
                self.bytes -= old - place.ring.capacity();
            }
        }
    }

    /// The watch of a node that is removed.
    pub(super) fn take_watched(&mut self, id: NodeId) -> Option<Arc<Watched>> {
        self.watched.remove(&id.0).map(|(watched, _)| watched)
    }

    /// The entries of a node: heads and bytes.
    pub(super) fn entries_of(&self, id: NodeId) -> impl Iterator<Item = (Head, &[u8])> {
        self.index.get(&id.0).into_iter().flat_map(|place| self.places[*place as usize].ring.iter())
    }

    /// The last revision of a node, and the largest revision of a dropped entry.
    pub(super) fn revisions(&self, id: NodeId) -> (u64, u64) {
        let ring = self.index.get(&id.0).map(|place| &self.places[*place as usize].ring);
        ring.map_or((0, 0), |ring| (ring.changes(), ring.lost))
    }
}
