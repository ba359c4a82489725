//! An answer with wrong bytes in its body.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{Garble, Shape};

/// An answer with wrong bytes in its body.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Garbled {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// One byte of so many is wrong, at least 1.
    #[cfg_attr(feature = "cli", schema(minimum = 1))]
    pub one_of: u32,
}

impl Default for Garbled {
    fn default() -> Self {
        Self { at: At::Bmc, one_of: 100 }
    }
}

impl Fault for Garbled {
    const NAME: &'static str = "garbled";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "a body of the right length with wrong bytes; head, chunks and TLS records are right";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_garbled_answer";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        self.act_with(0)
    }

    fn act_with(&self, roll: u64) -> Act {
        let one_of = NonZeroU32::new(self.one_of).unwrap_or(NonZeroU32::MIN);
        let garble = Some(Garble { seed: roll, one_of });
        Act::Wire(super::Act::Shape(Shape { garble, ..Shape::default() }))
    }

    fn check(&self) -> Result<(), String> {
        if self.one_of == 0 { Err("'oneOf' is 0; at least 1 is allowed".to_owned()) } else { Ok(()) }
    }
}
