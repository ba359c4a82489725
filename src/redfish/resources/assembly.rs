//! `Assembly`: the boards of the chassis that are no resources of their own.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let profile = cx.profile();
    d.put("Id", "Assembly");
    d.put("Name", "Chassis Assembly");
    d.array("Assemblies", |d| {
        d.item_object(|d| {
            d.join("@odata.id", &[cx.uri(), "#/Assemblies/0"]);
            d.put("MemberId", "0");
            d.put("Name", "System Board");
            d.put("PhysicalContext", "SystemBoard");
            d.put("Producer", &profile.manufacturer);
            d.put("Model", &profile.model);
            d.put("PartNumber", &profile.part_number);
            d.put("SerialNumber", cx.spec().part_serial('B', 0));
            d.put("Replaceable", true);
            d.object("Status", common::ok);
        });
    });
    d.put("Assemblies@odata.count", 1);
}
