//! `StorageController`: the controller of a storage, of which each has one.

use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

/// Id of the one controller.
const ONLY: &str = "1";

pub(super) fn members(_: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    each(ONLY);
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let storage = super::storage::of(cx);
    let (number, _) = super::part(&cx.profile().storage, |s| &s.id, &storage.id);
    d.put("Id", ONLY);
    d.put("Name", &storage.name);
    d.put("Manufacturer", &storage.manufacturer);
    d.put("Model", &storage.model);
    d.put("FirmwareVersion", &storage.firmware_version);
    d.put("SerialNumber", cx.spec().part_serial('S', number));
    d.put("SupportedControllerProtocols", [storage.controller_protocol.as_str()].as_slice());
    d.put("SupportedDeviceProtocols", [storage.device_protocol.as_str()].as_slice());
    // Left out where there is none: Ironic skips a controller that reports an empty list.
    if !storage.raid_types.is_empty() {
        d.put("SupportedRAIDTypes", storage.raid_types.as_slice());
    }
    d.object("Status", super::ok);
}
