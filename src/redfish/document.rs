//! A finished document and its ETag.

use super::doc::Doc;
use super::error;
use super::message::Message;
use super::value::digits;

/// The text of a document, with its ETag.
pub(super) struct Document {
    bytes: Vec<u8>,
    /// The strong ETag, quoted: the hash of everything in the document that does not change without a request.
    etag: [u8; 18],
    /// The namespace of its schema, if it is not that of the table of resources.
    schema: Option<Box<str>>,
}

impl Document {
    /// A document whose hash leaves out the parts that move, as `Doc::finish` returns it.
    pub(super) fn new((bytes, hash): (Vec<u8>, u64)) -> Self {
        Self { bytes, etag: quoted(hash), schema: None }
    }

    /// Sets the type, `ComputerSystem.v1_18_0.ComputerSystem`, whose schema describes it.
    #[must_use]
    pub(super) fn with_schema(self, kind: &str) -> Self {
        Self { schema: kind.rsplit_once('.').map(|(schema, _)| schema.into()), ..self }
    }

    /// The namespace of its schema, if it is not that of the table of resources.
    pub(super) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Writes the ETag into the document, so that a client also finds it where the document is part of another one. The
    /// hash is that of the document without it.
    #[must_use]
    pub(super) fn with_etag(mut self, wanted: bool) -> Self {
        if wanted {
            let end = self.bytes.pop();
            debug_assert_eq!(end, Some(b'}'), "a document is an object");
            for text in [&b",\"@odata.etag\":\"\\\""[..], &self.etag[1..17], b"\\\"\"}"] {
                self.bytes.extend_from_slice(text);
            }
        }
        self
    }

    /// Adds `@Message.ExtendedInfo` with one message. The ETag stays that of the resource.
    #[must_use]
    pub(super) fn with_message(mut self, message: &Message) -> Self {
        let mut doc = Doc::new(None, None);
        doc.array("@Message.ExtendedInfo", |d| d.item_object(|d| error::write(message, d)));
        let (info, _) = doc.finish();
        let end = self.bytes.pop();
        debug_assert_eq!(end, Some(b'}'), "a document is an object");
        self.bytes.push(b',');
        self.bytes.extend_from_slice(&info[1..]);
        self
    }

    /// A document in which nothing moves.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        Self::new((bytes, hash))
    }

    /// The strong ETag, quoted.
    pub(super) fn etag(&self) -> [u8; 18] {
        self.etag
    }

    /// `@odata.id`, which every document begins with.
    pub(super) fn uri(&self) -> &str {
        self.word(3)
    }

    /// `@odata.type`, which comes next.
    pub(super) fn kind(&self) -> &str {
        self.word(7)
    }

    /// What stands between two quotes in the text of the document.
    fn word(&self, number: usize) -> &str {
        let word = self.bytes.split(|byte| *byte == b'"').nth(number);
        word.and_then(|word| str::from_utf8(word).ok()).unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Another representation of the same resource. It keeps the ETag.
    pub(super) fn with_bytes(self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self }
    }

    /// The document as a tree of values, for queries.
    pub(super) fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).expect("the service writes JSON")
    }

    /// The URIs of the members, if it is a collection.
    pub(super) fn members(&self) -> Vec<String> {
        let parsed = self.value();
        let members = parsed["Members"].as_array().into_iter().flatten();
        members.filter_map(|member| Some(member["@odata.id"].as_str()?.to_owned())).collect()
    }

    /// Whether the document has that property at its top level.
    pub(super) fn has(&self, key: &str) -> bool {
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&self.bytes);
        parsed.is_ok_and(|document| document.get(key).is_some())
    }
}

/// The digits of an ETag in quotes.
fn quoted(hash: u64) -> [u8; 18] {
    let mut tag = [b'"'; 18];
    tag[1..17].copy_from_slice(&digits(hash));
    tag
}
