//! The host: the part of a node that has power and boots. Redfish calls it `ComputerSystem`.

use serde::{Deserialize, Serialize};

use super::bmc::network;
use super::boot::BootChange;
use super::call::Call;
use super::effect::EffectKind;
use super::ipa::{self, Ipa};
use crate::dmtf::{BootProgress, IndicatorLed, PowerRestorePolicy, PowerState, ResetType};
use crate::profile::boot_source::BootSource;
use crate::time::SimTime;

/// Commands to the host.
#[derive(Clone, Debug)]
pub enum Command {
    /// `ComputerSystem.Reset` with a type that the profile lists.
    Reset(ResetType),
    /// `PATCH` of the `ComputerSystem`.
    Change(SystemChange),
    /// `PATCH` of the `Chassis`.
    ChangeChassis(ChassisChange),
    /// `Chassis.Reset` with `FullPowerCycle`: host and BMC lose their power for a moment. The host gets back the state that it had.
    CycleChassis,
    /// `PATCH` of the `BootOption` with this number.
    EnableBootOption { number: u8, enabled: bool },
    /// `ComputerSystem.SetDefaultBootOrder`: the order of a new machine.
    DefaultBootOrder,
}

/// Changes of one `PATCH` of a `Chassis`; `None` leaves a property unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChassisChange {
    /// At most [`SystemChange::MAX_ASSET_TAG`] characters.
    pub asset_tag: Option<Box<str>>,
    pub led: Option<IndicatorLed>,
}

/// Changes of one `PATCH` of a `ComputerSystem`; `None` leaves a property unchanged. The LED is `IndicatorLED` or
/// `LocationIndicatorActive`.
#[derive(Clone, Debug, Default)]
pub struct SystemChange {
    pub boot: BootChange,
    /// At most [`SystemChange::MAX_ASSET_TAG`] characters.
    pub asset_tag: Option<Box<str>>,
    pub led: Option<IndicatorLed>,
    /// At most [`SystemChange::MAX_HOST_NAME`] characters.
    pub host_name: Option<Box<str>>,
    pub power_restore: Option<PowerRestorePolicy>,
}

impl SystemChange {
    /// Maximum length of an asset tag, characters.
    pub const MAX_ASSET_TAG: usize = 63;
    /// Maximum length of a host name, characters.
    pub const MAX_HOST_NAME: usize = network::MAX_NAME;
}

/// The power and boot state of the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Host {
    #[default]
    Off,
    PoweringOn {
        until: SimTime,
    },
    /// The firmware tests the hardware.
    Post {
        until: SimTime,
        /// The beginning of the self test, for `BootProgress`.
        since: SimTime,
    },
    /// The firmware boots from a source.
    Booting(Box<Booting>),
    /// The host is on, and its boot is complete.
    Running {
        what: Running,
        /// The end of the boot.
        since: SimTime,
    },
    PoweringOff {
        until: SimTime,
        then: AfterOff,
    },
}

/// The next step after a power-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterOff {
    StayOff,
    PowerOn,
}

/// A boot in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Booting {
    /// The source that the firmware is trying.
    pub from: BootSource,
    /// The sources that it tries next.
    pub left: Vec<BootSource>,
    pub stage: Stage,
}

/// The progress of a boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Reading the image, or the boot configuration on the network.
    Reading(Call),
    /// Loading the content of the source.
    Loading { until: SimTime, what: Found },
}

/// The content of a boot source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// The operating system on the disk.
    Os,
    /// A system without an agent.
    Live,
    /// A ramdisk with an Ironic Python Agent.
    #[serde(rename = "Agent")]
    Ipa(Box<ipa::Params>),
}

/// The program that runs on the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Running {
    /// The firmware, after no source could be booted.
    NoBootDevice,
    /// The setup program of the firmware.
    Setup,
    /// The operating system on the disk.
    Os,
    /// A system from an image, without an agent.
    Live,
    /// A ramdisk with an Ironic Python Agent.
    #[serde(rename = "Agent")]
    Ipa(Box<Ipa>),
}

impl Host {
    /// `PowerState`. It stays `On` during a restart, so that a client that polls never sees the power off.
    pub fn power_state(&self) -> PowerState {
        match self {
            Self::Off => PowerState::Off,
            Self::PoweringOn { .. } => PowerState::PoweringOn,
            Self::PoweringOff { .. } => PowerState::PoweringOff,
            Self::Post { .. } | Self::Booting(_) | Self::Running { .. } => PowerState::On,
        }
    }

    /// `BootProgress.LastState` at the moment `now`.
    pub fn boot_progress(&self, now: SimTime) -> BootProgress {
        match self {
            Self::Off | Self::PoweringOn { .. } | Self::PoweringOff { .. } => BootProgress::None,
            Self::Post { until, since } => {
                // Each state lasts a part of the self test, so that a client that polls sees progress. The first two take
                // the longest, as processors and memory do.
                match now.since_ms(*since) * 6 / until.since_ms(*since).max(1) {
                    0 | 1 => BootProgress::PrimaryProcessorInitializationStarted,
                    2 | 3 => BootProgress::MemoryInitializationStarted,
                    4 => BootProgress::PciResourceConfigStarted,
                    _ => BootProgress::SystemHardwareInitializationComplete,
                }
            }
            // The firmware has handed over to the boot sources. This stays the last state while none of them boots: Ironic
            // waits for it after a reset that applies BIOS settings (`ironic/drivers/modules/redfish/bios.py`).
            Self::Booting(_) => BootProgress::OsBootStarted,
            Self::Running { what, .. } => match what {
                Running::NoBootDevice => BootProgress::OsBootStarted,
                Running::Setup => BootProgress::SetupEntered,
                Running::Os | Running::Live | Running::Ipa(_) => BootProgress::OsRunning,
            },
        }
    }

    /// Whether no boot source held a system.
    pub fn has_nothing_to_boot(&self) -> bool {
        matches!(self, Self::Running { what: Running::NoBootDevice, .. })
    }

    /// The host as a BMC sees it: an agent has no data.
    pub(super) fn outline(&self) -> Self {
        match self {
            Self::Booting(booting) => {
                let stage = match &booting.stage {
                    Stage::Loading { until, .. } => Stage::Loading { until: *until, what: Found::Live },
                    Stage::Reading(call) => Stage::Reading(*call),
                };
                Self::Booting(Box::new(Booting { from: booting.from, left: Vec::new(), stage }))
            }
            Self::Running { what: Running::Ipa(agent), since } => {
                Self::Running { what: Running::Ipa(Box::new(agent.outline())), since: *since }
            }
            Self::Off
            | Self::PoweringOn { .. }
            | Self::Post { .. }
            | Self::Running {
                what: Running::NoBootDevice | Running::Setup | Running::Os | Running::Live,
                ..
            }
            | Self::PoweringOff { .. } => self.clone(),
        }
    }

    /// The agent, if one is running.
    pub fn ipa(&self) -> Option<&Ipa> {
        if let Self::Running { what: Running::Ipa(agent), .. } = self { Some(agent) } else { None }
    }

    pub(super) fn ipa_mut(&mut self) -> Option<&mut Ipa> {
        if let Self::Running { what: Running::Ipa(agent), .. } = self { Some(agent) } else { None }
    }

    /// The next moment at which the state changes by itself.
    pub fn next_deadline(&self) -> SimTime {
        match self {
            Self::Off => SimTime::NEVER,
            Self::PoweringOn { until } | Self::Post { until, .. } | Self::PoweringOff { until, .. } => *until,
            Self::Booting(b) => match &b.stage {
                Stage::Reading(call) => call.deadline(),
                Stage::Loading { until, .. } => *until,
            },
            Self::Running { what, .. } => match what {
                Running::Ipa(agent) => agent.next_deadline(),
                Running::NoBootDevice | Running::Setup | Running::Os | Running::Live => SimTime::NEVER,
            },
        }
    }

    /// Hands every due effect of start `start` to `out`.
    pub(super) fn take_effects(&mut self, start: u32, mut out: impl FnMut(EffectKind)) {
        match self {
            Self::Booting(b) => {
                if let Stage::Reading(call) = &mut b.stage
                    && call.take()
                {
                    out(EffectKind::ReadBoot { start });
                }
            }
            Self::Running { what: Running::Ipa(agent), .. } => {
                agent.take_effects(|effect| out(EffectKind::Ipa { start, effect }));
            }
            Self::Running {
                what: Running::NoBootDevice | Running::Setup | Running::Os | Running::Live,
                ..
            }
            | Self::Off
            | Self::PoweringOn { .. }
            | Self::Post { .. }
            | Self::PoweringOff { .. } => {}
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        match self {
            Self::Off => {}
            Self::PoweringOn { until } | Self::PoweringOff { until, then: _ } => until.shift(ms),
            Self::Post { until, since } => {
                until.shift(ms);
                since.shift(ms);
            }
            Self::Booting(booting) => {
                let Booting { from: _, left: _, stage } = &mut **booting;
                match stage {
                    Stage::Reading(call) => call.shift(ms),
                    Stage::Loading { until, what: _ } => until.shift(ms),
                }
            }
            Self::Running { what, since } => {
                since.shift(ms);
                match what {
                    Running::NoBootDevice | Running::Setup | Running::Os | Running::Live => {}
                    Running::Ipa(agent) => agent.shift(ms),
                }
            }
        }
    }
}
