//! The Ironic Python Agent inside a booted ramdisk: inspection, lookup, heartbeats and commands.
//!
//! Order and timing are those of Ironic Python Agent 13 (`ironic_python_agent/agent.py`, `inspector.py`,
//! `ironic_api_client.py`). The agent contains no HTTP: it determines when each call is due, and gets the result.

mod command;
mod dice;
mod heartbeat;
mod image;
mod inspection;
mod lookup;
mod params;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Node;
use super::call::Call;
use super::command::{Outcome, Refusal};
use super::host::AfterOff;
use crate::seed::Purpose;
use crate::time::SimTime;
pub use command::{
    CommandEnd, CommandRecord, CommandStatus, Commands, IpaCommand, IpaError, Job, Then, Work,
};
pub use dice::Dice;
pub use heartbeat::{Beat, Serving};
pub use image::{Checksum, ImageJob, Partitions, Written};
pub use inspection::Inspected;
pub use lookup::{LookUp, LookedUp};
pub use params::Params;

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
    Inspecting {
        /// Failed attempts.
        failed: u16,
        /// The next attempt.
        call: Call,
    },
    /// The agent asks Ironic which node it is.
    LookingUp(LookUp),
    /// The agent serves its API and sends heartbeats.
    Serving(Serving),
    /// The API is closed, and the agent makes no more calls.
    Closed(Closed),
}

/// Why an agent is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closed {
    /// The ramdisk was started only for inspection, and inspection is over.
    Inspected,
    /// The ramdisk has no URL of an API.
    NoApi,
    /// No lookup succeeded before the timeout.
    GaveUp,
    /// Ironic has a token that the agent does not know (`agent.py`, `process_lookup_data`).
    TokenUnknown,
    /// `rescue.finalize_rescue` turned the ramdisk into a rescue system.
    Rescued,
    /// `system.lockdown`.
    LockedDown,
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

    /// The serving agent: the data that exists only while the API is open.
    pub fn serving(&self) -> Option<&Serving> {
        match &self.phase {
            Phase::Serving(serving) => Some(serving),
            Phase::Starting { .. } | Phase::Inspecting { .. } | Phase::LookingUp(_) | Phase::Closed(_) => {
                None
            }
        }
    }

    fn serving_mut(&mut self) -> Option<&mut Serving> {
        match &mut self.phase {
            Phase::Serving(serving) => Some(serving),
            Phase::Starting { .. } | Phase::Inspecting { .. } | Phase::LookingUp(_) | Phase::Closed(_) => {
                None
            }
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
            Phase::Starting { .. } | Phase::Inspecting { .. } | Phase::Closed(_) => None,
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
            Phase::Inspecting { call, .. } => call.deadline(),
            Phase::LookingUp(look_up) => look_up.next_deadline(),
            Phase::Serving(serving) => serving.next_deadline(),
            Phase::Closed(_) => SimTime::NEVER,
        }
    }

    /// Advances the agent past its deadline `now`. Returns the effect of an ended command on the machine.
    pub(super) fn step(&mut self, now: SimTime) -> Then {
        match &mut self.phase {
            Phase::Starting { .. } => self.begin(now),
            Phase::Inspecting { call, .. } => call.settle(now),
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
            Phase::Inspecting { failed: 0, call: Call::Due }
        };
    }

    /// Hands every due effect to `out`.
    pub(super) fn take_effects(&mut self, mut out: impl FnMut(Effect)) {
        let (call, effect) = match &mut self.phase {
            Phase::Inspecting { call, .. } => (call, Effect::Inspect),
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
    /// on the machine.
    pub(super) fn answer(&mut self, answer: Answer, now: SimTime, dice: Dice) -> Then {
        match answer {
            Answer::Inspected(inspected) => self.inspected(inspected, now, dice),
            Answer::LookedUp(looked_up) => self.looked_up(looked_up, now, dice),
            Answer::Beat(beat) => self.beat(beat, now, dice),
            Answer::ImageWritten(result) => return self.image_written(result, now),
        }
        Then::Nothing
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { params: _, phase, started, endpoint: _ } = self;
        started.shift(ms);
        match phase {
            Phase::Starting { until } => until.shift(ms),
            Phase::Inspecting { failed: _, call } => call.shift(ms),
            Phase::LookingUp(look_up) => look_up.shift(ms),
            Phase::Serving(serving) => serving.shift(ms),
            Phase::Closed(_) => {}
        }
    }
}

impl Node {
    pub(super) fn execute_ipa(&mut self, command: IpaCommand, now: SimTime) -> Result<Outcome, Refusal> {
        let serving = self.ipa().and_then(Ipa::serving).ok_or(Refusal::NoAgent)?;
        if serving.commands.running().is_some() {
            return Err(Refusal::AgentBusy);
        }
        let power = match command.work {
            Work::PowerOff => Some(AfterOff::StayOff),
            Work::Reboot => Some(AfterOff::PowerOn),
            Work::Done(_) | Work::Timed(..) | Work::Image(_) | Work::Close(..) => None,
        };
        let dice = self.dice();
        let agent = self.state.host.ipa_mut().ok_or(Refusal::NoAgent)?;
        let record = agent.accept(command, now, dice).ok_or(Refusal::NoAgent)?;
        if let Some(then) = power {
            self.shut_down(then, now);
        }
        self.effects_due = true;
        Ok(Outcome::Ipa(record))
    }
}
