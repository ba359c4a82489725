//! The only place that reads the system's clock. Simulated time is real time multiplied by a speed, or set by hand in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::time::SimTime;

/// The source of simulated time. It is cheap to clone, and all clones have the same time.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Simulated time was `origin` at the real time `started`, and runs `speed` times as fast.
    Wall { origin: SimTime, started: Instant, speed: f64 },
    /// Stands still until [`Clock::set`].
    Hand(Arc<AtomicU64>),
}

impl Clock {
    /// The allowed speeds of a wall clock, simulated seconds per real second.
    pub const SPEED: std::ops::RangeInclusive<f64> = 0.001..=10_000.0;

    /// A clock that starts at the present date and runs at `speed` simulated seconds per real second, within
    /// [`Clock::SPEED`].
    ///
    /// It follows the monotonic clock, so that a change of the system's date neither fires nor delays a timer.
    pub fn wall(speed: f64) -> Self {
        Self::wall_after(speed, SimTime::from_ms(0))
    }

    /// Like [`Clock::wall`], but starts at `before` if that is later, because clients have seen that time already.
    pub fn wall_after(speed: f64, before: SimTime) -> Self {
        assert!(Self::SPEED.contains(&speed), "the speed must be within Clock::SPEED");
        Self(Kind::Wall { origin: SimTime::from_ms(unix_ms()).max(before), started: instant(), speed })
    }

    /// Simulated seconds per real second; 1 for a clock that is set by hand.
    pub fn speed(&self) -> f64 {
        if let Kind::Wall { speed, .. } = self.0 { speed } else { 1.0 }
    }

    /// Whether time stands still until [`Clock::set`].
    pub fn is_by_hand(&self) -> bool {
        matches!(self.0, Kind::Hand(_))
    }

    /// Whether simulated time is later than the system's date, so that a new [`Clock::wall`] would step back.
    pub fn is_ahead(&self) -> bool {
        self.now().ms() > unix_ms()
    }

    /// A clock for tests that shows `at` until [`Clock::set`].
    pub fn by_hand(at: SimTime) -> Self {
        Self(Kind::Hand(Arc::new(AtomicU64::new(at.ms()))))
    }

    /// The present simulated time.
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

    /// The real time until simulated time `at`; `None` if it never comes by itself.
    pub fn wait(&self, at: SimTime) -> Option<Duration> {
        match &self.0 {
            Kind::Wall { speed, .. } => {
                let ms = at.since_ms(self.now()).min(u64::from(u32::MAX));
                // One millisecond more, so that the waiter does not wake a fraction too early and spin.
                (at != SimTime::NEVER).then(|| Duration::from_secs_f64((ms as f64 + 1.0) / 1000.0 / speed))
            }
            Kind::Hand(_) => None,
        }
    }

    /// The simulated time that is `wait` of real time after `at`.
    pub fn after_real(&self, at: SimTime, wait: Duration) -> SimTime {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; not negative"
        )]
        at.after_ms((wait.as_secs_f64() * self.speed() * 1000.0) as u64)
    }

    /// Real milliseconds since the clock started, for back-off on the network. For a clock that is set by hand, simulated
    /// milliseconds.
    pub fn real_ms(&self) -> u64 {
        match &self.0 {
            Kind::Wall { started, .. } => {
                u64::try_from(instant().saturating_duration_since(*started).as_millis()).unwrap_or(u64::MAX)
            }
            Kind::Hand(ms) => ms.load(Ordering::Acquire),
        }
    }

    /// Sets the time of a clock made by [`Clock::by_hand`]. A wall clock does not change.
    pub fn set(&self, at: SimTime) {
        if let Kind::Hand(ms) = &self.0 {
            ms.store(at.ms(), Ordering::Release);
        }
    }
}

/// Measures real durations for metrics. No decision may depend on it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    pub fn start() -> Self {
        Self(instant())
    }

    /// Real time since the start.
    pub fn elapsed(self) -> Duration {
        instant().saturating_duration_since(self.0)
    }
}

/// Milliseconds since the Unix epoch by the system's clock, for example for the dates of certificates.
#[doc(hidden)]
pub fn unix_ms() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// Whole seconds since the Unix epoch by the system's clock.
pub(crate) fn unix_s() -> u64 {
    since_epoch().as_secs()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_a_clock_sets_all_clones() {
        let clock = Clock::by_hand(SimTime::from_ms(5));
        let copy = clock.clone();
        clock.set(SimTime::from_ms(9));
        assert_eq!(copy.now().ms(), 9);
        assert_eq!(copy.wait(SimTime::from_ms(10)), None);
    }

    #[test]
    fn a_step_of_the_systems_date_does_not_change_simulated_time() {
        // Simulated time is the date at the start plus monotonic time; the date is not read again.
        let clock = Clock::wall(1.0);
        let Clock(Kind::Wall { origin, .. }) = &clock else { panic!("not a wall clock") };
        let passed = clock.now().since_ms(*origin);
        assert!(passed.abs_diff(clock.real_ms()) <= 1000, "{passed}");
        let yesterday = Clock(Kind::Wall { origin: SimTime::from_ms(5), started: instant(), speed: 1.0 });
        assert!(yesterday.now().ms() < 1_000_000, "a date in the past stays in the past");
    }

    #[test]
    fn a_clock_never_starts_before_a_time_that_clients_have_seen() {
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
        let at = SimTime::from_ms(5);
        assert_eq!(clock.after_real(at, Duration::from_millis(30)), at.after_ms(3_000));
        assert_eq!(Clock::by_hand(at).after_real(at, Duration::MAX), SimTime::NEVER);
    }
}
