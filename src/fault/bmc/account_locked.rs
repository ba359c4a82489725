//! An account that is locked.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An account that is locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct AccountLocked {}

impl Fault for AccountLocked {
    const NAME: &'static str = "account-locked";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "status 401 for every request that concerns the machine, as after too many failed logins";
    const ENDS: &'static str = "the account is open again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_locked_account";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Locked)
    }
}
