//! `StorageController`: each storage has one.

use super::common;
use crate::profile::inventory::Storage;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

/// `Id` of the only controller of a storage.
pub(super) const ONLY: &str = "1";

pub(super) fn members(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(ONLY);
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", ONLY);
    describe(cx, super::storage::of(cx), d);
}

/// The properties of a controller that its own document and `StorageControllers` of the `Storage` share.
pub(super) fn describe(cx: &NodeCx<'_>, storage: &Storage, d: &mut Doc<'_>) {
    let (number, _) = common::part(&cx.profile().storage, |s| &s.id, &storage.id);
    d.put("Name", &storage.name);
    d.put("Manufacturer", &storage.manufacturer);
    d.put("Model", &storage.model);
    d.put("FirmwareVersion", cx.node.version_of_part(&storage.name).unwrap_or(&storage.firmware_version));
    d.put("SerialNumber", cx.spec().part_serial('S', number));
    d.put("SupportedControllerProtocols", [storage.controller_protocol.as_str()].as_slice());
    d.put("SupportedDeviceProtocols", [storage.device_protocol.as_str()].as_slice());
    // A list without types is left out: Ironic skips a controller that reports an empty list.
    if !storage.raid_types.is_empty() {
        d.put("SupportedRAIDTypes", storage.raid_types.as_slice());
    }
    d.object("Status", common::ok);
}
