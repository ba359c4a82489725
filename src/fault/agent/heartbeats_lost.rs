//! Heartbeats that are lost on their way.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// Heartbeats that are lost on their way. The agent believes that Ironic has accepted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct HeartbeatsLost {}

impl Fault for HeartbeatsLost {
    const NAME: &'static str = "heartbeats-lost";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str =
        "Ironic gets no heartbeat, and goes on with nothing; the API of the agent answers";
    const ENDS: &'static str =
        "the next heartbeat arrives when it is due, at most 0.6 of heartbeat_timeout after the last one";
    const STAYS: &'static str = "what Ironic has done meanwhile, such as a timeout";
    const TEST: &'static str = "tests/it/faults/agent.rs, lost_heartbeats";

    fn occasion(&self) -> Occasion {
        Occasion::Heartbeat
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Lost)
    }
}
