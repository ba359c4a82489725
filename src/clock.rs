//! The only place that asks what time it is: the wall clock times a speed, or a clock moved by hand in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::time::SimTime;

/// Where simulated time comes from. Cheap to copy about; all copies agree.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Simulated time began at `origin` when the wall stood at `started`, and passes `speed` times as fast.
    Wall { origin: SimTime, started: Instant, speed: f64 },
    /// Stands still until moved.
    Hand(Arc<AtomicU64>),
}

impl Clock {
    /// The slowest and fastest a wall clock may run, simulated seconds per second.
    pub const SPEED: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

    /// Follows the wall from its present date, `speed` simulated seconds per second (within [`Clock::SPEED`]).
    ///
    /// It steps with the monotonic clock, so that a change of the system's date neither fires nor delays a timer.
    pub fn wall(speed: f64) -> Self {
        Self::wall_after(speed, SimTime::from_ms(0))
    }

    /// As [`Clock::wall`], but from `before` where that is later: a time that somebody was told already.
    pub fn wall_after(speed: f64, before: SimTime) -> Self {
        assert!(Self::SPEED.contains(&speed), "the speed was checked where it was read");
        Self(Kind::Wall { origin: SimTime::from_ms(unix_ms()).max(before), started: instant(), speed })
    }

    /// Simulated seconds per second; 1 for a clock moved by hand.
    pub fn speed(&self) -> f64 {
        if let Kind::Wall { speed, .. } = self.0 { speed } else { 1.0 }
    }

    /// Whether it is ahead of the wall now, so that one that started from there would show less.
    pub fn is_ahead(&self) -> bool {
        self.now().ms() > unix_ms()
    }

    /// Stands at `at` until [`Clock::set`].
    pub fn by_hand(at: SimTime) -> Self {
        Self(Kind::Hand(Arc::new(AtomicU64::new(at.ms()))))
    }

    /// Simulated time now.
    pub fn now(&self) -> SimTime {
        match &self.0 {
            Kind::Wall { origin, started, speed } => {
                let ms = instant().saturating_duration_since(*started).as_secs_f64() * speed * 1000.0;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturates; not negative"
                )]
                origin.after_ms(ms as u64)
            }
            Kind::Hand(ms) => SimTime::from_ms(ms.load(Ordering::Acquire)),
        }
    }

    /// How long to really wait until simulated time `at`; `None` when only a hand can bring it on.
    pub fn wait(&self, at: SimTime) -> Option<Duration> {
        match &self.0 {
            Kind::Wall { speed, .. } => {
                let ms = at.since_ms(self.now()).min(u64::from(u32::MAX));
                // A millisecond more, so that the waiter does not wake a fraction too early and spin.
                (at != SimTime::NEVER).then(|| Duration::from_secs_f64((ms as f64 + 1.0) / 1000.0 / speed))
            }
            Kind::Hand(_) => None,
        }
    }

    /// Real milliseconds since this clock began, for waits that the network asks for; of a clock moved by hand, the
    /// simulated ones.
    pub fn real_ms(&self) -> u64 {
        match &self.0 {
            Kind::Wall { started, .. } => {
                u64::try_from(instant().saturating_duration_since(*started).as_millis()).unwrap_or(u64::MAX)
            }
            Kind::Hand(ms) => ms.load(Ordering::Acquire),
        }
    }

    /// Moves a clock by hand; a wall clock cannot be moved, and stays as it is.
    pub fn set(&self, at: SimTime) {
        if let Kind::Hand(ms) = &self.0 {
            ms.store(at.ms(), Ordering::Release);
        }
    }
}

/// Measures how long something really takes, for figures; nothing is ever decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins.
    pub fn start() -> Self {
        Self(instant())
    }

    /// Real time since it began.
    pub fn elapsed(self) -> Duration {
        instant().saturating_duration_since(self.0)
    }
}

/// Milliseconds since the Unix epoch by the system's own clock; for certificates' dates and log names.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_moves_all_copies() {
        let clock = Clock::by_hand(SimTime::from_ms(5));
        let copy = clock.clone();
        clock.set(SimTime::from_ms(9));
        assert_eq!(copy.now().ms(), 9);
        assert_eq!(copy.wait(SimTime::from_ms(10)), None);
    }

    #[test]
    fn a_step_of_the_systems_date_moves_nothing() {
        // Simulated time is the date at the start and monotonic time since: the date is never asked again.
        let clock = Clock::wall(1.0);
        let Clock(Kind::Wall { origin, .. }) = &clock else { panic!("a wall clock was made") };
        let passed = clock.now().since_ms(*origin);
        assert!(passed.abs_diff(clock.real_ms()) <= 1000, "{passed}");
        let yesterday = Clock(Kind::Wall { origin: SimTime::from_ms(5), started: instant(), speed: 1.0 });
        assert!(yesterday.now().ms() < 1_000_000, "a date long past is not made good");
    }

    #[test]
    fn a_clock_never_starts_before_what_was_told() {
        let later = SimTime::from_ms(unix_ms()).after_ms(3_600_000);
        assert!(Clock::wall_after(1.0, later).now() >= later && Clock::wall_after(1.0, later).is_ahead());
        let long_ago = SimTime::from_ms(1_000_000);
        assert!(Clock::wall_after(1.0, long_ago).now().since_ms(long_ago) > 1_600_000_000_000);
    }

    #[test]
    fn a_fast_clock_waits_less() {
        let clock = Clock::wall(100.0);
        let wait = clock.wait(clock.now().after_ms(10_000)).unwrap();
        assert!(wait <= Duration::from_millis(101), "{wait:?}");
        assert_eq!(clock.wait(SimTime::NEVER), None);
    }
}
