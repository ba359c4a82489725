//! What can be wrong with boot media. The messages are what a node's log shows, so each names the thing that is
//! wrong and what was expected in its place.

use std::ops::Range;

/// Why a boot medium could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// Neither file system was recognised.
    #[error(
        "the image is neither an ISO 9660 nor a FAT file system: expected \"CD001\" at byte 32769, or a FAT boot \
         sector at byte 0"
    )]
    UnknownFormat,
    /// A structure points past the end of the image.
    #[error("the image is truncated: {what} ends at byte {end}, the image has {length} bytes")]
    Truncated {
        /// The structure that is cut off.
        what: String,
        /// Where it ends, in bytes from the start of the image.
        end: u64,
        /// Length of the image in bytes.
        length: u64,
    },
    /// A structure contradicts its own format.
    #[error("{what} is malformed: found {found}, expected {expected}")]
    Malformed {
        /// The structure.
        what: String,
        /// What it says.
        found: String,
        /// What its format allows.
        expected: &'static str,
    },
    /// A file or directory is larger than a boot loader has any use for.
    #[error("{what} is {size} bytes long, at most {limit} are read")]
    TooLarge {
        /// The file or directory.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The image does not hold a file that this use of it needs.
    #[error("the image holds no {path}")]
    NoSuchFile {
        /// Path from the root of the image.
        path: String,
    },
    /// The image as fetched cannot be held or contradicts itself.
    #[error(transparent)]
    Object(#[from] ObjectError),
}

/// Why bytes of a remote object could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The object is longer than any boot medium.
    #[error("the image reaches byte {end}, at most {limit} bytes are supported")]
    TooLong {
        /// Where the object, or the range asked of it, ends.
        end: u64,
        /// [`super::sparse::MAX_OBJECT_BYTES`].
        limit: u64,
    },
    /// The server named two lengths, or sent bytes past the one it had named.
    #[error("the image changed while it was read: its length was {was} bytes, then {now}")]
    LengthChanged {
        /// The length learned first.
        was: u64,
        /// The length, or the end of the bytes, that came later.
        now: u64,
    },
    /// More of the object was asked for than is held at once.
    #[error("reading the image needs more than {limit} bytes of it")]
    TooMuchHeld {
        /// [`super::sparse::MAX_HELD_BYTES`].
        limit: u64,
    },
    /// The parser and the server did not come together.
    #[error("the image was not understood after {rounds} fetches")]
    TooManyRounds {
        /// [`super::sparse::MAX_ROUNDS`].
        rounds: u32,
    },
}

/// Why a parser stopped: it lacks bytes, or it has found the image to be wrong. Only [`super::Sparse::drive`] sees
/// the difference; between them parsers use `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// These bytes are needed first.
    Missing(Range<u64>),
    /// The image is wrong.
    Bad(MediaError),
}

impl From<MediaError> for Stop {
    fn from(error: MediaError) -> Self {
        Stop::Bad(error)
    }
}

impl From<ObjectError> for Stop {
    fn from(error: ObjectError) -> Self {
        Stop::Bad(MediaError::Object(error))
    }
}

/// A [`MediaError::Malformed`], as a parser returns it.
pub(super) fn malformed(
    what: impl Into<String>,
    found: impl std::fmt::Display,
    expected: &'static str,
) -> Stop {
    Stop::Bad(MediaError::Malformed { what: what.into(), found: found.to_string(), expected })
}
