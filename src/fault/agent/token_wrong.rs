//! An agent that has a wrong token.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An agent that takes another text for the token that it shares with Ironic, after its lookup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct TokenWrong {
    /// The wrong token: 1 to 255 printable ASCII characters.
    #[cfg_attr(feature = "cli", schema(pattern = "^[!-~]{1,255}$"))]
    pub token: String,
}

impl TokenWrong {
    /// The longest token, characters.
    const MAX: usize = 255;
}

impl Default for TokenWrong {
    fn default() -> Self {
        Self { token: "wrong-token-wrong-token-wrong-token".to_owned() }
    }
}

impl Fault for TokenWrong {
    const NAME: &'static str = "token-wrong";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "heartbeats have the wrong token, which Ironic refuses, and the agent repeats them every 5 to 10 seconds; the API of the agent answers 401 to the right one";
    const ENDS: &'static str = "the agent has the right token again";
    const STAYS: &'static str = "what Ironic has done meanwhile, such as a timeout";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_wrong_token";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Token(Some(self.token.as_str().into())))
    }

    fn check(&self) -> Result<(), String> {
        let token = &self.token;
        if (1..=Self::MAX).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(());
        }
        let most = Self::MAX;
        Err(format!(
            "'token' is '{token}'; allowed are 1 to {most} printable ASCII characters without spaces"
        ))
    }
}
