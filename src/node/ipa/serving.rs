//! A serving agent: its heartbeats, and the end of its commands.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::command::{CommandEnd, Commands, IpaError, Job, Then};
use super::dice::Dice;
use super::image::Written;
use crate::node::call::Call;
use crate::seed::Purpose;
use crate::time::SimTime;

/// Minimum time between two heartbeats, ms, also if a command ends (`agent.py`, `min_interval`).
const MIN_INTERVAL_MS: u64 = 5_000;

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
    /// A command ended during a heartbeat. Another heartbeat follows immediately.
    pub again: bool,
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
            commands: Commands::default(),
            partition_uuids: None,
        }
    }

    pub(super) fn next_deadline(&self) -> SimTime {
        self.heartbeat.deadline().min(self.commands.running().map_or(SimTime::NEVER, Job::deadline))
    }

    pub(super) fn step(&mut self, now: SimTime) -> Then {
        self.heartbeat.settle(now);
        match self.commands.end_timed(now) {
            Some(then) => {
                self.bring_heartbeat_forward(now);
                then
            }
            None => Then::Nothing,
        }
    }

    /// Schedules the next heartbeat as early as possible after the end of a command: Ironic continues only at
    /// heartbeats.
    fn bring_heartbeat_forward(&mut self, now: SimTime) {
        match &mut self.heartbeat {
            Call::Underway => self.again = true,
            Call::Due => {}
            Call::At(at) => *at = (*at).min(now.max(self.last.after_ms(MIN_INTERVAL_MS))),
        }
    }

    /// Takes the answer to a heartbeat, and schedules the next one.
    pub(super) fn beat(&mut self, answer: Beat, now: SimTime, dice: Dice) {
        let share =
            |low: f64, width: f64| low + width * (dice.draw(Purpose::Heartbeat) % 1000) as f64 / 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a duration of less than a day, never negative"
        )]
        let wait = match answer {
            Beat::Accepted if self.again => MIN_INTERVAL_MS,
            Beat::Accepted => (f64::from(self.heartbeat_timeout_s) * 1000.0 * share(0.3, 0.3)) as u64,
            Beat::Refused | Beat::Unreachable => (5_000.0 * share(1.0, 1.0)) as u64,
        };
        self.failed = match answer {
            Beat::Accepted => 0,
            Beat::Refused | Beat::Unreachable => self.failed.saturating_add(1),
        };
        self.heartbeat = Call::At(now.after_ms(wait));
        self.last = now;
        self.again = false;
    }

    /// Takes the result of an image's transfer. Returns the effect on the machine.
    pub(super) fn image_written(&mut self, result: Result<Written, IpaError>, now: SimTime) -> Then {
        if self.commands.transfer().is_none_or(|call| *call != Call::Underway) {
            return Then::Nothing;
        }
        let (end, then) = match result {
            Ok(Written { result, partition_uuids }) => {
                self.partition_uuids = Some(partition_uuids);
                let end = match self.commands.image_step() {
                    Some((word, step)) => CommandEnd::StepSucceeded { word, result: (&*result).into(), step },
                    None => CommandEnd::Succeeded((&*result).into()),
                };
                (end, Then::Install)
            }
            Err(error) => (CommandEnd::Failed(Box::new(error)), Then::Nothing),
        };
        self.commands.end(end);
        self.bring_heartbeat_forward(now);
        then
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
            commands,
            partition_uuids: _,
        } = self;
        heartbeat.shift(ms);
        last.shift(ms);
        commands.shift(ms);
    }
}
