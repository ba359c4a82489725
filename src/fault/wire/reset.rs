//! A connection that is reset before, within or after the answer.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{At as Place, End, How, Shape};

/// A connection that is reset before, within or after the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", schema(as = ConnectionReset))]
pub struct Reset {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    pub when: Moment,
    /// The bytes of the answer, head included, that arrive before a reset within it.
    pub bytes: u64,
}

/// The place of the reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", schema(as = ResetMoment))]
pub enum Moment {
    /// Before the first byte of the answer.
    #[default]
    Before,
    /// After some bytes of the answer.
    Within,
    /// After the whole answer.
    After,
}

impl Fault for Reset {
    const NAME: &'static str = "reset";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "ECONNRESET at that place of the answer";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "a change that was asked for is made";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_reset";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        let at = match self.when {
            Moment::Before => Place::Before,
            Moment::Within => Place::Within(self.bytes),
            Moment::After => Place::After,
        };
        Act::Wire(super::Act::Shape(Shape { end: Some(End { at, how: How::Reset }), ..Shape::default() }))
    }
}
