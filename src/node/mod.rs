//! One simulated server with its controller: a small value that is looked at, told things, and settled.
//!
//! Pure and synchronous: no I/O, no clock, no randomness of its own. [`Node::settle`] is the one place where time
//! moves; everything else happens at the moment that settling has reached.

pub mod bmc;
pub mod boot;
pub mod command;
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
use bmc::{Bmc, Media, Opened};
use boot::Boot;
use command::{Answer, Command, Effect, EffectKind, Insertion, Refusal, SystemChange};
use host::{AfterOff, Host, Stage};
use ipa::{CommandRecord, Dice, IpaCommand, Job, Phase, Then, Work};
use spec::Spec;

/// The index of a node in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The largest index: identities have room for 24 bits of it.
    pub const MAX: u32 = (1 << 24) - 1;
}

/// One simulated server.
#[derive(Clone, Debug)]
pub struct Node {
    id: NodeId,
    seed: Seed,
    profile: Arc<Profile>,
    state: State,
    /// Told something since [`Node::take_touched`]: what settling alone would not bring about again.
    touched: bool,
}

/// All that a node remembers: what is kept for it to go on after a restart.
///
/// It is written as JSON and read by later versions, so a field that is added has a default (`serde(default)`, which the
/// whole struct has here), and none is left out: `node/state.rs` holds both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    host: Host,
    boot: Boot,
    /// Starts of the machine so far: the epoch of its effects, and the count of its draws.
    starts: u32,
    /// Draws for the agent so far.
    draws: u32,
    /// A disk holds an operating system.
    installed: bool,
    /// Something outside may be due; see [`Node::take_effects`].
    due: bool,
    bmc: Option<Box<Bmc>>,
}

/// What a command did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done, or under way.
    Done,
    /// It was for the agent, which has this to say.
    Ipa(CommandRecord),
    /// A session of the controller's own has begun; its id.
    Session(u32),
}

impl Node {
    /// A new machine: off, its disks empty, its settings at their defaults.
    pub fn new(id: NodeId, seed: Seed, profile: Arc<Profile>) -> Self {
        Self { id, seed, profile, state: State::default(), touched: false }
    }

    /// Its index in the fleet.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// Its model.
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// Who it is.
    pub fn spec(&self) -> Spec<'_> {
        Spec { seed: self.seed, id: self.id, profile: &self.profile }
    }

    /// The machine.
    pub fn host(&self) -> &Host {
        &self.state.host
    }

    /// Its boot settings.
    pub fn boot(&self) -> &Boot {
        &self.state.boot
    }

    /// What its controller remembers; a new machine's where nothing differs.
    pub fn bmc(&self) -> &Bmc {
        self.state.bmc.as_deref().unwrap_or(&bmc::NEW)
    }

    /// The agent, if one runs.
    pub fn ipa(&self) -> Option<&ipa::Ipa> {
        self.state.host.ipa()
    }

    /// Whether a disk holds an operating system.
    pub fn installed(&self) -> bool {
        self.state.installed
    }

    /// How often the machine was started.
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

    /// When something happens by itself next; [`SimTime::NEVER`] for a node that waits for nothing but the outside.
    pub fn next_deadline(&self) -> SimTime {
        let restarting = self.state.bmc.as_ref().and_then(|b| b.restarting_until).unwrap_or(SimTime::NEVER);
        self.state.host.next_deadline().min(restarting)
    }

    /// Brings the node up to `now`, one deadline after the other, each at its own moment; so that settling in two
    /// steps is the same as settling in one.
    pub fn settle(&mut self, now: SimTime) {
        loop {
            let at = self.next_deadline();
            if at > now || at == SimTime::NEVER {
                return;
            }
            self.step(at);
        }
    }

    fn step(&mut self, at: SimTime) {
        if let Some(bmc) = &mut self.state.bmc
            && bmc.restarting_until.is_some_and(|until| until <= at)
        {
            bmc.restarting_until = None;
            return;
        }
        match &mut self.state.host {
            Host::Running { what: host::Running::Ipa(agent), .. } => {
                match agent.step(at) {
                    Then::Nothing => {}
                    Then::EmptyDisks => self.state.installed = false,
                    Then::Install => self.state.installed = true,
                }
                self.state.due = true;
            }
            _ => self.step_host(at),
        }
    }

    /// Whether a session of the controller's own has that secret; this use keeps it alive.
    pub fn session(&mut self, secret: &bmc::session::Secret, now: SimTime) -> bool {
        self.state.bmc.as_mut().is_some_and(|bmc| bmc.sessions.check(secret, now))
    }

    /// Counts `now` as a use of each session. Uses are not kept, so whoever brings a node back does this.
    pub fn use_sessions(&mut self, now: SimTime) {
        if let Some(bmc) = &mut self.state.bmc {
            bmc.sessions.use_all(now);
        }
    }

    /// Does what `command` says, or refuses and changes nothing.
    ///
    /// # Errors
    /// Why not.
    pub fn apply(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        self.settle(now);
        let outcome = self.obey(command, now)?;
        self.touched = true;
        Ok(outcome)
    }

    fn obey(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        if let Some(until) = self.bmc().restarting_until
            && !matches!(command, Command::Ipa(_))
        {
            return Err(Refusal::ManagerRestarting(Duration::from_millis(until.since_ms(now))));
        }
        match command {
            Command::Reset(kind) => self.reset(kind, now)?,
            Command::ChangeSystem(change) => self.change_system(change),
            Command::ChangeBios(changes) => {
                let profile = Arc::clone(&self.profile);
                self.bmc_mut().change_bios(&profile, changes);
            }
            Command::ResetBios => {
                let profile = Arc::clone(&self.profile);
                let defaults = profile.bios.iter().filter(|a| !a.read_only);
                let changes = defaults.map(|a| (a.name.as_str().into(), a.default_value())).collect();
                self.bmc_mut().change_bios(&profile, changes);
            }
            Command::EnableSecureBoot(enable) => {
                if enable && self.state.boot.mode == crate::dmtf::BootMode::Legacy {
                    return Err(Refusal::SecureBootNeedsUefi);
                }
                self.bmc_mut().secure_boot.enable = enable;
            }
            Command::ResetKeys(kind) => self.bmc_mut().secure_boot.keys = kind.into(),
            Command::InsertMedia(insertion) => self.insert(insertion)?,
            // An empty slot is what was asked for, whoever emptied it.
            Command::EjectMedia(slot) if self.bmc().media_in(usize::from(slot)).is_none() => {}
            Command::EjectMedia(slot) => self.bmc_mut().media.retain(|m| m.insertion.slot != slot),
            Command::ResetManager => {
                let ms = self.draw_ms(self.profile.timing.manager_reset, Purpose::ManagerReset);
                let bmc = self.bmc_mut();
                bmc.restarting_until = Some(now.after_ms(ms));
                bmc.sessions.end_all();
            }
            Command::SetManagerClock { ahead_ms, offset_minutes } => {
                let bmc = self.bmc_mut();
                bmc.clock_ahead_ms = ahead_ms.unwrap_or(bmc.clock_ahead_ms);
                bmc.clock_offset_minutes = offset_minutes.unwrap_or(bmc.clock_offset_minutes);
            }
            Command::SetChassisLed(led) => self.bmc_mut().chassis_led = led,
            Command::SetDriveLed(drive, led) => {
                self.bmc_mut().drive_leds.insert(drive, led);
            }
            Command::BeginSession { user, secret, most } => {
                let id = self.bmc_mut().sessions.begin(user, secret, most, now);
                return id.map(Outcome::Session).ok_or(Refusal::TooManySessions);
            }
            Command::EndSession(id) => {
                if let Some(bmc) = &mut self.state.bmc {
                    bmc.sessions.end(id);
                }
            }
            Command::SetSessionTimeout(seconds) => self.bmc_mut().sessions.set_timeout_s(seconds),
            Command::Ipa(command) => return self.ipa_command(command, now),
        }
        Ok(Outcome::Done)
    }

    fn change_system(&mut self, change: SystemChange) {
        self.state.boot.change(change.boot);
        if let Some(tag) = change.asset_tag {
            self.bmc_mut().asset_tag = Some(tag);
        }
        if let Some(led) = change.led {
            self.bmc_mut().system_led = led;
        }
    }

    fn insert(&mut self, insertion: Insertion) -> Result<(), Refusal> {
        if self.bmc().media_in(usize::from(insertion.slot)).is_some() {
            return Err(Refusal::MediaInserted);
        }
        let bmc = self.bmc_mut();
        bmc.insertions += 1;
        let number = bmc.insertions;
        bmc.media.push(Media { insertion, number, opened: Opened::Trying(ipa::Call::Due) });
        self.state.due = true;
        Ok(())
    }

    fn ipa_command(&mut self, command: IpaCommand, now: SimTime) -> Result<Outcome, Refusal> {
        let dice = self.dice();
        let agent = self.state.host.ipa_mut().filter(|a| a.serves()).ok_or(Refusal::NoAgent)?;
        if agent.commands.last().is_some_and(|c| c.status == ipa::CommandStatus::Running) {
            return Err(Refusal::AgentBusy);
        }
        let power = match command.work {
            Work::PowerOff => Some(AfterOff::StayOff),
            Work::Reboot => Some(AfterOff::PowerOn),
            Work::Done(_) | Work::Timed(..) | Work::Image(_) | Work::Close(..) => None,
        };
        let record = agent.take(command, now, dice);
        if let Some(then) = power {
            self.shut_down(then, now);
        }
        self.state.due = true;
        Ok(Outcome::Ipa(record))
    }

    /// Takes the answer to an effect; one that belongs to an earlier start, or to media that are gone, is ignored.
    pub fn answer(&mut self, epoch: u32, answer: Answer, now: SimTime) {
        self.settle(now);
        self.touched = true;
        let dice = self.dice();
        if let Answer::MediaOpened(slot, result) = answer {
            let Some(bmc) = &mut self.state.bmc else { return };
            if let Some(media) = bmc.media.iter_mut().find(|m| m.insertion.slot == slot && m.number == epoch)
            {
                media.opened = result.map_or_else(|why| Opened::Failed(why.into()), |()| Opened::Connected);
            }
            return;
        }
        if epoch != self.state.starts {
            return;
        }
        match (answer, self.state.host.ipa_mut()) {
            (Answer::BootRead(result), None) => self.boot_read(result, now),
            (Answer::Inspected(answer), Some(agent)) => agent.inspected(answer, now, dice),
            (Answer::LookedUp(answer), Some(agent)) => agent.looked_up(answer, now, dice),
            (Answer::Beat(answer), Some(agent)) => agent.beat(answer, now, dice),
            (Answer::ImageWritten(result), Some(agent)) => {
                if agent.image_written(result, now) {
                    self.state.installed = true;
                }
            }
            // The machine has been turned off or restarted meanwhile.
            _ => return,
        }
        self.state.due = true;
    }

    /// Hands `out` everything that is due outside (since `due`), each once: its answer must come to [`Node::answer`].
    pub fn take_effects(&mut self, due: SimTime, mut out: impl FnMut(Effect)) {
        if !std::mem::take(&mut self.state.due) {
            return;
        }
        let epoch = self.state.starts;
        if let Some(bmc) = &mut self.state.bmc {
            for media in &mut bmc.media {
                if let Opened::Trying(call) = &mut media.opened
                    && call.take()
                {
                    out(Effect {
                        kind: EffectKind::OpenMedia(media.insertion.slot),
                        epoch: media.number,
                        due,
                    });
                }
            }
        }
        match &mut self.state.host {
            Host::Booting(b) => {
                if let Stage::Reading(call) = &mut b.stage
                    && call.take()
                {
                    out(Effect { kind: EffectKind::ReadBoot, epoch, due });
                }
            }
            Host::Running { what: host::Running::Ipa(agent), .. } => {
                let next = match &mut agent.phase {
                    Phase::Inspecting { call, .. } => Some((call, EffectKind::Inspect)),
                    Phase::LookingUp { call, .. } => Some((call, EffectKind::LookUp)),
                    Phase::Serving { call, .. } => Some((call, EffectKind::Heartbeat)),
                    Phase::Starting { .. } | Phase::Closed(_) => None,
                };
                if let Some((call, kind)) = next
                    && call.take()
                {
                    out(Effect { kind, epoch, due });
                }
                if let Some(Job::Image { call, .. }) = &mut agent.job
                    && call.take()
                {
                    out(Effect { kind: EffectKind::WriteImage, epoch, due });
                }
            }
            Host::Off
            | Host::PoweringOn { .. }
            | Host::Post { .. }
            | Host::Running { .. }
            | Host::PoweringOff { .. } => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
