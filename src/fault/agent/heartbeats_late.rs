//! Heartbeats that come late.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// Heartbeats that come late. The agent sends the next one after the answer to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct HeartbeatsLate {
    /// The time by which each comes later, at most 24 hours.
    pub by: Period,
}

impl Default for HeartbeatsLate {
    fn default() -> Self {
        Self { by: Period::from_ms(60000) }
    }
}

impl Fault for HeartbeatsLate {
    const NAME: &'static str = "heartbeats-late";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str =
        "each heartbeat comes so much later, also the one that follows the end of a command";
    const ENDS: &'static str = "a heartbeat that waits is sent at once";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/agent.rs, late_heartbeats";

    fn occasion(&self) -> Occasion {
        Occasion::Heartbeat
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Late(self.by))
    }

    fn check(&self) -> Result<(), String> {
        super::check_duration("by", self.by)
    }
}
