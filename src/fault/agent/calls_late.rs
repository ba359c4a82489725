//! An agent whose first call comes late.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// An agent whose first call to Ironic comes late, as from a slow ramdisk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct CallsLate {
    /// The time by which it comes later, at most 24 hours.
    pub by: Period,
}

impl Default for CallsLate {
    fn default() -> Self {
        Self { by: Period::from_ms(600000) }
    }
}

impl Fault for CallsLate {
    const NAME: &'static str = "agent-calls-late";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the inspection data or the lookup, and all that follows, come so much later";
    const ENDS: &'static str = "an agent that waits makes its first call at once";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/agent.rs, an_agent_that_calls_late";

    fn occasion(&self) -> Occasion {
        Occasion::AgentStart
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Silent(Some(self.by)))
    }

    fn check(&self) -> Result<(), String> {
        super::check_duration("by", self.by)
    }
}
