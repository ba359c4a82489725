//! The clock of the BMC. It runs with simulated time, and a client can set it.

use serde::{Deserialize, Serialize};

/// The settings of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// Difference between the clock and simulated time, ms; negative if the clock is behind.
    pub ahead_ms: i64,
    /// `DateTimeLocalOffset`, minutes east of UTC.
    pub offset_minutes: i16,
}

impl Clock {
    pub(super) const NEW: Self = Self { ahead_ms: 0, offset_minutes: 0 };
}
