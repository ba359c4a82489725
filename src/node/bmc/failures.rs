//! The parts of the machine that have failed. They stay in their places; what is missing is in [`Plugs`](super::plugs::Plugs).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Bmc;

/// A part that can fail and be repaired. The number is that of the part in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    Fan(u8),
    /// A drive in its bay, or out of it.
    Drive(u8),
    /// A memory module.
    Memory(u8),
    /// A power supply itself. Its cord is a [`Plug`](super::plugs::Plug).
    Supply(u8),
}

/// The parts that a person has let fail, by their numbers. A repaired part is what it was before: a drive has its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    failed_fans: BTreeSet<u8>,
    failed_drives: BTreeSet<u8>,
    failed_memory: BTreeSet<u8>,
    failed_supplies: BTreeSet<u8>,
    /// The memory modules that the last self test has left out, because they had failed by then.
    unused_memory: BTreeSet<u8>,
}

impl Failures {
    pub(super) const NEW: Self = Self {
        failed_fans: BTreeSet::new(),
        failed_drives: BTreeSet::new(),
        failed_memory: BTreeSet::new(),
        failed_supplies: BTreeSet::new(),
        unused_memory: BTreeSet::new(),
    };

    /// A part fails, or works again. A part that is so already stays as it is.
    pub(super) fn set(&mut self, part: Part, failed: bool) {
        let (all, number) = match part {
            Part::Fan(number) => (&mut self.failed_fans, number),
            Part::Drive(number) => (&mut self.failed_drives, number),
            Part::Memory(number) => (&mut self.failed_memory, number),
            Part::Supply(number) => (&mut self.failed_supplies, number),
        };
        if failed {
            all.insert(number)
        } else {
            all.remove(&number)
        };
    }

    fn is_empty(&self) -> bool {
        let Self { failed_fans, failed_drives, failed_memory, failed_supplies, unused_memory: _ } = self;
        [failed_fans, failed_drives, failed_memory, failed_supplies].into_iter().all(BTreeSet::is_empty)
    }

    fn iter(&self) -> impl Iterator<Item = Part> {
        let Self { failed_fans, failed_drives, failed_memory, failed_supplies, unused_memory: _ } = self;
        let fans = failed_fans.iter().copied().map(Part::Fan);
        fans.chain(failed_drives.iter().copied().map(Part::Drive))
            .chain(failed_memory.iter().copied().map(Part::Memory))
            .chain(failed_supplies.iter().copied().map(Part::Supply))
    }

    /// Whether a part has failed that readings of sensors depend on.
    pub(super) fn change_readings(&self) -> bool {
        !(self.failed_fans.is_empty() && self.failed_supplies.is_empty())
    }
}

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
        let failures = self.environment.failures();
        // Many documents ask, and nearly every machine has no such part.
        (!failures.is_empty()).then(|| failures.iter()).into_iter().flatten()
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
