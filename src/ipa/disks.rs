//! The disks of a node as its agent sees them, and which of them an image goes onto.
//!
//! Mirrors `BlockDevice` and `get_os_install_device` of `ironic_python_agent/hardware.py`, and `guess_root_disk` of
//! `utils.py`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::failure;
use super::hints::{self, Hints};
use crate::node::ipa::IpaError;
use crate::node::spec::Spec;
use crate::profile::inventory::Drive;

/// A disk, with the field names and types of an inventory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct BlockDevice {
    pub(super) name: String,
    pub(super) model: String,
    /// Bytes.
    pub(super) size: u64,
    pub(super) rotational: bool,
    pub(super) wwn: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) wwn_with_extension: Option<String>,
    pub(super) wwn_vendor_extension: Option<String>,
    pub(super) hctl: Option<String>,
    pub(super) by_path: Option<String>,
    /// Bytes, in spite of the name.
    pub(super) logical_sectors: u32,
    /// Bytes, in spite of the name.
    pub(super) physical_sectors: u32,
    pub(super) tran: Option<String>,
}

/// The smallest disk that IPA takes as a root disk without hints, bytes.
const MIN_ROOT_BYTES: u64 = 4 << 30;

/// All disks, in the order in which the profile lists them.
pub(super) fn list(spec: Spec<'_>) -> Vec<BlockDevice> {
    spec.profile.drives().map(|(number, _, drive)| block_device(spec, number, drive)).collect()
}

fn block_device(spec: Spec<'_>, number: u8, drive: &Drive) -> BlockDevice {
    let wwn = spec.wwn(number, &drive.oui);
    let nvme = is_nvme(drive);
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

/// Whether the agent erases it through the NVMe command set.
pub(super) fn is_nvme(drive: &Drive) -> bool {
    drive.protocol == "NVMe"
}

/// What Linux shows as a SCSI vendor: SATA disks all say `ATA`, NVMe ones have none.
fn vendor(drive: &Drive) -> Option<String> {
    match drive.protocol.as_str() {
        "NVMe" => None,
        "SATA" => Some("ATA".to_owned()),
        _ => Some(drive.manufacturer.to_ascii_uppercase().chars().take(8).collect()),
    }
}

/// The disk that IPA takes when there are no hints: the smallest that is large enough, the first by name among equals.
pub(super) fn guess_root(disks: &[BlockDevice]) -> Option<&BlockDevice> {
    disks.iter().filter(|d| d.size >= MIN_ROOT_BYTES).min_by(|a, b| (a.size, &a.name).cmp(&(b.size, &b.name)))
}

/// The disk that an image goes onto, by the hints of `instance_info` or `properties` in the node as Ironic sent it.
///
/// # Errors
/// `DeviceNotFound` when no disk fits, or the hints are wrong.
pub(super) fn install_device(
    spec: Spec<'_>,
    properties: &Map<String, Value>,
    instance_info: &Map<String, Value>,
) -> Result<BlockDevice, IpaError> {
    let mut disks = list(spec);
    for hint in skipped(properties) {
        let excluded = Hints::parse(hint).map_err(|why| failure::invalid_hints(hint, &why))?;
        let mut kept = Vec::new();
        for disk in disks {
            if !excluded.fit(&disk).map_err(|why| failure::invalid_hints(hint, &why))? {
                kept.push(disk);
            }
        }
        disks = kept;
    }
    let given = [instance_info, properties]
        .into_iter()
        .filter_map(|m| m.get("root_device"))
        .find(|v| hints::is_given(v));
    let Some(given) = given else {
        return guess_root(&disks).cloned().ok_or_else(|| failure::no_root_disk(MIN_ROOT_BYTES));
    };
    let wanted = Hints::parse(given).map_err(|why| failure::invalid_hints(given, &why))?;
    for disk in disks {
        if wanted.fit(&disk).map_err(|why| failure::invalid_hints(given, &why))? {
            return Ok(disk);
        }
    }
    Err(failure::no_disk_fits(given))
}

/// Hints of disks that are never touched (`skip_block_devices`); those of RAID volumes name no disk.
fn skipped(properties: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let list = properties.get("skip_block_devices").and_then(Value::as_array);
    list.into_iter().flatten().filter(|hint| hint.get("volume_name").is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::node::NodeId;
    use crate::profile::{Profile, built_in};
    use crate::seed::Seed;

    fn pick(profile: &Profile, properties: &Value, instance_info: &Value) -> Result<String, IpaError> {
        let spec = Spec { seed: Seed(1), id: NodeId(0), profile };
        let map = |v: &Value| v.as_object().unwrap().clone();
        install_device(spec, &map(properties), &map(instance_info)).map(|d| d.name)
    }

    #[test]
    fn without_hints_it_is_the_smallest_disk() {
        let profile = built_in("generic").unwrap();
        assert_eq!(pick(&profile, &json!({}), &json!({})).unwrap(), "/dev/sda");
    }

    #[test]
    fn hints_choose_and_those_of_the_instance_win() {
        let profile = built_in("generic").unwrap();
        let by_size = json!({"root_device": {"size": ">= 2000"}});
        assert_eq!(pick(&profile, &by_size, &json!({})).unwrap(), "/dev/nvme0n1");
        let by_name = json!({"root_device": {"name": "/dev/sdb"}});
        assert_eq!(pick(&profile, &by_size, &by_name).unwrap(), "/dev/sdb");
    }

    #[test]
    fn skipped_disks_are_never_chosen() {
        let profile = built_in("generic").unwrap();
        let skip = json!({"skip_block_devices": [{"hctl": "0:0:0:0"}, {"volume_name": "keep"}]});
        assert_eq!(pick(&profile, &skip, &json!({})).unwrap(), "/dev/sdb");
    }

    #[test]
    fn hints_that_fit_nothing_or_say_nothing_are_errors() {
        let profile = built_in("generic").unwrap();
        let none = pick(&profile, &json!({"root_device": {"serial": "x"}}), &json!({})).unwrap_err();
        assert_eq!((&*none.kind, none.code), ("DeviceNotFound", 404));
        assert!(none.details.contains("{'serial': 'x'}"), "{}", none.details);
        let wrong = pick(&profile, &json!({"root_device": {"colour": "red"}}), &json!({})).unwrap_err();
        assert!(wrong.details.contains("failed to validate"), "{}", wrong.details);
    }
}
