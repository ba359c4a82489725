//! Firmware that boots another source than the one that was asked for.

use serde::{Deserialize, Serialize};

use crate::dmtf::BootTarget;
use crate::fault::{Act, Fault, Occasion, Seam};

/// Firmware that boots another source than the one that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct WrongSource {
    /// The source: `Hdd`, `Pxe`, `Cd`, `Usb`, `UefiHttp` or `BiosSetup`.
    #[cfg_attr(feature = "cli", schema(example = "Hdd"))]
    pub boots: String,
}

impl Default for WrongSource {
    fn default() -> Self {
        Self { boots: BootTarget::Hdd.as_str().to_owned() }
    }
}

impl WrongSource {
    const ALLOWED: [BootTarget; 6] = [
        BootTarget::Hdd,
        BootTarget::Pxe,
        BootTarget::Cd,
        BootTarget::Usb,
        BootTarget::UefiHttp,
        BootTarget::BiosSetup,
    ];

    fn target(&self) -> Option<BootTarget> {
        Self::ALLOWED.into_iter().find(|target| target.as_str() == self.boots)
    }
}

impl Fault for WrongSource {
    const NAME: &'static str = "wrong-boot-source";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the machine boots the chosen source first, then its boot order";
    const ENDS: &'static str = "boots follow the settings again";
    const STAYS: &'static str = "the boot that happened; an override for one boot is used up";
    const TEST: &'static str = "tests/it/faults/host.rs, another_source_than_the_one_that_was_asked_for";

    fn occasion(&self) -> Occasion {
        Occasion::Boot
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::BootFrom(self.target().unwrap_or(BootTarget::Hdd)))
    }

    fn check(&self) -> Result<(), String> {
        let allowed = || Self::ALLOWED.map(BootTarget::as_str).join(", ");
        self.target()
            .map(drop)
            .ok_or_else(|| format!("'boots' is '{}'; allowed are {}", self.boots, allowed()))
    }
}
