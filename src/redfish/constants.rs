//! A cache for the parts of a document that are the same for all nodes of a model, except for the node's UUID.
//!
//! Such a part is rendered once for a model and copied for every other node. The closure that renders it gets a
//! [`Model`](super::context::Model) and can see nothing of a node, so the type holds the contract.

use std::sync::{Arc, OnceLock};

use crate::profile::Profile;

/// Models that the cache has room for. Documents of further models are rendered whole each time.
const MAX_MODELS: usize = 64;

/// The cached parts of all models.
pub(super) struct Constants {
    /// Filled from the front. A model stays here for the life of the process, so its address is never another model's.
    models: [OnceLock<OfModel>; MAX_MODELS],
    rows: usize,
}

struct OfModel {
    profile: Arc<Profile>,
    parts: Box<[OnceLock<Text>]>,
}

/// The cached parts of one document of one model.
#[derive(Clone, Copy)]
pub(super) struct Parts<'c>(&'c [OnceLock<Text>]);

/// The places in a document that can hold a constant part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Properties that describe the model.
    Description,
    /// Values that a client may choose from.
    AllowableValues,
    /// Links to the resources below, and actions: the end of every document.
    End,
}

impl Part {
    const COUNT: usize = Self::End as usize + 1;
}

/// The text of a constant part: properties as JSON, without a comma at either end.
pub(super) struct Text {
    /// The node's UUID stands between each two of these pieces.
    pub pieces: Box<[Box<str>]>,
    /// The keys of the overlay that were applied in this part, one bit each.
    pub met: u64,
    /// The hash of the pieces, which the ETag of each document takes in their place.
    pub hash: u64,
}

impl Text {
    pub(super) fn of(pieces: Box<[Box<str>]>, met: u64) -> Self {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for piece in &pieces {
            hash.update(piece.as_bytes());
            // No text has this byte.
            hash.update(&[0xff]);
        }
        Self { hash: hash.digest(), pieces, met }
    }
}

impl Constants {
    /// An empty cache for a table with so many rows.
    pub(super) fn new(rows: usize) -> Self {
        Self { models: [const { OnceLock::new() }; MAX_MODELS], rows }
    }

    /// The cached parts of one row's document. `own_root`: below a service root that belongs to one node, where ids and
    /// links differ. `None` when the cache is full.
    pub(super) fn of(&self, profile: &Arc<Profile>, row: usize, own_root: bool) -> Option<Parts<'_>> {
        let new = || OfModel {
            profile: Arc::clone(profile),
            parts: (0..self.rows * 2 * Part::COUNT).map(|_| OnceLock::new()).collect(),
        };
        let is_wanted = |model: &&OfModel| Arc::ptr_eq(&model.profile, profile);
        let model = self.models.iter().map(|place| place.get_or_init(new)).find(is_wanted)?;
        let first = (row * 2 + usize::from(own_root)) * Part::COUNT;
        Some(Parts(&model.parts[first..first + Part::COUNT]))
    }
}

impl<'c> Parts<'c> {
    pub(super) fn get(self, part: Part) -> Option<&'c Text> {
        self.0[part as usize].get()
    }

    pub(super) fn set(self, part: Part, text: Text) {
        // Two requests may render the part at the same time. Both texts are equal, so either may stay.
        let _ = self.0[part as usize].set(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    #[test]
    fn each_model_document_and_root_has_parts_of_its_own() {
        let constants = Constants::new(3);
        let (one, other) = (built_in("generic").unwrap(), Arc::new((*built_in("generic").unwrap()).clone()));
        let text = || Text::of(Box::default(), 0);
        constants.of(&one, 2, true).unwrap().set(Part::End, text());
        assert!(constants.of(&one, 2, true).unwrap().get(Part::End).is_some());
        let elsewhere = [(&one, 2, false), (&one, 1, true), (&other, 2, true)];
        for (profile, row, own_root) in elsewhere {
            assert!(constants.of(profile, row, own_root).unwrap().get(Part::End).is_none());
        }
        assert!(constants.of(&one, 2, true).unwrap().get(Part::Description).is_none());
    }

    #[test]
    fn a_full_cache_refuses_further_models() {
        let constants = Constants::new(1);
        for _ in 0..MAX_MODELS {
            assert!(constants.of(&Arc::new((*built_in("generic").unwrap()).clone()), 0, false).is_some());
        }
        assert!(constants.of(&built_in("generic").unwrap(), 0, false).is_none());
    }
}
