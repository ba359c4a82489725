//! The checks that an agent makes before it creates software RAID.
//!
//! Mirrors `validate_configuration` and `_do_create_configuration` of `ironic_python_agent/hardware.py`. The volumes
//! are not simulated: a node always has the disks of its profile.

use serde_json::Value;

use super::node_info::NodeInfo;
use crate::ipa::disks::BlockDevice;
use crate::ipa::hints::Hints;
use crate::ipa::{failure, python};
use crate::node::ipa::IpaError;

const LEVELS: [&str; 5] = ["0", "1", "1+0", "5", "6"];

/// Whether any logical disk is software RAID. The generic hardware manager ignores all others.
pub(super) fn is_software(config: &Value) -> bool {
    logical_disks(config).iter().any(|d| text(d, "controller") == Some("software"))
}

fn logical_disks(config: &Value) -> &[Value] {
    config.get("logical_disks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(disk: &'a Value, name: &str) -> Option<&'a str> {
    disk.get(name).and_then(Value::as_str)
}

/// Checks a configuration against the rules of software RAID on `disks` disks.
///
/// # Errors
/// `SoftwareRAIDError` with all mistakes.
pub(super) fn validate(config: &Value, node: &NodeInfo, disks: usize) -> Result<(), IpaError> {
    if !python::truthy(config) {
        return Ok(());
    }
    let logical = logical_disks(config);
    let Some(first) = logical.first() else {
        return Err(failure::software_raid("RAID config contains no logical disks".to_owned()));
    };
    let mut wrong = Vec::new();
    if logical.len() > 2 {
        wrong.push("Software RAID configuration requires one or two logical disks".to_owned());
    }
    check_names(logical, &mut wrong);
    for disk in logical {
        check_disk(disk, &mut wrong);
    }
    if text(first, "raid_level") != Some("1") {
        wrong.push("Software RAID Configuration requires RAID-1 for the first logical disk".to_owned());
    }
    if let [first, second] = logical {
        check_second(first, second, disks, &mut wrong);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let (uuid, wrong) = (&node.uuid, wrong.join("; "));
    Err(failure::software_raid(format!("Could not validate Software RAID config for {uuid}: {wrong}")))
}

fn check_names(logical: &[Value], wrong: &mut Vec<String>) {
    for (i, disk) in logical.iter().enumerate() {
        if let Some(name) = text(disk, "volume_name")
            && logical[..i].iter().any(|d| text(d, "volume_name") == Some(name))
        {
            wrong.push(format!("Duplicate software RAID device name {name} detected"));
        }
    }
    if logical.iter().filter(|d| d.get("is_root_volume").is_some_and(python::truthy)).count() > 1 {
        let text = "Software RAID configuration allows only one logical disk to be marked as is_root_volume";
        wrong.push(text.to_owned());
    }
}

fn check_disk(disk: &Value, wrong: &mut Vec<String>) {
    if text(disk, "controller") != Some("software") {
        let text = "Software RAID configuration requires all logical disks to have 'controller'='software'";
        wrong.push(text.to_owned());
    }
    if disk.get("size_gb").is_none() {
        wrong.push("Software RAID configuration requires a 'size_gb' for every logical disk".to_owned());
    }
    let Some(physical) = disk.get("physical_disks").filter(|p| !p.is_null()) else { return };
    let hints = physical.as_array().map_or(&[][..], Vec::as_slice);
    if hints.len() < 2 {
        let text = "The physical_disks parameter for software RAID must be a list with at least 2 items, each \
                    specifying a disk in the device hints format";
        wrong.push(text.to_owned());
    }
    if hints.iter().any(|h| !h.is_object()) {
        let text =
            "The physical_disks parameter for software RAID must be a list of device hints (dictionaries)";
        wrong.push(text.to_owned());
    }
}

fn check_second(first: &Value, second: &Value, disks: usize, wrong: &mut Vec<String>) {
    if text(first, "size_gb") == Some("MAX") && text(second, "size_gb") == Some("MAX") {
        wrong.push("Software RAID can have only one RAID device with size 'MAX'".to_owned());
    }
    let level = second.get("raid_level").map_or_else(|| "None".to_owned(), python::str);
    if !LEVELS.contains(&level.as_str()) {
        wrong.push(format!("Software RAID configuration does not support RAID level {level}"));
    }
    if (level == "5" && disks < 3) || (level == "6" && disks < 4) {
        wrong.push(format!(
            "Software RAID configuration is not possible for RAID level {level} with only {disks} block devices found."
        ));
    }
}

/// Checks that every hint in `physical_disks` matches a disk of its own.
///
/// # Errors
/// `SoftwareRAIDError` with the hint that matches none.
pub(super) fn check_disks(config: &Value, disks: &[BlockDevice]) -> Result<(), IpaError> {
    for logical in logical_disks(config) {
        let mut taken: Vec<&str> = Vec::new();
        for hint in logical.get("physical_disks").and_then(Value::as_array).into_iter().flatten() {
            let wrong = |why: &str| failure::software_raid(format!("{why} {}", python::repr(hint)));
            let hints = Hints::parse(hint).map_err(|why| wrong(&format!("{why} in")))?;
            let mut candidates = Vec::new();
            for disk in disks {
                if hints.matches(disk).map_err(|why| wrong(&format!("{why} in")))? {
                    candidates.push(disk.name.as_str());
                }
            }
            if candidates.is_empty() {
                return Err(wrong("No candidates for physical disk"));
            }
            let free = candidates.into_iter().find(|name| !taken.contains(name));
            taken.push(free.ok_or_else(|| wrong("No candidates left for physical disk"))?);
        }
    }
    Ok(())
}
