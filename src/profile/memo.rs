//! What is remembered of a model's documents: text that is the same for all of its nodes, but for their UUIDs.

use std::sync::OnceLock;

/// Text that was written once, by kind of document, place in it, and whether the service root is the node's own.
#[derive(Debug, Default)]
pub struct Memo(OnceLock<Box<[OnceLock<Text>]>>);

/// Properties that follow from the model and the node's UUID alone, as JSON.
#[derive(Debug)]
pub struct Text {
    /// The properties, between commas. The UUID stands between each two of these pieces.
    pub pieces: Box<[Box<str>]>,
    /// Keys of the overlay that were met while they were written, one bit each.
    pub met: u64,
}

impl Memo {
    /// Kinds of documents, at most.
    pub const KINDS: usize = 128;
    /// Places in a document, at most.
    pub const PLACES: usize = 4;
    /// The last place: what documents end with.
    pub const END: usize = Self::PLACES - 1;

    /// What was written at a place.
    pub fn get(&self, kind: usize, place: usize, own: bool) -> Option<&Text> {
        self.0.get()?.get(Self::at(kind, place, own))?.get()
    }

    /// Remembers what was written at a place; it is kept that was there first.
    pub fn set(&self, kind: usize, place: usize, own: bool, text: Text) {
        let places =
            self.0.get_or_init(|| (0..2 * Self::KINDS * Self::PLACES).map(|_| OnceLock::new()).collect());
        // Whoever was first wrote the same.
        let _ = places[Self::at(kind, place, own)].set(text);
    }

    fn at(kind: usize, place: usize, own: bool) -> usize {
        assert!(kind < Self::KINDS && place < Self::PLACES, "the table of resources has outgrown its memo");
        (kind * Self::PLACES + place) * 2 + usize::from(own)
    }
}

impl Clone for Memo {
    /// A copy is made to be changed, and remembers nothing.
    fn clone(&self) -> Self {
        Self::default()
    }
}
