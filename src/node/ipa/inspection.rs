//! Inspection: the agent sends the hardware data of its machine to Ironic.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dice::Dice;
use crate::node::call::Call;
use crate::time::SimTime;

/// Maximum number of attempts to send inspection data (`inspector.py`, `_RETRY_ATTEMPTS`).
const ATTEMPTS: u16 = 5;
/// The same of an agent that inspects unasked. A node that Ironic does not inspect, and a node whose inspection has just
/// begun, get the same answer, 404. Three attempts wait 7 to 15 s for a busy conductor, and a deployment no longer.
const UNASKED_ATTEMPTS: u16 = 3;

/// An inspection in progress: the number of failed attempts, and the next attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    pub failed: u16,
    pub call: Call,
}

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

impl Inspection {
    pub(super) const NEW: Self = Self { failed: 0, call: Call::Due };

    /// The next attempt after a failure; `None` after the last one.
    pub(super) fn retry(&self, unasked: bool, now: SimTime, dice: Dice) -> Option<Self> {
        let failed = self.failed + 1;
        let wait = dice.backoff_ms(self.failed, 5_000, 30_000);
        (failed < if unasked { UNASKED_ATTEMPTS } else { ATTEMPTS })
            .then(|| Self { failed, call: Call::At(now.after_ms(wait)) })
    }
}
