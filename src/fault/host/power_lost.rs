//! A machine without mains power.

use serde::{Deserialize, Serialize};

use crate::dmtf::PowerRestorePolicy;
use crate::fault::{Act, Fault, Occasion, Seam};

/// A machine without mains power, as with a rack or a feed that fails. The BMC is away, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PowerLost {
    /// What the machine does when the power is back. Without it, the machine does what its `PowerRestorePolicy` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,
}

/// The policy for power that comes back, as `PowerRestorePolicy` of Redfish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Restore {
    /// It is on if it was on before.
    LastState,
    AlwaysOff,
    AlwaysOn,
}

impl Fault for PowerLost {
    const NAME: &'static str = "power-lost";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the machine is off at once, its agent is gone, and its BMC is away; when the power is back, the BMC starts";
    const ENDS: &'static str = "the power is back: the BMC starts, and the machine follows its policy";
    const STAYS: &'static str = "the machine was off: what ran is gone, and a boot override for one boot is used up by the next start";
    const TEST: &'static str = "tests/it/faults/host.rs, a_rack_without_power";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        let policy = |restore| match restore {
            Restore::LastState => PowerRestorePolicy::LastState,
            Restore::AlwaysOff => PowerRestorePolicy::AlwaysOff,
            Restore::AlwaysOn => PowerRestorePolicy::AlwaysOn,
        };
        Act::Host(super::Act::NoPower(self.restore.map(policy)))
    }
}
