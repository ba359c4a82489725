//! A machine that restarts by itself.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A machine that restarts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct SpontaneousReset {}

impl Fault for SpontaneousReset {
    const NAME: &'static str = "spontaneous-reset";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str =
        "the machine restarts without a request: the agent is gone, and the firmware boots again";
    const ENDS: &'static str = "no further restart";
    const STAYS: &'static str =
        "the restart: a boot override for one boot is used up, and a command of the agent is lost";
    const TEST: &'static str = "tests/it/faults/host.rs, a_machine_that_restarts_by_itself";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Reset)
    }
}
