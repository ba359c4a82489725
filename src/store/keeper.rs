//! The thread that writes batches of changes to the state file. It has a thread of its own because disk writes block.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::database::Store;
use super::error::StoreError;
use super::reserve::Reserve;
use crate::fleet::Fleet;
use crate::fleet::persist::{Batch, Ledger, Next};
use crate::time::SimTime;

/// The back-off between attempts while the disk fails: it grows by half from the first to the second value.
const BACK_OFF: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(2);
/// Attempts to write the last changes when the daemon stops.
const LAST_ATTEMPTS: u32 = 3;
/// If simulated time runs ahead of the wall clock, the stored time lies ahead of the current simulated time by this
/// much real time. A restart after a crash continues from the stored time, so it never shows a client an earlier time
/// than before.
const LEASE: Duration = Duration::from_secs(10);
/// Time between two attempts to take the reserve of space again.
const RESERVE_EVERY: Duration = Duration::from_millis(500);

/// Writes the changes of a fleet to disk until it is stopped.
pub struct Keeper {
    ledger: Arc<Ledger>,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Keeper {
    /// # Errors
    /// If the system cannot create a thread.
    pub fn start(mut store: Store, fleet: Arc<Fleet>, ledger: Arc<Ledger>) -> std::io::Result<Self> {
        if let Some(Err(error)) = store.reserve.as_mut().map(Reserve::take) {
            tracing::warn!(
                file = %store.file().display(), %error,
                "no space can be reserved beside the state file; if the disk fills up, a change that was answered with 503 can \
                 still take effect"
            );
            store.reserve = None;
        }
        let keeping = Keeping { store, fleet, ledger: Arc::clone(&ledger) };
        let thread = std::thread::Builder::new().name("state".to_owned()).spawn(move || keeping.run())?;
        Ok(Self { ledger, thread })
    }

    /// Writes all remaining changes and ends the thread. Blocks until both are done.
    ///
    /// # Errors
    /// If the disk still fails. The lost changes have not been acknowledged to a client.
    pub fn stop(self) -> Result<(), StoreError> {
        self.ledger.stop();
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Why a batch was not written.
struct Failed {
    error: String,
    /// The disk, or the share of it that the user may have, is full.
    full: bool,
}

/// The latest simulated time that clients can see before the stored time is renewed, at `now` of a clock with this speed.
pub(super) fn ahead(now: SimTime, speed: f64) -> SimTime {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 10^8 ms, not negative"
    )]
    let lease_ms = (LEASE.as_secs_f64() * 1000.0 * speed.max(1.0)) as u64;
    now.after_ms(lease_ms).min(SimTime::LATEST)
}

fn is_full(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded)
}

struct Keeping {
    store: Store,
    fleet: Arc<Fleet>,
    ledger: Arc<Ledger>,
}

impl Keeping {
    fn run(mut self) -> Result<(), StoreError> {
        loop {
            match self.ledger.take(self.max_silence()) {
                Next::Write(mut batch) => self.keep(&mut batch, self.time_to_store(), false)?,
                Next::Nothing if self.lease().is_some() => {
                    self.keep(&mut Batch::default(), self.time_to_store(), false)?;
                }
                Next::Nothing => {}
                Next::Stop => return self.stop(),
            }
            self.take_reserve();
        }
    }

    fn stop(mut self) -> Result<(), StoreError> {
        self.keep(&mut Batch::default(), self.fleet.clock().now(), true)?;
        self.store.reserve.as_mut().map(Reserve::free);
        Ok(())
    }

    /// Accepts changes again when the reserve has room again.
    fn take_reserve(&mut self) {
        if self.ledger.refuses() && self.store.reserve.as_mut().is_none_or(|reserve| reserve.take().is_ok()) {
            self.ledger.refuse(false);
            tracing::info!(file = %self.store.file().display(), "the disk has room again; changes are accepted");
        }
    }

    /// Uses the reserve for the changes that are already made. Returns whether it had not been used before.
    fn use_reserve(&mut self) -> bool {
        // Before the space is free, so that no further change takes it.
        self.ledger.refuse(true);
        let freed = self.store.reserve.as_mut().is_some_and(Reserve::free);
        if freed {
            tracing::error!(
                file = %self.store.file().display(),
                "the disk is full; all changes so far are being stored in reserved space, and further changes are refused \
                 until there is room"
            );
        }
        freed
    }

    /// Writes a batch. Retries with back-off until it succeeds; while the daemon stops, a few times only.
    fn keep(&mut self, batch: &mut Batch, time: SimTime, last: bool) -> Result<(), StoreError> {
        let (mut pause, mut left) = (*BACK_OFF.start(), LAST_ATTEMPTS);
        while let Err(Failed { error, full }) = self.write(batch, time, last) {
            if full && self.use_reserve() {
                continue;
            }
            let file = self.store.file();
            if pause == *BACK_OFF.start() {
                tracing::error!(
                    file = %file.display(), %error,
                    "the state cannot be written to disk; changes are refused until it can"
                );
            }
            if self.ledger.failed(pause) {
                left -= 1;
                if left == 0 {
                    return Err(StoreError::Refused(format!(
                        "{}: {error}: the last changes are not on disk; none of them was acknowledged to a client",
                        file.display()
                    )));
                }
            }
            pause = (pause * 3 / 2).min(*BACK_OFF.end());
        }
        if pause > *BACK_OFF.start() {
            tracing::info!(file = %self.store.file().display(), "the state is written to disk again");
        }
        self.ledger.persisted(batch.number);
        Ok(())
    }

    /// A panic in the database library counts as a failed write. If it ended this thread, every later response would
    /// wait for the disk in vain.
    fn write(&mut self, batch: &mut Batch, time: SimTime, last: bool) -> Result<(), Failed> {
        let write = || {
            self.store.write(&self.fleet, batch, time, last).map_err(|error| {
                let full = matches!(&error, redb::Error::Io(error) if is_full(error.kind()));
                Failed { error: error.to_string(), full }
            })
        };
        std::panic::catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| {
            self.store.close();
            let error = "the database library panicked; the panic message is above".to_owned();
            Err(Failed { error, full: false })
        })
    }

    /// The longest time to wait for changes.
    fn max_silence(&self) -> Option<Duration> {
        if self.ledger.refuses() { Some(RESERVE_EVERY) } else { self.lease() }
    }

    /// The longest time without a write, if the stored time must be renewed.
    fn lease(&self) -> Option<Duration> {
        let clock = self.fleet.clock();
        // A clock that is held does not run ahead. Its moment is stored exactly.
        (!clock.is_held() && (clock.speed() > 1.0 || clock.is_ahead())).then_some(LEASE / 2)
    }

    /// The earliest simulated time from which a restart may continue.
    fn time_to_store(&self) -> SimTime {
        let clock = self.fleet.clock();
        let now = clock.now();
        if self.lease().is_none() {
            return now;
        }
        ahead(now, clock.speed())
    }
}
