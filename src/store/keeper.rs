//! The one who makes batches durable: a thread of its own, for a disk makes it wait.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Store, StoreError};
use crate::fleet::Fleet;
use crate::fleet::persist::{Batch, Ledger, Next};
use crate::time::SimTime;

/// Before the first retry after a failure of the disk, and before the tenth and those after it.
const REST: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(2);
/// Attempts for what is left when the daemon stops.
const LAST_ATTEMPTS: u32 = 3;
/// How far ahead of itself simulated time is kept where it runs ahead of the wall clock, as real time: a restart after a
/// crash goes on from there, and never from before what anybody was told.
const LEASE: Duration = Duration::from_secs(10);

/// Keeps a fleet, until it is stopped.
pub struct Keeper {
    ledger: Arc<Ledger>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Keeper {
    /// Begins to keep what a fleet's nodes are told.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(store: Store, fleet: Arc<Fleet>, ledger: Arc<Ledger>) -> std::io::Result<Self> {
        let keeping = Keeping { store, fleet, ledger: Arc::clone(&ledger) };
        let thread = std::thread::Builder::new().name("state".to_owned()).spawn(move || keeping.run())?;
        Ok(Self { ledger, thread })
    }

    /// Keeps what has come so far, and ends. It blocks until that is done.
    ///
    /// # Errors
    /// When the disk does not take it. Nobody was told what is lost.
    pub fn stop(self) -> Result<(), StoreError> {
        self.ledger.stop();
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Keeping {
    store: Store,
    fleet: Arc<Fleet>,
    ledger: Arc<Ledger>,
}

impl Keeping {
    fn run(mut self) -> Result<(), StoreError> {
        loop {
            match self.ledger.take(self.patience()) {
                Next::Write(batch) => self.keep(&batch, self.time_to_keep(), false)?,
                Next::Nothing => self.keep(&Batch::default(), self.time_to_keep(), false)?,
                Next::Stop => return self.keep(&Batch::default(), self.fleet.clock().now(), true),
            }
        }
    }

    /// Makes a batch durable, however often that takes; at the end only a few times.
    fn keep(&mut self, batch: &Batch, time: SimTime, last: bool) -> Result<(), StoreError> {
        let (mut rest, mut left) = (*REST.start(), LAST_ATTEMPTS);
        while let Err(error) = self.write(batch, time, last) {
            let file = self.store.file();
            if rest == *REST.start() {
                tracing::error!(file = %file.display(), %error, "the state cannot be kept: changes are refused until it can");
            }
            if self.ledger.failed(rest) {
                left -= 1;
                if left == 0 {
                    return Err(StoreError::Refused(format!(
                        "{}: {error}: the last changes are not kept; none of them was acknowledged",
                        file.display()
                    )));
                }
            }
            rest = (rest * 3 / 2).min(*REST.end());
        }
        if rest > *REST.start() {
            tracing::info!(file = %self.store.file().display(), "the state is kept again");
        }
        self.ledger.persisted(batch.number);
        Ok(())
    }

    /// A fault in the library is a failure as any other: nobody would be told anything any more if this thread ended.
    fn write(&mut self, batch: &Batch, time: SimTime, last: bool) -> Result<(), String> {
        let write = || self.store.write(&self.fleet, batch, time, last).map_err(|error| error.to_string());
        std::panic::catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| {
            self.store.close();
            Err("an internal fault, which is told above".to_owned())
        })
    }

    /// How long nothing may be written.
    fn patience(&self) -> Option<Duration> {
        let clock = self.fleet.clock();
        (clock.speed() > 1.0 || clock.is_ahead()).then_some(LEASE / 2)
    }

    /// The time from which a restart goes on at least.
    fn time_to_keep(&self) -> SimTime {
        let clock = self.fleet.clock();
        let now = clock.now();
        if self.patience().is_none() {
            return now;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 10^8 ms, not negative"
        )]
        now.after_ms((LEASE.as_secs_f64() * 1000.0 * clock.speed().max(1.0)) as u64)
    }
}
