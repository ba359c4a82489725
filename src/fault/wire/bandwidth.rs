//! An answer that arrives slowly.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{Pace, Shape};

/// An answer that arrives slowly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Bandwidth {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// The rate, at least 1.
    #[cfg_attr(feature = "cli", schema(minimum = 1))]
    pub bytes_per_second: u32,
}

impl Default for Bandwidth {
    fn default() -> Self {
        Self { at: At::Bmc, bytes_per_second: 1200 }
    }
}

impl Fault for Bandwidth {
    const NAME: &'static str = "bandwidth";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "the answer arrives in small pieces at that rate";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_slow_answer";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        let rate = NonZeroU32::new(self.bytes_per_second).unwrap_or(NonZeroU32::MIN);
        let pace = Some(Pace::bytes_per_s(rate));
        Act::Wire(super::Act::Shape(Shape { pace, ..Shape::default() }))
    }

    fn check(&self) -> Result<(), String> {
        if self.bytes_per_second == 0 {
            return Err("'bytesPerSecond' is 0; at least 1 is allowed".to_owned());
        }
        Ok(())
    }
}
