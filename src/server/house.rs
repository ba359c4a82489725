//! Who gets in: the seats of the server, and the few places where the rest are told that it is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::face::Refused;

/// Connections at once that are told the server is full. Beyond it they are closed without a word.
const REFUSALS_AT_ONCE: usize = 64;

/// What all listeners of one server share.
#[derive(Debug)]
pub(super) struct House {
    pub(super) limits: Limits,
    seats: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    turned_away: AtomicU64,
}

/// A connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    /// Set if every request of the connection is to be refused.
    pub(super) refuse: Option<Refused>,
}

/// A share of the memory for bodies. It is free again when this is dropped.
pub(super) type BodyShare = OwnedSemaphorePermit;

impl House {
    pub(super) fn new(limits: Limits) -> House {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        House {
            seats: semaphore(limits.connections),
            refusals: semaphore(REFUSALS_AT_ONCE),
            bodies: semaphore(limits.bodies_bytes),
            turned_away: AtomicU64::new(0),
            limits,
        }
    }

    /// A seat, or a place to be refused at, or neither.
    pub(super) fn admit(&self) -> Option<Seat> {
        if let Ok(permit) = Arc::clone(&self.seats).try_acquire_owned() {
            return Some(Seat { _permit: permit, refuse: None });
        }
        let count = self.turned_away.fetch_add(1, Ordering::Relaxed) + 1;
        // Powers of two only: a flood of clients must not become a flood of lines.
        if count.is_power_of_two() {
            let limit = self.limits.connections;
            tracing::warn!(count, limit, "connections are turned away, the server holds as many as it may");
        }
        let permit = Arc::clone(&self.refusals).try_acquire_owned().ok()?;
        Some(Seat { _permit: permit, refuse: Some(Refused::Overloaded) })
    }

    /// Memory for one large body.
    pub(super) fn share_for(&self, bytes: usize) -> Result<BodyShare, Refused> {
        let bytes = u32::try_from(bytes).map_err(|_| Refused::Overloaded)?;
        Arc::clone(&self.bodies).try_acquire_many_owned(bytes).map_err(|_| Refused::Overloaded)
    }
}
