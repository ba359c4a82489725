//! The time limits of a connection: one timer, which runs while the connection waits for the client.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::activity::{Activity, Wait};
use super::admission::Slot;
use crate::limit::Limits;

#[derive(Debug)]
pub(super) struct Watchdog {
    timer: Pin<Box<Sleep>>,
    armed_for: Option<(Wait, u32)>,
    /// How long the client has been silent since it connected, as far as the timer has measured it.
    silence: Duration,
}

impl Watchdog {
    pub(super) fn new(limits: &Limits) -> Watchdog {
        Watchdog { timer: Box::pin(sleep(limits.idle_time)), armed_for: None, silence: Duration::ZERO }
    }

    /// Ready with the wait that lasted too long.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        activity: &Activity,
        limits: &Limits,
        slot: &Slot,
    ) -> Poll<Wait> {
        let Some(wait) = activity.wait() else {
            self.armed_for = None;
            return Poll::Pending;
        };
        loop {
            if self.armed_for != Some(wait) {
                let limit = match wait.0 {
                    Wait::FirstByte => self.step(limits),
                    Wait::Request => limits.idle_time,
                    Wait::Head => limits.header_time,
                    Wait::Write => limits.write_time,
                    Wait::Close => limits.linger,
                };
                self.timer.as_mut().reset(now() + limit);
                self.armed_for = Some(wait);
            }
            ready!(self.timer.as_mut().poll(cx));
            if wait.0 == Wait::FirstByte {
                self.silence += self.step(limits);
                if self.silence < limits.idle_time && !slot.is_scarce() {
                    self.armed_for = None;
                    continue;
                }
            }
            return Poll::Ready(wait.0);
        }
    }

    /// The wait for the first byte is measured in short steps, because slots may become scarce meanwhile.
    fn step(&self, limits: &Limits) -> Duration {
        limits.first_byte.min(limits.idle_time.saturating_sub(self.silence))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the speed of a client is real time and no part of the simulation"
)]
fn now() -> Instant {
    Instant::now()
}
