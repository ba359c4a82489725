//! A password that somebody has changed.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A password that somebody has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PasswordChanged {}

impl Fault for PasswordChanged {
    const NAME: &'static str = "password-changed";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "status 401 for every request that concerns the machine, as with a wrong password";
    const ENDS: &'static str = "the old password is right again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_changed_password";

    fn occasion(&self) -> Occasion {
        Occasion::Request
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::WrongPassword)
    }
}
