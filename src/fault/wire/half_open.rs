//! A peer that is gone without a word, as a machine that lost its network.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{At as Place, End, How, Shape};

/// A peer that is gone without a word, as a machine that lost its network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct HalfOpen {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
}

impl Fault for HalfOpen {
    const NAME: &'static str = "half-open";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "no answer, no FIN and no reset; the kernel does not even acknowledge what the client sends";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "connections that the client has given up";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_half_open_connection";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Shape(Shape {
            end: Some(End { at: Place::Before, how: How::HalfOpen }),
            ..Shape::default()
        }))
    }
}
