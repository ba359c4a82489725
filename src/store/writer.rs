//! Writes the lines of a snapshot, compressed, with their hash at the end.

use std::io::{ErrorKind, Result, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// The maximum length of a line with its end, in bytes, for the reader and for the writer. A node's texts take twice the
/// largest `agent-results-bytes` at most, since JSON in JSON has its quotes escaped; beside them a state is small.
pub(super) const MAX_LINE_BYTES: usize = 256 << 20;
/// The last line of a snapshot: the number of its nodes, and a hash of all lines before it.
#[derive(Serialize, Deserialize)]
pub(super) struct Last {
    pub(super) end: u64,
    pub(super) xxh3: String,
}

/// A snapshot that is being written.
pub(super) struct Writer<W: Write> {
    out: GzEncoder<W>,
    hash: Xxh3,
    line: Vec<u8>,
    max_line_bytes: usize,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Self {
        let out = GzEncoder::new(out, Compression::fast());
        Self { out, hash: Xxh3::new(), line: Vec::new(), max_line_bytes: MAX_LINE_BYTES }
    }

    /// The length of the last line, bytes.
    pub(super) fn length(&self) -> usize {
        self.line.len()
    }

    /// # Errors
    /// If the file cannot be written, or the line is longer than a reader accepts (`FileTooLarge`).
    pub(super) fn line(&mut self, value: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        if self.line.len() > self.max_line_bytes {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.hash.update(&self.line);
        self.out.write_all(&self.line)
    }

    /// Writes a line that this type has made before, with its end.
    #[cfg(feature = "cli")]
    pub(super) fn made_line(&mut self, line: &[u8]) -> Result<()> {
        self.hash.update(line);
        self.out.write_all(line)
    }

    /// Writes the last line, after `stored` nodes.
    pub(super) fn finish(mut self, stored: u64) -> Result<W> {
        let xxh3 = format!("{:016x}", self.hash.digest());
        self.line(&Last { end: stored, xxh3 })?;
        self.out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_no_reader_accepts_is_not_written() {
        let mut out = Writer { max_line_bytes: 10, ..Writer::new(Vec::new()) };
        out.line(&"1234567").unwrap();
        let error = out.line(&"12345678").unwrap_err();
        assert_eq!((error.kind(), out.length()), (ErrorKind::FileTooLarge, 11));
    }
}
