//! A change that is acknowledged and then lost.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A change that is acknowledged and then lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct LostChange {}

impl Fault for LostChange {
    const NAME: &'static str = "lost-change";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str = "PATCH, POST and DELETE succeed, and the next GET shows the old values";
    const ENDS: &'static str = "nothing is left to end";
    const STAYS: &'static str = "nothing; the change was never made";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_lost_change";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Forget)
    }
}
