//! The threads of a simulator: a runtime that can be used and dropped in every context, also inside of another runtime.

use std::future::Future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;

use super::error::Error;

/// Worker threads of a simulator. They share the cores with the test and with other simulators.
const WORKERS: usize = 2;

/// The time that [`Threads::stop`] gives to work that blocks a thread.
const PATIENCE: Duration = Duration::from_secs(1);

/// The runtime. A drop stops it and does not wait.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> Result<Self, Error> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(WORKERS).thread_name("fauxmetal").enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(Error::Threads)
    }

    /// The way to run work here, which outlives the threads.
    pub(super) fn hands(&self) -> Hands {
        Hands(self.0.as_ref().expect("only stop and drop take the runtime").handle().clone())
    }

    /// Stops all work and waits until it has ended. tokio forbids to wait inside of a runtime, so another thread does.
    pub(super) fn stop(mut self) {
        if let Some(runtime) = self.0.take() {
            // A thread that panics has nothing to say here.
            let _ = std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE)).join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A plain drop of a runtime waits, and panics inside of another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs work on the threads of a simulator, for a caller outside.
#[derive(Clone)]
pub(super) struct Hands(pub(super) Handle);

impl Hands {
    /// Runs `work`, whichever runtime the caller has. It is not cancelled if the caller goes away.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        result(self.0.spawn(work).await)
    }

    /// Runs `work` and stops the calling thread meanwhile. `Handle::block_on` would panic inside of a runtime.
    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (done, ended) = mpsc::sync_channel(1);
        let working = self.0.spawn(work);
        self.0.spawn(async move {
            // The receiver waits below.
            let _ = done.send(working.await);
        });
        ended.recv().map_err(|_| Error::Stopped).and_then(result)
    }
}

/// The result of work. A panic in it, such as that of an assertion in a condition, goes on in the caller.
fn result<T>(ended: Result<T, JoinError>) -> Result<T, Error> {
    ended.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Error::Stopped,
    })
}
