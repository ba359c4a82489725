//! Heartbeats that are sent twice.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// Heartbeats that are sent twice, one after the other. The agent obeys the first answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct HeartbeatsDoubled {}

impl Fault for HeartbeatsDoubled {
    const NAME: &'static str = "heartbeats-doubled";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "Ironic gets each heartbeat twice";
    const ENDS: &'static str = "each heartbeat is sent once";
    const STAYS: &'static str = "what Ironic has done at the second one";
    const TEST: &'static str = "tests/it/faults/agent.rs, doubled_heartbeats";

    fn occasion(&self) -> Occasion {
        Occasion::Heartbeat
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Twice)
    }
}
