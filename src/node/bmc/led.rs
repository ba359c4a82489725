//! Indicator LEDs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::dmtf::IndicatorLed;
use crate::node::sparse::Part;

/// Commands to LEDs. Those of the system and of the chassis belong to
/// [`SystemChange`](crate::node::host::SystemChange) and [`ChassisChange`](crate::node::host::ChassisChange).
#[derive(Clone, Debug)]
pub enum Command {
    /// Sets the LED of the drive with this number.
    SetDrive(u8, IndicatorLed),
}

/// The state of all LEDs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Leds {
    pub system: IndicatorLed,
    pub chassis: IndicatorLed,
    /// LEDs of drives by the number of the drive; a missing LED is off.
    drives: BTreeMap<u8, IndicatorLed>,
}

impl Default for Leds {
    fn default() -> Self {
        Self::of_new_machine().clone()
    }
}

impl Part for Leds {
    fn of_new_machine() -> &'static Self {
        static NEW: Leds =
            Leds { system: IndicatorLed::Off, chassis: IndicatorLed::Off, drives: BTreeMap::new() };
        &NEW
    }
}

impl Leds {
    /// The LED of the drive with this number.
    pub fn drive(&self, number: u8) -> IndicatorLed {
        self.drives.get(&number).copied().unwrap_or(IndicatorLed::Off)
    }

    /// The numbers of the drives whose LEDs differ.
    pub(in crate::node) fn drives_that_differ(&self, other: &Self) -> Vec<u8> {
        let all: BTreeSet<u8> = self.drives.keys().chain(other.drives.keys()).copied().collect();
        all.into_iter().filter(|drive| self.drive(*drive) != other.drive(*drive)).collect()
    }

    pub(in crate::node) fn execute(&mut self, command: Command) {
        match command {
            Command::SetDrive(number, led) => {
                self.drives.insert(number, led);
            }
        }
    }
}
