//! An agent that never calls Ironic.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An agent that never calls Ironic, as one in a ramdisk that hangs. It takes effect at the next start of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct NeverCalls {}

impl Fault for NeverCalls {
    const NAME: &'static str = "agent-never-calls";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the ramdisk has booted, and no inspection data, no lookup and no heartbeat comes; nothing answers at the address of the agent";
    const ENDS: &'static str = "the agent makes its first call at once, and goes on as always";
    const STAYS: &'static str = "the time that has passed, and what Ironic has done meanwhile";
    const TEST: &'static str = "tests/it/faults/agent.rs, an_agent_that_never_calls";

    fn occasion(&self) -> Occasion {
        Occasion::AgentStart
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Silent(None))
    }
}
