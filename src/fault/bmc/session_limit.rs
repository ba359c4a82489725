//! A BMC without room for another session.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A BMC without room for another session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct SessionLimit {}

impl Fault for SessionLimit {
    const NAME: &'static str = "session-limit";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "status 503 with SessionLimitExceeded for a POST to the sessions; sessions that exist go on";
    const ENDS: &'static str = "new sessions are possible again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_session_limit";

    fn occasion(&self) -> Occasion {
        Occasion::Login
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::NoSession)
    }
}
