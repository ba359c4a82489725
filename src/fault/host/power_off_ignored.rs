//! A machine that stays on when it is asked to go off.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A machine that stays on when it is asked to go off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PowerOffIgnored {}

impl Fault for PowerOffIgnored {
    const NAME: &'static str = "power-off-ignored";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the request succeeds, and PowerState stays On";
    const ENDS: &'static str = "the machine obeys again";
    const STAYS: &'static str = "the machine is on";
    const TEST: &'static str = "tests/it/faults/host.rs, a_power_off_that_is_ignored";

    fn occasion(&self) -> Occasion {
        Occasion::PowerOff
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Ignore)
    }
}
