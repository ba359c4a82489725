//! The time limits of a connection: one timer, which runs while the connection waits for the client.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep};

use super::activity::{Activity, Wait};
use crate::limit::Limits;

#[derive(Debug)]
pub(super) struct Watchdog {
    timer: Pin<Box<Sleep>>,
    armed_for: Option<(Wait, u32)>,
}

impl Watchdog {
    pub(super) fn new(limits: &Limits) -> Watchdog {
        Watchdog { timer: Box::pin(sleep(limits.idle_time)), armed_for: None }
    }

    /// Ready with the wait that lasted too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, activity: &Activity, limits: &Limits) -> Poll<Wait> {
        let Some(wait) = activity.wait() else {
            self.armed_for = None;
            return Poll::Pending;
        };
        if self.armed_for != Some(wait) {
            let limit = match wait.0 {
                Wait::Request => limits.idle_time,
                Wait::Head => limits.header_time,
                Wait::Write => limits.write_time,
                Wait::Close => limits.linger,
            };
            self.timer.as_mut().reset(now() + limit);
            self.armed_for = Some(wait);
        }
        self.timer.as_mut().poll(cx).map(|()| wait.0)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the speed of a client is real time and no part of the simulation"
)]
fn now() -> Instant {
    Instant::now()
}
