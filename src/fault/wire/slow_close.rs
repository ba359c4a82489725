//! A connection that closes long after its last answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Period, Seam};
use crate::wire::{At as Place, End, How, Shape};

/// A connection that closes long after its last answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct SlowClose {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// The time from the end of the answer to the end of the connection, at most 1 hour.
    pub by: Period,
}

impl Default for SlowClose {
    fn default() -> Self {
        Self { at: At::Bmc, by: Period::from_ms(30_000) }
    }
}

impl Fault for SlowClose {
    const NAME: &'static str = "slow-close";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "a complete answer with Connection: close, and a connection that stays open and silent";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_slow_close";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        let how = How::CloseLate(Duration::from_millis(self.by.ms()));
        Act::Wire(super::Act::Shape(Shape { end: Some(End { at: Place::After, how }), ..Shape::default() }))
    }

    fn check(&self) -> Result<(), String> {
        super::check_duration("by", self.by)
    }
}
