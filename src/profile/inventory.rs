//! The hardware of a model. The Redfish documents and the agent's inventory both show these parts, so the data that
//! Ironic reads from the BMC agrees with the data that the agent reports.
//!
//! `id` and `name` of a part are the `Id` and the `Name` of its Redfish resource, unless a comment says otherwise.

use serde::{Deserialize, Serialize};

use crate::dmtf::{MediaType, RaidType, ResetType};

/// A processor. `socket` is `Processor.Socket`, and `max_mhz` is `Processor.MaxSpeedMHz`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Processor {
    pub id: String,
    pub socket: String,
    pub manufacturer: String,
    /// The full model name, which is also the agent's `cpu.model_name`.
    pub model: String,
    /// `x86` or `ARM` (`Processor.ProcessorArchitecture`).
    pub architecture: String,
    /// `x86-64` or `ARM-A64` (`Processor.InstructionSet`). Ironic maps it to `cpu_arch`; without it an out-of-band
    /// inspection fails.
    pub instruction_set: String,
    pub cores: u32,
    pub threads: u32,
    pub max_mhz: u32,
    /// Current clock frequency, MHz; the agent's `cpu.frequency`.
    pub mhz: u32,
    /// CPU flags of Linux, for the agent's inventory.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Pattern of its serial numbers, as in `Profile::serial`. Without it, a number of the simulator.
    #[serde(default)]
    pub serial: Option<String>,
}

/// A memory module in its slot.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dimm {
    /// `Memory.Id`, also the name of the slot.
    pub id: String,
    pub capacity_mib: u64,
    /// `Memory.MemoryDeviceType`, such as `DDR5`.
    pub device_type: String,
    pub speed_mhz: u32,
    pub manufacturer: String,
    pub part_number: String,
    /// Pattern of its serial numbers, as in `Profile::serial`. Without it, a number of the simulator.
    #[serde(default)]
    pub serial: Option<String>,
}

/// A host interface: one port of a network adapter.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Nic {
    pub id: String,
    /// Name of the interface under Linux, for the agent's inventory.
    pub name: String,
    /// `EthernetInterface.Description`: the name of the card, a comma, and the number of the port. A firmware component
    /// with the same name as the card is the firmware of the card.
    pub description: String,
    /// `NetworkAdapter.Manufacturer`: maker of the card, taken from its first port. Omitted if not given.
    #[serde(default)]
    pub manufacturer: Option<String>,
    pub speed_mbps: u32,
    /// Whether a cable is plugged in. Link, LLDP neighbour and network boot need a cable.
    pub link: bool,
    /// PCI vendor id, such as `0x8086`.
    pub vendor: String,
    /// PCI product id, such as `0x159b`.
    pub product: String,
    /// PCI address, such as `0000:31:00.0`.
    pub pci_address: String,
    /// Name of the Linux driver.
    pub driver: String,
    /// OUI of the maker, six hex digits, with which the MAC address begins. Without it the address is locally administered.
    #[serde(default)]
    pub oui: Option<String>,
    /// Pattern of the serial numbers of the card, as in `Profile::serial`; taken from its first port.
    #[serde(default)]
    pub serial: Option<String>,
}

impl Nic {
    /// PCI address of the card without the function: the ports of a card are its PCI functions.
    pub fn card(&self) -> &str {
        super::pcie::card(&self.pci_address)
    }

    /// `Id` of the `NetworkAdapter` with this number.
    pub fn adapter_id(number: usize) -> String {
        format!("Adapter{}", number + 1)
    }

    /// Name of the card: the description of the port up to the last comma.
    pub fn card_name(&self) -> &str {
        self.description.rsplit_once(',').map_or(&self.description, |(card, _)| card)
    }
}

/// A storage controller and its drives.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    pub id: String,
    pub name: String,
    pub model: String,
    pub manufacturer: String,
    pub firmware_version: String,
    /// Protocol between host and controller: `PCIe`.
    pub controller_protocol: String,
    /// Protocol between controller and drives: `SATA`, `SAS` or `NVMe`.
    pub device_protocol: String,
    /// `SupportedRAIDTypes`. Empty for a host adapter without RAID. The property is then omitted, because Ironic skips a
    /// controller that reports an empty list (`ironic/drivers/modules/redfish/raid.py`).
    #[serde(default)]
    pub raid_types: Vec<RaidType>,
    /// Whether the controller also has a `SimpleStorage` resource.
    #[serde(default)]
    pub simple_storage: bool,
    /// Pattern of its serial numbers, as in `Profile::serial`. Without it, a number of the simulator.
    #[serde(default)]
    pub serial: Option<String>,
    #[serde(rename = "drive")]
    pub drives: Vec<Drive>,
    /// Volumes of a new server. Drives without a volume are passed through.
    #[serde(rename = "volume", default)]
    pub volumes: Vec<Volume>,
}

/// A volume that a new server has.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    pub id: String,
    pub name: String,
    pub raid_type: RaidType,
    /// Ids of its drives, which belong to the same controller.
    pub drives: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    pub id: String,
    pub name: String,
    /// `ServiceLabel`: the name of the bay, as it is printed on the chassis. Without it, the name of the drive.
    #[serde(default)]
    pub bay: Option<String>,
    /// Device file under Linux, such as `/dev/sda`.
    pub device: String,
    pub capacity_bytes: u64,
    /// `Drive.MediaType`: `HDD` or `SSD`.
    pub media_type: String,
    /// `SATA`, `SAS` or `NVMe`.
    pub protocol: String,
    pub model: String,
    pub manufacturer: String,
    /// Revision of the firmware.
    pub revision: String,
    /// Bytes in a block.
    pub block_bytes: u32,
    /// Rotations per minute; zero for a drive without platters.
    #[serde(default)]
    pub rpm: u32,
    /// SCSI address under Linux, such as `0:0:0:0`; empty for NVMe.
    #[serde(default)]
    pub hctl: String,
    /// Name of the link in `/dev/disk/by-path`.
    pub by_path: String,
    /// OUI of the drive's maker, six hex digits. A WWN is `5`, the OUI and a number; the name of an NVMe
    /// drive is an EUI-64.
    pub oui: String,
    /// Pattern of its serial numbers, as in `Profile::serial`. Without it, a number of the simulator.
    #[serde(default)]
    pub serial: Option<String>,
}

impl Drive {
    pub fn is_nvme(&self) -> bool {
        self.protocol == "NVMe"
    }

    /// Name of the device under Linux, such as `sda`.
    pub fn name_under_linux(&self) -> &str {
        self.device.strip_prefix("/dev/").unwrap_or(&self.device)
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PowerSupply {
    pub id: String,
    pub name: String,
    pub manufacturer: String,
    pub model: String,
    pub firmware_version: String,
    /// Rated output power, W.
    pub watts: u32,
    /// Pattern of its serial numbers, as in `Profile::serial`. Without it, a number of the simulator.
    #[serde(default)]
    pub serial: Option<String>,
}

/// A battery that keeps the cache of a storage controller through a power loss.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    pub id: String,
    pub name: String,
    pub manufacturer: String,
    pub model: String,
    /// Name of the firmware component that is its firmware, if it is one of `[[firmware]]`.
    #[serde(default)]
    pub firmware: Option<String>,
    /// Version of the firmware, unless a firmware component has it.
    pub firmware_version: String,
    /// Rated capacity of the battery, Wh.
    pub capacity_watt_hours: f64,
    /// `id` of the storage controller that it belongs to.
    pub storage: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fan {
    pub id: String,
    pub name: String,
    /// Rotations per minute of an idle machine.
    pub idle_rpm: u32,
    /// Rotations per minute at full speed.
    pub max_rpm: u32,
}

impl PowerSupply {
    /// `Id` of the sensor of its input voltage.
    pub fn input_sensor(&self) -> String {
        format!("{}InputVoltage", self.id)
    }

    /// `Id` of the sensor of its output power.
    pub fn output_sensor(&self) -> String {
        format!("{}OutputPower", self.id)
    }
}

impl Fan {
    /// `Id` of the sensor of its speed. The suffix makes it different from the id of a temperature sensor.
    pub fn speed_sensor(&self) -> String {
        format!("{}Speed", self.id)
    }
}

/// A temperature sensor with its thresholds.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    pub id: String,
    pub name: String,
    /// `PhysicalContext`, such as `CPU`, `Intake`, `Exhaust` or `SystemBoard`.
    pub context: String,
    /// Reading of an idle machine, degrees Celsius.
    pub idle_celsius: f64,
    /// `UpperCaution`, degrees Celsius, if the model has it.
    #[serde(default)]
    pub caution_celsius: Option<f64>,
    /// `UpperCritical`, which every sensor has, degrees Celsius.
    pub critical_celsius: f64,
    /// `UpperFatal`, degrees Celsius, if the model has it.
    #[serde(default)]
    pub fatal_celsius: Option<f64>,
}

impl Temperature {
    /// The threshold that a rising temperature crosses first, degrees Celsius.
    pub fn lowest_threshold(&self) -> f64 {
        self.caution_celsius.unwrap_or(self.critical_celsius)
    }

    /// Whether the sensor measures the air that enters the machine.
    pub fn is_inlet(&self) -> bool {
        self.context == "Intake"
    }
}

/// A firmware component in `UpdateService/FirmwareInventory`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// `SoftwareInventory.Id`, unique within the model.
    pub id: String,
    pub name: String,
    pub version: String,
    pub of: FirmwareOf,
}

/// The hardware that a firmware component runs on; it determines the `RelatedItem` of the component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FirmwareOf {
    /// The version is `ComputerSystem.BiosVersion`.
    Bios,
    /// The version is `Manager.FirmwareVersion`.
    Manager,
    /// Any other hardware in the chassis.
    Chassis,
}

/// A virtual media slot.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MediaSlot {
    pub id: String,
    pub name: String,
    /// The kinds of media that the slot can emulate.
    pub media_types: Vec<MediaType>,
}

impl MediaSlot {
    /// Whether firmware boots media in this slot as an optical drive.
    pub fn is_optical(&self) -> bool {
        self.media_types.iter().any(|t| matches!(t, MediaType::Cd | MediaType::Dvd))
    }
}

/// The BMC, which Redfish calls `Manager`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    pub model: String,
    /// `Manager.ManagerType`, nearly always `BMC`.
    pub kind: String,
    /// Host name of the BMC without its last part, the serial number.
    pub host_name_prefix: String,
    /// OUI of the BMC's MAC address, as in [`Nic::oui`].
    #[serde(default)]
    pub oui: Option<String>,
    /// Allowable values of `Manager.Reset`: some of [`Manager::RESET_TYPES`].
    #[serde(default = "Manager::usual_reset_types")]
    pub reset_types: Vec<ResetType>,
}

impl Manager {
    /// The ways in which a BMC can restart.
    pub const RESET_TYPES: [ResetType; 2] = [ResetType::GracefulRestart, ResetType::ForceRestart];

    fn usual_reset_types() -> Vec<ResetType> {
        Self::RESET_TYPES.to_vec()
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chassis {
    /// `Chassis.ChassisType`, such as `RackMount`.
    pub kind: String,
    pub height_mm: f64,
    pub width_mm: f64,
    pub depth_mm: f64,
    pub weight_kg: f64,
    /// Power draw while the machine is off, W.
    pub standby_watts: u32,
    /// Power draw of an idle machine, W.
    pub idle_watts: u32,
    /// Maximum power draw, W.
    pub max_watts: u32,
    /// Whether temperature sensors have a resolution of one degree; others have two decimal places.
    #[serde(default)]
    pub whole_degrees: bool,
    /// Allowable values of `Chassis.Reset`. Without any, the chassis has no such action.
    #[serde(default)]
    pub reset_types: Vec<ResetType>,
}

/// An entry of the agent's `pci_devices` that is neither a network interface nor a storage controller. All values are
/// hex digits: four for ids, six for the class, two for the revision.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PciDevice {
    pub vendor_id: String,
    pub product_id: String,
    pub class: String,
    pub revision: String,
    /// PCI address, such as `0000:00:14.0`.
    pub bus: String,
    /// Name of the device. A device at the address of a storage controller has the controller's name.
    #[serde(default)]
    pub name: Option<String>,
}
