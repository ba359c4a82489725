//! A call that a node makes to the outside, and whether it is due.

use serde::{Deserialize, Serialize};

use crate::time::SimTime;

/// The progress of one call to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Scheduled for this moment.
    At(SimTime),
    /// To be made now.
    Due,
    /// Being made. Stored on disk as [`Call::Due`]: the answer is lost when the process ends, so a restart repeats the
    /// call.
    #[serde(rename(serialize = "Due"))]
    Underway,
}

impl Call {
    /// The moment at which the call becomes due.
    pub fn deadline(self) -> SimTime {
        match self {
            Self::At(at) => at,
            Self::Due | Self::Underway => SimTime::NEVER,
        }
    }

    /// Makes a call due that is scheduled for `now` or earlier.
    pub(super) fn settle(&mut self, now: SimTime) {
        if matches!(self, Self::At(at) if *at <= now) {
            *self = Self::Due;
        }
    }

    /// Marks a due call as under way. Returns whether it was due.
    pub(super) fn take(&mut self) -> bool {
        let due = *self == Self::Due;
        if due {
            *self = Self::Underway;
        }
        due
    }

    pub(super) fn shift(&mut self, ms: u64) {
        match self {
            Self::At(at) => at.shift(ms),
            Self::Due | Self::Underway => {}
        }
    }
}
