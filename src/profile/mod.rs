//! Profiles: one model of server each, as data. A profile is read from `nodes/<name>/`, checked once, shared by all
//! nodes of that model, and never changed. Makers are data; behaviour that data cannot express is a named [`quirk`].

#[doc(hidden)]
pub mod accounts;
#[doc(hidden)]
pub mod answers;
#[doc(hidden)]
pub mod bios;
#[doc(hidden)]
pub mod boot_source;
#[doc(hidden)]
pub mod certificate;
#[doc(hidden)]
pub mod console;
mod extends;
mod files;
#[doc(hidden)]
pub mod identities;
#[doc(hidden)]
pub mod inventory;
#[doc(hidden)]
pub mod license;
mod load;
#[doc(hidden)]
pub mod logs;
#[doc(hidden)]
pub mod oem;
#[doc(hidden)]
pub mod overlay;
#[doc(hidden)]
pub mod pcie;
#[doc(hidden)]
pub mod post_codes;
#[doc(hidden)]
pub mod quirk;
#[doc(hidden)]
pub mod secure_boot;
#[doc(hidden)]
pub mod sensors;
#[doc(hidden)]
pub mod telemetry;
#[doc(hidden)]
pub mod tpm;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dmtf::{PowerRestorePolicy, ResetType};
use crate::time::timing::Timing;
use accounts::AccountRules;
use answers::Answers;
use bios::Attribute;
use boot_source::BootSource;
use certificate::CertificateSubject;
use console::Consoles;
pub use files::ProfileError;
#[doc(hidden)]
pub use files::built_in_names;
use inventory::{
    Battery, Chassis, Dimm, Fan, Firmware, FirmwareOf, Manager, MediaSlot, Nic, PciDevice, PowerSupply,
    Processor, Storage, Temperature,
};
use license::License;
pub use load::built_in;
#[doc(hidden)]
pub use load::{from_directory, named};
use logs::LogService;
use oem::Oem;
use overlay::Overlay;
use pcie::{Card, Function, Slot};
use post_codes::PostCode;
use quirk::Quirk;
use secure_boot::SecureBootKeys;
use sensors::SensorRules;
use telemetry::Telemetry;
use tpm::Tpm;

/// A model of server. The fields are the keys of `profile.toml`, except those that are skipped.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "a key without a comment is explained by its name")]
pub struct Profile {
    /// The name of the profile's folder, which `--profile` takes: lower case letters, digits and dashes.
    #[serde(skip)]
    pub name: String,
    /// The name with which [`named`] finds the profile again: a built-in name, or the absolute path of its folder.
    #[serde(skip)]
    pub source: String,
    /// One line of text for `fauxmetal profile list`.
    pub description: String,
    /// `ComputerSystem.Manufacturer`; the next three keys are properties of `ComputerSystem`, too. Ironic and sushy treat
    /// some makers specially (`ironic/drivers/modules/redfish/management.py`, `_set_boot_device`).
    pub manufacturer: String,
    pub model: String,
    pub sku: String,
    pub part_number: String,
    /// Pattern of serial numbers. Each `#` becomes a letter or digit. Serial numbers are unique with at least
    /// [`Profile::SERIAL_HASHES`] of them.
    pub serial: String,
    /// Date of the BIOS in the agent's inventory, `MM/DD/YYYY`.
    pub bios_date: String,
    /// Maker of the BIOS in the agent's inventory.
    pub bios_vendor: String,
    /// Allowable values of `ComputerSystem.Reset`.
    pub reset_types: Vec<ResetType>,
    /// `ComputerSystem.PowerRestorePolicy` of a new machine.
    #[serde(default)]
    pub power_restore_policy: PowerRestorePolicy,
    /// Allowable values of `BootSourceOverrideTarget`. Without `Cd`, `Pxe` and `Hdd` Ironic refuses to boot the node.
    pub boot_targets: Vec<BootSource>,
    /// Boot order of a new machine.
    pub boot_order: Vec<BootSource>,
    /// The rules for accounts.
    #[serde(default)]
    pub accounts: AccountRules,
    /// Log services, in the order of their collections.
    #[serde(rename = "log", default = "LogService::usual")]
    pub logs: Vec<LogService>,
    /// The POST codes of the firmware, in their order.
    #[serde(rename = "post_code", default = "PostCode::usual")]
    pub post_codes: Vec<PostCode>,
    /// Metrics and their reports.
    #[serde(default = "Telemetry::usual")]
    pub telemetry: Telemetry,
    /// Differences from the standard that the model has.
    #[serde(default)]
    pub quirks: Vec<Quirk>,
    /// Actions that have `ActionInfo` although the model has [`Quirk::NoActionInfo`], each as `CertificateService.GenerateCSR`.
    #[serde(default)]
    pub action_info: Vec<String>,
    /// Ids of the single system, manager and chassis below a BMC's own service root.
    #[serde(default)]
    pub ids: Ids,
    /// The subject of the certificate of a BMC that has an address of its own.
    #[serde(default)]
    pub certificate: CertificateSubject,
    /// The databases of secure boot with their keys ex works.
    #[serde(default)]
    pub secure_boot: SecureBootKeys,
    /// Consoles of the host and of the BMC.
    #[serde(rename = "console", default)]
    pub consoles: Consoles,
    pub chassis: Chassis,
    pub manager: Manager,
    /// Firmware components: exactly one of the BIOS and one of the manager.
    pub firmware: Vec<Firmware>,
    #[serde(rename = "processor")]
    pub processors: Vec<Processor>,
    #[serde(rename = "memory")]
    pub dimms: Vec<Dimm>,
    /// Host interfaces, at most [`Profile::MAX_NICS`].
    #[serde(rename = "nic")]
    pub nics: Vec<Nic>,
    /// Storage controllers with their drives.
    #[serde(rename = "storage")]
    pub storage: Vec<Storage>,
    #[serde(rename = "power_supply")]
    pub power_supplies: Vec<PowerSupply>,
    /// Batteries of storage controllers.
    #[serde(rename = "battery", default)]
    pub batteries: Vec<Battery>,
    #[serde(rename = "fan")]
    pub fans: Vec<Fan>,
    #[serde(rename = "temperature")]
    pub temperatures: Vec<Temperature>,
    /// Thresholds and units of sensors.
    #[serde(default)]
    pub sensors: SensorRules,
    /// Virtual media slots, in the order of the `VirtualMedia` collection.
    #[serde(rename = "virtual_media")]
    pub media_slots: Vec<MediaSlot>,
    /// Licenses that the BMC has ex works.
    #[serde(rename = "license", default)]
    pub licenses: Vec<License>,
    /// PCI devices other than network interfaces and storage controllers.
    #[serde(rename = "pci_device", default)]
    pub pci_devices: Vec<PciDevice>,
    /// PCIe slots of the chassis, in the order of `PCIeSlots`.
    #[serde(rename = "pcie_slot", default)]
    pub slots: Vec<Slot>,
    /// The trusted platform module, if the model has one.
    #[serde(default)]
    pub tpm: Option<Tpm>,
    #[serde(rename = "bios_attribute")]
    pub bios: Vec<Attribute>,
    /// Durations of power changes, boots and commands.
    #[serde(default)]
    pub timing: Timing,
    /// Resources that the model does not have, as paths below `/redfish/v1` with `{}` for ids, such as
    /// `Systems/{}/SimpleStorage`. Everything below an absent resource is absent too.
    #[serde(default)]
    pub absent: Vec<String>,
    /// The versions of DMTF's schemas that the model has, by type: `ComputerSystem = "v1_18_0"`. Other types have the newest version. An
    /// overlay removes the properties that are newer than the version.
    #[serde(default)]
    pub schemas: BTreeMap<String, String>,
    /// `@odata.type` without its `#`, for the types in [`Profile::schemas`].
    #[serde(skip)]
    pub kinds: BTreeMap<String, String>,
    /// Other beginnings of paths at a BMC's own root, each with the beginning that it stands for: `"/rest/v1" = "/redfish/v1"`.
    #[serde(default)]
    pub path_aliases: BTreeMap<String, String>,
    /// The style of answers at a BMC's own root.
    #[serde(default)]
    pub answers: Answers,
    /// What the maker adds to the standard.
    #[serde(default)]
    pub oem: Oem,
    /// Merge patches by DMTF type.
    #[serde(skip)]
    pub overlays: BTreeMap<String, Overlay>,
    /// Merge patches for the documents at one path, by the words of the path with `+` between them: `Managers+EthernetInterfaces`.
    #[serde(skip)]
    pub path_overlays: BTreeMap<String, Overlay>,
    /// The identities of nodes that were imported with this model. A model without imports has none.
    #[serde(skip)]
    pub identities: Option<identities::Identities>,
}

/// Ids of the single system, manager and chassis below a BMC's own service root.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ids {
    /// `Id` of the `ComputerSystem`, the last segment of its URI.
    pub system: String,
    /// `Id` of the `Manager`, the last segment of its URI.
    pub manager: String,
    /// `Id` of the `Chassis`, the last segment of its URI.
    pub chassis: String,
}

impl Default for Ids {
    fn default() -> Self {
        let one = || "1".to_owned();
        Self { system: one(), manager: one(), chassis: one() }
    }
}

impl Profile {
    /// Maximum number of host interfaces. The MAC addresses of higher ports belong to the BMC and to the switch.
    pub const MAX_NICS: usize = 64;
    /// Maximum number of drives: a WWN has 8 bits for the drive's number.
    pub const MAX_DRIVES: usize = 256;
    /// Minimum number of `#` in a serial number: seven digits of five bits contain the 32-bit scrambled index.
    pub const SERIAL_HASHES: usize = 7;
    /// Host interfaces that may have an OUI are the first ones: after the OUI, 4 bits of a MAC address are the number of the
    /// port, and the highest of them is the BMC's.
    pub const MAX_OUI_NICS: usize = 15;

    /// The PCI functions in the order of the agent's collector `pci-devices`: host interfaces, then the others.
    pub fn functions(&self) -> impl Iterator<Item = Function<'_>> {
        pcie::functions(&self.nics, &self.pci_devices, &self.storage)
    }

    /// The cards in the order of their first functions.
    pub fn cards(&self) -> Vec<Card<'_>> {
        pcie::cards(self.functions())
    }

    /// The slot that holds a card, with its number.
    pub fn slot_of(&self, card: &str) -> Option<(usize, &Slot)> {
        self.slots.iter().enumerate().find(|(_, slot)| slot.card.as_deref() == Some(card))
    }

    /// Whether the model lacks the resource at `path` (written as in [`Profile::absent`]) or one of its parents.
    pub fn lacks(&self, path: &str) -> bool {
        let covers = |absent: &String| {
            path.strip_prefix(absent.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.absent.iter().any(covers)
    }

    /// The overlay for the documents of a resource, by its path as in [`Profile::absent`] and its DMTF type. That of a path alone
    /// applies where there is one.
    pub fn overlay(&self, generic: &str, kind: &str) -> Option<&Overlay> {
        if !self.path_overlays.is_empty() {
            let words = || generic.split('/').filter(|word| *word != "{}");
            let exact = self.path_overlays.iter().find(|(path, _)| path.split('+').eq(words()));
            if let Some((_, overlay)) = exact {
                return Some(overlay);
            }
        }
        self.overlays.get(kind)
    }

    /// The path that a path with another beginning stands for.
    pub fn aliased(&self, path: &str) -> Option<String> {
        let mut all = self.path_aliases.iter();
        all.find_map(|(alias, plain)| {
            let rest = path.strip_prefix(alias.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{plain}{rest}"))
        })
    }

    /// The namespace of a type in the version that the model has: `ComputerSystem.v1_18_0`. `newest` is the namespace that the table of
    /// resources has.
    pub fn namespace<'a>(&'a self, newest: &'a str) -> &'a str {
        let kind = self.kinds.get(newest.split('.').next().unwrap_or_default());
        kind.and_then(|kind| kind.rsplit_once('.')).map_or(newest, |(namespace, _)| namespace)
    }

    /// Whether the model has a quirk.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Total size of the memory, MiB.
    pub fn memory_mib(&self) -> u64 {
        self.dimms.iter().map(|d| d.capacity_mib).sum()
    }

    /// The version of the BIOS, `ComputerSystem.BiosVersion`.
    pub fn bios_version(&self) -> &str {
        self.firmware_of(FirmwareOf::Bios)
    }

    /// The version of the BMC's firmware, `Manager.FirmwareVersion`.
    pub fn manager_version(&self) -> &str {
        self.firmware_of(FirmwareOf::Manager)
    }

    fn firmware_of(&self, part: FirmwareOf) -> &str {
        let found = self.firmware.iter().find(|f| f.of == part);
        &found.expect("a profile without it is not loaded").version
    }

    /// The number of the first firmware component that is meant.
    pub fn component(&self, is_meant: impl Fn(&Firmware) -> bool) -> Option<u8> {
        self.firmware.iter().position(is_meant).and_then(|number| u8::try_from(number).ok())
    }

    /// All drives in the order of their controllers, each with its number within the node.
    pub fn drives(&self) -> impl Iterator<Item = (u8, &Storage, &inventory::Drive)> {
        let pairs = self.storage.iter().flat_map(|s| s.drives.iter().map(move |d| (s, d)));
        (0u8..=u8::MAX).zip(pairs).map(|(n, (s, d))| (n, s, d))
    }

    /// The pattern of the serial numbers of a part: the kind as in `Spec::part_serial`, and the number within the kind.
    pub fn part_serial_pattern(&self, kind: char, number: u8) -> Option<&str> {
        let n = usize::from(number);
        let pattern = match kind {
            'C' => &self.processors.get(n)?.serial,
            'M' => &self.dimms.get(n)?.serial,
            'N' => &self.adapters().nth(n)?.first()?.serial,
            'S' => &self.storage.get(n)?.serial,
            'D' => &self.drives().nth(n)?.2.serial,
            'P' => &self.power_supplies.get(n)?.serial,
            _ => return None,
        };
        pattern.as_deref()
    }

    /// The OUI of host interface number `port`, or of the BMC.
    pub fn oui(&self, port: Option<u8>) -> Option<&str> {
        match port {
            Some(port) => self.nics.get(usize::from(port))?.oui.as_deref(),
            None => self.manager.oui.as_deref(),
        }
    }

    /// `Id` of the `NetworkAdapter` that has a port.
    pub fn adapter_id(&self, nic: &Nic) -> String {
        let number = self.adapters().position(|ports| ports.iter().any(|port| port.id == nic.id));
        Nic::adapter_id(number.unwrap_or_default())
    }

    /// Network adapters: consecutive host interfaces on the same PCI card.
    pub fn adapters(&self) -> impl Iterator<Item = &[Nic]> {
        self.nics.chunk_by(|a, b| a.card() == b.card())
    }

    /// The BIOS attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.bios.iter().find(|a| a.name == name)
    }

    /// The number of the media slot with this `VirtualMedia.Id`.
    pub fn media_slot(&self, id: &str) -> Option<usize> {
        self.media_slots.iter().position(|s| s.id == id)
    }

    /// The architecture under its Linux name, which is Ironic's `cpu_arch`.
    pub fn cpu_arch(&self) -> &'static str {
        if self.processors.iter().any(|p| p.instruction_set.starts_with("ARM")) {
            "aarch64"
        } else {
            "x86_64"
        }
    }
}
