//! The clock of the BMC. It runs with simulated time, and a client can set it.

use serde::{Deserialize, Serialize};

use crate::node::sparse::Part;
use crate::time::SimTime;

/// The settings of the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// Difference between the clock and simulated time, ms; negative if the clock is behind.
    pub ahead_ms: i64,
    /// `DateTimeLocalOffset`, minutes east of UTC.
    pub offset_minutes: i16,
}

impl Part for Clock {
    fn of_new_machine() -> &'static Self {
        static NEW: Clock = Clock { ahead_ms: 0, offset_minutes: 0 };
        &NEW
    }
}

impl Clock {
    /// A moment of simulated time as the clock shows it. Every moment of a BMC is stored in simulated time and shown by
    /// the clock as it is set now, so that the order of events stays true when a client sets the clock.
    pub fn shown(self, moment: SimTime) -> String {
        let shown = SimTime::from_ms(moment.ms().saturating_add_signed(self.ahead_ms));
        shown.redfish(i32::from(self.offset_minutes))
    }
}
