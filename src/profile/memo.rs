//! What is remembered of a model's documents: text that is the same for all of its nodes, but for the URI.

use std::sync::OnceLock;

/// Text that was written once, by kind of document and place in it.
#[derive(Debug, Default)]
pub struct Memo(OnceLock<Box<[OnceLock<Text>]>>);

/// Properties that follow from the model and the resource's own URI alone, as JSON.
#[derive(Debug)]
pub struct Text {
    /// The properties, between commas. The URI stands between each two of these pieces.
    pub pieces: Box<[Box<str>]>,
    /// Keys of the overlay that were met while they were written, one bit each.
    pub met: u64,
}

impl Memo {
    /// Kinds of documents, at most.
    pub const KINDS: usize = 128;
    /// Places in a document, at most.
    pub const PLACES: usize = 4;
    /// The last place: what every document ends with.
    pub const END: usize = Self::PLACES - 1;

    /// What was written at a place.
    pub fn get(&self, kind: usize, place: usize) -> Option<&Text> {
        self.0.get()?.get(Self::at(kind, place))?.get()
    }

    /// Remembers what was written at a place; it is kept that was there first.
    pub fn set(&self, kind: usize, place: usize, text: Text) {
        let places =
            self.0.get_or_init(|| (0..Self::KINDS * Self::PLACES).map(|_| OnceLock::new()).collect());
        // Whoever was first wrote the same.
        let _ = places[Self::at(kind, place)].set(text);
    }

    fn at(kind: usize, place: usize) -> usize {
        assert!(kind < Self::KINDS && place < Self::PLACES, "the table of resources has outgrown its memo");
        kind * Self::PLACES + place
    }
}

impl Clone for Memo {
    /// A copy is made to be changed, and remembers nothing.
    fn clone(&self) -> Self {
        Self::default()
    }
}
