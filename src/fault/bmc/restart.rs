//! A BMC that restarts in the middle of a request.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A BMC that restarts in the middle of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct BmcRestart {}

impl Fault for BmcRestart {
    const NAME: &'static str = "bmc-restart";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "the request is done, its answer never comes, and the BMC is away for the duration of its restart";
    const ENDS: &'static str = "no further restart; one that has begun goes on";
    const STAYS: &'static str = "the change that was asked for, and the restart in the log";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_restart_in_the_middle";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Restart)
    }
}
