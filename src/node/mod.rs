//! One simulated server with its BMC: a small value that a client reads, changes with commands, and that settles.
//!
//! The model is pure and synchronous: no I/O, no clock, no randomness of its own. [`Node::settle`] is the only place
//! where time advances. Everything else happens at the moment that settling has reached.

// A new variant must be named in every match of the model, so that the compiler shows each place that must handle it.
#![warn(clippy::wildcard_enum_match_arm)]

mod agent_faults;
mod alarm;
pub mod bmc;
pub mod boot;
pub mod call;
mod changes;
mod collect;
pub mod command;
pub mod effect;
pub mod event;
mod faults;
mod format;
pub mod hardware;
pub mod health;
pub mod host;
mod id;
pub mod imports;
pub mod ipa;
pub mod lab;
pub mod labels;
pub mod neighbour;
mod oem;
mod past;
mod power;
mod refusal;
mod remember;
pub mod rules;
mod secret;
mod select;
pub mod sensors;
mod sessions;
pub mod sparse;
pub mod spec;
mod state;
mod telemetry;
mod versions;
mod view;
mod wear;
mod words;

use std::sync::Arc;

use crate::profile::Profile;
use crate::seed::{Purpose, Seed};
use crate::time::{SimTime, Span};
use bmc::Bmc;
use boot::Boot;
use command::{Command, Outcome};
use effect::{Answer, Effect};
use host::{AfterOff, Host, Running};
pub use id::NodeId;
use ipa::{CommandRecord, Dice, Ipa, IpaCommand, Job, Then, Work};
use labels::Labels;
use refusal::Refusal;
use spec::Spec;
pub use state::State;
use view::View;

/// One simulated server with its BMC.
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
    /// Something that clients call an event may have happened since the last [`Node::take_eventful`].
    eventful: bool,
    /// The last answer of [`Node::take_task_news`].
    has_tasks: bool,
}

impl Node {
    /// A new machine: off, with empty disks and default settings.
    pub fn new(id: NodeId, seed: Seed, profile: Arc<Profile>) -> Self {
        Self {
            id,
            seed,
            profile,
            state: State::default(),
            effects_due: false,
            touched: false,
            eventful: false,
            has_tasks: false,
        }
    }

    /// The node with a stored state. Calls that were under way are due again. Deadlines that have passed since then take
    /// effect when the node is settled, each at its own moment.
    pub fn restore(id: NodeId, seed: Seed, profile: Arc<Profile>, mut state: State) -> Self {
        if let Some(bmc) = state.bmc.get_mut() {
            bmc.restored(&profile);
        }
        Self {
            id,
            seed,
            profile,
            state,
            effects_due: true,
            touched: false,
            eventful: false,
            has_tasks: false,
        }
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

    /// Everything that must be stored.
    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn host(&self) -> &Host {
        &self.state.host
    }

    pub fn boot(&self) -> &Boot {
        &self.state.boot
    }

    pub fn bmc(&self) -> &Bmc {
        &self.state.bmc
    }

    /// The agent, if one is running.
    pub fn ipa(&self) -> Option<&Ipa> {
        self.state.host.ipa()
    }

    /// Number of starts of the machine so far. It identifies the current start in effects and answers.
    pub fn starts(&self) -> u32 {
        self.state.starts
    }

    /// Number of changes of the node so far: commands, answers, and changes by time.
    pub fn generation(&self) -> u32 {
        self.state.generation
    }

    pub fn labels(&self) -> &Labels {
        &self.state.labels
    }

    fn draw_ms(&self, span: Span, purpose: Purpose) -> u64 {
        span.pick_ms(self.seed.hash(self.id.0, purpose, self.state.starts))
    }

    /// The next moment at which the node changes by itself; [`SimTime::NEVER`] if it waits only for the outside.
    pub fn next_deadline(&self) -> SimTime {
        let bmc = self.bmc();
        let of_parts = [
            self.state.host.next_deadline(),
            bmc.next_deadline(&self.profile),
            bmc.environment.next_deadline(),
            bmc.telemetry.next_deadline(),
            self.state.faults.next_deadline(),
        ];
        of_parts.into_iter().min().unwrap_or(SimTime::NEVER)
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
        self.eventful = true;
        self.state.generation = self.state.generation.wrapping_add(1);
        let (watched, words) = (self.watched(), self.words());
        self.gathered(self.gathering(at), at);
        self.pass(at);
        self.enter(words, at);
        self.watch(at);
        self.remember_alarms(&watched, at);
    }

    /// Passes the deadline `at` of a rule, of the BMC, of a report or of the host, if one of them has it. Otherwise a reading crosses a
    /// threshold.
    fn pass(&mut self, at: SimTime) {
        if self.state.faults.next_deadline() <= at {
            let before = View::of(&self.state);
            self.pass_faults(at);
            self.effects_due = true;
            return self.remember(&before, at);
        }
        let restart_ms = self.draw_ms(self.timing().manager_reset, Purpose::ManagerReset);
        if self.bmc().next_deadline(&self.profile) <= at {
            let before = View::of(&self.state);
            // The last use of a session is not stored, so a restart of the process would put off the end of the session.
            self.touched |= self.bmc().sessions.next_deadline() <= at;
            self.collect(at);
            self.state.bmc.change(|bmc| bmc.step(at, restart_ms, &self.profile));
            self.effects_due = true;
            return self.remember(&before, at);
        }
        if self.bmc().telemetry.next_deadline() <= at {
            return self.make_report(at);
        }
        if self.state.host.next_deadline() > at {
            return;
        }
        match &mut self.state.host {
            Host::Running { what: Running::Ipa(agent), .. } => {
                let was_due = agent.has_new_heartbeat();
                let then = agent.step(at);
                self.after_command(then, at);
                self.meet_heartbeat(was_due, at);
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
            | Host::PoweringOff { .. } => {
                let before = View::of(&self.state);
                self.step_host(at);
                self.remember(&before, at);
            }
        }
    }

    /// The effect of the image that the agent writes, once it is written.
    fn installation(&self) -> Then {
        let Some(Job::Image { image, .. }) = self.ipa().and_then(Ipa::job) else { return Then::Nothing };
        let mut drives = self.profile.drives();
        let disk = drives.find(|(.., drive)| *drive.device == *image.device);
        disk.map_or(Then::Install, |(number, ..)| Then::InstallOn(number))
    }

    /// Applies the effect of an agent's ended command.
    fn after_command(&mut self, then: Then, now: SimTime) {
        match then {
            Then::Nothing => {}
            // A drive that is out of its bay or has failed keeps its content.
            Then::EmptyDisks if self.installed() => self.state.lose_system(),
            Then::EmptyDisks => {}
            Then::Install => (self.state.installed, self.state.system_disk) = (true, None),
            Then::InstallOn(disk) => (self.state.installed, self.state.system_disk) = (true, Some(disk)),
            Then::PowerOff => self.shut_down(AfterOff::StayOff, now),
            Then::Reboot => self.shut_down(AfterOff::PowerOn, now),
            Then::Close(why) => self.close_agent(why),
        }
    }

    /// Executes a command, or refuses it and changes nothing.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn apply(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        self.settle(now);
        let eventful = command.is_eventful();
        // A new machine has no memory of what it was.
        let before = (!matches!(command, Command::Lab(lab::Command::Renew)))
            .then(|| (View::of(&self.state), self.watched()));
        let (gathered, words) = (self.gathering(now), self.words());
        let outcome = self.execute(command, now)?;
        if let Outcome::Accepted(task) = outcome {
            self.meet_task(task, now);
        }
        self.enter(words, now);
        self.gathered(gathered, now);
        self.watch(now);
        self.eventful |= eventful;
        self.state.generation = self.state.generation.wrapping_add(1);
        self.touched = true;
        if let Some((before, watched)) = before {
            self.remember(&before, now);
            self.remember_alarms(&watched, now);
        }
        // Work without a duration is done at once.
        self.settle(now);
        Ok(outcome)
    }

    fn execute(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        if !matches!(command, Command::Ipa(_) | Command::Lab(_)) {
            self.bmc().check_running(now)?;
        }
        match command {
            Command::Host(command) => self.execute_host(command, now)?,
            Command::Bios(command) => {
                if let bmc::bios::Command::ResetAsTask(start) = &command {
                    self.bmc().tasks.check(start)?;
                }
                let profile = Arc::clone(&self.profile);
                let task = self.state.bmc.change(|bmc| bmc.change_bios(command, &profile, now));
                return Ok(task.map_or(Outcome::Done, Outcome::Accepted));
            }
            Command::SecureBoot(command) => {
                let (mode, profile) = (self.state.boot.mode, Arc::clone(&self.profile));
                let added = self.state.bmc.change(|bmc| bmc.change_secure_boot(command, mode, &profile))?;
                return Ok(added.map_or(Outcome::Done, Outcome::Created));
            }
            Command::Media(command) => {
                let added = self.state.bmc.change(|bmc| bmc.change_media(command))?;
                self.effects_due = true;
                return Ok(added.map_or(Outcome::Done, Outcome::Created));
            }
            Command::Certificate(command) => {
                let made = self.state.bmc.change(|bmc| bmc.https.change(|https| https.execute(command)));
                return Ok(made.map_or(Outcome::Done, |(why, csr)| Outcome::Requested(why, csr)));
            }
            Command::Led(new) => self.state.bmc.change(|bmc| bmc.leds.change(|leds| leds.execute(new))),
            Command::Network(command) => {
                self.state.bmc.change(|bmc| bmc.network.change(|network| network.execute(command)));
            }
            Command::Oem { values, rest } => return self.execute_oem(values, rest, now),
            Command::Bmc(command) => {
                let ms = self.draw_ms(self.timing().manager_grace, Purpose::ManagerGrace);
                let task = self.state.bmc.change(|bmc| bmc.execute(command, now.after_ms(ms), now))?;
                return Ok(task.map_or(Outcome::Done, Outcome::Accepted));
            }
            Command::Firmware(command) => {
                let task = self.state.bmc.change(|bmc| bmc.update_firmware(command, now))?;
                self.effects_due = true;
                return Ok(Outcome::Accepted(task));
            }
            Command::Task(command) => {
                let profile = Arc::clone(&self.profile);
                self.state.bmc.change(|bmc| bmc.execute_task(&command, &profile, now))?;
            }
            Command::Volume(command) => {
                let profile = Arc::clone(&self.profile);
                let drives = self.bmc().volumes.drives_of(&command, &profile);
                let is_creation = matches!(command, bmc::volume::Command::Create { .. });
                if is_creation && !drives.iter().all(|drive| self.is_usable(*drive)) {
                    return Err(Refusal::DrivesDoNotFit);
                }
                let ms = self.draw_ms(self.timing().volume, Purpose::Volume);
                let until = now.after_ms(ms);
                let task = self.state.bmc.change(|bmc| bmc.change_volume(command, &profile, until, now))?;
                // The drives lose their content. The operating system may be on any of them, if nothing tells on which one.
                if self.state.system_disk.is_none_or(|disk| drives.contains(&disk)) {
                    self.state.lose_system();
                }
                return Ok(Outcome::Accepted(task));
            }
            Command::Session(command) => {
                let id = self.state.bmc.change(|bmc| bmc.sessions.execute(command, now))?;
                return Ok(id.map_or(Outcome::Done, Outcome::Created));
            }
            Command::Account { command, configured } => {
                let profile = Arc::clone(&self.profile);
                let done = self.state.bmc.change(|bmc| {
                    let done = bmc
                        .accounts
                        .change(|all| all.execute(command, &configured, &profile.accounts, now))?;
                    if let Some(account) = done.logged_out {
                        bmc.sessions.end_of(account);
                    }
                    Ok::<_, Refusal>(done)
                })?;
                return Ok(done.created.map_or(Outcome::Done, Outcome::Created));
            }
            Command::Log(command) => return self.execute_log(command, now),
            Command::License(command) => return self.execute_license(command, now),
            Command::Telemetry(command) => return self.execute_telemetry(command, now),
            Command::Event(command) => {
                let id = self.execute_event(command, now)?;
                return Ok(id.map_or(Outcome::Done, Outcome::Created));
            }
            Command::Ipa(command) => return self.execute_ipa(command, now).map(Outcome::Ipa),
            Command::Lab(lab::Command::Bind(rule)) => self.bind(&rule, now),
            Command::Lab(lab::Command::Unbind(rule)) => self.unbind(rule, now),
            Command::Lab(command) => self.state.execute_lab(command, &self.profile, now)?,
        }
        Ok(Outcome::Done)
    }

    fn accept_command(&mut self, command: IpaCommand, now: SimTime) -> Result<CommandRecord, Refusal> {
        let power = match command.work {
            Work::PowerOff => Some(AfterOff::StayOff),
            Work::Reboot => Some(AfterOff::PowerOn),
            Work::Done(_) | Work::Timed(..) | Work::Image(_) | Work::Close(..) => None,
        };
        let (seed, id) = (self.seed, self.id);
        let State { host, draws, .. } = &mut self.state;
        let agent = host.ipa_mut().ok_or(Refusal::NoAgent)?;
        let record = agent.accept(command, now, || Dice::next(seed, id, draws))?;
        if let Some(then) = power {
            self.shut_down(then, now);
        }
        self.effects_due = true;
        Ok(record)
    }

    /// Takes the answer to an effect. A late answer is ignored: it belongs to an earlier start of the machine, or to
    /// media that have been ejected.
    pub fn answer(&mut self, answer: Answer, now: SimTime) {
        self.settle(now);
        // The agent's own calls change nothing that its BMC sees, and they are the most frequent ones.
        let before = (!matches!(answer, Answer::Ipa { .. })).then(|| View::of(&self.state));
        let (watched, words) = (self.watched(), self.words());
        let gathered = self.gathering(now);
        let taken = match answer {
            Answer::Delivered { subscription, through, result } => {
                let all = self.state.bmc.get_mut().and_then(|bmc| bmc.subscriptions.get_mut());
                all.is_some_and(|all| all.delivered(subscription, through, result.is_ok(), now))
            }
            Answer::MediaOpened { slot, insertion, result } => {
                let bmc = self.state.bmc.get_mut();
                bmc.is_some_and(|bmc| bmc.media.opened(slot, insertion, result, now))
            }
            Answer::FirmwareFetched { component, update, result } => {
                let bmc = self.state.bmc.get_mut();
                bmc.is_some_and(|bmc| bmc.fetched((component, update), result, now))
            }
            Answer::LicenseFetched { task, result } => {
                self.state.bmc.get_mut().is_some_and(|bmc| bmc.license_fetched(task, result, now))
            }
            Answer::BootRead { start, .. } | Answer::Ipa { start, .. } if start != self.starts() => false,
            Answer::BootRead { result, .. } => self.boot_read(result, now),
            Answer::Ipa { answer, .. } => self.ipa_answer(answer, now),
        };
        if taken {
            self.gathered(gathered, now);
            self.apply_due_firmware(now);
            self.enter(words, now);
            self.watch(now);
            self.eventful = true;
            self.state.generation = self.state.generation.wrapping_add(1);
            self.touched = true;
            self.effects_due = true;
            if let Some(before) = before {
                self.remember(&before, now);
            }
            self.remember_alarms(&watched, now);
            // What needs no time is done at once.
            self.settle(now);
        }
    }

    /// Returns whether an agent is running.
    fn ipa_answer(&mut self, answer: ipa::Answer, now: SimTime) -> bool {
        let installation = self.installation();
        let State { host, draws, .. } = &mut self.state;
        let Some(agent) = host.ipa_mut() else { return false };
        let was_due = agent.has_new_heartbeat();
        let then = agent.answer(answer, installation, now, Dice::next(self.seed, self.id, draws));
        self.after_command(then, now);
        self.meet_heartbeat(was_due, now);
        true
    }

    /// Hands every due effect to `out` exactly once. Its answer must come to [`Node::answer`]. `due` is the moment since
    /// which the effects are due.
    pub fn take_effects(&mut self, due: SimTime, mut out: impl FnMut(Effect)) {
        if !std::mem::take(&mut self.effects_due) {
            return;
        }
        let mut out = |kind| out(Effect { kind, due });
        if let Some(bmc) = self.state.bmc.get_mut() {
            bmc.take_effects(&mut out);
        }
        self.state.host.take_effects(self.state.starts, &mut out);
    }
}

#[cfg(test)]
pub(crate) mod tests;
