//! `SoftwareInventory`: the firmware of a node's parts. Where all nodes share one collection, an id begins with its node's.

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

/// The parts of a link to a component.
pub(super) fn at<'a>(cx: &Cx<'a>, id: &'a str) -> [&'a str; 4] {
    let (node, dash) = if cx.own { ("", "") } else { (cx.node_key, "-") };
    ["/redfish/v1/UpdateService/FirmwareInventory/", node, dash, id]
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let (_, firmware) = super::part(&cx.profile().firmware, |firmware| &firmware.id, cx.id());
    let [_, id @ ..] = at(cx, &firmware.id);
    d.join("Id", &id);
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
