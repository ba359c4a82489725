//! The state of all items of a run: a few bytes each.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::plan::Stage;
use crate::report::Items;

/// Where an item is in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// It has not started.
    Waiting,
    /// It is between start and end.
    InFlight,
    /// It has reached its goal.
    Succeeded,
    Failed,
    /// It has reached its goal, and stays there.
    Parked,
    /// It has started, and the run has ended before it did.
    Aborted,
}

const PLACES: usize = 6;

/// The state of all items.
#[derive(Debug)]
pub struct Board {
    places: Box<[AtomicU8]>,
    stages: Box<[AtomicU8]>,
    counts: [AtomicU32; PLACES],
}

impl Board {
    /// So many items that have not started.
    pub fn new(items: usize) -> Self {
        let zeros = || (0..items).map(|_| AtomicU8::new(0)).collect();
        let counts: [AtomicU32; PLACES] = Default::default();
        counts[Place::Waiting as usize].store(u32::try_from(items).unwrap_or(u32::MAX), Ordering::Relaxed);
        Self { places: zeros(), stages: zeros(), counts }
    }

    /// Moves an item to another place.
    pub fn put(&self, item: u32, place: Place) {
        let before = self.places[item as usize].swap(place as u8, Ordering::Relaxed);
        self.counts[before as usize].fetch_sub(1, Ordering::Relaxed);
        self.counts[place as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The place of an item.
    pub fn place(&self, item: u32) -> Place {
        match self.places[item as usize].load(Ordering::Relaxed) {
            0 => Place::Waiting,
            1 => Place::InFlight,
            2 => Place::Succeeded,
            3 => Place::Failed,
            4 => Place::Parked,
            _ => Place::Aborted,
        }
    }

    /// The number of items at a place.
    pub fn count(&self, place: Place) -> u32 {
        self.counts[place as usize].load(Ordering::Relaxed)
    }

    /// The counts as a summary has them.
    pub fn items(&self) -> Items {
        let count = |place| u64::from(self.count(place));
        Items {
            succeeded: count(Place::Succeeded),
            failed: count(Place::Failed),
            parked: count(Place::Parked),
            in_flight: count(Place::InFlight),
            not_started: count(Place::Waiting),
        }
    }

    /// Notes how far an item is.
    pub fn reach(&self, item: u32, stage: Stage) {
        self.stages[item as usize].store(stage as u8, Ordering::Relaxed);
    }

    /// How far an item is.
    pub fn stage(&self, item: u32) -> Stage {
        match self.stages[item as usize].load(Ordering::Relaxed) {
            0 => Stage::Absent,
            1 => Stage::Enrolled,
            2 => Stage::Manageable,
            3 => Stage::Available,
            4 => Stage::Active,
            _ => Stage::Rescued,
        }
    }

    /// The number of items.
    pub fn len(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
