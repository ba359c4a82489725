//! The BMC: everything that a node stores besides power and boot, one file for each part.
//!
//! Most nodes never use any of it, so a node has a [`Bmc`] only once something differs from a new machine.

pub mod account;
pub mod bios;
pub mod clock;
pub mod credential;
pub mod environment;
pub mod firmware;
pub mod led;
pub mod media;
pub mod plugs;
pub mod power_limit;
pub mod role;
pub mod secure_boot;
pub mod session;
pub mod tasks;
pub mod volume;
mod work;

use serde::{Deserialize, Serialize};

use crate::dmtf::ResetToDefaultsType;
use crate::node::refusal::Refusal;
use crate::node::sparse::{Part, Sparse};
use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::time::SimTime;
use account::Accounts;
use bios::Bios;
use clock::Clock;
use environment::Environment;
use firmware::Firmware;
use led::Leds;
use media::Media;
use plugs::Plugs;
use power_limit::PowerLimit;
use secure_boot::SecureBoot;
use session::Sessions;
use tasks::{Start, Tasks, Work};
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
    pub media: Media,
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
}

/// The BMC of a new machine.
static NEW: Bmc = Bmc {
    bios: Sparse::NEW,
    secure_boot: SecureBoot::NEW,
    media: Media::NEW,
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
            return self.step_tasks(at, profile);
        }
        match self.restarting_from {
            Some(from) => self.restart(from, from.after_ms(restart_ms), profile),
            None => {
                self.restarting_until = None;
                self.end_tasks(|work| matches!(work, Work::ManagerDefaults(_)), at);
            }
        }
    }

    /// The restart of the BMC begins.
    fn restart(&mut self, at: SimTime, until: SimTime, profile: &Profile) {
        self.apply_firmware(profile, |of| of == FirmwareOf::Manager, at);
        self.restarting_from = None;
        self.restarting_until = Some(until);
        self.sessions.end_all();
        self.reset_to_defaults();
    }

    /// The next moment at which a restart begins or ends.
    fn next_restart(&self) -> SimTime {
        self.restarting_from.or(self.restarting_until).unwrap_or(SimTime::NEVER)
    }

    /// The next moment at which a restart begins or ends, work ends, or a task is removed.
    pub(super) fn next_deadline(&self) -> SimTime {
        self.next_restart().min(self.tasks.next_deadline())
    }

    /// A start of the machine: pending settings take effect.
    pub(super) fn start(&mut self, profile: &Profile, at: SimTime) {
        if let Some(bios) = self.bios.get_mut() {
            bios.start(profile);
        }
        self.end_tasks(|work| *work == Work::BiosDefaults, at);
        self.secure_boot.start();
        self.apply_firmware(profile, |of| of != FirmwareOf::Manager, at);
        self.boot_failure = None;
        self.boot_failed_at = None;
    }

    fn end_tasks(&mut self, is: impl Fn(&Work) -> bool, at: SimTime) {
        if let Some(tasks) = self.tasks.get_mut() {
            tasks.end_all(is, at);
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
            bios: _,
            secure_boot: _,
            media,
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
        } = self;
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
        for moment in [restarting_from, restarting_until, boot_failed_at].into_iter().flatten() {
            moment.shift(ms);
        }
        sessions.shift(ms);
        if let Some(accounts) = accounts.get_mut() {
            accounts.shift(ms);
        }
    }
}
