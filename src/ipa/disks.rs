//! The disks of a node as its agent reports them.
//!
//! Mirrors `BlockDevice` of `ironic_python_agent/hardware.py`.

use serde::Serialize;

use crate::node::Node;
use crate::node::bmc::volume::Volume;
use crate::node::hardware::Disk;
use crate::node::spec::Spec;
use crate::profile::inventory::Drive;

/// A disk. Names and types of the fields are those of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct BlockDevice {
    /// The number in the model of the machine. It is no part of the inventory.
    #[serde(skip)]
    pub(super) number: u8,
    pub(super) name: String,
    pub(super) model: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) rotational: bool,
    pub(super) wwn: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) wwn_with_extension: Option<String>,
    pub(super) wwn_vendor_extension: Option<String>,
    pub(super) hctl: Option<String>,
    pub(super) by_path: Option<String>,
    /// In bytes, despite the name.
    pub(super) logical_sectors: u32,
    /// In bytes, despite the name.
    pub(super) physical_sectors: u32,
    pub(super) tran: Option<String>,
}

/// The disks that the agent finds, in the order of the profile.
pub(super) fn list(node: &Node) -> Vec<BlockDevice> {
    let one = |disk: Disk<'_>| match &disk.volume {
        Some(volume) => volume_device(node.spec(), &disk, volume),
        None => block_device(node.spec(), disk.number, disk.drive),
    };
    node.agent_disks().into_iter().map(one).collect()
}

/// A volume as Linux shows it: a disk of the controller in the place of its first drive.
fn volume_device(spec: Spec<'_>, disk: &Disk<'_>, volume: &Volume) -> BlockDevice {
    let (storage, drive) = (disk.storage, disk.drive);
    let wwn = spec.volume_wwn(disk.number, drive, volume.number);
    let nvme = drive.is_nvme();
    BlockDevice {
        model: storage.model.clone(),
        size: volume.capacity_bytes,
        serial: Some(wwn.trim_start_matches("0x").trim_start_matches("eui.").to_owned()),
        vendor: (!nvme).then(|| storage.manufacturer.to_ascii_uppercase().chars().take(8).collect()),
        wwn_with_extension: (!nvme).then(|| wwn.clone()),
        // Linux takes the second half of such a name for an extension of the vendor.
        wwn_vendor_extension: (!nvme).then(|| format!("0x{}", wwn.get(18..).unwrap_or_default())),
        wwn: Some(wwn),
        ..block_device(spec, disk.number, drive)
    }
}

fn block_device(spec: Spec<'_>, number: u8, drive: &Drive) -> BlockDevice {
    let wwn = spec.wwn(number, drive);
    let nvme = drive.is_nvme();
    BlockDevice {
        number,
        name: drive.device.clone(),
        model: drive.model.clone(),
        size: drive.capacity_bytes,
        rotational: drive.media_type == "HDD",
        wwn_with_extension: (!nvme).then(|| wwn.clone()),
        wwn: Some(wwn),
        serial: Some(spec.part_serial('D', number)),
        vendor: vendor(drive),
        wwn_vendor_extension: None,
        hctl: (!drive.hctl.is_empty()).then(|| drive.hctl.clone()),
        by_path: Some(format!("/dev/disk/by-path/{}", drive.by_path)),
        logical_sectors: drive.block_bytes,
        physical_sectors: if nvme { drive.block_bytes } else { drive.block_bytes.max(4096) },
        tran: Some(drive.protocol.to_ascii_lowercase()),
    }
}

/// The SCSI vendor that Linux shows: `ATA` for every SATA disk, none for NVMe disks.
fn vendor(drive: &Drive) -> Option<String> {
    match drive.protocol.as_str() {
        "NVMe" => None,
        "SATA" => Some("ATA".to_owned()),
        _ => Some(drive.manufacturer.to_ascii_uppercase().chars().take(8).collect()),
    }
}
