//! A power-on that takes long, or never completes.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// A power-on that takes long, or never completes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PowerOnHangs {
    /// The time that it takes, at most 24 hours; without it, it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes: Option<Period>,
}

impl Fault for PowerOnHangs {
    const NAME: &'static str = "power-on-hangs";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the request succeeds, and PowerState stays PoweringOn";
    const ENDS: &'static str = "the next power-on takes its normal time; one that hangs completes";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/host.rs, a_power_on_that_hangs";

    fn occasion(&self) -> Occasion {
        Occasion::PowerOn
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Takes(self.takes.map(Period::ms)))
    }

    fn check(&self) -> Result<(), String> {
        self.takes.map_or(Ok(()), |takes| takes.check_at_most_a_day("takes"))
    }
}
