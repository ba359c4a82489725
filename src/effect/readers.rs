//! Reads boot media and boot configurations beside the async workers.
//!
//! The content comes from outside, and reading it takes up to a whole [`Budget`] of work. On an async worker, as many
//! such boots as there are cores would stop every request and timer.

use crate::blocking::{Blocking, cores};
use crate::media::Budget;

/// Limits the boots that are read at the same time. Half of the cores stay free for requests.
pub(super) struct Readers(Blocking);

impl Readers {
    pub(super) fn new() -> Self {
        Self(Blocking::new((cores() / 2).max(1)))
    }

    /// Runs `read`. If the future is dropped, a call that has begun keeps its place until it ends, which the [`Budget`]
    /// causes at once; see [`CancelOnDrop`].
    pub(super) async fn run<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> T {
        match self.0.run(read).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime stops, and drops this future, too.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

/// Cancels the work on a budget when nothing waits for it any more. Otherwise the runtime would wait for that work when
/// the daemon stops.
pub(super) struct CancelOnDrop(pub(super) Budget);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
