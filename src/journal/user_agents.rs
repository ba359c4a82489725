//! The user agents of all clients, each stored once. An entry has a number of one byte in the place of the text.

use std::sync::OnceLock;

use super::entry::Request;
use crate::note::Note;

/// The number of a request without the header.
pub(super) const NONE: u8 = 0;
/// The number of every user agent that has found no free place.
const OTHER: u8 = 1;
/// The first number of a place.
const FIRST: u8 = 2;
const PLACES: usize = 254;
/// Places that one text can have. Few are enough: most fleets have a handful of clients.
const TRIES: usize = 8;

/// The table. It only grows, so that reading it needs no lock.
pub(super) struct UserAgents(Box<[OnceLock<Known>]>);

struct Known {
    /// The header, cut to [`Request::MAX_USER_AGENT`] bytes.
    raw: Box<[u8]>,
    shown: Box<str>,
}

/// The first place that a text can have, from its length and both of its ends. Texts that share their places cost nothing but
/// places.
#[inline]
fn first_place(raw: &[u8]) -> usize {
    let begin = raw.first_chunk().map_or(0, |begin| u64::from_le_bytes(*begin));
    let end = raw.last_chunk().map_or(0, |end| u64::from_le_bytes(*end));
    let mixed = (begin ^ end.rotate_left(29) ^ raw.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The upper bits of a product depend on all bits.
    ((mixed >> 32) as usize * PLACES) >> 32
}

impl UserAgents {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| OnceLock::new()).collect())
    }

    /// The number of a user agent.
    #[inline]
    pub(super) fn number(&self, raw: &[u8]) -> u8 {
        let raw = &raw[..raw.len().min(Request::MAX_USER_AGENT)];
        let first = first_place(raw);
        for place in (first..first + TRIES).map(|place| place % PLACES) {
            let known = self.0[place].get_or_init(|| {
                let shown = Note::from(&*String::from_utf8_lossy(raw)).to_string();
                Known { raw: raw.into(), shown: shown.into() }
            });
            if *known.raw == *raw {
                return FIRST + place as u8;
            }
        }
        OTHER
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u8) -> Option<Box<str>> {
        match number {
            NONE => None,
            OTHER => Some("(other)".into()),
            place => self.0.get(usize::from(place - FIRST))?.get().map(|known| known.shown.clone()),
        }
    }

    /// Bytes of the texts.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().filter_map(OnceLock::get).map(|known| known.raw.len() + known.shown.len()).sum()
    }
}
