//! The root disk: the disk to which an image is written.
//!
//! Mirrors `get_os_install_device` of `ironic_python_agent/hardware.py` and `guess_root_disk` of `utils.py`.

use serde_json::{Map, Value};

use super::disks::{self, BlockDevice};
use super::failure;
use super::hints::Hints;
use super::python;
use crate::node::Node;
use crate::node::ipa::IpaError;

/// Without hints, IPA chooses no smaller disk.
const MIN_ROOT_BYTES: u64 = 4 << 30;

/// The root disk without hints: the smallest disk that is large enough. Of equal disks, the first by name.
pub(super) fn guess(disks: &[BlockDevice]) -> Option<&BlockDevice> {
    disks.iter().filter(|d| d.size >= MIN_ROOT_BYTES).min_by(|a, b| (a.size, &a.name).cmp(&(b.size, &b.name)))
}

/// The root disk by the hints in `instance_info` or `properties` of the node that Ironic sent. Hints in
/// `instance_info` have precedence.
///
/// # Errors
/// `DeviceNotFound` if no disk matches or the hints are wrong.
pub(super) fn choose(
    node: &Node,
    properties: &Map<String, Value>,
    instance_info: &Map<String, Value>,
) -> Result<BlockDevice, IpaError> {
    let mut disks = disks::list(node);
    for hints in skipped(properties) {
        let skip = Hints::parse(hints).map_err(|why| failure::invalid_hints(hints, &why.to_string()))?;
        let mut left = Vec::new();
        for disk in disks {
            if !skip.matches(&disk).map_err(|why| failure::invalid_hints(hints, &why.to_string()))? {
                left.push(disk);
            }
        }
        disks = left;
    }
    // Python treats empty hints as none.
    let given = [instance_info, properties]
        .into_iter()
        .filter_map(|map| map.get("root_device"))
        .find(|hints| python::truthy(hints));
    let Some(given) = given else {
        return guess(&disks).cloned().ok_or_else(|| failure::no_root_disk(MIN_ROOT_BYTES));
    };
    let hints = Hints::parse(given).map_err(|why| failure::invalid_hints(given, &why.to_string()))?;
    for disk in disks {
        if hints.matches(&disk).map_err(|why| failure::invalid_hints(given, &why.to_string()))? {
            return Ok(disk);
        }
    }
    Err(failure::no_disk_fits(given))
}

/// Hints for disks that must not be changed (`skip_block_devices`). Entries with `volume_name` are for RAID volumes,
/// not for disks.
fn skipped(properties: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let list = properties.get("skip_block_devices").and_then(Value::as_array);
    list.into_iter().flatten().filter(|hints| hints.get("volume_name").is_none())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::node::NodeId;
    use crate::profile::{Profile, built_in};
    use crate::seed::Seed;

    fn pick(profile: &Arc<Profile>, properties: &Value, instance_info: &Value) -> Result<String, IpaError> {
        let node = Node::new(NodeId(0), Seed(1), Arc::clone(profile));
        let map = |v: &Value| v.as_object().unwrap().clone();
        choose(&node, &map(properties), &map(instance_info)).map(|d| d.name)
    }

    #[test]
    fn without_hints_the_smallest_disk_is_chosen() {
        let profile = built_in("generic").unwrap();
        assert_eq!(pick(&profile, &json!({}), &json!({})).unwrap(), "/dev/sda");
    }

    #[test]
    fn hints_choose_a_disk_and_those_of_the_instance_have_precedence() {
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
    fn hints_that_match_no_disk_or_are_invalid_are_errors() {
        let profile = built_in("generic").unwrap();
        let none = pick(&profile, &json!({"root_device": {"serial": "x"}}), &json!({})).unwrap_err();
        assert_eq!((&*none.kind, none.code), ("DeviceNotFound", 404));
        assert!(none.details.contains("{'serial': 'x'}"), "{}", none.details);
        let wrong = pick(&profile, &json!({"root_device": {"colour": "red"}}), &json!({})).unwrap_err();
        assert!(wrong.details.contains("failed to validate"), "{}", wrong.details);
    }
}
