//! The disks of a node as its agent reports them.
//!
//! Mirrors `BlockDevice` of `ironic_python_agent/hardware.py`.

use serde::Serialize;

use crate::node::spec::Spec;
use crate::profile::inventory::Drive;

/// A disk. Names and types of the fields are those of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct BlockDevice {
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

/// All disks, in the order of the profile.
pub(super) fn list(spec: Spec<'_>) -> Vec<BlockDevice> {
    spec.profile.drives().map(|(number, _, drive)| block_device(spec, number, drive)).collect()
}

fn block_device(spec: Spec<'_>, number: u8, drive: &Drive) -> BlockDevice {
    let wwn = spec.wwn(number, drive);
    let nvme = drive.is_nvme();
    BlockDevice {
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
