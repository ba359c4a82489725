//! The Ironic Python Agent inside a booted ramdisk: inspection, lookup, heartbeats and commands.
//!
//! Order and timing are those of Ironic Python Agent 13 (`ironic_python_agent/agent.py`, `inspector.py`,
//! `ironic_api_client.py`). The agent contains no HTTP: it determines when each call is due, and gets the result.

mod closed;
mod command;
mod dice;
mod held;
mod image;
mod inspection;
mod lookup;
mod params;
mod serving;
mod text;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::call::Call;
use super::refusal::Refusal;
use crate::seed::Purpose;
use crate::time::SimTime;
pub use closed::Closed;
pub use command::{
    AskedFor, CommandEnd, CommandRecord, CommandStatus, Commands, IpaCommand, IpaError, Job, Then, Work,
};
pub use dice::Dice;
pub use held::Held;
pub use image::{Checksum, ImageJob, Partitions, Written};
pub use inspection::{Inspected, Inspection};
pub use lookup::{LookUp, LookedUp};
pub use params::Params;
pub use serving::{Beat, Serving};
pub use text::{OverTotal, Text, TextName, Total};

/// An agent. It exists as long as its ramdisk runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ipa {
    pub params: Params,
    pub phase: Phase,
    /// The moment at which the ramdisk was started.
    pub started: SimTime,
    /// The index of the API endpoint in use.
    pub endpoint: u8,
}

/// The phases of an agent, in the order in which it passes through them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// The ramdisk starts its services.
    Starting { until: SimTime },
    /// The agent sends its inspection data.
    Inspecting(Inspection),
    /// The agent asks Ironic which node it is.
    LookingUp(LookUp),
    /// The agent serves its API and sends heartbeats.
    Serving(Serving),
    /// The API is closed, and the agent makes no more calls.
    Closed(Closed),
}

/// Work outside the node that an agent needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send the inspection data. Answered by [`Answer::Inspected`].
    Inspect,
    /// Look up the node. Answered by [`Answer::LookedUp`].
    LookUp,
    /// Send a heartbeat. Answered by [`Answer::Beat`].
    Heartbeat,
    /// Fetch the image that the running command writes. Answered by [`Answer::ImageWritten`].
    WriteImage,
}

/// The result of an [`Effect`].
#[derive(Clone, Debug)]
pub enum Answer {
    Inspected(Inspected),
    LookedUp(LookedUp),
    Beat(Beat),
    ImageWritten(Result<Written, IpaError>),
}

impl Ipa {
    /// The text that stands for a token which Ironic has already sent (`ironic/api/controllers/v1/ramdisk.py`).
    pub const HIDDEN_TOKEN: &'static str = "******";

    /// A new agent in a ramdisk that was started at `now` and takes `start_ms` to start its services.
    pub fn new(params: Params, now: SimTime, start_ms: u64, dice: Dice) -> Self {
        let endpoints = u64::from(params.spread.max(1));
        Self {
            endpoint: (dice.draw(Purpose::Endpoint) % endpoints) as u8,
            params,
            phase: Phase::Starting { until: now.after_ms(start_ms) },
            started: now,
        }
    }

    /// An agent without data that has the same load: its ramdisk is idle, or a command runs.
    pub(super) fn outline(&self) -> Self {
        let mut serving = Serving::new(Uuid::nil(), Box::default(), 0, false);
        serving.last = self.started;
        if self.job().is_some() {
            serving.commands.run_nothing();
        }
        Self { params: Params::default(), phase: Phase::Serving(serving), started: self.started, endpoint: 0 }
    }

    /// The serving agent: the data that exists only while the API is open.
    pub fn serving(&self) -> Option<&Serving> {
        match &self.phase {
            Phase::Serving(serving) => Some(serving),
            Phase::Starting { .. } | Phase::Inspecting(_) | Phase::LookingUp(_) | Phase::Closed(_) => None,
        }
    }

    pub(super) fn serving_mut(&mut self) -> Option<&mut Serving> {
        match &mut self.phase {
            Phase::Serving(serving) => Some(serving),
            Phase::Starting { .. } | Phase::Inspecting(_) | Phase::LookingUp(_) | Phase::Closed(_) => None,
        }
    }

    /// Whether the API is open.
    pub fn serves(&self) -> bool {
        self.serving().is_some()
    }

    /// The UUID of the node in Ironic, if inspection or lookup has revealed it.
    pub fn node_uuid(&self) -> Option<Uuid> {
        match &self.phase {
            Phase::LookingUp(look_up) => look_up.node_uuid,
            Phase::Serving(serving) => Some(serving.node_uuid),
            Phase::Starting { .. } | Phase::Inspecting(_) | Phase::Closed(_) => None,
        }
    }

    /// The token that the agent shares with Ironic, if it knows it.
    pub fn token(&self) -> Option<&str> {
        match &self.phase {
            Phase::Serving(serving) => Some(&serving.token),
            Phase::LookingUp(LookUp { token, .. }) => token.as_deref(),
            Phase::Starting { .. } | Phase::Inspecting(_) | Phase::Closed(_) => self.params.token.as_deref(),
        }
    }

    /// The job of the running command.
    pub fn job(&self) -> Option<&Job> {
        self.serving()?.commands.running()
    }

    /// The URL of the API endpoint in use.
    pub fn api_url(&self) -> Option<&str> {
        let urls = &self.params.api_urls;
        urls.get(usize::from(self.endpoint) % urls.len().max(1)).map(|u| &**u)
    }

    /// Switches to the next API endpoint.
    fn fail_over(&mut self) {
        let count = self.params.api_urls.len().clamp(1, 255);
        self.endpoint = ((usize::from(self.endpoint) + 1) % count) as u8;
    }

    /// The next moment at which the agent does something by itself.
    pub fn next_deadline(&self) -> SimTime {
        match &self.phase {
            Phase::Starting { until } => *until,
            Phase::Inspecting(inspection) => inspection.call.deadline(),
            Phase::LookingUp(look_up) => look_up.next_deadline(),
            Phase::Serving(serving) => serving.next_deadline(),
            Phase::Closed(_) => SimTime::NEVER,
        }
    }

    /// Advances the agent past its deadline `now`. Returns the effect of an ended command on the machine.
    pub(super) fn step(&mut self, now: SimTime) -> Then {
        match &mut self.phase {
            Phase::Starting { .. } => self.begin(now),
            Phase::Inspecting(inspection) => inspection.call.settle(now),
            Phase::LookingUp(look_up) if look_up.give_up <= now => self.phase = Phase::Closed(Closed::GaveUp),
            Phase::LookingUp(look_up) => look_up.call.settle(now),
            Phase::Serving(serving) => return serving.step(now),
            Phase::Closed(_) => {}
        }
        Then::Nothing
    }

    /// The first activity after the start: inspection if the ramdisk has a URL for it, otherwise lookup.
    fn begin(&mut self, now: SimTime) {
        self.phase = if self.params.inspection_urls.is_empty() {
            self.lookup_phase(None, self.params.token.clone(), now)
        } else {
            Phase::Inspecting(Inspection::NEW)
        };
    }

    /// The phase after the start or after inspection.
    fn lookup_phase(&self, node_uuid: Option<Uuid>, token: Option<Box<str>>, now: SimTime) -> Phase {
        if self.params.api_urls.is_empty() {
            let inspected = !self.params.inspection_urls.is_empty();
            return Phase::Closed(if inspected { Closed::Inspected } else { Closed::NoApi });
        }
        let give_up = now.after_ms(u64::from(self.params.lookup_timeout_s) * 1000);
        Phase::LookingUp(LookUp { failed: 0, call: Call::Due, give_up, node_uuid, token })
    }

    /// Hands every due effect to `out`.
    pub(super) fn take_effects(&mut self, mut out: impl FnMut(Effect)) {
        let (call, effect) = match &mut self.phase {
            Phase::Inspecting(inspection) => (&mut inspection.call, Effect::Inspect),
            Phase::LookingUp(look_up) => (&mut look_up.call, Effect::LookUp),
            Phase::Serving(serving) => (&mut serving.heartbeat, Effect::Heartbeat),
            Phase::Starting { .. } | Phase::Closed(_) => return,
        };
        if call.take() {
            out(effect);
        }
        if let Some(call) = self.serving_mut().and_then(|serving| serving.commands.transfer())
            && call.take()
        {
            out(Effect::WriteImage);
        }
    }

    /// Takes an answer. An answer that the agent does not wait for is ignored. Returns the effect of an ended command
    /// on the machine. `installation` is the effect of an image that is written.
    pub(super) fn answer(&mut self, answer: Answer, installation: Then, now: SimTime, dice: Dice) -> Then {
        match answer {
            Answer::Inspected(inspected) => self.inspected(inspected, now, dice),
            Answer::LookedUp(looked_up) => self.looked_up(looked_up, now, dice),
            Answer::Beat(beat) => self.beat(beat, now, dice),
            Answer::ImageWritten(result) => {
                let serving = self.serving_mut();
                return serving.map_or(Then::Nothing, |s| s.image_written(result, installation, now));
            }
        }
        Then::Nothing
    }

    /// Takes the answer to inspection data. A failure is not fatal (`inspector.py`, `inspect`).
    fn inspected(&mut self, answer: Inspected, now: SimTime, dice: Dice) {
        let Phase::Inspecting(inspection) = &self.phase else { return };
        if inspection.call != Call::Underway {
            return;
        }
        let (uuid, token) = match answer {
            Inspected::Accepted(uuid, token) => (uuid, token.filter(|t| **t != *Self::HIDDEN_TOKEN)),
            Inspected::Refused => (None, None),
            Inspected::Retry => match inspection.retry(self.params.inspects_unasked, now, dice) {
                Some(next) => {
                    self.phase = Phase::Inspecting(next);
                    return;
                }
                None => (None, None),
            },
        };
        let token = token.or_else(|| self.params.token.clone());
        self.phase = self.lookup_phase(uuid, token, now);
    }

    /// Takes the answer to a lookup.
    fn looked_up(&mut self, answer: LookedUp, now: SimTime, dice: Dice) {
        let Phase::LookingUp(look_up) = &mut self.phase else { return };
        if look_up.call != Call::Underway {
            return;
        }
        match answer {
            LookedUp::Found { uuid, token, heartbeat_timeout_s, md5_enabled } => {
                let fresh = token.filter(|t| **t != *Self::HIDDEN_TOKEN);
                self.phase = match fresh.or(look_up.token.take()) {
                    Some(token) => {
                        Phase::Serving(Serving::new(uuid, token, heartbeat_timeout_s.max(1), md5_enabled))
                    }
                    None => Phase::Closed(Closed::TokenUnknown),
                };
            }
            LookedUp::NotFound => look_up.retry(false, now, dice),
            LookedUp::Locked => look_up.retry(true, now, dice),
            LookedUp::Unreachable => {
                look_up.retry(false, now, dice);
                self.fail_over();
            }
        }
    }

    /// Whether a heartbeat is due that no rule has put off.
    pub(super) fn has_new_heartbeat(&self) -> bool {
        self.serving().is_some_and(|serving| serving.heartbeat == Call::Due && !serving.late)
    }

    /// The heartbeat that is due is lost on its way, and the agent does not notice.
    pub(super) fn lose_heartbeat(&mut self, now: SimTime, dice: Dice) {
        if let Some(serving) = self.serving_mut() {
            serving.beat(Beat::Accepted, now, dice);
        }
    }

    /// Takes the answer to a heartbeat.
    fn beat(&mut self, answer: Beat, now: SimTime, dice: Dice) {
        let Some(serving) = self.serving_mut() else { return };
        if serving.heartbeat != Call::Underway {
            return;
        }
        serving.beat(answer, now, dice);
        if answer == Beat::Unreachable {
            self.fail_over();
        }
    }

    /// Records a command and begins its work. The caller changes the power.
    pub(super) fn accept(
        &mut self,
        command: IpaCommand,
        now: SimTime,
        draw: impl FnOnce() -> Dice,
    ) -> Result<CommandRecord, Refusal> {
        let serving = self.serving_mut().ok_or(Refusal::NoAgent)?;
        let close = if let Work::Close(_, why) = &command.work { Some(*why) } else { None };
        let record = serving.commands.accept(command, now, draw)?;
        if let Some(why) = close {
            self.phase = Phase::Closed(why);
        }
        Ok(record)
    }

    /// Calls `see` with every long text of the agent's commands, and its name.
    pub(super) fn long_texts<'a>(&'a self, see: impl FnMut(TextName, &'a Text)) {
        if let Some(serving) = self.serving() {
            serving.commands.long_texts(see);
        }
    }

    /// The text of that name.
    pub(super) fn text_mut(&mut self, name: TextName) -> Option<&mut Text> {
        self.serving_mut()?.commands.text_mut(name)
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { params: _, phase, started, endpoint: _ } = self;
        started.shift(ms);
        match phase {
            Phase::Starting { until } => until.shift(ms),
            Phase::Inspecting(Inspection { failed: _, call }) => call.shift(ms),
            Phase::LookingUp(look_up) => look_up.shift(ms),
            Phase::Serving(serving) => serving.shift(ms),
            Phase::Closed(_) => {}
        }
    }
}
