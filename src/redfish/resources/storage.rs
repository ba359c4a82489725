//! `Storage`: a storage controller with its drives and volumes.

use crate::profile::inventory::Storage;
use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().storage.iter().for_each(|s| each(&s.id));
}

/// The storage on the way to `cx`.
pub(super) fn of<'a>(cx: &Cx<'a>) -> &'a Storage {
    let id = cx.ids.first().expect("only what is below a storage asks for it");
    super::part(&cx.profile().storage, |s| &s.id, id).1
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let storage = of(cx);
    let [base, key] = cx.system();
    d.put("Id", &storage.id);
    d.put("Name", &storage.name);
    d.object("Status", |d| {
        super::ok(d);
        d.put("HealthRollup", "OK");
    });
    d.array("Drives", |d| {
        for drive in &storage.drives {
            d.item_link(&super::drive::link(cx, drive));
        }
    });
    d.put("Drives@odata.count", storage.drives.len());
    d.object("Links", |d| {
        d.one_link("Enclosures", &cx.chassis());
        if storage.simple_storage && cx.has("Systems/{}/SimpleStorage") {
            d.link("SimpleStorage", &[base, key, "/SimpleStorage/", &storage.id]);
        }
    });
}
