//! An agent that finds other hardware than before.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::fault::{Act, Fault, Occasion, Seam};

/// An agent that finds other hardware than before, and than the BMC shows. Without members, the last disk is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct OtherHardware {
    /// The disks that are gone: a device such as `/dev/sda`, or a pattern with `*` and `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "/dev/sda", min_length = 1))]
    pub missing_disk: Option<String>,
    /// An interface that has another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_nic: Option<RenamedNic>,
    /// The part of the memory that is left, percent, from 1 to 99.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(minimum = 1, maximum = 99))]
    pub memory_percent: Option<u8>,
}

/// An interface that has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct RenamedNic {
    /// The number of the interface, from 0, in the order of the profile.
    pub number: u8,
    /// Its name: 1 to 15 ASCII letters, digits, dots, dashes and underscores.
    #[cfg_attr(feature = "cli", schema(pattern = "^[A-Za-z0-9._-]{1,15}$"))]
    pub name: String,
}

impl Default for RenamedNic {
    fn default() -> Self {
        Self { number: 0, name: "eth0".to_owned() }
    }
}

impl RenamedNic {
    /// The longest name, characters: `IFNAMSIZ` of Linux without the zero at the end.
    const MAX_NAME: usize = 15;

    fn check(&self) -> Result<(), String> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let (name, most) = (&self.name, Self::MAX_NAME);
        if (1..=most).contains(&name.len()) && name.bytes().all(is_part) {
            return Ok(());
        }
        Err(format!(
            "'renamedNic.name' is '{name}'; allowed are 1 to {most} ASCII letters, digits, dots, dashes and underscores"
        ))
    }
}

impl OtherHardware {
    /// Whether a disk is gone. `is_last`: it is the last one of the machine.
    pub fn lacks(&self, device: &str, is_last: bool) -> bool {
        match &self.missing_disk {
            Some(pattern) => WildMatch::new(pattern).matches(device),
            None => is_last && *self == Self::default(),
        }
    }
}

impl Fault for OtherHardware {
    const NAME: &'static str = "other-hardware";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the inventory of the agent and its disks differ from before, and the documents of the BMC stay as they are; a command for a disk that is gone fails with DeviceNotFound";
    const ENDS: &'static str = "the agent finds the hardware of before";
    const STAYS: &'static str = "inspection data that Ironic has stored, and what it has decided from them";
    const TEST: &'static str = "tests/it/faults/agent.rs, other_hardware";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Hardware(self.clone()))
    }

    fn check(&self) -> Result<(), String> {
        if self.missing_disk.as_deref() == Some("") {
            return Err(
                "'missingDisk' is ''; write a device such as /dev/sda, or a pattern such as /dev/nvme*"
                    .to_owned(),
            );
        }
        if let Some(nic) = &self.renamed_nic {
            nic.check()?;
        }
        match self.memory_percent {
            Some(percent @ (0 | 100..)) => Err(format!("'memoryPercent' is {percent}; allowed are 1 to 99")),
            Some(_) | None => Ok(()),
        }
    }
}
