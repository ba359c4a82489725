//! What one model of server is, as data: read from `nodes/<name>/`, checked once, shared by all nodes of that model
//! and never changed. A maker is data; behaviour that data cannot say would be a named quirk.

#[doc(hidden)]
pub mod bios;
#[doc(hidden)]
pub mod inventory;
mod load;
#[doc(hidden)]
pub mod overlay;
#[doc(hidden)]
pub mod timing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dmtf::{BootTarget, ResetType};
use bios::Attribute;
use inventory::{
    Chassis, Dimm, Fan, Firmware, FirmwareOf, Manager, MediaSlot, Nic, PciDevice, PowerSupply, Processor,
    Storage, Temperature,
};
pub use load::{ProfileError, built_in};
#[doc(hidden)]
pub use load::{built_in_names, from_directory, named};
use overlay::Overlay;
use timing::Timing;

/// A model of server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name that `--profile` takes: lower case letters, digits and dashes.
    #[serde(skip)]
    pub name: String,
    /// How it is found again by [`named`]: a built-in name, or the absolute path of its folder.
    #[serde(skip)]
    pub source: String,
    /// One line for `fauxmetal profile list`.
    pub description: String,
    /// `ComputerSystem.Manufacturer`. Ironic switches on some makers' names (`ironic-contract.md` 1.18).
    pub manufacturer: String,
    /// `ComputerSystem.Model`.
    pub model: String,
    /// `ComputerSystem.SKU`.
    pub sku: String,
    /// `ComputerSystem.PartNumber`.
    pub part_number: String,
    /// Shape of serial numbers; each `#` becomes a letter or digit, and at least [`Profile::SERIAL_HASHES`] are needed
    /// for two nodes never to share one.
    pub serial: String,
    /// Date of the BIOS, `MM/DD/YYYY`, as the agent reports it.
    pub bios_date: String,
    /// The maker of the BIOS, as the agent reports it.
    pub bios_vendor: String,
    /// What `ComputerSystem.Reset` takes.
    pub reset_types: Vec<ResetType>,
    /// What `BootSourceOverrideTarget` takes. Without `Cd`, `Pxe` and `Hdd` Ironic refuses on its own side.
    pub boot_targets: Vec<BootTarget>,
    /// Boot order of a new machine: what is tried when nothing overrides it.
    pub boot_order: Vec<BootTarget>,
    /// Ids of the only system, manager and chassis, where a controller has a service root of its own.
    #[serde(default)]
    pub ids: Ids,
    /// The box.
    pub chassis: Chassis,
    /// The controller.
    pub manager: Manager,
    /// Firmware components: exactly one of the BIOS and one of the manager.
    pub firmware: Vec<Firmware>,
    /// Sockets.
    #[serde(rename = "processor")]
    pub processors: Vec<Processor>,
    /// Memory modules.
    #[serde(rename = "memory")]
    pub dimms: Vec<Dimm>,
    /// Host interfaces. At most [`Profile::MAX_NICS`].
    #[serde(rename = "nic")]
    pub nics: Vec<Nic>,
    /// Storage controllers.
    #[serde(rename = "storage")]
    pub storage: Vec<Storage>,
    /// Power supplies.
    #[serde(rename = "power_supply")]
    pub power_supplies: Vec<PowerSupply>,
    /// Fans.
    #[serde(rename = "fan")]
    pub fans: Vec<Fan>,
    /// Temperature sensors.
    #[serde(rename = "temperature")]
    pub temperatures: Vec<Temperature>,
    /// Virtual media slots, in the order in which clients see them.
    #[serde(rename = "virtual_media")]
    pub media_slots: Vec<MediaSlot>,
    /// Further PCI devices.
    #[serde(rename = "pci_device", default)]
    pub pci_devices: Vec<PciDevice>,
    /// BIOS attributes.
    #[serde(rename = "bios_attribute")]
    pub bios: Vec<Attribute>,
    /// How long things take.
    #[serde(default)]
    pub timing: Timing,
    /// Resources that the model lacks, as paths below `/redfish/v1` with `{}` for ids, such as
    /// `Systems/{}/SimpleStorage`. What is below one that is absent is absent too.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Merge patches by DMTF type.
    #[serde(skip)]
    pub overlays: BTreeMap<String, Overlay>,
}

/// What a controller calls what it has one of.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ids {
    /// Last word of the `ComputerSystem`'s path.
    pub system: String,
    /// Last word of the `Manager`'s path.
    pub manager: String,
    /// Last word of the `Chassis`'s path.
    pub chassis: String,
}

impl Default for Ids {
    fn default() -> Self {
        let one = || "1".to_owned();
        Self { system: one(), manager: one(), chassis: one() }
    }
}

impl Profile {
    /// Interfaces of one node, at most; higher numbers are the controller's own.
    pub const MAX_NICS: usize = 64;
    /// Drives of one node, at most: a WWN has room for these.
    pub const MAX_DRIVES: usize = 256;
    /// Letters and digits that a serial number needs for its node's index.
    pub const SERIAL_HASHES: usize = 7;

    /// Whether the model lacks what stands at `path` (written as in [`Profile::absent`]), or something above it.
    pub fn lacks(&self, path: &str) -> bool {
        let covers = |absent: &String| {
            path.strip_prefix(absent.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.absent.iter().any(covers)
    }

    /// Memory of the whole machine, MiB.
    pub fn memory_mib(&self) -> u64 {
        self.dimms.iter().map(|d| d.capacity_mib).sum()
    }

    /// Version of the BIOS.
    pub fn bios_version(&self) -> &str {
        self.firmware_of(FirmwareOf::Bios)
    }

    /// Version of the controller's firmware.
    pub fn manager_version(&self) -> &str {
        self.firmware_of(FirmwareOf::Manager)
    }

    fn firmware_of(&self, part: FirmwareOf) -> &str {
        let found = self.firmware.iter().find(|f| f.of == part);
        &found.expect("a profile without it is not loaded").version
    }

    /// All drives with their number within the node, controller by controller.
    pub fn drives(&self) -> impl Iterator<Item = (u8, &Storage, &inventory::Drive)> {
        let pairs = self.storage.iter().flat_map(|s| s.drives.iter().map(move |d| (s, d)));
        (0u8..=u8::MAX).zip(pairs).map(|(n, (s, d))| (n, s, d))
    }

    /// Network adapters: host interfaces that follow each other on one PCI card.
    pub fn adapters(&self) -> impl Iterator<Item = &[Nic]> {
        self.nics.chunk_by(|a, b| a.card() == b.card())
    }

    /// The BIOS attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.bios.iter().find(|a| a.name == name)
    }

    /// The number of the media slot with that id.
    pub fn media_slot(&self, id: &str) -> Option<usize> {
        self.media_slots.iter().position(|s| s.id == id)
    }

    /// The architecture as Linux names it, which is Ironic's `cpu_arch`.
    pub fn cpu_arch(&self) -> &'static str {
        if self.processors.iter().any(|p| p.instruction_set.starts_with("ARM")) {
            "aarch64"
        } else {
            "x86_64"
        }
    }
}
