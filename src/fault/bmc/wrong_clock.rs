//! A BMC whose clock is wrong.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// A BMC whose clock is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct WrongClock {
    /// How far the clock is from the right time.
    pub by: Period,
    /// Whether the clock is ahead. It is behind by default, as that of a BMC without battery.
    pub ahead: bool,
}

impl Default for WrongClock {
    fn default() -> Self {
        Self { by: Period::from_ms(24 * 3600 * 1000), ahead: false }
    }
}

impl Fault for WrongClock {
    const NAME: &'static str = "wrong-clock";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str = "DateTime of the Manager is wrong";
    const ENDS: &'static str = "the clock is right again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_wrong_clock";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        let ms = i64::try_from(self.by.ms()).unwrap_or(i64::MAX);
        Act::Bmc(super::Act::Clock(if self.ahead { ms } else { -ms }))
    }
}
