//! The budget of one boot: the work and the memory that everything may take together that the boot reads.
//!
//! A boot reads several images and scripts, and each of them several times, because a parser starts again after every
//! fetch. One [`Budget`] spans all of them. It is charged where the work is done, so that no structure of an image or a
//! script, however it is nested or repeated, costs more than the budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The work and the memory of one boot. A clone is the same budget.
///
/// A step is a byte that is looked at or copied; a word, a command or a directory entry counts as several.
#[derive(Clone, Debug, Default)]
pub struct Budget(Arc<Counts>);

/// One thread at a time charges a budget, so the counts need no atomic addition.
#[derive(Debug, Default)]
struct Counts {
    steps: AtomicU64,
    held: AtomicU64,
    most_held: AtomicU64,
    cancelled: AtomicBool,
}

/// Why the work on a boot ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    #[error("its boot takes more work than the {} steps that a boot may take", Budget::MAX_STEPS)]
    Steps,
    #[error(
        "its boot configuration takes more memory than the {} MiB that a boot may hold",
        Budget::MAX_HELD_BYTES >> 20
    )]
    Bytes,
    /// Nothing waits for the boot any more: the machine was powered off, or the daemon stops.
    #[error("the boot was cancelled")]
    Cancelled,
}

impl Budget {
    /// The maximum number of steps: about 0.1 s. The boots of Ironic's images and of live systems take less than a
    /// twentieth of it.
    pub const MAX_STEPS: u64 = 16 << 20;
    /// The maximum memory of the parsed form of a boot configuration with its variables, in bytes. The known bytes of
    /// an image have a limit of their own, [`MAX_HELD_BYTES`](super::MAX_HELD_BYTES).
    pub const MAX_HELD_BYTES: u64 = 16 << 20;

    /// The steps so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// The most bytes that were held at the same time.
    pub fn most_held_bytes(&self) -> u64 {
        self.0.most_held.load(Ordering::Relaxed)
    }

    /// Ends the work that another thread does, at its next charge.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Charges work, before it is done.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Exhausted> {
        if self.0.cancelled.load(Ordering::Relaxed) {
            return Err(Exhausted::Cancelled);
        }
        let sum = self.steps().saturating_add(steps as u64);
        self.0.steps.store(sum.min(Self::MAX_STEPS), Ordering::Relaxed);
        if sum > Self::MAX_STEPS { Err(Exhausted::Steps) } else { Ok(()) }
    }

    /// Charges memory, before it is allocated.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), Exhausted> {
        let held = self.0.held.load(Ordering::Relaxed).saturating_add(bytes as u64);
        if held > Self::MAX_HELD_BYTES {
            return Err(Exhausted::Bytes);
        }
        self.0.held.store(held, Ordering::Relaxed);
        self.0.most_held.fetch_max(held, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn release(&self, bytes: usize) {
        let held = self.0.held.load(Ordering::Relaxed);
        self.0.held.store(held.saturating_sub(bytes as u64), Ordering::Relaxed);
    }

    /// Begins to read a configuration. What it holds is released at the end of the returned value.
    pub(super) fn run(&self) -> Run<'_> {
        Run { budget: self, held_before: self.0.held.load(Ordering::Relaxed) }
    }
}

#[derive(Debug)]
pub(super) struct Run<'b> {
    budget: &'b Budget,
    held_before: u64,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.budget.0.held.store(self.held_before, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_spent_for_good_and_memory_until_the_end_of_a_run() {
        let budget = Budget::default();
        for _ in 0..2 {
            let _run = budget.run();
            assert_eq!(budget.hold(Budget::MAX_HELD_BYTES as usize), Ok(()));
            assert_eq!(budget.hold(1), Err(Exhausted::Bytes));
            budget.release(1);
            assert_eq!(budget.hold(1), Ok(()));
            assert_eq!(budget.spend(Budget::MAX_STEPS as usize / 2), Ok(()));
        }
        assert_eq!(budget.spend(1), Err(Exhausted::Steps));
        assert_eq!((budget.steps(), budget.most_held_bytes()), (Budget::MAX_STEPS, Budget::MAX_HELD_BYTES));
    }

    #[test]
    fn a_charge_of_any_size_is_refused_without_an_overflow() {
        let budget = Budget::default();
        assert_eq!(budget.spend(usize::MAX), Err(Exhausted::Steps));
        assert_eq!(budget.hold(usize::MAX), Err(Exhausted::Bytes));
        assert_eq!(budget.spend(1), Err(Exhausted::Steps), "a boot over its budget stays over it");
    }

    #[test]
    fn cancelled_work_ends_at_its_next_charge() {
        let budget = Budget::default();
        budget.clone().cancel();
        assert_eq!(budget.spend(1), Err(Exhausted::Cancelled));
    }
}
