//! The time for which the parts of a machine have had power.

use serde::{Deserialize, Serialize};

use crate::node::sparse::Part;
use crate::time::SimTime;

/// Nothing of it is kept for a machine that has always been off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hours {
    /// Time with power that is over, milliseconds.
    on_ms: u64,
    /// The moment since which the machine has power.
    since: Option<SimTime>,
    /// Number of times that the machine got power.
    pub cycles: u32,
}

impl Part for Hours {
    fn of_new_machine() -> &'static Self {
        static NEW: Hours = Hours { on_ms: 0, since: None, cycles: 0 };
        &NEW
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self::of_new_machine().clone()
    }
}

impl Hours {
    /// Whether the machine has power, as far as was told.
    pub(in crate::node) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The machine gets power, or loses it.
    pub(in crate::node) fn switch(&mut self, on: bool, now: SimTime) {
        if let Some(since) = self.since.take() {
            self.on_ms = self.on_ms.saturating_add(now.since_ms(since));
        }
        if on {
            self.since = Some(now);
            self.cycles = self.cycles.saturating_add(1);
        }
    }

    /// The time with power until `now`, milliseconds.
    pub(in crate::node) fn ms(&self, now: SimTime) -> u64 {
        self.on_ms.saturating_add(self.since.map_or(0, |since| now.since_ms(since)))
    }

    pub(super) fn shift(&mut self, ms: u64) {
        if let Some(since) = &mut self.since {
            since.shift(ms);
        }
    }
}
