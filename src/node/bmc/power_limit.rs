//! The power limit of the machine, which `Power`, `EnvironmentMetrics` and `Control` show and change.

use serde::{Deserialize, Serialize};

use crate::dmtf::PowerLimitException;
use crate::node::sparse::Part;

/// The power limit. A new machine has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PowerLimit {
    /// The set point, W, also while the limit is disabled. `None`: the default, which limits nothing.
    set_point: Option<u32>,
    /// Whether the limit is in force.
    enabled: bool,
    /// `LimitException`: what the BMC does if the machine draws more than the limit. Every machine keeps the limits that
    /// fauxmetal accepts, so it never does.
    pub exception: PowerLimitException,
    /// `CorrectionInMs`: the time in which the machine must get below the limit, milliseconds.
    pub correction_ms: u32,
}

/// New settings; `None` leaves a setting unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The set point, W: from the power draw of an idle machine to the maximum. It enables the limit, unless `enabled` says no.
    pub set_point: Option<u32>,
    pub enabled: Option<bool>,
    pub exception: Option<PowerLimitException>,
    pub correction_ms: Option<u32>,
}

impl PowerLimit {
    const NEW: Self =
        Self { set_point: None, enabled: false, exception: PowerLimitException::NoAction, correction_ms: 0 };
    /// The longest `CorrectionInMs`, milliseconds.
    pub const MAX_CORRECTION_MS: u32 = 3_600_000;

    pub(super) fn change(&mut self, change: Change) {
        self.set_point = change.set_point.or(self.set_point);
        self.enabled = change.enabled.unwrap_or(self.enabled || change.set_point.is_some());
        self.exception = change.exception.unwrap_or(self.exception);
        self.correction_ms = change.correction_ms.unwrap_or(self.correction_ms);
    }

    /// The limit that is in force, W.
    pub fn watts(&self) -> Option<u32> {
        self.set_point.filter(|_| self.enabled)
    }

    /// The set point, W, also while the limit is disabled.
    pub fn set_point(&self) -> Option<u32> {
        self.set_point
    }

    /// Whether the limit is in force, once it has a set point.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
}

impl Default for PowerLimit {
    fn default() -> Self {
        Self::NEW
    }
}

impl Part for PowerLimit {
    fn of_new_machine() -> &'static Self {
        static NEW: PowerLimit = PowerLimit::NEW;
        &NEW
    }
}
