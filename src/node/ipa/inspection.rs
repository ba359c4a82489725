//! Inspection: the agent sends the hardware data of its machine to Ironic.

use uuid::Uuid;

use super::{Dice, Ipa, Phase};
use crate::node::call::Call;
use crate::time::SimTime;

/// Maximum number of attempts to send inspection data (`inspector.py`, `_RETRY_ATTEMPTS`).
const ATTEMPTS: u16 = 5;

/// Ironic's answer to inspection data.
#[derive(Clone)]
pub enum Inspected {
    /// Ironic has accepted the data. The answer may contain the node's UUID and, with API 1.84, the token.
    Accepted(Option<Uuid>, Option<Box<str>>),
    /// The agent should retry: no connection, a locked node, a server error, or a node that is not yet in inspection.
    Retry,
    /// Another attempt would fail as well.
    Refused,
}

impl Ipa {
    /// Takes the answer to inspection data. A failure is not fatal (`inspector.py`, `inspect`).
    pub(super) fn inspected(&mut self, answer: Inspected, now: SimTime, dice: Dice) {
        let Phase::Inspecting { failed, call: Call::Underway } = self.phase else { return };
        let (uuid, token) = match answer {
            Inspected::Accepted(uuid, token) => (uuid, token.filter(|t| **t != *Self::HIDDEN_TOKEN)),
            Inspected::Retry if failed + 1 < ATTEMPTS => {
                let wait = dice.backoff_ms(failed, 5_000, 30_000);
                self.phase = Phase::Inspecting { failed: failed + 1, call: Call::At(now.after_ms(wait)) };
                return;
            }
            Inspected::Retry | Inspected::Refused => (None, None),
        };
        let token = token.or_else(|| self.params.token.clone());
        self.phase = self.lookup_phase(uuid, token, now);
    }
}
