//! A remote object of which only some bytes are here. A parser that meets a gap stops; the caller is told which range
//! to fetch, inserts it and runs the parser again, from the start. Parsers are cheap, downloads are not.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::{MediaError, ObjectError, Stop};

/// Ranges are asked for in whole chunks of this many bytes, so that neighbouring structures come together.
pub const CHUNK_BYTES: u64 = 32 * 1024;
/// At most this many bytes of one object are held.
pub const MAX_HELD_BYTES: u64 = 8 * 1024 * 1024;
/// Objects longer than this are refused. A double-layer Blu-ray holds 50 GB.
pub const MAX_OBJECT_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// A parser asks for at most this many ranges of one object. Real boot media need about five.
pub const MAX_ROUNDS: u32 = 64;

/// What a parser answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<T> {
    /// The answer.
    Done(T),
    /// Fetch these bytes of the object, [`Sparse::insert`] them (or as many as there are, with
    /// [`Sparse::set_length`] if the object ends before them) and ask again. Never empty. From a server that ignores
    /// ranges, read on to the end of this range and drop what lies before it; start over if it was passed.
    Need(Range<u64>),
}

/// The known bytes of a remote object.
#[derive(Debug, Default)]
pub struct Sparse {
    /// Pieces by their first byte. They never overlap.
    pieces: BTreeMap<u64, Vec<u8>>,
    held: u64,
    length: Option<u64>,
    rounds: u32,
}

impl Sparse {
    /// An object of which nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The length of the object in bytes, once it is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// How many bytes of the object are held.
    pub fn held_bytes(&self) -> u64 {
        self.held
    }

    /// States the length of the whole object: from `Content-Range` (RFC 9110 section 14.4), from `Content-Length` of
    /// a whole answer, or from where the stream ended.
    ///
    /// # Errors
    /// If it contradicts what is known, or is more than [`MAX_OBJECT_BYTES`]. Nothing changes then.
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

    /// Adds bytes of the object. They need not be those asked for, nor whole chunks; what is already held is kept.
    ///
    /// # Errors
    /// If they lie past the end of the object, or more than [`MAX_HELD_BYTES`] would be held. Nothing changes then.
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
                // A stream arrives in many small pieces; they grow one piece.
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

    /// Runs a parser over what is here.
    pub(super) fn drive<T>(
        &mut self,
        parse: impl FnOnce(&Sparse) -> Result<T, Stop>,
    ) -> Progress<Result<T, MediaError>> {
        let wanted = match parse(self) {
            Ok(answer) => return Progress::Done(Ok(answer)),
            Err(Stop::Bad(error)) => return Progress::Done(Err(error)),
            Err(Stop::Missing(range)) => range,
        };
        assert!(wanted.start < wanted.end, "a parser never misses nothing");
        if self.rounds == MAX_ROUNDS {
            return Progress::Done(Err(ObjectError::TooManyRounds { rounds: MAX_ROUNDS }.into()));
        }
        if self.held + (wanted.end - wanted.start) > MAX_HELD_BYTES {
            return Progress::Done(Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES }.into()));
        }
        self.rounds += 1;
        Progress::Need(wanted)
    }

    /// Whether the object can have bytes up to `end`, as far as its length is known.
    pub(super) fn reaches(&self, end: u64) -> bool {
        self.length.is_none_or(|length| end <= length)
    }

    /// Makes sure that the bytes before `end` are here, or as many of them as the object has: what nearly every
    /// parser needs, asked for in one range.
    pub(super) fn require_head(&self, end: u64) -> Result<(), Stop> {
        let end = self.length.map_or(end, |length| end.min(length));
        match self.gaps(0..end).first() {
            Some(gap) => Err(Stop::Missing(gap.start..end)),
            None => Ok(()),
        }
    }

    /// `count` bytes at `start`. `what` names them in errors.
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
        let mut bytes = Vec::with_capacity(count);
        let mut at = start;
        while at < end {
            let (first, piece) = self.pieces.range(..=at).next_back().expect("no gap was found");
            let from = (at - first) as usize;
            let to = piece.len().min((end - first) as usize);
            assert!(from < to, "no gap was found");
            bytes.extend_from_slice(&piece[from..to]);
            at = first + to as u64;
        }
        Ok(bytes)
    }

    /// Where a range that starts with the missing byte `at` should start: at its chunk, unless that is held in part.
    fn chunk_start(&self, at: u64) -> u64 {
        let chunk = at - at % CHUNK_BYTES;
        let held_to =
            self.pieces.range(..at).next_back().map_or(0, |(start, piece)| start + piece.len() as u64);
        chunk.max(held_to)
    }

    /// The parts of a range that are not held.
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
    fn a_gap_is_asked_for_in_whole_chunks_and_then_read() {
        let mut object = Sparse::new();
        assert_eq!(read(&mut object, 40_000, 10), Progress::Need(32_768..65_536));
        object.insert(32_768, &[7; 32_768]).unwrap();
        assert_eq!(read(&mut object, 40_000, 10), Progress::Done(Ok(vec![7; 10])));
        // Across the edge of what is held, only the rest is asked for.
        assert_eq!(read(&mut object, 65_530, 10), Progress::Need(65_536..98_304));
        object.insert(65_536, &[8; 32_768]).unwrap();
        assert_eq!(
            read(&mut object, 65_530, 10),
            Progress::Done(Ok([7, 7, 7, 7, 7, 7, 8, 8, 8, 8].to_vec()))
        );
        assert_eq!(object.held_bytes(), 65_536);
    }

    #[test]
    fn short_answers_and_overlapping_ones_are_pieced_together() {
        let mut object = Sparse::new();
        object.insert(2, &[2, 3]).unwrap();
        object.insert(6, &[6, 7]).unwrap();
        object.insert(0, &[0, 1, 99, 99, 4, 5, 99, 99, 8]).unwrap();
        assert_eq!(object.held_bytes(), 9);
        assert_eq!(read(&mut object, 0, 9), Progress::Done(Ok((0..9).collect())));
        assert_eq!(read(&mut object, 0, 10), Progress::Need(9..32_768));
    }

    #[test]
    fn a_known_length_bounds_what_is_asked_and_what_may_come() {
        let mut object = Sparse::new();
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
    fn a_length_learned_at_the_end_of_the_stream_ends_the_asking() {
        let mut object = Sparse::new();
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
    fn what_is_held_and_how_often_is_asked_are_bounded() {
        let mut object = Sparse::new();
        let full = vec![0; MAX_HELD_BYTES as usize];
        object.insert(0, &full).unwrap();
        assert_eq!(
            object.insert(MAX_HELD_BYTES, &[0]),
            Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES })
        );
        object.insert(5, &[1]).unwrap();
        let more = read(&mut object, MAX_HELD_BYTES, 1);
        assert_eq!(more, Progress::Done(Err(ObjectError::TooMuchHeld { limit: MAX_HELD_BYTES }.into())));

        let mut object = Sparse::new();
        for _ in 0..MAX_ROUNDS {
            assert!(matches!(read(&mut object, 0, 1), Progress::Need(_)));
        }
        let refused = ObjectError::TooManyRounds { rounds: MAX_ROUNDS };
        assert_eq!(read(&mut object, 0, 1), Progress::Done(Err(refused.into())));
    }

    #[test]
    fn absurd_positions_are_refused_not_wrapped() {
        let mut object = Sparse::new();
        assert!(matches!(
            read(&mut object, u64::MAX, 4),
            Progress::Done(Err(MediaError::Object(ObjectError::TooLong { .. })))
        ));
        assert!(object.insert(u64::MAX, &[1]).is_err());
        assert!(object.set_length(u64::MAX).is_err());
    }
}
