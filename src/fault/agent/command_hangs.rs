//! A command of the agent that never ends.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A command that never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct CommandHangs {}

impl Fault for CommandHangs {
    const NAME: &'static str = "command-hangs";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "command_status stays RUNNING, and a client that waits for the result gets no answer; heartbeats go on";
    const ENDS: &'static str = "the command goes on: it ends with the result that it would have had, an image is written, and a power-off is done";
    const STAYS: &'static str = "the time that has passed, and what Ironic has done meanwhile";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_command_that_hangs";

    fn occasion(&self) -> Occasion {
        Occasion::Command
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Hang)
    }
}
