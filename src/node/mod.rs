//! One simulated server with its BMC: a small value that a client reads, changes with commands, and that settles.
//!
//! The model is pure and synchronous: no I/O, no clock, no randomness of its own. [`Node::settle`] is the only place
//! where time advances. Everything else happens at the moment that settling has reached.

// A new variant must be named in every match of the model, so that the compiler shows each place that must handle it.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod bmc;
pub mod boot;
pub mod call;
pub mod command;
pub mod effect;
mod format;
pub mod host;
pub mod ipa;
pub mod neighbour;
mod power;
mod secret;
pub mod sensors;
pub mod spec;
mod state;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;
use crate::seed::{Purpose, Seed};
use crate::time::{SimTime, Span};
use bmc::Bmc;
use boot::Boot;
use command::{Command, Outcome, Refusal};
use effect::{Answer, Effect};
use host::{Host, Running};
use ipa::{Dice, Ipa, Then};
use spec::Spec;
pub use state::State;

/// The index of a node in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The largest index: identities contain 24 bits of it.
    pub const MAX: u32 = (1 << 24) - 1;
}

/// One simulated server.
#[derive(Clone, Debug)]
pub struct Node {
    id: NodeId,
    seed: Seed,
    profile: Arc<Profile>,
    state: State,
    /// A [`Call`](call::Call) may be due; [`Node::take_effects`] looks only then.
    effects_due: bool,
    /// A command or an answer has changed the node since the last [`Node::take_touched`].
    touched: bool,
}

impl Node {
    /// A new machine: off, with empty disks and default settings.
    pub fn new(id: NodeId, seed: Seed, profile: Arc<Profile>) -> Self {
        Self { id, seed, profile, state: State::default(), effects_due: false, touched: false }
    }

    pub fn id(&self) -> NodeId {
        self.id
    }

    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The identity of the node.
    pub fn spec(&self) -> Spec<'_> {
        Spec { seed: self.seed, id: self.id, profile: &self.profile }
    }

    pub fn host(&self) -> &Host {
        &self.state.host
    }

    pub fn boot(&self) -> &Boot {
        &self.state.boot
    }

    pub fn bmc(&self) -> &Bmc {
        self.state.bmc.as_deref().unwrap_or(&bmc::NEW)
    }

    /// The agent, if one is running.
    pub fn ipa(&self) -> Option<&Ipa> {
        self.state.host.ipa()
    }

    /// Whether a disk holds an operating system.
    pub fn installed(&self) -> bool {
        self.state.installed
    }

    /// Number of starts of the machine so far. It identifies the current start in effects and answers.
    pub fn starts(&self) -> u32 {
        self.state.starts
    }

    fn bmc_mut(&mut self) -> &mut Bmc {
        self.state.bmc.get_or_insert_with(|| Box::new(bmc::NEW.clone()))
    }

    fn dice(&mut self) -> Dice {
        self.state.draws = self.state.draws.wrapping_add(1);
        Dice { seed: self.seed, id: self.id, count: self.state.draws }
    }

    fn draw_ms(&self, span: Span, purpose: Purpose) -> u64 {
        span.pick_ms(self.seed.hash(self.id.0, purpose, self.state.starts))
    }

    /// The next moment at which the node changes by itself; [`SimTime::NEVER`] if it waits only for the outside.
    pub fn next_deadline(&self) -> SimTime {
        let restarting = self.state.bmc.as_ref().and_then(|b| b.restarting_until).unwrap_or(SimTime::NEVER);
        self.state.host.next_deadline().min(restarting)
    }

    /// Advances the node to `now`. Each deadline takes effect at its own moment, so settling in two steps gives the same
    /// result as settling in one.
    pub fn settle(&mut self, now: SimTime) {
        loop {
            let at = self.next_deadline();
            if at > now || at == SimTime::NEVER {
                return;
            }
            self.step(at);
        }
    }

    /// Advances the node past its next deadline `at`.
    fn step(&mut self, at: SimTime) {
        if let Some(bmc) = &mut self.state.bmc
            && bmc.restarting_until.is_some_and(|until| until <= at)
        {
            bmc.restarting_until = None;
            return;
        }
        match &mut self.state.host {
            Host::Running { what: Running::Ipa(agent), .. } => {
                let then = agent.step(at);
                self.after_command(then);
                self.effects_due = true;
            }
            Host::Running {
                what: Running::NoBootDevice | Running::Setup | Running::Os | Running::Live,
                ..
            }
            | Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Booting(_)
            | Host::PoweringOff { .. } => self.step_host(at),
        }
    }

    /// Applies the effect of an agent's ended command.
    fn after_command(&mut self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::EmptyDisks => self.state.installed = false,
            Then::Install => self.state.installed = true,
        }
    }

    /// Whether a session at the BMC's own service root has this secret. The session's timeout begins again.
    pub fn session(&mut self, secret: &bmc::session::Secret, now: SimTime) -> bool {
        self.state.bmc.as_mut().is_some_and(|bmc| bmc.sessions.check(secret, now))
    }

    /// Treats `now` as the time of the last request of each session. A restored node needs this, because requests are
    /// not stored on disk.
    pub fn use_sessions(&mut self, now: SimTime) {
        if let Some(bmc) = &mut self.state.bmc {
            bmc.sessions.use_all(now);
        }
    }

    /// Executes a command, or refuses it and changes nothing.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn apply(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        self.settle(now);
        let outcome = self.execute(command, now)?;
        self.touched = true;
        Ok(outcome)
    }

    fn execute(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        if let Some(until) = self.bmc().restarting_until
            && !matches!(command, Command::Ipa(_))
        {
            return Err(Refusal::ManagerRestarting(Duration::from_millis(until.since_ms(now))));
        }
        match command {
            Command::Host(command) => self.execute_host(command, now),
            Command::Bios(command) => self.execute_bios(command),
            Command::SecureBoot(command) => self.execute_secure_boot(command),
            Command::Media(command) => self.execute_media(command),
            Command::Led(command) => self.execute_led(command),
            Command::Bmc(command) => self.execute_bmc(command, now),
            Command::Session(command) => self.execute_session(command, now),
            Command::Ipa(command) => self.execute_ipa(command, now),
        }
    }

    /// Takes the answer to an effect. A late answer is ignored: it belongs to an earlier start of the machine, or to
    /// media that have been ejected.
    pub fn answer(&mut self, answer: Answer, now: SimTime) {
        self.settle(now);
        let taken = match answer {
            Answer::MediaOpened { slot, insertion, result } => {
                let bmc = self.state.bmc.as_mut();
                bmc.is_some_and(|bmc| bmc.media.opened(slot, insertion, result))
            }
            Answer::BootRead { start, .. } | Answer::Ipa { start, .. } if start != self.starts() => false,
            Answer::BootRead { result, .. } => self.boot_read(result, now),
            Answer::Ipa { answer, .. } => self.ipa_answer(answer, now),
        };
        if taken {
            self.touched = true;
            self.effects_due = true;
        }
    }

    fn ipa_answer(&mut self, answer: ipa::Answer, now: SimTime) -> bool {
        if self.ipa().is_none() {
            return false;
        }
        let dice = self.dice();
        if let Some(agent) = self.state.host.ipa_mut() {
            let then = agent.answer(answer, now, dice);
            self.after_command(then);
        }
        true
    }

    /// Hands every due effect to `out` exactly once. Its answer must come to [`Node::answer`]. `due` is the moment since
    /// which the effects are due.
    pub fn take_effects(&mut self, due: SimTime, mut out: impl FnMut(Effect)) {
        if !std::mem::take(&mut self.effects_due) {
            return;
        }
        let mut out = |kind| out(Effect { kind, due });
        if let Some(bmc) = &mut self.state.bmc {
            bmc.media.take_effects(&mut out);
        }
        self.state.host.take_effects(self.state.starts, &mut out);
    }

    /// Whether a command or an answer has changed the node since the last call. Such a change must be stored on disk.
    /// Changes by time alone do not count: settling repeats them.
    pub fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
pub(crate) mod tests;
