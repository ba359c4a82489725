//! Firmware that forgets the boot override.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// Firmware that forgets the boot override.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct OverrideForgotten {}

impl Fault for OverrideForgotten {
    const NAME: &'static str = "boot-override-forgotten";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the machine boots in its boot order; an override for one boot is used up";
    const ENDS: &'static str = "overrides are followed again";
    const STAYS: &'static str = "the boot that happened";
    const TEST: &'static str = "tests/it/faults/host.rs, an_override_that_is_forgotten";

    fn occasion(&self) -> Occasion {
        Occasion::Boot
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Ignore)
    }
}
