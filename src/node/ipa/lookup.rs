//! Lookup: the agent asks Ironic which node it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dice::Dice;
use crate::node::call::Call;
use crate::time::SimTime;

/// A lookup in progress, with the number of failed attempts and the next attempt.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LookUp {
    pub failed: u16,
    pub call: Call,
    /// `ipa-lookup-timeout` as a moment: the agent gives up then.
    pub give_up: SimTime,
    /// The UUID of the node, if inspection has revealed it.
    pub node_uuid: Option<Uuid>,
    /// The token from inspection or from the kernel command line.
    pub token: Option<Box<str>>,
}

/// Ironic's answer to a lookup.
#[derive(Clone)]
pub enum LookedUp {
    /// The node, with Ironic's `heartbeat_timeout` (seconds) and `agent_md5_checksum_enable`.
    Found {
        uuid: Uuid,
        /// `agent_token`, or [`Ipa::HIDDEN_TOKEN`](super::Ipa::HIDDEN_TOKEN) if the agent should already have it.
        token: Option<Box<str>>,
        heartbeat_timeout_s: u32,
        md5_enabled: bool,
    },
    /// 404 or another error: the node does not exist, or its state allows no agent.
    NotFound,
    /// 409: the node is locked.
    Locked,
    /// This endpoint did not answer.
    Unreachable,
}

impl LookUp {
    pub(super) fn next_deadline(&self) -> SimTime {
        self.call.deadline().min(self.give_up)
    }

    /// Schedules the next attempt after a failure.
    pub(super) fn retry(&mut self, locked: bool, now: SimTime, dice: Dice) {
        let wait = if locked {
            [5_000, 10_000, 30_000][usize::from(self.failed.min(2))]
        } else {
            dice.backoff_ms(self.failed, 1_000, 60_000)
        };
        self.failed = self.failed.saturating_add(1);
        self.call = Call::At(now.after_ms(wait));
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { failed: _, call, give_up, node_uuid: _, token: _ } = self;
        call.shift(ms);
        give_up.shift(ms);
    }
}
