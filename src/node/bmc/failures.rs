//! The parts of the machine that have failed. They stay in their places; what is missing is in [`Plugs`](super::plugs::Plugs).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A part that can fail and be repaired. The number is that of the part in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    Fan(u8),
    /// A drive in its bay, or out of it.
    Drive(u8),
    Memory(u8),
    /// A power supply itself. Its cord is a [`Plug`](super::plugs::Plug).
    Supply(u8),
}

/// The parts that a person has let fail, by their numbers. A repaired part is what it was before: a drive has its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Failures {
    pub(super) failed_fans: BTreeSet<u8>,
    pub(super) failed_drives: BTreeSet<u8>,
    pub(super) failed_memory: BTreeSet<u8>,
    pub(super) failed_supplies: BTreeSet<u8>,
    /// The memory modules that the last self test has left out, because they had failed by then.
    pub(super) unused_memory: BTreeSet<u8>,
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

    pub(super) fn is_empty(&self) -> bool {
        let Self { failed_fans, failed_drives, failed_memory, failed_supplies, unused_memory: _ } = self;
        [failed_fans, failed_drives, failed_memory, failed_supplies].into_iter().all(BTreeSet::is_empty)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Part> {
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
