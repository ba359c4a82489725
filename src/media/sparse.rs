//! A remote object of which only some bytes are in memory.
//!
//! A parser stops when it needs a byte that is missing. The caller then fetches the missing range, inserts it and runs
//! the parser again from the start, because running a parser is cheap compared with a download.

use std::collections::BTreeMap;
use std::ops::Range;

use super::budget::Budget;
use super::error::{MediaError, ObjectError, Stop};

/// Ranges are fetched in whole chunks of this size, so that neighbouring structures are fetched together.
pub const CHUNK_BYTES: u64 = 32 * 1024;
/// The maximum number of bytes of one object in memory.
pub const MAX_HELD_BYTES: u64 = 8 * 1024 * 1024;
/// The maximum length of an object. A double-layer Blu-ray has 50 GB.
pub const MAX_OBJECT_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// The maximum number of fetches for one object. Real boot media need about five.
pub const MAX_ROUNDS: u32 = 64;
/// Steps of a read, beside one for each of its bytes: the search for its pieces, and an allocation.
const READ_STEPS: usize = 64;

/// The result of a run of a parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    Done(T),
    /// The parser needs these bytes of the object. The range is never empty.
    ///
    /// The caller fetches them, passes them to [`Sparse::insert`] and runs the parser again. If the object ends
    /// earlier, the caller inserts the existing bytes and calls [`Sparse::set_length`]. A server that ignores ranges
    /// sends the object from its start: the caller then skips the bytes before the range, and stops after the range. If
    /// an open response has already passed the range, the caller sends a new request.
    Need(Range<u64>),
}

/// The known bytes of a remote object.
#[derive(Debug, Default)]
pub struct Sparse {
    /// Pieces by their first byte, without overlaps.
    pieces: BTreeMap<u64, Vec<u8>>,
    held: u64,
    length: Option<u64>,
    rounds: u32,
    budget: Budget,
}

impl Sparse {
    /// An object of which nothing is known yet. Parsers charge their work to `budget`.
    pub fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), ..Self::default() }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The length of the object in bytes, if it is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The number of bytes in memory.
    pub fn held_bytes(&self) -> u64 {
        self.held
    }

    /// Sets the length of the whole object. It comes from `Content-Range` (RFC 9110 section 14.4), from the
    /// `Content-Length` of a complete response, or from the end of the stream.
    ///
    /// # Errors
    /// If it contradicts the known bytes or exceeds [`MAX_OBJECT_BYTES`]. Then nothing changes.
    pub fn set_length(&mut self, length: u64) -> Result<(), ObjectError> {
        if length > MAX_OBJECT_BYTES {
            return Err(ObjectError::TooLong { end: length, limit: MAX_OBJECT_BYTES });
        }
        if let Some(was) = self.length
            && was != length
        {
            return Err(ObjectError::LengthChanged { was, now: length });
        }
        let held_to = self.pieces.last_key_value().map_or(0, |(start, piece)| start + piece.len() as u64);
        if held_to > length {
            return Err(ObjectError::LengthChanged { was: held_to, now: length });
        }
        self.length = Some(length);
        Ok(())
    }

    /// Adds bytes of the object. They can be any bytes, not only a requested range or whole chunks. Bytes that are
    /// already in memory do not change.
    ///
    /// # Errors
    /// If they lie after the end of the object, or more than [`MAX_HELD_BYTES`] would be in memory. Then nothing
    /// changes.
    pub fn insert(&mut self, offset: u64, bytes: &[u8]) -> Result<(), ObjectError> {
        let end = offset.saturating_add(bytes.len() as u64);
        if end > MAX_OBJECT_BYTES {
            return Err(ObjectError::TooLong { end, limit: MAX_OBJECT_BYTES });
        }
        if let Some(length) = self.length
            && end > length
        {
            return Err(ObjectError::LengthChanged { was: length, now: end });
        }
        let gaps = self.gaps(offset..end);
        let new: u64 = gaps.iter().map(|gap| gap.end - gap.start).sum();
        if self.held + new > MAX_HELD_BYTES {
            return Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES });
        }
        for gap in gaps {
            let piece = &bytes[(gap.start - offset) as usize..(gap.end - offset) as usize];
            match self.pieces.range_mut(..gap.start).next_back() {
                // A download arrives in many small parts, which extend one piece.
                Some((start, before)) if start + before.len() as u64 == gap.start => {
                    before.extend_from_slice(piece);
                }
                Some(_) | None => {
                    self.pieces.insert(gap.start, piece.to_vec());
                }
            }
        }
        self.held += new;
        Ok(())
    }

    /// Runs a parser on the known bytes.
    pub(super) fn drive<T>(
        &mut self,
        parse: impl FnOnce(&Sparse) -> Result<T, Stop>,
    ) -> Progress<Result<T, MediaError>> {
        let wanted = match parse(self) {
            Ok(answer) => return Progress::Done(Ok(answer)),
            Err(Stop::Bad(error)) => return Progress::Done(Err(error)),
            Err(Stop::Missing(range)) => range,
        };
        assert!(wanted.start < wanted.end, "a parser never needs an empty range");
        if self.rounds == MAX_ROUNDS {
            return Progress::Done(Err(ObjectError::TooManyRounds { rounds: MAX_ROUNDS }.into()));
        }
        if self.held + (wanted.end - wanted.start) > MAX_HELD_BYTES {
            return Progress::Done(Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES }.into()));
        }
        self.rounds += 1;
        Progress::Need(wanted)
    }

    /// Whether the object can have bytes up to `end`. True while its length is unknown.
    pub(super) fn reaches(&self, end: u64) -> bool {
        self.length.is_none_or(|length| end <= length)
    }

    /// Stops the parser unless all bytes before `end`, or up to the end of the object, are in memory. Nearly every
    /// parser needs these bytes, so they are fetched as one range.
    pub(super) fn require_head(&self, end: u64) -> Result<(), Stop> {
        let end = self.length.map_or(end, |length| end.min(length));
        match self.gaps(0..end).first() {
            Some(gap) => Err(Stop::Missing(gap.start..end)),
            None => Ok(()),
        }
    }

    /// Reads `count` bytes at `start`. `what` is their name in errors.
    pub(super) fn bytes(&self, start: u64, count: usize, what: &str) -> Result<Vec<u8>, Stop> {
        let end = start.saturating_add(count as u64);
        if end > MAX_OBJECT_BYTES {
            return Err(ObjectError::TooLong { end, limit: MAX_OBJECT_BYTES }.into());
        }
        if let Some(length) = self.length
            && end > length
        {
            return Err(MediaError::Truncated { what: what.to_owned(), end, length }.into());
        }
        if let Some(gap) = self.gaps(start..end).first() {
            let to = end.next_multiple_of(CHUNK_BYTES).min(self.length.unwrap_or(MAX_OBJECT_BYTES));
            return Err(Stop::Missing(self.chunk_start(gap.start)..to));
        }
        self.budget.spend(count + READ_STEPS)?;
        let mut bytes = Vec::with_capacity(count);
        let mut at = start;
        while at < end {
            let (first, piece) = self.pieces.range(..=at).next_back().expect("the range has no gap");
            let from = (at - first) as usize;
            let to = piece.len().min((end - first) as usize);
            assert!(from < to, "the range has no gap");
            bytes.extend_from_slice(&piece[from..to]);
            at = first + to as u64;
        }
        Ok(bytes)
    }

    /// The start of the range to fetch for the missing byte `at`: the start of its chunk, or the end of the known bytes
    /// in it.
    fn chunk_start(&self, at: u64) -> u64 {
        let chunk = at - at % CHUNK_BYTES;
        let held_to =
            self.pieces.range(..at).next_back().map_or(0, |(start, piece)| start + piece.len() as u64);
        chunk.max(held_to)
    }

    /// The parts of a range that are not in memory.
    fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        if let Some((start, piece)) = self.pieces.range(..=at).next_back() {
            at = at.max(start + piece.len() as u64);
        }
        if at >= range.end {
            return gaps;
        }
        for (start, piece) in self.pieces.range(at..range.end) {
            if *start > at {
                gaps.push(at..*start);
            }
            at = start + piece.len() as u64;
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(object: &mut Sparse, start: u64, count: usize) -> Progress<Result<Vec<u8>, MediaError>> {
        object.drive(|object| object.bytes(start, count, "the test"))
    }

    #[test]
    fn a_missing_range_is_fetched_in_whole_chunks_and_then_read() {
        let mut object = Sparse::new(&Budget::default());
        assert_eq!(read(&mut object, 40_000, 10), Progress::Need(32_768..65_536));
        object.insert(32_768, &[7; 32_768]).unwrap();
        assert_eq!(read(&mut object, 40_000, 10), Progress::Done(Ok(vec![7; 10])));
        // Of a range that is partly in memory, only the missing part is fetched.
        assert_eq!(read(&mut object, 65_530, 10), Progress::Need(65_536..98_304));
        object.insert(65_536, &[8; 32_768]).unwrap();
        assert_eq!(
            read(&mut object, 65_530, 10),
            Progress::Done(Ok([7, 7, 7, 7, 7, 7, 8, 8, 8, 8].to_vec()))
        );
        assert_eq!(object.held_bytes(), 65_536);
    }

    #[test]
    fn short_and_overlapping_pieces_are_joined() {
        let mut object = Sparse::new(&Budget::default());
        object.insert(2, &[2, 3]).unwrap();
        object.insert(6, &[6, 7]).unwrap();
        object.insert(0, &[0, 1, 99, 99, 4, 5, 99, 99, 8]).unwrap();
        assert_eq!(object.held_bytes(), 9);
        assert_eq!(read(&mut object, 0, 9), Progress::Done(Ok((0..9).collect())));
        assert_eq!(read(&mut object, 0, 10), Progress::Need(9..32_768));
    }

    #[test]
    fn a_known_length_limits_reads_and_inserts() {
        let mut object = Sparse::new(&Budget::default());
        object.set_length(40_000).unwrap();
        assert_eq!(read(&mut object, 39_000, 1_000), Progress::Need(32_768..40_000));
        assert_eq!(
            read(&mut object, 39_000, 1_001),
            Progress::Done(Err(MediaError::Truncated {
                what: "the test".into(),
                end: 40_001,
                length: 40_000
            }))
        );
        assert_eq!(
            object.insert(39_999, &[1, 2]),
            Err(ObjectError::LengthChanged { was: 40_000, now: 40_001 })
        );
        assert_eq!(object.set_length(41_000), Err(ObjectError::LengthChanged { was: 40_000, now: 41_000 }));
        assert_eq!(object.held_bytes(), 0);
    }

    #[test]
    fn a_length_from_the_end_of_the_stream_is_used() {
        let mut object = Sparse::new(&Budget::default());
        assert!(matches!(read(&mut object, 90_000, 10), Progress::Need(_)));
        object.insert(0, &[0; 500]).unwrap();
        assert_eq!(object.set_length(499), Err(ObjectError::LengthChanged { was: 500, now: 499 }));
        object.set_length(500).unwrap();
        assert!(matches!(
            read(&mut object, 90_000, 10),
            Progress::Done(Err(MediaError::Truncated { length: 500, .. }))
        ));
    }

    #[test]
    fn memory_and_the_number_of_fetches_are_limited() {
        let mut object = Sparse::new(&Budget::default());
        let full = vec![0; MAX_HELD_BYTES as usize];
        object.insert(0, &full).unwrap();
        assert_eq!(
            object.insert(MAX_HELD_BYTES, &[0]),
            Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES })
        );
        object.insert(5, &[1]).unwrap();
        let more = read(&mut object, MAX_HELD_BYTES, 1);
        assert_eq!(more, Progress::Done(Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES }.into())));

        let mut object = Sparse::new(&Budget::default());
        for _ in 0..MAX_ROUNDS {
            assert!(matches!(read(&mut object, 0, 1), Progress::Need(_)));
        }
        let refused = ObjectError::TooManyRounds { rounds: MAX_ROUNDS };
        assert_eq!(read(&mut object, 0, 1), Progress::Done(Err(refused.into())));
    }

    #[test]
    fn positions_that_overflow_are_refused() {
        let mut object = Sparse::new(&Budget::default());
        assert!(matches!(
            read(&mut object, u64::MAX, 4),
            Progress::Done(Err(MediaError::Object(ObjectError::TooLong { .. })))
        ));
        assert!(object.insert(u64::MAX, &[1]).is_err());
        assert!(object.set_length(u64::MAX).is_err());
    }
}
