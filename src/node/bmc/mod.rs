//! The BMC: everything that a node stores besides power and boot, one file for each part.
//!
//! Most nodes never use any of it, so a node has a [`Bmc`] only once something differs from a new machine.

pub mod account;
pub mod bios;
pub mod clock;
pub mod credential;
pub mod firmware;
pub mod led;
pub mod media;
pub mod plugs;
pub mod role;
pub mod secure_boot;
pub mod session;
pub mod volume;

use serde::{Deserialize, Serialize};

use crate::node::sparse::{Part, Sparse};
use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::time::SimTime;
use account::Accounts;
use bios::Bios;
use clock::Clock;
use firmware::Firmware;
use led::Leds;
use media::Media;
use plugs::Plugs;
use secure_boot::SecureBoot;
use session::Sessions;
use volume::Volumes;

/// Commands to the `Manager`.
#[derive(Clone, Debug)]
pub enum Command {
    /// `Manager.Reset`: the BMC goes on for a moment, and is then unavailable for a while. The host is not affected.
    Reset,
    /// New settings of the clock; `None` leaves a setting unchanged.
    SetClock { ahead_ms: Option<i64>, offset_minutes: Option<i16> },
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
    pub(super) fn execute(&mut self, command: Command, leaves: SimTime) {
        match command {
            Command::Reset => {
                self.restarting_from.get_or_insert(leaves);
            }
            Command::SetClock { ahead_ms, offset_minutes } => {
                self.clock.change(|clock| {
                    clock.ahead_ms = ahead_ms.unwrap_or(clock.ahead_ms);
                    clock.offset_minutes = offset_minutes.unwrap_or(clock.offset_minutes);
                });
            }
        }
    }

    /// The restart of the BMC begins.
    pub(super) fn restart(&mut self, until: SimTime, profile: &Profile) {
        self.apply_firmware(profile, |of| of == FirmwareOf::Manager);
        self.restarting_from = None;
        self.restarting_until = Some(until);
        self.sessions.end_all();
    }

    /// The next moment at which a restart begins or ends.
    pub(super) fn next_deadline(&self) -> SimTime {
        self.restarting_from.or(self.restarting_until).unwrap_or(SimTime::NEVER)
    }

    /// A start of the machine: pending settings take effect.
    pub(super) fn start(&mut self, profile: &Profile) {
        if let Some(bios) = self.bios.get_mut() {
            bios.start(profile);
        }
        self.secure_boot.start();
        self.apply_firmware(profile, |of| of != FirmwareOf::Manager);
        self.boot_failure = None;
        self.boot_failed_at = None;
    }

    /// A reset of the components that `resets` selects: their staged updates take effect.
    fn apply_firmware(&mut self, profile: &Profile, resets: impl Fn(FirmwareOf) -> bool) {
        if let Some(firmware) = self.firmware.get_mut() {
            firmware.apply(profile, resets);
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
            asset_tag: _,
            restarting_from,
            restarting_until,
            boot_failure: _,
            boot_failed_at,
            sessions,
            accounts,
        } = self;
        media.shift(ms);
        if let Some(firmware) = firmware.get_mut() {
            firmware.shift(ms);
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
