//! `SoftwareInventory`: the firmware of a node's parts. Below the shared root an id begins with the node's UUID, because all
//! nodes share the collection.

use super::common;
use crate::node::bmc::firmware::Progress;
use crate::profile::Profile;
use crate::profile::inventory::{Firmware, FirmwareOf};
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().firmware.iter().for_each(|firmware| each(&firmware.id));
}

/// `Id` of the BMC's firmware.
pub(super) fn of_manager(profile: &Profile) -> Option<&str> {
    profile.firmware.iter().find(|f| f.of == FirmwareOf::Manager).map(|f| f.id.as_str())
}

/// A link to a component, in parts.
pub(super) fn at<'a>(cx: &NodeCx<'a>, id: &'a str) -> [&'a str; 4] {
    let (node, dash) = if cx.model.own_root { ("", "") } else { (cx.model.uuid, "-") };
    ["/redfish/v1/UpdateService/FirmwareInventory/", node, dash, id]
}

/// The maker of a component: that of the card or of the controller that it is the firmware of, by its name. Otherwise that of the
/// BIOS or of the machine.
fn maker<'a>(profile: &'a Profile, firmware: &Firmware) -> &'a str {
    let is_meant = |name: &str| name.eq_ignore_ascii_case(&firmware.name);
    let of_nic = || profile.nics.iter().find(|nic| is_meant(nic.card_name()))?.manufacturer.as_deref();
    let of_storage = || Some(&*profile.storage.iter().find(|storage| is_meant(&storage.name))?.manufacturer);
    match firmware.of {
        FirmwareOf::Bios => &profile.bios_vendor,
        FirmwareOf::Manager => &profile.manufacturer,
        FirmwareOf::Chassis => of_nic().or_else(of_storage).unwrap_or(&profile.manufacturer),
    }
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, firmware) = common::part(&cx.profile().firmware, |firmware| &firmware.id, cx.id());
    let [_, id @ ..] = at(cx, &firmware.id);
    d.join("Id", &id);
    d.put("Name", &firmware.name);
    d.put("Manufacturer", maker(cx.profile(), firmware));
    d.put("Version", cx.node.firmware_version(number));
    d.put("SoftwareId", &firmware.id);
    d.put("Updateable", true);
    d.object("Status", |d| match cx.node.bmc().firmware.update(number).map(|update| &update.progress) {
        None => common::ok(d),
        Some(Progress::Fetching(_) | Progress::Staged) => {
            d.put("State", "Updating");
            d.put("Health", "OK");
        }
        Some(Progress::Failed { why, at }) => {
            d.put("State", "Enabled");
            d.put("Health", "Warning");
            common::condition(cx, d, &["The image could not be read: ", why], Some(*at));
        }
    });
    d.one_link(
        "RelatedItem",
        &match firmware.of {
            FirmwareOf::Bios => cx.model.system(),
            FirmwareOf::Manager => cx.model.manager(),
            FirmwareOf::Chassis => cx.model.chassis(),
        },
    );
}
