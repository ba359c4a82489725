//! A service that reads requests and never answers, as a BMC that hangs.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{At as Place, End, How, Shape};

/// A service that reads requests and never answers, as a BMC that hangs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct BlackHole {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
}

impl Fault for BlackHole {
    const NAME: &'static str = "black-hole";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "no answer; the connection stays open";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str =
        "a change that was asked for is made; connections that the client has given up";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_black_hole";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Shape(Shape {
            end: Some(End { at: Place::Before, how: How::BlackHole }),
            ..Shape::default()
        }))
    }
}
