//! The BMC: everything that a node stores besides power and boot, one file for each part.
//!
//! Most nodes never use any of it, so a node has a [`Bmc`] only once something differs from a new machine.

pub mod account;
mod account_events;
pub mod bios;
pub mod certificate;
pub mod clock;
pub mod credential;
pub mod databases;
pub mod diagnostics;
pub mod environment;
pub mod extras;
mod failed;
pub mod failures;
pub mod firmware;
pub mod hours;
pub mod keys;
pub mod led;
mod license_task;
pub mod licenses;
mod lockout;
pub mod logs;
mod measured;
pub mod media;
mod media_change;
pub mod media_trust;
pub mod network;
pub mod oem;
pub mod plugs;
pub mod post_codes;
pub mod power_limit;
pub mod role;
pub mod secure_boot;
pub mod session;
pub mod source;
pub mod subscriptions;
pub(super) mod sums;
pub mod system;
pub mod tasks;
pub mod telemetry;
pub mod volume;
mod work;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dmtf::ResetToDefaultsType;
use crate::node::event::What;
use crate::node::refusal::Refusal;
use crate::node::sparse::{Part, Sparse};
use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::time::SimTime;
use account::Accounts;
use bios::Bios;
use certificate::Https;
use clock::Clock;
use databases::Databases;
use diagnostics::Diagnostics;
use environment::Environment;
use extras::Extras;
use firmware::Firmware;
use hours::Hours;
use led::Leds;
use licenses::Licenses;
use logs::Logs;
use media::Media;
use media_trust::MediaTrust;
use network::Network;
use plugs::Plugs;
use post_codes::PostCodes;
use power_limit::PowerLimit;
use secure_boot::SecureBoot;
use session::Sessions;
use subscriptions::{Queued, Subscriptions};
use system::SystemSettings;
use tasks::{End, Start, Tasks, Work};
use telemetry::Telemetry;
use volume::Volumes;

/// Commands to the `Manager`.
#[derive(Clone, Debug)]
pub enum Command {
    /// `Manager.Reset`: the BMC goes on for a moment, and is then unavailable for a while. The host is not affected.
    Reset,
    /// `Manager.ResetToDefaults`: the settings of the BMC are those of a new machine once it has restarted.
    ResetToDefaults { kind: ResetToDefaultsType, start: Box<Start> },
    /// New settings of the clock; `None` leaves a setting unchanged.
    SetClock { ahead_ms: Option<i64>, offset_minutes: Option<i16> },
    /// New settings of the power limit.
    LimitPower(power_limit::Change),
}

/// The state of the BMC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bmc {
    pub bios: Sparse<Bios>,
    pub secure_boot: SecureBoot,
    pub databases: Sparse<Databases>,
    pub media: Media,
    pub media_trust: Sparse<MediaTrust>,
    pub leds: Sparse<Leds>,
    pub clock: Sparse<Clock>,
    pub firmware: Sparse<Firmware>,
    pub volumes: Sparse<Volumes>,
    pub plugs: Sparse<Plugs>,
    pub environment: Sparse<Environment>,
    pub power_limit: Sparse<PowerLimit>,
    pub tasks: Sparse<Tasks>,
    /// `ComputerSystem.AssetTag`, if a client has set it.
    pub asset_tag: Option<Box<str>>,
    /// The BMC answers until this moment, and then restarts.
    pub restarting_from: Option<SimTime>,
    /// The BMC restarts until this moment.
    pub restarting_until: Option<SimTime>,
    /// The reason why the first source of the last boot could not be booted.
    pub boot_failure: Option<Box<str>>,
    /// The moment of that failure. A state of an earlier version has none.
    pub boot_failed_at: Option<SimTime>,
    /// Sessions at the BMC's own service root.
    pub sessions: Sessions,
    /// Accounts at the BMC's own service root.
    pub accounts: Sparse<Accounts>,
    pub logs: Sparse<Logs>,
    /// Subscriptions at the BMC's own service root.
    pub subscriptions: Sparse<Subscriptions>,
    pub telemetry: Sparse<Telemetry>,
    pub diagnostics: Sparse<Diagnostics>,
    pub post_codes: Sparse<PostCodes>,
    pub network: Sparse<Network>,
    pub system: Sparse<SystemSettings>,
    /// The last start of the host, with or without power before it. A state of an earlier version has none.
    pub host_reset: Option<SimTime>,
    /// The end of the last restart of the BMC.
    pub manager_reset: Option<SimTime>,
    pub extras: Sparse<Extras>,
    pub https: Sparse<Https>,
    pub hours: Sparse<Hours>,
    pub licenses: Sparse<Licenses>,
}

/// The BMC of a new machine.
static NEW: Bmc = Bmc {
    bios: Sparse::NEW,
    secure_boot: SecureBoot::NEW,
    databases: Sparse::NEW,
    media: Media::NEW,
    media_trust: Sparse::NEW,
    leds: Sparse::NEW,
    clock: Sparse::NEW,
    firmware: Sparse::NEW,
    volumes: Sparse::NEW,
    plugs: Sparse::NEW,
    environment: Sparse::NEW,
    power_limit: Sparse::NEW,
    tasks: Sparse::NEW,
    asset_tag: None,
    restarting_from: None,
    restarting_until: None,
    boot_failure: None,
    boot_failed_at: None,
    sessions: Sessions::NEW,
    accounts: Sparse::NEW,
    logs: Sparse::NEW,
    subscriptions: Sparse::NEW,
    telemetry: Sparse::NEW,
    diagnostics: Sparse::NEW,
    post_codes: Sparse::NEW,
    network: Sparse::NEW,
    system: Sparse::NEW,
    host_reset: None,
    manager_reset: None,
    extras: Sparse::NEW,
    https: Sparse::NEW,
    hours: Sparse::NEW,
    licenses: Sparse::NEW,
};

impl Default for Bmc {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for Bmc {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

impl Bmc {
    /// Executes a command. A restart of the BMC would begin at `leaves`, unless an earlier command has already set the moment.
    /// Returns the number of the task that it has begun.
    pub(super) fn execute(
        &mut self,
        command: Command,
        leaves: SimTime,
        now: SimTime,
    ) -> Result<Option<u32>, Refusal> {
        match command {
            Command::Reset => {
                self.restarting_from.get_or_insert(leaves);
            }
            Command::ResetToDefaults { kind, start } => {
                self.tasks.check(&start)?;
                self.restarting_from.get_or_insert(leaves);
                let work = Work::ManagerDefaults(kind);
                return Ok(Some(self.tasks.change(|tasks| tasks.begin(work, *start, now))));
            }
            Command::LimitPower(change) => self.power_limit.change(|limit| limit.change(change)),
            Command::SetClock { ahead_ms, offset_minutes } => {
                self.clock.change(|clock| {
                    clock.ahead_ms = ahead_ms.unwrap_or(clock.ahead_ms);
                    clock.offset_minutes = offset_minutes.unwrap_or(clock.offset_minutes);
                });
            }
        }
        Ok(None)
    }

    /// Passes the deadline `at`. A restart of the BMC takes `restart_ms`.
    pub(super) fn step(&mut self, at: SimTime, restart_ms: u64, profile: &Profile) {
        if self.next_restart() > at {
            self.sessions.step(at);
            if let Some(accounts) = self.accounts.get_mut() {
                accounts.step(&profile.accounts, at);
            }
            if let Some(subscriptions) = self.subscriptions.get_mut() {
                subscriptions.step(at);
            }
            return self.step_tasks(at, profile);
        }
        match self.restarting_from {
            Some(from) => self.restart(from, from.after_ms(restart_ms), profile),
            None => {
                self.restarting_until = None;
                self.manager_reset = Some(at);
                self.end_tasks(|work| matches!(work, Work::ManagerDefaults(_)), &End::Completed, at);
            }
        }
    }

    /// Refuses while the BMC restarts.
    pub fn check_running(&self, now: SimTime) -> Result<(), Refusal> {
        match self.restarting_until {
            Some(until) => Err(Refusal::ManagerRestarting(Duration::from_millis(until.since_ms(now)))),
            None => Ok(()),
        }
    }

    /// The restart of the BMC begins.
    pub(super) fn restart(&mut self, at: SimTime, until: SimTime, profile: &Profile) {
        self.apply_firmware(profile, |of, _| of == FirmwareOf::Manager, at);
        self.restarting_from = None;
        self.restarting_until = Some(until);
        let interrupted = End::Failed("the BMC has restarted meanwhile".into());
        let stops =
            |work: &Work| matches!(work, Work::Diagnostics { .. } | Work::License { fetch: Some(_), .. });
        self.end_tasks(stops, &interrupted, at);
        self.sessions.end_all();
        if let Some(subscriptions) = self.subscriptions.get_mut() {
            subscriptions.end_streams();
        }
        if let Some(network) = self.network.get_mut() {
            network.protocols.open();
        }
        self.reset_to_defaults();
    }

    /// The BMC is without power until somebody sets the end of its start.
    pub(super) fn lose_power(&mut self, at: SimTime, profile: &Profile) {
        self.restart(at, SimTime::NEVER, profile);
    }

    /// The process has restarted.
    pub(super) fn restored(&mut self, profile: &Profile) {
        if let Some(bios) = self.bios.get_mut() {
            bios.fit(profile);
        }
        if let Some(subscriptions) = self.subscriptions.get_mut() {
            subscriptions.end_streams();
        }
    }

    /// The next moment at which a restart begins or ends.
    fn next_restart(&self) -> SimTime {
        self.restarting_from.or(self.restarting_until).unwrap_or(SimTime::NEVER)
    }

    /// The next moment at which a restart begins or ends, work ends, a task is removed, a delivery is repeated, or a session or a
    /// lockout ends.
    pub(super) fn next_deadline(&self, profile: &Profile) -> SimTime {
        let of_work = self.next_restart().min(self.tasks.next_deadline());
        let of_clients = self.sessions.next_deadline().min(self.accounts.next_deadline(&profile.accounts));
        of_work.min(of_clients).min(self.subscriptions.next_deadline())
    }

    /// Remembers an event in the logs, and queues it for the subscribers.
    pub(super) fn remember(&mut self, what: What, at: SimTime, profile: &Profile) {
        let number = self.logs.change(|logs| logs.add(what.clone(), at, profile));
        self.drop_diagnostics();
        if let Some(subscriptions) = self.subscriptions.get_mut() {
            let queued = Queued { number: u64::from(number), at, what, node: None };
            subscriptions.publish(queued);
        }
    }

    /// A start of the machine: pending settings take effect.
    pub(super) fn start(&mut self, profile: &Profile, at: SimTime) {
        self.apply_firmware(profile, |of, _| of != FirmwareOf::Manager, at);
        if let Some(bios) = self.bios.get_mut() {
            bios.start(profile, at);
        }
        self.end_tasks(|work| *work == Work::BiosDefaults, &End::Completed, at);
        self.start_secure_boot(profile);
        self.test_memory();
        self.boot_failure = None;
        self.boot_failed_at = None;
    }

    /// Tasks that never end go on. A reset to defaults ends with the restart of the BMC, so it ends now if the restart is over.
    pub(super) fn release_tasks(&mut self, at: SimTime) {
        self.tasks.change(|tasks| tasks.release(at));
        if self.restarting_from.is_none() && self.restarting_until.is_none() {
            self.end_tasks(|work| matches!(work, Work::ManagerDefaults(_)), &End::Completed, at);
        }
    }

    fn end_tasks(&mut self, is: impl Fn(&Work) -> bool, how: &End, at: SimTime) {
        if let Some(tasks) = self.tasks.get_mut() {
            tasks.end_all(is, how, at);
        }
    }

    /// A boot source could not be booted. The first failure of a start stays.
    pub(super) fn boot_failed(&mut self, why: String, now: SimTime) {
        if self.boot_failure.is_none() {
            self.boot_failure = Some(why.into());
            self.boot_failed_at = Some(now);
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self {
            bios,
            secure_boot: _,
            databases: _,
            media,
            media_trust: _,
            leds: _,
            clock: _,
            firmware,
            volumes: _,
            plugs: _,
            environment,
            power_limit: _,
            tasks,
            asset_tag: _,
            restarting_from,
            restarting_until,
            boot_failure: _,
            boot_failed_at,
            sessions,
            accounts,
            logs,
            subscriptions,
            telemetry,
            diagnostics,
            post_codes,
            network: _,
            system: _,
            host_reset,
            manager_reset,
            extras: _,
            https: _,
            hours,
            licenses,
        } = self;
        if let Some(hours) = hours.get_mut() {
            hours.shift(ms);
        }
        if let Some(licenses) = licenses.get_mut() {
            licenses.shift(ms);
        }
        if let Some(diagnostics) = diagnostics.get_mut() {
            diagnostics.shift(ms);
        }
        if let Some(post_codes) = post_codes.get_mut() {
            post_codes.shift(ms);
        }
        if let Some(bios) = bios.get_mut() {
            bios.shift(ms);
        }
        media.shift(ms);
        if let Some(environment) = environment.get_mut() {
            environment.shift(ms);
        }
        if let Some(firmware) = firmware.get_mut() {
            firmware.shift(ms);
        }
        if let Some(tasks) = tasks.get_mut() {
            tasks.shift(ms);
        }
        let moments = [restarting_from, restarting_until, boot_failed_at, host_reset, manager_reset];
        for moment in moments.into_iter().flatten() {
            moment.shift(ms);
        }
        sessions.shift(ms);
        if let Some(accounts) = accounts.get_mut() {
            accounts.shift(ms);
        }
        if let Some(logs) = logs.get_mut() {
            logs.shift(ms);
        }
        if let Some(subscriptions) = subscriptions.get_mut() {
            subscriptions.shift(ms);
        }
        if let Some(telemetry) = telemetry.get_mut() {
            telemetry.shift(ms);
        }
    }
}
