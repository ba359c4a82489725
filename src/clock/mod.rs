//! The only place that reads the system's clock. Simulated time is real time multiplied by a speed. It can be held, released,
//! sped up and moved forward while the fleet runs, or be set by hand in tests.

mod line;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::time::SimTime;
use line::{Line, whole};

/// The source of simulated time. It is cheap to clone, and all clones have the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The zero of `since_ns`, and of [`Clock::real_ms`].
    started: Instant,
    /// Stands still until [`Clock::set`].
    by_hand: bool,
    line: Line,
    /// One change at a time.
    changing: Mutex<()>,
    /// The bits of the speed, which a clock that is held keeps.
    speed: AtomicU64,
    /// Whether [`Clock::set_speed`] has changed the speed.
    has_new_speed: AtomicBool,
    changed: watch::Sender<()>,
}

/// How a clock goes, at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Going {
    pub now: SimTime,
    pub held: bool,
    /// Simulated seconds per real second while the clock is not held.
    pub speed: f64,
    /// The speed was changed after the start, and not by a setting.
    pub has_new_speed: bool,
}

/// Waits for changes of a clock.
#[derive(Debug)]
pub struct Changes(watch::Receiver<()>);

impl Changes {
    /// Waits for a change that was made since the last look.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // The clock is gone, so it does not change any more.
            std::future::pending::<()>().await;
        }
    }

    /// Looks at the present state: earlier changes do not count any more.
    pub fn look(&mut self) {
        self.0.mark_unchanged();
    }
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
        Self::wall_from(speed, SimTime::from_ms(unix_ms()).max(before))
    }

    /// Like [`Clock::wall`], but starts at `at`, whatever the date is.
    pub fn wall_from(speed: f64, at: SimTime) -> Self {
        Self::new(speed, at, speed, false)
    }

    /// A clock that is held at `at`, and runs at `speed` when it is released.
    pub fn held_at(speed: f64, at: SimTime) -> Self {
        Self::new(speed, at, 0.0, false)
    }

    /// A clock for tests that shows `at` until [`Clock::set`].
    pub fn by_hand(at: SimTime) -> Self {
        Self::new(1.0, at, 0.0, true)
    }

    fn new(speed: f64, at: SimTime, rate: f64, by_hand: bool) -> Self {
        assert!(Self::SPEED.contains(&speed), "the speed must be within Clock::SPEED");
        let line = Line::default();
        line.draw(|| (at, 0, rate));
        Self(Arc::new(Inner {
            started: instant(),
            by_hand,
            line,
            changing: Mutex::default(),
            speed: AtomicU64::new(speed.to_bits()),
            has_new_speed: AtomicBool::new(false),
            changed: watch::Sender::new(()),
        }))
    }

    /// Simulated seconds per real second, also while the clock is held; 1 for a clock that is set by hand.
    pub fn speed(&self) -> f64 {
        f64::from_bits(self.0.speed.load(Ordering::Acquire))
    }

    /// Whether time stands still until [`Clock::set`].
    pub fn is_by_hand(&self) -> bool {
        self.0.by_hand
    }

    /// Whether time stands still until [`Clock::release`].
    pub fn is_held(&self) -> bool {
        !self.0.by_hand && self.0.line.rate() == 0.0
    }

    /// Whether simulated time is later than the system's date, so that a new [`Clock::wall`] would step back.
    pub fn is_ahead(&self) -> bool {
        self.now().ms() > unix_ms()
    }

    /// How the clock goes now. All values belong to the same moment.
    pub fn going(&self) -> Going {
        let _one = self.0.changing.lock();
        let has_new_speed = self.0.has_new_speed.load(Ordering::Acquire);
        Going { now: self.now(), held: self.0.line.rate() == 0.0, speed: self.speed(), has_new_speed }
    }

    /// The present simulated time.
    #[inline]
    pub fn now(&self) -> SimTime {
        self.0.line.at(|| self.0.ns_of(instant()))
    }

    /// The simulated time at which a stopwatch was started; the present one for a clock that stands still. If the clock has
    /// changed since then, it is not earlier than that change.
    #[doc(hidden)]
    #[inline]
    pub fn at_start(&self, watch: Stopwatch) -> SimTime {
        self.0.line.at(|| self.0.ns_of(watch.0))
    }

    /// The real time until simulated time `at`; `None` if it does not come by itself. A change of the clock changes the answer:
    /// see [`Clock::changes`].
    pub fn wait(&self, at: SimTime) -> Option<Duration> {
        let rate = self.0.line.rate();
        if rate == 0.0 || at > SimTime::LATEST {
            return None;
        }
        let ms = at.since_ms(self.now()).min(u64::from(u32::MAX));
        // One millisecond more, so that the waiter does not wake a fraction too early and spin.
        Some(Duration::from_secs_f64((ms as f64 + 1.0) / 1000.0 / rate))
    }

    /// The changes of this clock from now on. [`Clock::step`] and [`Clock::set`] are none: who moves a clock step by step wakes
    /// what is due.
    pub fn changes(&self) -> Changes {
        Changes(self.0.changed.subscribe())
    }

    /// Waits for `ms` simulated milliseconds, as a pause between two attempts to reach a server. While the clock is held, the
    /// pause takes the real time that it would take otherwise. With a clock that is set by hand it ends at once.
    pub async fn pause(&self, ms: u64) {
        if self.0.by_hand {
            return;
        }
        let (mut changes, end) = (self.changes(), self.now().after_ms(ms));
        loop {
            changes.look();
            let left = end.since_ms(self.now()) as f64 / 1000.0 / self.speed();
            let left = self.wait(end).unwrap_or_else(|| Duration::from_secs_f64(left));
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                () = changes.next() => {}
            }
        }
    }

    /// The simulated time that is `wait` of real time after `at`.
    pub fn after_real(&self, at: SimTime, wait: Duration) -> SimTime {
        at.after_ms(whole(wait.as_secs_f64() * self.speed() * 1000.0))
    }

    /// Real milliseconds since the clock started, for back-off on the network. For a clock that is set by hand, simulated
    /// milliseconds.
    pub fn real_ms(&self) -> u64 {
        if self.0.by_hand { self.now().ms() } else { self.0.ns_of(instant()) / 1_000_000 }
    }

    /// Stops simulated time, and returns the moment at which it stands still.
    pub fn hold(&self) -> SimTime {
        self.change(|at, _| (at, 0.0))
    }

    /// Lets simulated time go on from where it stands still.
    pub fn release(&self) {
        self.change(|at, _| (at, self.speed()));
    }

    /// Changes the speed, within [`Clock::SPEED`]. While the clock is held, it takes effect at [`Clock::release`].
    pub fn set_speed(&self, speed: f64) {
        assert!(Self::SPEED.contains(&speed), "the speed must be within Clock::SPEED");
        self.change(|at, rate| {
            self.0.speed.store(speed.to_bits(), Ordering::Release);
            self.0.has_new_speed.store(true, Ordering::Release);
            (at, if rate == 0.0 { 0.0 } else { speed })
        });
    }

    /// Moves simulated time forward by `ms`, at most to [`SimTime::LATEST`]. What was due in between is then overdue.
    pub fn jump(&self, ms: u64) -> SimTime {
        self.change(|at, rate| (at.after_ms(ms).min(SimTime::LATEST), rate))
    }

    /// Moves simulated time forward to `at`, at most to [`SimTime::LATEST`]. A moment that has passed changes nothing.
    pub fn jump_to(&self, at: SimTime) -> SimTime {
        self.change(|now, rate| (at.min(SimTime::LATEST).max(now), rate))
    }

    /// Moves a clock that stands still forward to `at`, and wakes nobody. Returns whether it stands still.
    pub fn step(&self, at: SimTime) -> bool {
        let _one = self.0.changing.lock();
        let line = &self.0.line;
        let stands = line.rate() == 0.0;
        if stands {
            let now = line.at(|| 0);
            line.draw(|| (at.max(now), 0, 0.0));
        }
        stands
    }

    /// Sets the time of a clock made by [`Clock::by_hand`]. A wall clock does not change.
    pub fn set(&self, at: SimTime) {
        if self.0.by_hand {
            let _one = self.0.changing.lock();
            self.0.line.draw(|| (at, 0, 0.0));
        }
    }

    /// Changes a wall clock from now on: `change` gets the present time and rate, and returns the new ones. Returns the new time.
    fn change(&self, change: impl FnOnce(SimTime, f64) -> (SimTime, f64)) -> SimTime {
        let Inner { by_hand, line, changing, changed, .. } = &*self.0;
        let _one = changing.lock();
        if *by_hand {
            return line.at(|| 0);
        }
        let at = line.draw(|| {
            let (ns, rate) = (self.0.ns_of(instant()), line.rate());
            // The time is rounded up: a reader that met the old line has seen an earlier one.
            let (at, rate) = change(line.place(ns, rate, f64::ceil), rate);
            (at, ns, rate)
        });
        changed.send_replace(());
        at
    }
}

impl Inner {
    #[inline]
    fn ns_of(&self, moment: Instant) -> u64 {
        // 584 years.
        u64::try_from(moment.saturating_duration_since(self.started).as_nanos()).unwrap_or(u64::MAX)
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
