//! A serving agent: its heartbeats, and the end of its commands.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::command::{CommandEnd, Commands, IpaError, Job, Then};
use super::dice::Dice;
use super::image::Written;
use crate::node::call::Call;
use crate::seed::Purpose;
use crate::time::SimTime;

/// Time between two looks of the agent at its next heartbeat, ms (`agent.py`, `run` and `_run_next`: `min_heartbeat_interval`
/// and the pause after it). A heartbeat that a command brings forward is sent at one of these looks, counted from the last
/// heartbeat.
const LOOK_EVERY_MS: u64 = 5_100;

/// An agent whose API is open. `heartbeat_timeout_s` (seconds) and `md5_enabled` are Ironic's `heartbeat_timeout` and
/// `agent_md5_checksum_enable`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// The UUID of the node in Ironic.
    pub node_uuid: Uuid,
    /// The token that Ironic and the agent share.
    pub token: Box<str>,
    pub heartbeat_timeout_s: u32,
    pub md5_enabled: bool,
    /// The next heartbeat of the agent.
    pub heartbeat: Call,
    /// The time of the last heartbeat.
    pub last: SimTime,
    /// Number of consecutive failed heartbeats.
    pub failed: u16,
    /// A command ended during a heartbeat. Another heartbeat follows at the next look.
    pub again: bool,
    /// A rule has put off the heartbeat, and nothing brings it forward.
    #[serde(default)]
    pub late: bool,
    /// A rule says that the heartbeat is sent twice.
    #[serde(default)]
    pub twice: bool,
    pub commands: Commands,
    /// The result of `get_partition_uuids`, JSON text; `None` until an image has been written.
    pub partition_uuids: Option<Box<str>>,
}

/// Ironic's answer to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Ironic has answered with 202.
    Accepted,
    /// Ironic has answered with any other status.
    Refused,
    /// This endpoint did not answer.
    Unreachable,
}

impl Serving {
    /// The state after a successful lookup. The first heartbeat is due.
    pub(super) fn new(node_uuid: Uuid, token: Box<str>, heartbeat_timeout_s: u32, md5_enabled: bool) -> Self {
        Self {
            node_uuid,
            token,
            heartbeat_timeout_s,
            md5_enabled,
            heartbeat: Call::Due,
            last: SimTime::from_ms(0),
            failed: 0,
            again: false,
            late: false,
            twice: false,
            commands: Commands::default(),
            partition_uuids: None,
        }
    }

    pub(super) fn next_deadline(&self) -> SimTime {
        self.heartbeat.deadline().min(self.commands.running().map_or(SimTime::NEVER, Job::deadline))
    }

    pub(super) fn step(&mut self, now: SimTime) -> Then {
        self.heartbeat.settle(now);
        if let Some(transfer) = self.commands.transfer() {
            transfer.settle(now);
        }
        match self.commands.end_timed(now) {
            Some(then) => {
                self.bring_heartbeat_forward(now);
                then
            }
            None => Then::Nothing,
        }
    }

    /// Schedules the next heartbeat at the agent's next look after the end of a command: Ironic continues only at
    /// heartbeats.
    fn bring_heartbeat_forward(&mut self, now: SimTime) {
        self.commands.unreported = true;
        match &mut self.heartbeat {
            Call::Underway => self.again = true,
            Call::At(_) if self.late => self.again = true,
            Call::Due => {}
            Call::At(at) => {
                let looks = now.since_ms(self.last).div_ceil(LOOK_EVERY_MS).max(1);
                *at = (*at).min(self.last.after_ms(looks * LOOK_EVERY_MS));
            }
        }
    }

    /// Takes the answer to a heartbeat, and schedules the next one (`agent.py`, `do_heartbeat`).
    ///
    /// After a failure the end of a command stays to be reported, so the next look repeats the heartbeat. The agent cannot
    /// know that Ironic has skipped a heartbeat: Ironic answers 202 before it tries to lock the node (`agent_base.py`,
    /// `heartbeat`). IPA forgets a command that ends during a heartbeat; this agent sends another one, as its heartbeats
    /// may take longer than IPA's.
    pub(super) fn beat(&mut self, answer: Beat, now: SimTime, dice: Dice) {
        let share =
            |low: f64, width: f64| low + width * (dice.draw(Purpose::Heartbeat) % 1000) as f64 / 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a duration of less than a day, never negative"
        )]
        let wait = match answer {
            Beat::Accepted if self.again => LOOK_EVERY_MS,
            Beat::Accepted => (f64::from(self.heartbeat_timeout_s) * 1000.0 * share(0.3, 0.3)) as u64,
            Beat::Refused | Beat::Unreachable if self.commands.unreported => LOOK_EVERY_MS,
            Beat::Refused | Beat::Unreachable => (5_000.0 * share(1.0, 1.0)) as u64,
        };
        match answer {
            Beat::Accepted => (self.failed, self.commands.unreported) = (0, self.again),
            Beat::Refused | Beat::Unreachable => self.failed = self.failed.saturating_add(1),
        }
        self.heartbeat = Call::At(now.after_ms(wait));
        self.last = now;
        (self.again, self.late, self.twice) = (false, false, false);
    }

    /// Takes the result of an image's transfer. Returns the effect on the machine. A success has this effect later.
    pub(super) fn image_written(
        &mut self,
        result: Result<Written, IpaError>,
        success: Then,
        now: SimTime,
    ) -> Then {
        if self.commands.transfer().is_none_or(|call| *call != Call::Underway) {
            return Then::Nothing;
        }
        match result {
            Ok(Written { result, partition_uuids, earliest_end }) => {
                self.partition_uuids = Some(partition_uuids);
                let end = match self.commands.image_step() {
                    Some((word, step)) => CommandEnd::StepSucceeded { word, result: (&*result).into(), step },
                    None => CommandEnd::Succeeded((&*result).into()),
                };
                self.commands.end_at(earliest_end, end, success);
                self.step(now)
            }
            Err(error) => {
                self.commands.end(CommandEnd::Failed(Box::new(error)));
                self.bring_heartbeat_forward(now);
                Then::Nothing
            }
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self {
            node_uuid: _,
            token: _,
            heartbeat_timeout_s: _,
            md5_enabled: _,
            heartbeat,
            last,
            failed: _,
            again: _,
            late: _,
            twice: _,
            commands,
            partition_uuids: _,
        } = self;
        heartbeat.shift(ms);
        last.shift(ms);
        commands.shift(ms);
    }
}
