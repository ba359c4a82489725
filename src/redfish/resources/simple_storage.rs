//! `SimpleStorage`: the older view of storage controllers. Ironic reads the sizes and the health of disks here first.

use super::common;
use crate::node::health::Scope;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

pub(super) fn present(model: &Model<'_>) -> bool {
    model.profile.storage.iter().any(|s| s.simple_storage)
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().storage.iter().filter(|s| s.simple_storage).for_each(|s| each(&s.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (of, storage) = common::part(&cx.profile().storage, |s| &s.id, cx.id());
    d.put("Id", &storage.id);
    d.put("Name", &storage.name);
    common::container_status(cx, Scope::Storage(of), d);
    d.array("Devices", |d| {
        for (number, _, drive) in cx.node.drives().filter(|(_, of, _)| of.id == storage.id) {
            d.item_object(|d| {
                d.put("Name", &drive.name);
                d.put("Manufacturer", &drive.manufacturer);
                d.put("Model", &drive.model);
                d.put("CapacityBytes", drive.capacity_bytes);
                super::drive::status(cx, number, d);
            });
        }
    });
    let [base, key] = cx.model.system();
    d.object("Links", |d| {
        d.link("Chassis", &cx.model.chassis());
        d.link("Storage", &[base, key, "/Storage/", &storage.id]);
    });
}
