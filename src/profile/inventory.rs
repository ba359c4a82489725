//! What a model is made of: the parts that both the Redfish documents and the agent's inventory describe.
//!
//! One list, two views, so that what Ironic reads from the BMC agrees with what the agent reports.

use serde::{Deserialize, Serialize};

use crate::dmtf::MediaType;

/// A processor socket and what sits in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    /// `Processor.Id`.
    pub id: String,
    /// The socket's name on the board.
    pub socket: String,
    /// Maker of the processor, as DMTF and Linux show it.
    pub manufacturer: String,
    /// Full model name; the agent's `cpu.model_name`.
    pub model: String,
    /// `x86` or `ARM` (`Processor.ProcessorArchitecture`).
    pub architecture: String,
    /// `x86-64` or `ARM-A64` (`Processor.InstructionSet`); Ironic maps it to `cpu_arch` and fails an out-of-band
    /// inspection without it.
    pub instruction_set: String,
    /// Cores of this processor.
    pub cores: u32,
    /// Threads of this processor.
    pub threads: u32,
    /// Highest clock, MHz.
    pub max_mhz: u32,
    /// Clock now, MHz; the agent's `cpu.frequency`.
    pub mhz: u32,
    /// Linux's CPU flags, as the agent reports them.
    #[serde(default)]
    pub flags: Vec<String>,
}

/// A memory module.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dimm {
    /// `Memory.Id`, which is also the slot's name.
    pub id: String,
    /// Size, MiB.
    pub capacity_mib: u64,
    /// `Memory.MemoryDeviceType`, such as `DDR5`.
    pub device_type: String,
    /// MHz.
    pub speed_mhz: u32,
    /// Maker.
    pub manufacturer: String,
    /// Maker's part number.
    pub part_number: String,
}

/// A port of a network adapter, which is one interface of the host.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Nic {
    /// `EthernetInterface.Id`.
    pub id: String,
    /// Name under Linux, as the agent reports it.
    pub name: String,
    /// `EthernetInterface.Description`: the card's name, a comma, and which port of it this is. A firmware component of
    /// the card's name is the card's.
    pub description: String,
    /// Link speed, Mbit/s.
    pub speed_mbps: u32,
    /// Whether a cable is in: link, LLDP neighbour and network boot need one.
    pub link: bool,
    /// PCI vendor id, as `0x8086`.
    pub vendor: String,
    /// PCI product id, as `0x159b`.
    pub product: String,
    /// PCI address, as `0000:31:00.0`.
    pub pci_address: String,
    /// Linux driver.
    pub driver: String,
}

impl Nic {
    /// PCI address of the card whose port this is: ports are its functions.
    pub fn card(&self) -> &str {
        self.pci_address.rsplit_once('.').map_or(&self.pci_address, |(card, _)| card)
    }

    /// Name of that card: its port's description up to the last comma.
    pub fn card_name(&self) -> &str {
        self.description.rsplit_once(',').map_or(&self.description, |(card, _)| card)
    }
}

/// A storage controller and its drives.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// `Storage.Id`.
    pub id: String,
    /// `Storage.Name`.
    pub name: String,
    /// The controller's model.
    pub model: String,
    /// Maker.
    pub manufacturer: String,
    /// Firmware version.
    pub firmware_version: String,
    /// Controller's protocol towards the host: `PCIe`.
    pub controller_protocol: String,
    /// Protocol towards the drives: `SATA`, `SAS`, `NVMe`.
    pub device_protocol: String,
    /// `SupportedRAIDTypes`. Empty means a plain host adapter: the property is then left out, because Ironic skips a
    /// controller that reports an empty list (`ironic/drivers/modules/redfish/raid.py`).
    #[serde(default)]
    pub raid_types: Vec<String>,
    /// Whether the controller is also shown as a `SimpleStorage` resource.
    #[serde(default)]
    pub simple_storage: bool,
    /// Its drives.
    #[serde(rename = "drive")]
    pub drives: Vec<Drive>,
}

/// A drive.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    /// `Drive.Id`.
    pub id: String,
    /// `Drive.Name`.
    pub name: String,
    /// Device file under Linux, as `/dev/sda`.
    pub device: String,
    /// Size, bytes.
    pub capacity_bytes: u64,
    /// `HDD` or `SSD`.
    pub media_type: String,
    /// `SATA`, `SAS` or `NVMe`.
    pub protocol: String,
    /// Model.
    pub model: String,
    /// Maker.
    pub manufacturer: String,
    /// Firmware revision.
    pub revision: String,
    /// Bytes per block.
    pub block_bytes: u32,
    /// Turns per minute; zero for one without platters.
    #[serde(default)]
    pub rpm: u32,
    /// Linux's SCSI address, as `0:0:0:0`; empty for NVMe.
    #[serde(default)]
    pub hctl: String,
    /// Name below `/dev/disk/by-path`.
    pub by_path: String,
    /// First six hex digits of a WWN after the `5`: the maker's OUI.
    pub oui: String,
}

/// A power supply.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PowerSupply {
    /// `PowerSupply.Id`.
    pub id: String,
    /// `PowerSupply.Name`.
    pub name: String,
    /// Maker.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// Firmware version.
    pub firmware_version: String,
    /// Rated output, W.
    pub watts: u32,
}

/// A fan.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    /// `Fan.Id`.
    pub id: String,
    /// `Fan.Name`.
    pub name: String,
    /// Turns per minute when idle.
    pub idle_rpm: u32,
    /// Turns per minute at full speed.
    pub max_rpm: u32,
}

/// A temperature sensor.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// `Sensor.Id`.
    pub id: String,
    /// `Sensor.Name`.
    pub name: String,
    /// `PhysicalContext`, as `CPU`, `Intake`, `Exhaust`, `SystemBoard`.
    pub context: String,
    /// Reading when idle, degrees Celsius.
    pub idle_celsius: f64,
    /// Threshold for a warning.
    pub caution_celsius: f64,
    /// Threshold that is critical.
    pub critical_celsius: f64,
}

/// A firmware component, as `UpdateService/FirmwareInventory` lists it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// `SoftwareInventory.Id`, unique in its model.
    pub id: String,
    /// `SoftwareInventory.Name`.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// What part it belongs to.
    pub of: FirmwareOf,
}

/// What a firmware component runs on, from which its `RelatedItem` follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FirmwareOf {
    /// The system's BIOS; its version is `ComputerSystem.BiosVersion`.
    Bios,
    /// The controller; its version is `Manager.FirmwareVersion`.
    Manager,
    /// Anything else in the chassis.
    Chassis,
}

/// A slot for virtual media.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSlot {
    /// `VirtualMedia.Id`.
    pub id: String,
    /// `VirtualMedia.Name`.
    pub name: String,
    /// What the slot can pretend to be.
    pub media_types: Vec<MediaType>,
}

impl MediaSlot {
    /// Whether firmware would boot it as an optical drive.
    pub fn is_optical(&self) -> bool {
        self.media_types.iter().any(|t| matches!(t, MediaType::Cd | MediaType::Dvd))
    }
}

/// The controller itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    /// `Manager.Model`.
    pub model: String,
    /// `Manager.ManagerType`, nearly always `BMC`.
    pub kind: String,
    /// Name under which it sits on its network, before the serial number.
    pub host_name_prefix: String,
}

/// The box.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chassis {
    /// `Chassis.ChassisType`, as `RackMount`.
    pub kind: String,
    /// Height, mm.
    pub height_mm: f64,
    /// Width, mm.
    pub width_mm: f64,
    /// Depth, mm.
    pub depth_mm: f64,
    /// Weight, kg.
    pub weight_kg: f64,
    /// Power drawn when off, W.
    pub standby_watts: u32,
    /// Power drawn when idle, W.
    pub idle_watts: u32,
    /// Power that can be drawn at most, W.
    pub max_watts: u32,
}

/// A PCI device beyond the interfaces and controllers, for the agent's `pci_devices`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PciDevice {
    /// Four hex digits.
    pub vendor_id: String,
    /// Four hex digits.
    pub product_id: String,
    /// Six hex digits.
    pub class: String,
    /// Two hex digits.
    pub revision: String,
    /// As `0000:00:14.0`.
    pub bus: String,
}
