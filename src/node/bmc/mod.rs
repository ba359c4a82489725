//! What a controller remembers beyond power and boot: media, BIOS changes, secure boot, lights, its clock.
//! Most nodes never have any of it, so it is kept apart and only where something differs from a new machine.

pub mod session;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::command::Insertion;
use super::ipa::Call;
use crate::dmtf::{IndicatorLed, ResetKeysType};
use crate::profile::Profile;
use crate::profile::bios::Value;
use crate::time::SimTime;
use session::Sessions;

/// A controller's memory, as far as it differs from a new machine's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bmc {
    /// BIOS attributes in force that are not at their default.
    pub bios: BTreeMap<Box<str>, Value>,
    /// BIOS attributes that the next start brings.
    pub bios_pending: BTreeMap<Box<str>, Value>,
    /// Secure boot.
    pub secure_boot: SecureBoot,
    /// What is in the media slots; at most one a slot.
    pub media: Vec<Media>,
    /// Insertions so far, by which a late answer is told from a fresh one.
    pub insertions: u32,
    /// `AssetTag`, where a client has set it.
    pub asset_tag: Option<Box<str>>,
    /// The system's light.
    pub system_led: IndicatorLed,
    /// The chassis's light.
    pub chassis_led: IndicatorLed,
    /// Lights of drives that are not off.
    pub drive_leds: BTreeMap<u8, IndicatorLed>,
    /// How far the clock is ahead of simulated time, ms.
    pub clock_ahead_ms: i64,
    /// `DateTimeLocalOffset`, minutes.
    pub clock_offset_minutes: i16,
    /// The controller restarts until then.
    pub restarting_until: Option<SimTime>,
    /// Why the last start found nothing to boot from its first source.
    pub boot_failure: Option<Box<str>>,
    /// Who is logged in, where the controller has a service root of its own.
    pub sessions: Sessions,
}

/// Secure boot's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecureBoot {
    /// `SecureBootEnable`: what the next start brings.
    pub enable: bool,
    /// `SecureBootCurrentBoot`: in force since the last start.
    pub current: bool,
    /// The key databases.
    pub keys: Keys,
}

/// The state of secure boot's key databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    /// The maker's keys.
    Default,
    /// No platform key: setup mode.
    NoPlatformKey,
    /// None at all: setup mode.
    Deleted,
}

impl From<ResetKeysType> for Keys {
    fn from(reset: ResetKeysType) -> Self {
        match reset {
            ResetKeysType::ResetAllKeysToDefault => Self::Default,
            ResetKeysType::DeleteAllKeys => Self::Deleted,
            ResetKeysType::DeletePk => Self::NoPlatformKey,
        }
    }
}

/// What is in a media slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// The image and how it was inserted.
    pub insertion: Insertion,
    /// Which insertion this was.
    pub number: u32,
    /// Whether the controller could open it.
    pub opened: Opened,
}

/// Whether a controller could open an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Opened {
    /// It is trying.
    Trying(Call),
    /// It can be read.
    Connected,
    /// It cannot, for this reason.
    Failed(Box<str>),
}

/// A new machine's.
pub(super) static NEW: Bmc = Bmc {
    bios: BTreeMap::new(),
    bios_pending: BTreeMap::new(),
    secure_boot: SecureBoot { enable: false, current: false, keys: Keys::Default },
    media: Vec::new(),
    insertions: 0,
    asset_tag: None,
    system_led: IndicatorLed::Off,
    chassis_led: IndicatorLed::Off,
    drive_leds: BTreeMap::new(),
    clock_ahead_ms: 0,
    clock_offset_minutes: 0,
    restarting_until: None,
    boot_failure: None,
    sessions: Sessions::new(),
};

impl Default for Bmc {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Bmc {
    /// What is in the slot with that number.
    pub fn media_in(&self, slot: usize) -> Option<&Media> {
        self.media.iter().find(|m| usize::from(m.insertion.slot) == slot)
    }

    /// The value of a BIOS attribute now.
    pub fn bios_value(&self, profile: &Profile, name: &str) -> Option<Value> {
        self.bios
            .get(name)
            .cloned()
            .or_else(|| profile.attribute(name).map(crate::profile::bios::Attribute::default_value))
    }

    /// What a start of the machine puts into force.
    pub(super) fn start(&mut self, profile: &Profile) {
        for (name, value) in std::mem::take(&mut self.bios_pending) {
            if profile.attribute(&name).is_some_and(|a| a.default_value() == value) {
                self.bios.remove(&name);
            } else {
                self.bios.insert(name, value);
            }
        }
        self.secure_boot.current = self.secure_boot.enable && self.secure_boot.keys == Keys::Default;
        self.boot_failure = None;
    }

    /// Notes BIOS values for the next start; one that is in force already needs none.
    pub(super) fn change_bios(&mut self, profile: &Profile, changes: Vec<(Box<str>, Value)>) {
        for (name, value) in changes {
            if self.bios_value(profile, &name).as_ref() == Some(&value) {
                self.bios_pending.remove(&name);
            } else {
                self.bios_pending.insert(name, value);
            }
        }
    }
}
