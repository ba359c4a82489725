//! `Storage`: a storage controller with its drives and volumes.

use super::common;
use crate::node::health::Scope;
use crate::profile::inventory::Storage;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().storage.iter().for_each(|s| each(&s.id));
}

/// The storage in the URI.
pub(super) fn of<'a>(cx: &NodeCx<'a>) -> &'a Storage {
    let id = cx.ids.first().expect("only what is below a storage asks for it");
    common::part(&cx.profile().storage, |s| &s.id, id).1
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let storage = of(cx);
    let (number, _) = common::part(&cx.profile().storage, |s| &s.id, &storage.id);
    let [base, key] = cx.model.system();
    let drives = || cx.node.drives().filter(|(_, of, _)| of.id == storage.id).map(|(.., drive)| drive);
    d.put("Id", &storage.id);
    d.put("Name", &storage.name);
    common::container_status(cx, Scope::Storage(number), d);
    // Deprecated since 2020 and read to this day, by bmclib and gofish for example.
    d.array("StorageControllers", |d| {
        d.item_object(|d| {
            d.join("@odata.id", &[cx.uri(), "#/StorageControllers/0"]);
            d.put("MemberId", "0");
            super::storage_controller::describe(cx, storage, d);
        });
    });
    d.put("StorageControllers@odata.count", 1);
    d.array("Drives", |d| {
        for drive in drives() {
            d.item_link(&common::drive_link(cx, drive));
        }
    });
    d.put("Drives@odata.count", drives().count());
    d.object("Links", |d| {
        d.one_link("Enclosures", &cx.model.chassis());
        if storage.simple_storage && cx.model.has("Systems/{}/SimpleStorage") {
            d.link("SimpleStorage", &[base, key, "/SimpleStorage/", &storage.id]);
        }
    });
}
