//! A finished document and its ETag.

/// The text of a document, with the hash of everything in it that does not change without a request.
pub(super) struct Document {
    bytes: Vec<u8>,
    hash: u64,
}

impl Document {
    /// A document whose hash leaves out the parts that move, as `Doc::finish` returns it.
    pub(super) fn new((bytes, hash): (Vec<u8>, u64)) -> Self {
        Self { bytes, hash }
    }

    /// Writes the ETag into the document, so that a client also finds it where the document is part of another one. The
    /// hash is that of the document without it.
    #[must_use]
    pub(super) fn with_etag(mut self, wanted: bool) -> Self {
        if wanted {
            let digits = self.digits();
            let end = self.bytes.pop();
            debug_assert_eq!(end, Some(b'}'), "a document is an object");
            for text in [&b",\"@odata.etag\":\"\\\""[..], &digits, b"\\\"\"}"] {
                self.bytes.extend_from_slice(text);
            }
        }
        self
    }

    /// A document in which nothing moves.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        Self { bytes, hash }
    }

    /// The strong ETag, quoted.
    pub(super) fn etag(&self) -> [u8; 18] {
        let mut tag = [b'"'; 18];
        tag[1..17].copy_from_slice(&self.digits());
        tag
    }

    /// The hash in hexadecimal digits.
    fn digits(&self) -> [u8; 16] {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().zip((0..16).rev()) {
            *place = b"0123456789ABCDEF"[(self.hash >> (digit * 4) & 0xf) as usize];
        }
        digits
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

    /// Whether the document has that property at its top level.
    pub(super) fn has(&self, key: &str) -> bool {
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&self.bytes);
        parsed.is_ok_and(|document| document.get(key).is_some())
    }
}
