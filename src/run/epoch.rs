//! The time of a run: real time, counted from its start.

use std::time::SystemTime;

use jiff::Timestamp;
use tokio::time::Instant;

/// The start of a run. All times in its files count from it.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    start: Instant,
    wall: SystemTime,
}

/// The present moment. A run measures control planes and other simulators, so simulated time is of no use to it.
#[expect(clippy::disallowed_methods, reason = "a run measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

impl Epoch {
    /// A run that starts now.
    #[expect(clippy::disallowed_methods, reason = "the files of a run say when it was")]
    pub fn begin() -> Self {
        Self { start: now(), wall: SystemTime::now() }
    }

    /// Seconds from the start to a moment, to the microsecond.
    pub fn seconds(&self, at: Instant) -> f64 {
        (at.saturating_duration_since(self.start).as_secs_f64() * 1e6).round() / 1e6
    }

    /// A moment as RFC 3339 writes it, in UTC.
    pub fn rfc3339(&self, at: Instant) -> String {
        format!("{:.3}", self.stamp(at))
    }

    /// A moment as a date.
    fn stamp(&self, at: Instant) -> Timestamp {
        let wall = self.wall + at.saturating_duration_since(self.start);
        Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The start as a date.
    pub fn date(&self) -> Timestamp {
        self.stamp(self.start)
    }

    /// The moment as digits, for ids: `20261128-183000`.
    pub fn digits(&self) -> String {
        self.date().strftime("%Y%m%d-%H%M%S").to_string()
    }
}
