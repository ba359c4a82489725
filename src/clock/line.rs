//! The line on which simulated time moves, for many readers and one writer.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::time::SimTime;

/// The line on which simulated time moves: it was `origin_ms` at the real time `since_ns`, and moves `rate` times as fast.
///
/// It is a sequence lock: a reader that meets a change reads again. So a read writes nothing, and costs three loads more than a
/// line that never changes.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Odd while a change is under way.
    version: AtomicU64,
    pub(super) origin_ms: AtomicU64,
    /// Nanoseconds since the start of the clock.
    since_ns: AtomicU64,
    /// The bits of simulated seconds per real second; 0 while time stands still.
    rate: AtomicU64,
}

impl Line {
    pub(super) fn rate(&self) -> f64 {
        f64::from_bits(self.rate.load(Ordering::Acquire))
    }

    /// The simulated time at the real time that `ns` returns. `ns` is called between two looks at the version. Otherwise a clock
    /// that is held in between could show a time after the one at which it stands still.
    #[inline]
    pub(super) fn at(&self, ns: impl Fn() -> u64) -> SimTime {
        let mut attempts = 0_u32;
        loop {
            let version = self.version.load(Ordering::Acquire);
            if version.is_multiple_of(2) {
                let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
                let at = if rate == 0.0 {
                    SimTime::from_ms(self.origin_ms.load(Ordering::Relaxed))
                } else {
                    self.place(ns(), rate, f64::floor)
                };
                fence(Ordering::Acquire);
                if self.version.load(Ordering::Relaxed) == version {
                    return at;
                }
            }
            attempts += 1;
            if attempts.is_multiple_of(64) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }

    /// The place on the line at `ns`. Time ends at [`SimTime::LATEST`].
    #[inline]
    pub(super) fn place(&self, ns: u64, rate: f64, round: fn(f64) -> f64) -> SimTime {
        let origin = SimTime::from_ms(self.origin_ms.load(Ordering::Relaxed));
        let passed = ns.saturating_sub(self.since_ns.load(Ordering::Relaxed));
        origin.after_ms(whole(round(passed as f64 * rate / 1e6))).min(SimTime::LATEST.max(origin))
    }

    /// Draws the line anew. `line` is called while readers wait. Only one caller may do this at a time.
    pub(super) fn draw(&self, line: impl FnOnce() -> (SimTime, u64, f64)) -> SimTime {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        // Real time is read after this: no reader has read a later one and still uses the old line.
        fence(Ordering::SeqCst);
        let (at, since_ns, rate) = line();
        self.origin_ms.store(at.ms(), Ordering::Relaxed);
        self.since_ns.store(since_ns, Ordering::Relaxed);
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
        at
    }
}

/// A number of milliseconds without its fraction.
#[inline]
pub(super) fn whole(ms: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; not negative")]
    let ms = ms as u64;
    ms
}
