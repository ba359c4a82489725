//! `SimpleStorage`: the older view of storage controllers, which Ironic asks first for disk sizes and for disks' health.

use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

pub(super) fn present(cx: &Cx<'_>) -> bool {
    cx.profile().storage.iter().any(|s| s.simple_storage)
}

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().storage.iter().filter(|s| s.simple_storage).for_each(|s| each(&s.id));
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let (_, storage) = super::part(&cx.profile().storage, |s| &s.id, cx.id());
    d.put("Id", &storage.id);
    d.put("Name", &storage.name);
    d.object("Status", super::ok);
    d.array("Devices", |d| {
        for drive in &storage.drives {
            d.item_object(|d| {
                d.put("Name", &drive.name);
                d.put("Manufacturer", &drive.manufacturer);
                d.put("Model", &drive.model);
                d.put("CapacityBytes", drive.capacity_bytes);
                d.object("Status", super::ok);
            });
        }
    });
    let [base, key] = cx.system();
    d.object("Links", |d| {
        d.link("Chassis", &cx.chassis());
        d.link("Storage", &[base, key, "/Storage/", &storage.id]);
    });
}
