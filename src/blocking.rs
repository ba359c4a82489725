//! Work that would stop an async worker, on threads of its own, and not too much of it at the same time.

use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// Runs blocking work, at most a fixed number of calls at the same time. Further calls wait for their turn.
#[derive(Debug)]
pub(crate) struct Blocking(Arc<Semaphore>);

impl Blocking {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// Runs `work` on a thread for blocking work. If the future is dropped, work that has begun keeps its place until it ends,
    /// so that clients which leave cannot start more work than the limit.
    ///
    /// # Errors
    /// If the work panics, or the runtime stops.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let permit = Arc::clone(&self.0).acquire_owned().await.expect("the semaphore is never closed");
        let working = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        working.await
    }

    /// Takes all places, so that work waits until the returned value is dropped.
    #[cfg(test)]
    pub(crate) async fn hold(&self) -> tokio::sync::SemaphorePermit<'_> {
        let all = u32::try_from(self.0.available_permits()).unwrap();
        self.0.acquire_many(all).await.unwrap()
    }
}

/// The number of cores that the process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_whose_client_has_left_keeps_its_place_until_it_ends() {
        let blocking = Arc::new(Blocking::new(1));
        let (began, begun) = tokio::sync::oneshot::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn({
            let blocking = Arc::clone(&blocking);
            async move { blocking.run(move || (began.send(()), released.recv())).await }
        });
        begun.await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!(blocking.0.available_permits(), 0);
        release.send(()).unwrap();
        assert_eq!(blocking.run(|| 7).await.unwrap(), 7);
    }
}
