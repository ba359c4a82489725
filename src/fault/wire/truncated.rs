//! An answer that ends too early, in an orderly way.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{At as Place, End, How, Shape};

/// An answer that ends too early, in an orderly way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Truncated {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// The bytes of the answer, head included, that arrive.
    pub bytes: u64,
}

impl Default for Truncated {
    fn default() -> Self {
        Self { at: At::Bmc, bytes: 400 }
    }
}

impl Fault for Truncated {
    const NAME: &'static str = "truncated";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "fewer bytes than Content-Length says, then the end of the connection";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "a change that was asked for is made";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_truncated_answer";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Shape(Shape {
            end: Some(End { at: Place::Within(self.bytes), how: How::Close }),
            ..Shape::default()
        }))
    }
}
