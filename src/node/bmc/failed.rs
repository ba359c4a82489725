//! Whether a part of the machine has failed: the one place that says so.

use std::collections::BTreeSet;

use super::Bmc;
use super::failures::{Failures, Part};

impl Bmc {
    /// Whether the part has failed. Everything that depends on it asks here or [`Bmc::failed_parts`], so that all views agree.
    pub fn has_failed(&self, part: Part) -> bool {
        let Failures { failed_fans, failed_drives, failed_memory, failed_supplies, unused_memory: _ } =
            self.environment.failures();
        match part {
            Part::Fan(number) => failed_fans.contains(&number),
            Part::Drive(number) => failed_drives.contains(&number),
            Part::Memory(number) => failed_memory.contains(&number),
            Part::Supply(number) => failed_supplies.contains(&number),
        }
    }

    /// The parts for which [`Bmc::has_failed`] holds, in the order of their kinds and numbers.
    pub fn failed_parts(&self) -> impl Iterator<Item = Part> {
        // Nearly every machine has no such part.
        self.has_failures().then(|| self.environment.failures().iter()).into_iter().flatten()
    }

    /// Whether any part has failed. Many documents ask.
    pub fn has_failures(&self) -> bool {
        !self.environment.failures().is_empty()
    }

    /// Whether the power supply with this number has input and works.
    pub fn feeds(&self, supply: u8) -> bool {
        self.environment.has_input(supply) && !self.has_failed(Part::Supply(supply))
    }

    /// The memory modules that the last self test has left out. Hardware maps a failed module out at the self test, and uses a
    /// repaired one from the next self test on.
    pub fn unused_memory(&self) -> &BTreeSet<u8> {
        &self.environment.failures().unused_memory
    }

    /// The self test leaves out the memory modules that have failed.
    pub(super) fn test_memory(&mut self) {
        let memory = |part| if let Part::Memory(number) = part { Some(number) } else { None };
        let failed: BTreeSet<u8> = self.failed_parts().filter_map(memory).collect();
        if failed != *self.unused_memory() {
            self.environment.change(|environment| environment.failures_mut().unused_memory = failed);
        }
    }
}
