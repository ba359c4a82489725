//! A part of the machine that fails.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A part of the machine that fails. A machine without that part, or whose last one it is, stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PartFails {
    pub part: Kind,
    /// The number of the part among those of its kind, from 0, in the order of the profile.
    pub number: u8,
}

/// The kind of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", schema(as = PartKind))]
pub enum Kind {
    #[default]
    Disk,
    Dimm,
    Fan,
    Psu,
}

impl Fault for PartFails {
    const NAME: &'static str = "part-fails";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the part and all that contains it are Critical or Warning, with events; sensors, inventory and the agent agree";
    const ENDS: &'static str =
        "the part works again; a disk has its content, and a DIMM is used from the next self test on";
    const STAYS: &'static str = "events and log entries; a boot without the disk";
    const TEST: &'static str = "tests/it/faults/host.rs, a_part_that_fails";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Break(self.part, self.number))
    }
}
