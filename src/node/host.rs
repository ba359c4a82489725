//! The part of a node that is powered and boots: off, self test, looking for something to boot, running it.

use serde::{Deserialize, Serialize};

use super::ipa::{Call, Ipa};
use crate::dmtf::{BootProgress, BootTarget, PowerState};
use crate::time::SimTime;

/// What the machine is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Host {
    /// Nothing.
    #[default]
    Off,
    /// Its power comes on.
    PoweringOn {
        /// Until then.
        until: SimTime,
    },
    /// Self test.
    Post {
        /// Until then.
        until: SimTime,
        /// Since then, for `BootProgress`.
        since: SimTime,
    },
    /// It has chosen a source and tries to boot it.
    Booting(Box<Booting>),
    /// Something runs on it.
    Running {
        /// What.
        what: Running,
        /// Since then.
        since: SimTime,
    },
    /// Its power goes.
    PoweringOff {
        /// Until then.
        until: SimTime,
        /// And then.
        then: AfterOff,
    },
}

/// What follows a power-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterOff {
    /// Nothing.
    StayOff,
    /// On again.
    PowerOn,
}

/// A boot under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Booting {
    /// The source that is tried.
    pub from: BootTarget,
    /// What is tried after it.
    pub left: Vec<BootTarget>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a boot is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Reading the image, or the network's boot configuration.
    Reading(Call),
    /// Loading what was found.
    Loading {
        /// Until then.
        until: SimTime,
        /// This.
        what: Found,
    },
}

/// What a boot source was found to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Found {
    /// The operating system on the disk.
    Os,
    /// A system without an agent.
    Live,
    /// A ramdisk with an agent, started with these parameters.
    #[serde(rename = "Agent")]
    Ipa(Box<super::ipa::Params>),
}

/// What runs on a machine that is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Running {
    /// Nothing: no source could be booted, and firmware says so on the screen.
    NoBootDevice,
    /// The firmware's setup pages.
    Setup,
    /// The operating system on the disk.
    Os,
    /// A system from an image, without an agent.
    Live,
    /// A ramdisk with an agent.
    #[serde(rename = "Agent")]
    Ipa(Box<Ipa>),
}

impl Host {
    /// `PowerState`. Through a restart it stays `On`: a poll must not see it flap.
    pub fn power_state(&self) -> PowerState {
        match self {
            Self::Off => PowerState::Off,
            Self::PoweringOn { .. } => PowerState::PoweringOn,
            Self::PoweringOff { .. } => PowerState::PoweringOff,
            Self::Post { .. } | Self::Booting(_) | Self::Running { .. } => PowerState::On,
        }
    }

    /// `BootProgress.LastState` at `now`.
    pub fn boot_progress(&self, now: SimTime) -> BootProgress {
        match self {
            Self::Off | Self::PoweringOn { .. } | Self::PoweringOff { .. } => BootProgress::None,
            Self::Post { until, since } => {
                // Thirds of the self test, so that a watcher sees it move.
                match now.since_ms(*since) * 3 / until.since_ms(*since).max(1) {
                    0 => BootProgress::PrimaryProcessorInitializationStarted,
                    1 => BootProgress::MemoryInitializationStarted,
                    _ => BootProgress::PciResourceConfigStarted,
                }
            }
            Self::Booting(b) => match b.stage {
                Stage::Reading(_) => BootProgress::SystemHardwareInitializationComplete,
                Stage::Loading { .. } => BootProgress::OsBootStarted,
            },
            Self::Running { what: Running::NoBootDevice, .. } => {
                BootProgress::SystemHardwareInitializationComplete
            }
            Self::Running { what: Running::Setup, .. } => BootProgress::SetupEntered,
            Self::Running { what: Running::Os | Running::Live | Running::Ipa(_), .. } => {
                BootProgress::OsRunning
            }
        }
    }

    /// The agent, if one runs.
    pub fn ipa(&self) -> Option<&Ipa> {
        if let Self::Running { what: Running::Ipa(agent), .. } = self { Some(agent) } else { None }
    }

    pub(super) fn ipa_mut(&mut self) -> Option<&mut Ipa> {
        if let Self::Running { what: Running::Ipa(agent), .. } = self { Some(agent) } else { None }
    }

    /// When it moves on by itself next.
    pub fn next_deadline(&self) -> SimTime {
        match self {
            Self::Off => SimTime::NEVER,
            Self::PoweringOn { until } | Self::Post { until, .. } | Self::PoweringOff { until, .. } => *until,
            Self::Booting(b) => match &b.stage {
                Stage::Reading(call) => call.deadline(),
                Stage::Loading { until, .. } => *until,
            },
            Self::Running { what: Running::Ipa(agent), .. } => agent.next_deadline(),
            Self::Running { .. } => SimTime::NEVER,
        }
    }
}
