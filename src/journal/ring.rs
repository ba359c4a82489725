//! The entries of one node: bytes, oldest first.
//!
//! An entry is framed: a head, the bytes of [`encoding`](super::encoding), and its length once more, so that the last entries
//! are found from the end.

use super::encoding::{is_poll, is_state};
use crate::time::SimTime;

/// Length, count, first time, time from the first to the last, revision, number.
const HEAD: usize = 2 + 4 + 6 + 4 + 4 + 4;
const TAIL: usize = 2;
/// A new entry is folded into one of so many last entries.
const LOOK_BACK: usize = 3;

#[derive(Default)]
pub(super) struct Ring {
    data: Vec<u8>,
    /// New entries and repetitions so far.
    changes: u64,
    /// The largest revision of a dropped entry.
    pub(super) lost: u64,
    created: u32,
    /// Bytes of the changes of state.
    states: u32,
}

/// The head of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) count: u32,
    pub(super) first: SimTime,
    pub(super) last: SimTime,
    pub(super) revision: u64,
    pub(super) id: u64,
}

/// What has become of a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Added,
    Folded,
    /// It does not fit. Nothing was changed.
    NoRoom,
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

fn u16_at(data: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([data[at], data[at + 1]]))
}

/// One more occurrence of the entry with that head. Returns whether its times can be stored.
#[inline]
fn repeat(head: &mut [u8; HEAD], at: SimTime, revision: u64) -> bool {
    let count = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
    let first = u64::from_le_bytes([head[6], head[7], head[8], head[9], head[10], head[11], 0, 0]);
    let delta = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
    let Ok(later) = u32::try_from(at.ms().saturating_sub(first)) else { return false };
    head[2..6].copy_from_slice(&count.saturating_add(1).to_le_bytes());
    head[12..16].copy_from_slice(&later.max(delta).to_le_bytes());
    head[16..20].copy_from_slice(&(revision as u32).to_le_bytes());
    true
}

/// Frames the bytes that `write` writes into an empty buffer. The head is filled in when the entry is appended.
#[inline]
pub(super) fn frame(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEAD]);
    write(buffer);
    let bytes = ((buffer.len() + TAIL) as u16).to_le_bytes();
    buffer.extend_from_slice(&bytes);
}

impl Ring {
    pub(super) fn capacity(&self) -> usize {
        self.data.capacity()
    }

    /// Bytes of the entries.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Makes room for more bytes, up to a capacity.
    pub(super) fn grow(&mut self, capacity: usize) {
        self.data.reserve_exact(capacity - self.data.len());
    }

    /// Records an occurrence, which is framed: folds it into one of the last entries, or appends an entry.
    #[inline]
    pub(super) fn note(&mut self, at: SimTime, framed: &mut [u8]) -> Noted {
        let Some((head, rest)) = framed.split_first_chunk_mut::<HEAD>() else { return Noted::Folded };
        let Some((body, tail)) = rest.split_last_chunk::<TAIL>() else { return Noted::Folded };
        if self.fold(at, body) {
            return Noted::Folded;
        }
        let bytes = HEAD + body.len() + TAIL;
        if self.data.len() + bytes > self.data.capacity() {
            return Noted::NoRoom;
        }
        self.changes += 1;
        self.created = self.created.wrapping_add(1);
        head[..2].copy_from_slice(tail);
        head[2..6].copy_from_slice(&1_u32.to_le_bytes());
        head[6..12].copy_from_slice(&at.ms().to_le_bytes()[..6]);
        head[12..16].copy_from_slice(&[0; 4]);
        head[16..20].copy_from_slice(&(self.changes as u32).to_le_bytes());
        head[20..24].copy_from_slice(&self.created.to_le_bytes());
        if is_state(body) {
            self.states += bytes as u32;
        }
        self.data.extend_from_slice(framed);
        Noted::Added
    }

    /// Counts an occurrence in the last equal entry. Only polls may lie between the two, and then both are polls. Returns
    /// whether there is such an entry, and its times can be stored.
    #[inline]
    fn fold(&mut self, at: SimTime, body: &[u8]) -> bool {
        let mut left = self.data.as_mut_slice();
        for _ in 0..LOOK_BACK {
            let Some(tail) = left.last_chunk::<TAIL>() else { return false };
            let begin = left.len().saturating_sub(usize::from(u16::from_le_bytes(*tail)));
            let (before, entry) = left.split_at_mut(begin);
            let Some((head, rest)) = entry.split_first_chunk_mut::<HEAD>() else { return false };
            let Some((other, _)) = rest.split_last_chunk::<TAIL>() else { return false };
            if other == body {
                let repeated = repeat(head, at, self.changes + 1);
                self.changes += u64::from(repeated);
                return repeated;
            }
            if !is_poll(other) || !is_poll(body) {
                return false;
            }
            left = before;
        }
        false
    }

    /// The revision of the entry at `begin`. Its upper half is that of the last change, which is less than 2^32 changes ago.
    fn revision(&self, begin: usize) -> u64 {
        let ago = (self.changes as u32).wrapping_sub(u32_at(&self.data, begin + 16));
        self.changes.saturating_sub(u64::from(ago))
    }

    fn head(&self, begin: usize) -> Head {
        let mut first = [0; 8];
        first[..6].copy_from_slice(&self.data[begin + 6..begin + 12]);
        let first = SimTime::from_ms(u64::from_le_bytes(first));
        Head {
            count: u32_at(&self.data, begin + 2),
            first,
            last: first.after_ms(u64::from(u32_at(&self.data, begin + 12))),
            revision: self.revision(begin),
            id: u64::from(u32_at(&self.data, begin + 20)),
        }
    }

    /// All entries: head and bytes, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Head, &[u8])> {
        let mut begin = 0;
        std::iter::from_fn(move || {
            if begin >= self.data.len() {
                return None;
            }
            let end = begin + u16_at(&self.data, begin);
            let entry = (self.head(begin), &self.data[begin + HEAD..end - TAIL]);
            begin = end;
            Some(entry)
        })
    }

    /// Drops the oldest entries until `bytes` are free, and a quarter of the capacity, so that the next entries find room.
    /// Changes of state, which are small and tell how the node came here, are dropped last, unless they take more than
    /// half. Returns the number of dropped entries.
    pub(super) fn make_room(&mut self, bytes: usize) -> usize {
        let capacity = self.data.capacity();
        self.keep(capacity.saturating_sub(bytes).min(capacity - capacity / 4))
    }

    /// Gives memory back, and drops the oldest entries that do not fit into `capacity`. Returns their number.
    pub(super) fn shrink(&mut self, capacity: usize) -> usize {
        let dropped = self.keep(capacity);
        self.data.shrink_to(capacity);
        dropped
    }

    /// Drops the oldest entries until at most `most` bytes are left.
    fn keep(&mut self, most: usize) -> usize {
        let dropped = self.drop_oldest(most, most / 2);
        dropped + self.drop_oldest(most, 0)
    }

    /// Drops the oldest entries until at most `most` bytes are left, and of changes of state only those beyond `spared`
    /// bytes.
    fn drop_oldest(&mut self, most: usize, spared: usize) -> usize {
        let (mut read, mut write, mut dropped) = (0, 0, 0);
        while self.data.len() - read + write > most && read < self.data.len() {
            let bytes = u16_at(&self.data, read);
            let state = is_state(&self.data[read + HEAD..]);
            if !state || self.states as usize > spared {
                self.lost = self.lost.max(self.revision(read));
                self.states -= if state { bytes as u32 } else { 0 };
                dropped += 1;
            } else {
                self.data.copy_within(read..read + bytes, write);
                write += bytes;
            }
            read += bytes;
        }
        if dropped > 0 {
            self.data.copy_within(read.., write);
            self.data.truncate(self.data.len() - (read - write));
        }
        dropped
    }
}
