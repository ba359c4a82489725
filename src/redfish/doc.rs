//! Writes a document straight to bytes, so that a resource's function reads like the document that it writes.
//!
//! A model's overlay (RFC 7396 merge patch) is applied on the way: each property asks the overlay, and an object that ends
//! adds the overlay's remaining properties. So an overlay costs a few comparisons, and no document is parsed again.

use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::constants::{Part, Parts, Text};
use super::context::Model;
use super::value::{ETAG_DIGITS, Joined, Value, digits};
use crate::node::Node;
use crate::node::host::Host;
use crate::profile::overlay::{Fact, Overlay, Patch, Piece};

/// The hash of what has `hash`, followed by what has `next`.
fn mixed(hash: u64, next: u64) -> u64 {
    (hash.rotate_left(23) ^ next).wrapping_mul(GOLDEN)
}

/// The golden ratio, which spreads a number over all bits of a hash.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A JSON document being written.
pub(super) struct Doc<'o> {
    out: Vec<u8>,
    /// The open objects and arrays, innermost last.
    open: Vec<Level<'o>>,
    /// The node whose facts an overlay may name, and whether the service root belongs to that node.
    facts: Option<(&'o Node, bool)>,
    /// Ranges that the ETag does not read, in their order: those that change without a request, and constant parts, whose hash is
    /// known.
    unread: Vec<Range<usize>>,
    /// The hash of all constant parts so far.
    of_constants: u64,
    /// Changes the ETag and stands in no property.
    unseen: u64,
    /// Where the digits of the document's own ETag belong.
    own_etag: Option<usize>,
    /// The cached parts of this document, and the UUID that stands between their pieces.
    constants: Option<(Parts<'o>, &'o str)>,
    /// An overlay has written a fact of the node since the present constant part began.
    personal: bool,
}

struct Level<'o> {
    overlay: Option<&'o Overlay>,
    /// The keys of the overlay that were applied, one bit each.
    met: u64,
}

/// What happens to a property.
enum Fate<'o> {
    /// Its key is written. Its value must follow, patched by the overlay if there is one.
    Write(Option<&'o Overlay>),
    /// The overlay has written or removed it.
    Skip,
}

impl<'o> Doc<'o> {
    /// A document with the overlay of its top level, and the facts that the overlay may name.
    pub(super) fn new(overlay: Option<&'o Overlay>, facts: Option<(&'o Node, bool)>) -> Self {
        let (out, open) = (Vec::with_capacity(4096), Vec::with_capacity(8));
        let mut doc = Self {
            out,
            open,
            facts,
            unread: Vec::new(),
            of_constants: 0,
            unseen: 0,
            own_etag: None,
            constants: None,
            personal: false,
        };
        doc.begin(b'{', overlay);
        doc
    }

    /// Takes constant parts from a cache, in which `uuid` stands between the pieces.
    #[must_use]
    pub(super) fn with_constants(self, constants: Option<(Parts<'o>, &'o str)>) -> Self {
        Self { constants, ..self }
    }

    /// Properties that are the same for all nodes of the model, except for the UUID. They are rendered once and then
    /// copied. `write` is a plain function of the model, so it cannot depend on the node.
    pub(super) fn constant(&mut self, part: Part, model: &Model<'_>, write: fn(&Model<'_>, &mut Self)) {
        self.cached(part, |d| write(model, d));
    }

    /// A constant part of any owner's document. The caller must make sure that `write` sees nothing of the node.
    pub(super) fn cached(&mut self, part: Part, write: impl FnOnce(&mut Self)) {
        let Some((parts, uuid)) = self.constants else { return write(self) };
        if let Some(text) = parts.get(part) {
            self.comma();
            let start = self.out.len();
            for (n, piece) in text.pieces.iter().enumerate() {
                if n > 0 {
                    self.out.extend_from_slice(uuid.as_bytes());
                }
                self.out.extend_from_slice(piece.as_bytes());
            }
            self.level().met |= text.met;
            return self.know(start, text.hash);
        }
        let (start, personal) = (self.out.len(), std::mem::take(&mut self.personal));
        write(self);
        let written = str::from_utf8(&self.out[start..]).expect("JSON is text");
        let json = written.strip_prefix(',').unwrap_or(written);
        if !self.personal && !json.is_empty() {
            let first = self.out.len() - json.len();
            let text = Text::of(json.split(uuid).map(Box::from).collect(), self.level().met);
            self.know(first, text.hash);
            parts.set(part, text);
        }
        self.personal |= personal;
    }

    /// The rest of the document from `start` on is a constant part with this hash.
    fn know(&mut self, start: usize, hash: u64) {
        self.unread.push(start..self.out.len());
        self.of_constants = mixed(self.of_constants, hash);
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    #[inline]
    fn level(&mut self) -> &mut Level<'o> {
        self.open.last_mut().expect("the document is open")
    }

    /// The finished document, and the hash of everything except its moving ranges.
    pub(super) fn finish(mut self) -> (Vec<u8>, u64) {
        self.end_object();
        let (mut hash, mut from) = (self.of_constants, 0);
        for part in &self.unread {
            hash = mixed(hash, xxh3_64(&self.out[from..part.start]));
            from = part.end;
        }
        let hash = mixed(hash, xxh3_64(&self.out[from..])) ^ self.unseen;
        if let Some(at) = self.own_etag {
            self.out[at..at + ETAG_DIGITS].copy_from_slice(&digits(hash));
        }
        (self.out, hash)
    }

    pub(super) fn put(&mut self, key: &str, value: impl Value) {
        match self.enter(key) {
            Fate::Write(None) => value.write(&mut self.out),
            Fate::Write(Some(inside)) => self.only_overlay(inside),
            Fate::Skip => {}
        }
    }

    /// `"key": value`, or nothing.
    pub(super) fn put_some(&mut self, key: &str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    pub(super) fn null(&mut self, key: &str) {
        self.put(key, None::<bool>);
    }

    /// `"key": "part" "part" …`, the parts joined.
    pub(super) fn join(&mut self, key: &str, parts: &[&str]) {
        self.put(key, Joined(parts));
    }

    /// `"key": { … }`.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        match self.enter(key) {
            Fate::Write(overlay) => {
                self.begin(b'{', overlay);
                write(self);
                self.end_object();
            }
            Fate::Skip => {}
        }
    }

    /// `"key": [ … ]`. `write` adds the elements with [`Doc::item`] and [`Doc::item_object`].
    pub(super) fn array(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        match self.enter(key) {
            Fate::Write(None) => {
                self.begin(b'[', None);
                write(self);
                self.open.pop();
                self.out.push(b']');
            }
            Fate::Write(Some(inside)) => self.only_overlay(inside),
            Fate::Skip => {}
        }
    }

    pub(super) fn item(&mut self, value: impl Value) {
        self.comma();
        value.write(&mut self.out);
    }

    /// An object that is an element of an array.
    pub(super) fn item_object(&mut self, write: impl FnOnce(&mut Self)) {
        self.comma();
        self.begin(b'{', None);
        write(self);
        self.end_object();
    }

    /// `"key": {"@odata.id": "part" "part" …}`. The path of a resource needs no escaping.
    pub(super) fn link(&mut self, key: &str, parts: &[&str]) {
        match self.enter(key) {
            Fate::Write(None) => self.write_link(parts),
            Fate::Write(Some(inside)) => {
                self.begin(b'{', Some(inside));
                self.join("@odata.id", parts);
                self.end_object();
            }
            Fate::Skip => {}
        }
    }

    /// A whole document as an element of an array.
    pub(super) fn item_document(&mut self, document: &[u8]) {
        self.comma();
        self.out.extend_from_slice(document);
    }

    /// An element of an array: `{"@odata.id": "part" "part" …}`.
    pub(super) fn item_link(&mut self, parts: &[&str]) {
        self.comma();
        self.write_link(parts);
    }

    fn write_link(&mut self, parts: &[&str]) {
        self.out.extend_from_slice(b"{\"@odata.id\":\"");
        for part in parts {
            debug_assert!(part.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\'), "{part}");
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.extend_from_slice(b"\"}");
    }

    /// `"key": [{"@odata.id": …}]`.
    pub(super) fn one_link(&mut self, key: &str, parts: &[&str]) {
        self.array(key, |d| d.item_link(parts));
    }

    /// Properties that change without a request: clocks and readings. The ETag leaves them out, as otherwise every
    /// `If-Match` would fail.
    pub(super) fn moving(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        write(self);
        self.unread.push(start..self.out.len());
    }

    /// A number of changes that no property shows, such as those of a password. The ETag is another one after each.
    pub(super) fn unseen(&mut self, changes: u32) {
        self.unseen = u64::from(changes).wrapping_mul(GOLDEN);
    }

    /// The ETag of this document as a property of it, which at most one property can be. Call it within [`Doc::moving`].
    pub(super) fn own_etag(&mut self, key: &str) {
        match self.enter(key) {
            Fate::Write(None) => {
                self.out.extend_from_slice(br#""\""#);
                self.own_etag = Some(self.out.len());
                self.out.extend_from_slice(&digits(0));
                self.out.extend_from_slice(br#"\"""#);
            }
            Fate::Write(Some(inside)) => self.only_overlay(inside),
            Fate::Skip => {}
        }
    }

    fn begin(&mut self, bracket: u8, overlay: Option<&'o Overlay>) {
        self.out.push(bracket);
        self.open.push(Level { overlay, met: 0 });
    }

    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    // Inlined: a document has a hundred keys.
    #[inline]
    fn key(&mut self, key: &str) {
        // Keys are words of the standard, or names that a profile may have. They need no escaping.
        debug_assert!(key.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\'), "{key}");
        let first = matches!(self.out.last(), Some(b'{' | b'['));
        self.out.extend_from_slice(if first { b"\"" } else { b",\"" });
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn enter(&mut self, key: &str) -> Fate<'o> {
        let level = self.level();
        let patch = level.overlay.and_then(|overlay| {
            let n = overlay.keys.iter().position(|(k, _)| **k == *key)?;
            level.met |= 1 << n;
            Some(&overlay.keys[n].1)
        });
        match patch {
            Some(Patch::Remove) => Fate::Skip,
            Some(Patch::Set(pieces)) => {
                self.key(key);
                self.pieces(pieces);
                Fate::Skip
            }
            Some(Patch::Inside(inside)) => {
                self.key(key);
                Fate::Write(Some(inside))
            }
            None => {
                self.key(key);
                Fate::Write(None)
            }
        }
    }

    /// An object that only the overlay has.
    fn only_overlay(&mut self, overlay: &'o Overlay) {
        self.begin(b'{', Some(overlay));
        self.end_object();
    }

    fn end_object(&mut self) {
        let level = self.level();
        let (overlay, met) = (level.overlay, level.met);
        // A root that several nodes share is no BMC of the maker.
        let is_shared = self.facts.is_none();
        for (n, (key, patch)) in overlay.iter().flat_map(|o| o.keys.iter()).enumerate() {
            match patch {
                _ if met & 1 << n != 0 => {}
                _ if is_shared && &**key == "Oem" => {}
                Patch::Remove => {}
                Patch::Set(pieces) => {
                    self.key(key);
                    self.pieces(pieces);
                }
                Patch::Inside(inside) => {
                    self.key(key);
                    self.only_overlay(inside);
                }
            }
        }
        self.open.pop();
        self.out.push(b'}');
    }

    /// The `@odata.id` of the document, which is its first property.
    fn uri(&self) -> String {
        let uri = self.out.split(|byte| *byte == b'"').nth(3).unwrap_or_default();
        String::from_utf8_lossy(uri).into_owned()
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.out.extend_from_slice(text.as_bytes()),
                Piece::Fact(fact) => {
                    // A document without a node has no facts to write.
                    let Some((node, own)) = self.facts else { continue };
                    self.personal = true;
                    let text = match fact {
                        Fact::Uri => self.uri(),
                        fact => fact_of(node, own, *fact),
                    };
                    self.out.extend_from_slice(text.as_bytes());
                }
            }
        }
    }
}

/// A fact of a node as text. `own`: the service root belongs to the node.
fn fact_of(node: &Node, own: bool, fact: Fact) -> String {
    let spec = node.spec();
    match fact {
        Fact::Name => spec.name(),
        Fact::Serial => spec.serial(),
        Fact::System if own => spec.profile.ids.system.clone(),
        Fact::Manager if own => spec.profile.ids.manager.clone(),
        Fact::Chassis if own => spec.profile.ids.chassis.clone(),
        Fact::Uuid | Fact::System | Fact::Manager | Fact::Chassis => spec.uuid().to_string(),
        // The document has it.
        Fact::Uri => String::new(),
        Fact::HostName => spec.bmc_host_name(),
        Fact::ManagerVersion => {
            let word = node.manager_version().rsplit(' ').next().unwrap_or_default();
            word.trim_start_matches('v').to_owned()
        }
        Fact::PostState => {
            let words = spec.profile.oem.post_state.as_ref();
            let word = words.map(|words| match node.host() {
                Host::Off | Host::PoweringOn { .. } | Host::PoweringOff { .. } => &words.off,
                Host::Post { .. } => &words.post,
                Host::Booting(_) | Host::Running { .. } => &words.finished,
            });
            word.cloned().unwrap_or_default()
        }
    }
}
