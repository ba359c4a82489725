//! Lookup: the agent asks Ironic which node it is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Closed, Dice, Ipa, Phase, Serving};
use crate::node::call::Call;
use crate::time::SimTime;

/// A lookup in progress.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LookUp {
    /// Failed attempts.
    pub failed: u16,
    /// The next attempt.
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
    Found {
        uuid: Uuid,
        /// `agent_token`, or [`Ipa::HIDDEN_TOKEN`] if the agent should already have it.
        token: Option<Box<str>>,
        /// `heartbeat_timeout`, seconds.
        heartbeat_timeout_s: u32,
        /// `agent_md5_checksum_enable`.
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

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { failed: _, call, give_up, node_uuid: _, token: _ } = self;
        call.shift(ms);
        give_up.shift(ms);
    }
}

impl Ipa {
    /// The phase after the start or after inspection.
    pub(super) fn lookup_phase(
        &self,
        node_uuid: Option<Uuid>,
        token: Option<Box<str>>,
        now: SimTime,
    ) -> Phase {
        if self.params.api_urls.is_empty() {
            let inspected = !self.params.inspection_urls.is_empty();
            return Phase::Closed(if inspected { Closed::Inspected } else { Closed::NoApi });
        }
        let give_up = now.after_ms(u64::from(self.params.lookup_timeout_s) * 1000);
        Phase::LookingUp(LookUp { failed: 0, call: Call::Due, give_up, node_uuid, token })
    }

    /// Takes the answer to a lookup.
    pub(super) fn looked_up(&mut self, answer: LookedUp, now: SimTime, dice: Dice) {
        let Phase::LookingUp(look_up) = &mut self.phase else { return };
        if look_up.call != Call::Underway {
            return;
        }
        let failed = look_up.failed;
        let wait = match answer {
            LookedUp::Found { uuid, token, heartbeat_timeout_s, md5_enabled } => {
                let fresh = token.filter(|t| **t != *Self::HIDDEN_TOKEN);
                self.phase = match fresh.or(look_up.token.take()) {
                    Some(token) => {
                        Phase::Serving(Serving::new(uuid, token, heartbeat_timeout_s.max(1), md5_enabled))
                    }
                    None => Phase::Closed(Closed::TokenUnknown),
                };
                return;
            }
            LookedUp::NotFound | LookedUp::Unreachable => dice.backoff_ms(failed, 1_000, 60_000),
            LookedUp::Locked => [5_000, 10_000, 30_000][usize::from(failed.min(2))],
        };
        look_up.failed = failed.saturating_add(1);
        look_up.call = Call::At(now.after_ms(wait));
        if matches!(answer, LookedUp::Unreachable) {
            self.fail_over();
        }
    }
}
