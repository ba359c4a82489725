//! An agent that has forgotten its token.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An agent that has forgotten the token that it shares with Ironic, after its lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct TokenLost {}

impl Fault for TokenLost {
    const NAME: &'static str = "token-lost";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "heartbeats have the token null, which Ironic refuses, and the agent repeats them every 5 to 10 seconds; the API of the agent answers 401";
    const ENDS: &'static str = "the agent has its token again";
    const STAYS: &'static str = "what Ironic has done meanwhile, such as a timeout";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_lost_token";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Token(None))
    }
}
