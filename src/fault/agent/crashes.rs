//! A command that takes the agent down.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A command that takes the agent down: its program ends, and the ramdisk goes on without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct AgentCrashes {}

impl Fault for AgentCrashes {
    const NAME: &'static str = "agent-crashes";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the command is accepted, or its connection breaks if the client waits for the result; then the agent is gone and makes no call";
    const ENDS: &'static str =
        "the next command is executed; an agent that is gone stays away until the machine starts again";
    const STAYS: &'static str = "the agent is gone, with its commands and their results";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_command_that_takes_the_agent_down";

    fn occasion(&self) -> Occasion {
        Occasion::Command
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Crash)
    }
}
