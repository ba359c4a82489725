//! `SoftwareInventory`: the firmware of a node's parts. All nodes share one collection, so an id begins with its node's.

use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().firmware.iter().for_each(|firmware| each(&firmware.id));
}

/// Id of the controller's firmware.
pub(super) fn of_manager(profile: &Profile) -> Option<&str> {
    profile.firmware.iter().find(|f| f.of == FirmwareOf::Manager).map(|f| f.id.as_str())
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let (_, firmware) = super::part(&cx.profile().firmware, |firmware| &firmware.id, cx.id());
    d.join("Id", &[cx.node_key, "-", &firmware.id]);
    d.put("Name", &firmware.name);
    d.put("Version", &firmware.version);
    d.put("SoftwareId", &firmware.id);
    d.put("Updateable", false);
    d.object("Status", super::ok);
    d.one_link(
        "RelatedItem",
        &match firmware.of {
            FirmwareOf::Bios => cx.system(),
            FirmwareOf::Manager => cx.manager(),
            FirmwareOf::Chassis => cx.chassis(),
        },
    );
}
