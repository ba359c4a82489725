//! Errors of boot media. The messages appear in `Conditions` of Redfish and in the log, so each names the defect and
//! the expected value.

use std::ops::Range;

use super::budget::Exhausted;

/// Why a boot medium could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    #[error(
        "the image is neither an ISO 9660 nor a FAT file system: expected \"CD001\" at byte 32769, or a FAT boot \
         sector at byte 0"
    )]
    UnknownFormat,
    /// The structure `what` ends at byte `end`, after the end of the image.
    #[error("the image is truncated: {what} ends at byte {end}, the image has {length} bytes")]
    Truncated { what: String, end: u64, length: u64 },
    /// The structure `what` violates its format.
    #[error("{what} is malformed: found {found}, expected {expected}")]
    Malformed { what: String, found: String, expected: &'static str },
    /// The file or directory `what` is larger than any that a boot loader needs. Sizes are in bytes.
    #[error("{what} is {size} bytes long, at most {limit} are read")]
    TooLarge { what: String, size: u64, limit: u64 },
    #[error("the image holds no {path}")]
    NoSuchFile { path: String },
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
}

/// Why the bytes of a remote object cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The object, or a range of it that a parser needs, ends after the limit of [`super::sparse::MAX_OBJECT_BYTES`].
    #[error("the image reaches byte {end}, at most {limit} bytes are supported")]
    TooLong { end: u64, limit: u64 },
    /// The server reported two different lengths, or sent bytes after the end that it had reported.
    #[error("the image changed while it was read: its length was {was} bytes, then {now}")]
    LengthChanged { was: u64, now: u64 },
    /// The parser needs more bytes in memory than [`super::sparse::MAX_HELD_BYTES`].
    #[error("reading the image needs more than {limit} bytes of it")]
    TooMuchHeld { limit: u64 },
    /// The parser has no result after [`super::sparse::MAX_ROUNDS`] fetches.
    #[error("the image was not understood after {rounds} fetches")]
    TooManyRounds { rounds: u32 },
}

/// Why a parser stops. Parsers pass it on with `?`; [`super::sparse::Sparse::drive`] handles it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The parser needs these bytes first.
    Missing(Range<u64>),
    /// The image is defective.
    Bad(MediaError),
}

impl From<MediaError> for Stop {
    fn from(error: MediaError) -> Self {
        Stop::Bad(error)
    }
}

impl From<Exhausted> for Stop {
    fn from(error: Exhausted) -> Self {
        Stop::Bad(MediaError::Exhausted(error))
    }
}

impl From<ObjectError> for Stop {
    fn from(error: ObjectError) -> Self {
        Stop::Bad(MediaError::Object(error))
    }
}

pub(super) fn malformed(
    what: impl Into<String>,
    found: impl std::fmt::Display,
    expected: &'static str,
) -> Stop {
    Stop::Bad(MediaError::Malformed { what: what.into(), found: found.to_string(), expected })
}
