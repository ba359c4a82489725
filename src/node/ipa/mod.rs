//! The agent inside a booted ramdisk: inspection, lookup, heartbeats and the command that runs.
//!
//! Mirrors the order and the timing of Ironic Python Agent 13 (`ironic_python_agent/agent.py`, `inspector.py`,
//! `ironic_api_client.py`). It knows no HTTP: it says when which call is due, and is told what came of it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

mod work;

use super::NodeId;
use crate::seed::{Purpose, Seed};
use crate::time::SimTime;
pub use work::{
    Checksum, CommandRecord, CommandStatus, ImageJob, IpaCommand, IpaError, Job, Partitions, Then, Work,
    Written,
};

/// What a ramdisk was told on its kernel's command line, as far as the agent follows it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// `ipa-api-url`, and the endpoints that stand in for it: tried in this order from [`Ipa::endpoint`] on.
    pub api_urls: Box<[Box<str>]>,
    /// How many of them, from the first on, are one service, so that any may be the first that is used.
    pub spread: u8,
    /// `ipa-inspection-callback-url`; inspection comes first where it is set.
    pub inspection_urls: Box<[Box<str>]>,
    /// `ipa-agent-token`, made before the boot.
    pub token: Option<Box<str>>,
    /// `ipa-global-request-id`, sent along as `X-OpenStack-Request-ID`.
    pub request_id: Option<Box<str>>,
    /// `BOOTIF`: the MAC that booted, with its leading hardware type.
    pub boot_interface: Option<Box<str>>,
    /// `ipa-inspection-collectors`, comma separated; empty is IPA's default.
    pub collectors: Box<str>,
    /// `ipa-lookup-timeout`, seconds.
    pub lookup_timeout_s: u32,
    /// `ipa-collect-lldp`.
    pub collect_lldp: bool,
    /// `ipa-insecure`: certificates of Ironic and of image servers are not checked.
    pub insecure: bool,
    /// Booted from virtual media.
    pub virtual_media: bool,
}

/// A call outside, and whether it is time for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// To be made then.
    At(SimTime),
    /// To be made now.
    Due,
    /// Being made; its answer will come. Kept as [`Call::Due`], for an answer dies with the process that waits for it.
    #[serde(rename(serialize = "Due"))]
    Underway,
}

impl Call {
    /// When it becomes due.
    pub fn deadline(self) -> SimTime {
        if let Self::At(at) = self { at } else { SimTime::NEVER }
    }

    /// Due, if its time has come.
    pub(super) fn settle(&mut self, now: SimTime) {
        if matches!(self, Self::At(at) if *at <= now) {
            *self = Self::Due;
        }
    }

    /// Whether the call was due; it is under way from here on.
    pub(super) fn take(&mut self) -> bool {
        let due = *self == Self::Due;
        if due {
            *self = Self::Underway;
        }
        due
    }
}

/// An agent, from its start to the end of its ramdisk.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Ipa {
    /// What it was started with.
    pub params: Params,
    /// Where it is in its life.
    pub phase: Phase,
    /// When its ramdisk came up.
    pub started: SimTime,
    /// Which of the API endpoints it uses.
    pub endpoint: u8,
    /// The node's UUID in Ironic, once known.
    pub node_uuid: Option<Uuid>,
    /// The token that Ironic and the agent share.
    pub token: Option<Box<str>>,
    /// Ironic's `heartbeat_timeout`, seconds.
    pub heartbeat_timeout_s: u32,
    /// Lookup said `agent_md5_checksum_enable`.
    pub md5_enabled: bool,
    /// Commands in the order in which they came, the oldest dropped beyond [`Ipa::MAX_COMMANDS`].
    pub commands: Vec<CommandRecord>,
    /// What the last command still does.
    pub job: Option<Job>,
    /// What `get_partition_uuids` answers, JSON text; `None` until an image has been written.
    pub partition_uuids: Option<Box<str>>,
    /// Commands taken so far.
    pub taken: u32,
}

/// Where an agent is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The ramdisk starts its services.
    Starting {
        /// Until then.
        until: SimTime,
    },
    /// Sends its inspection data.
    Inspecting {
        /// Attempts that failed.
        failed: u16,
        /// The next one.
        call: Call,
    },
    /// Asks Ironic which node it is.
    LookingUp {
        /// Attempts that failed.
        failed: u16,
        /// The next one.
        call: Call,
        /// IPA gives up then.
        give_up: SimTime,
    },
    /// Serves its API and sends heartbeats.
    Serving {
        /// The next heartbeat.
        call: Call,
        /// When the last one was made.
        last: SimTime,
        /// Heartbeats in a row that failed.
        failed: u16,
        /// A command ended while a heartbeat was under way: another one follows it.
        again: bool,
    },
    /// Its API is shut and it calls nobody.
    Closed(Closed),
}

/// Why an agent is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closed {
    /// It was started for inspection only, which is over.
    Inspected,
    /// There was nothing it could call.
    NoApi,
    /// No node was found for it in time.
    GaveUp,
    /// Ironic has a token that the agent does not know (`agent.py`, `process_lookup_data`).
    TokenUnknown,
    /// `rescue.finalize_rescue` made the ramdisk a rescue system.
    Rescued,
    /// `system.lockdown`.
    LockedDown,
}

/// What came of sending inspection data.
#[derive(Clone)]
pub enum Inspected {
    /// Ironic has it; it may have told which node this is and, with API 1.84, the token.
    Accepted(Option<Uuid>, Option<Box<str>>),
    /// Worth another try: no connection, a locked node, an error of the server, or not yet in inspection.
    Retry,
    /// Of no use.
    Refused,
}

/// What came of a lookup.
#[derive(Clone)]
pub enum LookedUp {
    /// This node it is.
    Found {
        /// Its UUID.
        uuid: Uuid,
        /// `agent_token`; stars when the agent should have it already.
        token: Option<Box<str>>,
        /// `heartbeat_timeout`, seconds.
        heartbeat_timeout_s: u32,
        /// `agent_md5_checksum_enable`.
        md5_enabled: bool,
    },
    /// 404 or another error: no such node, or not in a state for agents.
    NotFound,
    /// 409: the node is locked.
    Locked,
    /// No answer from this endpoint.
    Unreachable,
}

/// What came of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// 202.
    Accepted,
    /// Any other answer.
    Refused,
    /// No answer from this endpoint.
    Unreachable,
}

impl Ipa {
    /// Commands that an agent remembers. Ironic looks at the last one, and at whether there was any before it.
    pub const MAX_COMMANDS: usize = 64;
    /// What stands for a token that was told before (`ironic/api/controllers/v1/ramdisk.py`).
    pub const HIDDEN_TOKEN: &'static str = "******";
    /// Inspection data is sent this often at most (`inspector.py`, `_RETRY_ATTEMPTS`).
    const INSPECTION_ATTEMPTS: u16 = 5;
    /// Heartbeats are at least this far apart, also those that a command's end brings on (`agent.py`, `min_interval`).
    const MIN_HEARTBEAT_MS: u64 = 5_000;

    /// A fresh agent whose ramdisk came up `now`.
    pub fn new(params: Params, now: SimTime, start_ms: u64, dice: Dice) -> Self {
        let endpoints = u64::from(params.spread.max(1));
        let token = params.token.clone();
        Self {
            endpoint: (dice.draw(Purpose::Endpoint) % endpoints) as u8,
            params,
            phase: Phase::Starting { until: now.after_ms(start_ms) },
            started: now,
            node_uuid: None,
            token,
            heartbeat_timeout_s: 300,
            md5_enabled: false,
            commands: Vec::new(),
            job: None,
            partition_uuids: None,
            taken: 0,
        }
    }

    /// Whether its API answers.
    pub fn serves(&self) -> bool {
        matches!(self.phase, Phase::Serving { .. })
    }

    /// The URL of the API endpoint in use.
    pub fn api_url(&self) -> Option<&str> {
        let urls = &self.params.api_urls;
        urls.get(usize::from(self.endpoint) % urls.len().max(1)).map(|u| &**u)
    }

    /// When it does something by itself next.
    pub fn next_deadline(&self) -> SimTime {
        let phase = match self.phase {
            Phase::Starting { until } => until,
            Phase::Inspecting { call, .. } | Phase::Serving { call, .. } => call.deadline(),
            Phase::LookingUp { call, give_up, .. } => call.deadline().min(give_up),
            Phase::Closed(_) => SimTime::NEVER,
        };
        let job = match &self.job {
            Some(Job::Timed { until, .. }) => *until,
            Some(Job::Image { call, .. }) => call.deadline(),
            None => SimTime::NEVER,
        };
        phase.min(job)
    }

    /// Does what is due at `now`, which is its [`Ipa::next_deadline`]. Says what an ended command does to the machine.
    pub(super) fn step(&mut self, now: SimTime) -> Then {
        match &mut self.phase {
            Phase::Starting { until } if *until <= now => self.begin(now),
            Phase::Inspecting { call, .. } | Phase::Serving { call, .. } => call.settle(now),
            Phase::LookingUp { give_up, .. } if *give_up <= now => self.phase = Phase::Closed(Closed::GaveUp),
            Phase::LookingUp { call, .. } => call.settle(now),
            Phase::Starting { .. } | Phase::Closed(_) => {}
        }
        match self.job.take() {
            Some(Job::Timed { until, end, then }) if until <= now => {
                let then = if matches!(end, CommandStatus::Succeeded(_)) { then } else { Then::Nothing };
                self.finish(end, now);
                then
            }
            job => {
                self.job = job;
                Then::Nothing
            }
        }
    }

    /// Inspection first, where it is asked for; else lookup; else there is nothing to do.
    fn begin(&mut self, now: SimTime) {
        self.phase = if !self.params.inspection_urls.is_empty() {
            Phase::Inspecting { failed: 0, call: Call::Due }
        } else {
            self.lookup_phase(now)
        };
    }

    fn lookup_phase(&self, now: SimTime) -> Phase {
        if self.params.api_urls.is_empty() {
            let inspected = !self.params.inspection_urls.is_empty();
            return Phase::Closed(if inspected { Closed::Inspected } else { Closed::NoApi });
        }
        let give_up = now.after_ms(u64::from(self.params.lookup_timeout_s) * 1000);
        Phase::LookingUp { failed: 0, call: Call::Due, give_up }
    }

    /// Takes the outcome of sending inspection data. A failure is not fatal (`inspector.py`, `inspect`).
    pub(super) fn inspected(&mut self, answer: Inspected, now: SimTime, dice: Dice) {
        let Phase::Inspecting { failed, call: Call::Underway } = self.phase else { return };
        match answer {
            Inspected::Accepted(uuid, token) => {
                self.node_uuid = uuid;
                self.token = token.filter(|t| &**t != Self::HIDDEN_TOKEN).or(self.token.take());
                self.phase = self.lookup_phase(now);
            }
            Inspected::Retry if failed + 1 < Self::INSPECTION_ATTEMPTS => {
                let wait = backoff_ms(failed, 5_000, 30_000, dice);
                self.phase = Phase::Inspecting { failed: failed + 1, call: Call::At(now.after_ms(wait)) };
            }
            Inspected::Retry | Inspected::Refused => self.phase = self.lookup_phase(now),
        }
    }

    /// Takes the outcome of a lookup.
    pub(super) fn looked_up(&mut self, answer: LookedUp, now: SimTime, dice: Dice) {
        let Phase::LookingUp { failed, call: Call::Underway, give_up } = self.phase else { return };
        let wait = match answer {
            LookedUp::Found { uuid, token, heartbeat_timeout_s, md5_enabled } => {
                let fresh = token.filter(|t| &**t != Self::HIDDEN_TOKEN);
                self.token = fresh.or(self.token.take());
                self.node_uuid = Some(uuid);
                self.heartbeat_timeout_s = heartbeat_timeout_s.max(1);
                self.md5_enabled = md5_enabled;
                self.phase = if self.token.is_some() {
                    Phase::Serving { call: Call::Due, last: SimTime::from_ms(0), failed: 0, again: false }
                } else {
                    Phase::Closed(Closed::TokenUnknown)
                };
                return;
            }
            LookedUp::NotFound => backoff_ms(failed, 1_000, 60_000, dice),
            LookedUp::Locked => [5_000, 10_000, 30_000][usize::from(failed.min(2))],
            LookedUp::Unreachable => {
                self.fail_over();
                backoff_ms(failed, 1_000, 60_000, dice)
            }
        };
        self.phase = Phase::LookingUp {
            failed: failed.saturating_add(1),
            call: Call::At(now.after_ms(wait)),
            give_up,
        };
    }

    /// Takes the outcome of a heartbeat.
    pub(super) fn beat(&mut self, answer: Beat, now: SimTime, dice: Dice) {
        let Phase::Serving { call: Call::Underway, failed, again, .. } = self.phase else { return };
        let share =
            |low: f64, width: f64| low + width * (dice.draw(Purpose::Heartbeat) % 1000) as f64 / 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds within a day; not negative"
        )]
        let (wait, failed) = match answer {
            Beat::Accepted if again => (Self::MIN_HEARTBEAT_MS, 0),
            Beat::Accepted => ((f64::from(self.heartbeat_timeout_s) * 1000.0 * share(0.3, 0.3)) as u64, 0),
            Beat::Refused | Beat::Unreachable => {
                ((5_000.0 * share(1.0, 1.0)) as u64, failed.saturating_add(1))
            }
        };
        if answer == Beat::Unreachable {
            self.fail_over();
        }
        self.phase = Phase::Serving { call: Call::At(now.after_ms(wait)), last: now, failed, again: false };
    }

    /// Turns to the next API endpoint.
    fn fail_over(&mut self) {
        let count = self.params.api_urls.len().clamp(1, 255);
        self.endpoint = ((usize::from(self.endpoint) + 1) % count) as u8;
    }

    /// Takes the outcome of an image's transfer; whether the image is on the disk now.
    pub(super) fn image_written(&mut self, result: Result<Written, IpaError>, now: SimTime) -> bool {
        if !matches!(self.job, Some(Job::Image { call: Call::Underway, .. })) {
            return false;
        }
        self.job = None;
        let written = result.is_ok();
        let status = match result {
            Ok(written) => {
                self.partition_uuids = Some(written.partition_uuids);
                CommandStatus::Succeeded(written.result)
            }
            Err(error) => CommandStatus::Failed(Box::new(error)),
        };
        self.finish(status, now);
        written
    }

    /// Records a command and begins it; the caller has seen to power and disks.
    pub(super) fn take(&mut self, command: IpaCommand, now: SimTime, dice: Dice) -> CommandRecord {
        self.taken += 1;
        let dice = Dice { count: dice.count ^ self.taken << 16, ..dice };
        let id = uuid_from(dice);
        let status = match command.work {
            Work::Done(status) => status,
            Work::Close(result, why) => {
                self.phase = Phase::Closed(why);
                CommandStatus::Succeeded(result)
            }
            Work::Timed(span, end, then) => {
                let until = now.after_ms(span.pick_ms(dice.draw(Purpose::CommandTime)));
                self.job = Some(Job::Timed { until, end, then });
                CommandStatus::Running
            }
            Work::Image(image) => {
                self.job = Some(Job::Image { call: Call::Due, image });
                CommandStatus::Running
            }
            Work::PowerOff | Work::Reboot => CommandStatus::Running,
        };
        if self.commands.len() >= Self::MAX_COMMANDS {
            self.commands.remove(0);
        }
        let record = CommandRecord { id, name: command.name, status };
        self.commands.push(record.clone());
        record
    }

    /// Ends the last command, and brings the next heartbeat on: Ironic goes on at heartbeats only.
    fn finish(&mut self, status: CommandStatus, now: SimTime) {
        if let Some(last) = self.commands.last_mut() {
            last.status = status;
        }
        if let Phase::Serving { call, last, again, .. } = &mut self.phase {
            match call {
                Call::Underway => *again = true,
                Call::Due => {}
                Call::At(at) => *at = (*at).min(now.max(last.after_ms(Self::MIN_HEARTBEAT_MS))),
            }
        }
    }
}

/// Where an agent draws its luck from.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    /// The fleet's seed.
    pub seed: Seed,
    /// The node.
    pub id: NodeId,
    /// Differs from draw to draw.
    pub count: u32,
}

impl Dice {
    fn draw(self, purpose: Purpose) -> u64 {
        self.seed.hash(self.id.0, purpose, self.count)
    }
}

/// Exponential from `base`, at most `max`, of which a random half or more.
fn backoff_ms(failed: u16, base: u64, max: u64, dice: Dice) -> u64 {
    let full = (base << failed.min(10)).min(max);
    full / 2 + dice.draw(Purpose::Retry) % (full / 2 + 1)
}

fn uuid_from(dice: Dice) -> Uuid {
    let (high, low) =
        (dice.draw(Purpose::CommandId), Dice { count: !dice.count, ..dice }.draw(Purpose::CommandId));
    uuid::Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid()
}
