//! `Volume`: what a storage controller offers the host.
//!
//! A plain host adapter has none: its drives are the host's as they are. A RAID controller of a new machine passes each
//! drive through as a raw device, which as on real ones has no `RAIDType`; Ironic leaves such volumes alone.

use crate::profile::inventory::{Drive, Storage};
use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::message::CREATE_LIMIT_REACHED;
use crate::redfish::resource::{Change, Cx};

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    let storage = super::storage::of(cx);
    if !storage.raid_types.is_empty() {
        storage.drives.iter().for_each(|drive| each(&drive.id));
    }
}

/// `@Redfish.OperationApplyTimeSupport`, which a client reads before it writes.
pub(super) fn annotate(_: &Cx<'_>, d: &mut Doc<'_>) {
    d.object("@Redfish.OperationApplyTimeSupport", |d| {
        d.put("@odata.type", "#Settings.v1_5_0.OperationApplyTimeSupport");
        d.put("SupportedValues", ["Immediate"].as_slice());
    });
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let storage = super::storage::of(cx);
    let (_, drive) = super::part(&storage.drives, |drive| &drive.id, cx.id());
    d.put("Id", &drive.id);
    d.join("Name", &["Pass-through of ", &drive.name]);
    d.put("VolumeType", "RawDevice");
    d.put("CapacityBytes", drive.capacity_bytes);
    d.put("BlockSizeBytes", drive.block_bytes);
    d.object("Status", super::ok);
    d.object("Links", |d| d.one_link("Drives", &super::drive::link(cx, drive)));
}

/// `Volumes` in the links of a drive.
pub(super) fn link_those_of(cx: &Cx<'_>, storage: &Storage, drive: &Drive, d: &mut Doc<'_>) {
    let [base, key] = cx.system();
    d.array("Volumes", |d| {
        if !storage.raid_types.is_empty() {
            d.item_link(&[base, key, "/Storage/", &storage.id, "/Volumes/", &drive.id]);
        }
    });
}

/// No controller makes volumes: a plain adapter knows no RAID type, and on the others all drives are passed through.
pub(super) fn create(cx: &Cx<'_>, body: &mut Body) -> Change {
    let storage = super::storage::of(cx);
    body.require("RAIDType");
    if let Some(kind) = body.text("RAIDType", 16)
        && !storage.raid_types.iter().any(|known| **known == *kind)
    {
        body.not_in_list("RAIDType", &kind);
    }
    for key in ["CapacityBytes", "Name", "Links", "@Redfish.OperationApplyTime"] {
        body.take(key);
    }
    if body.has_mistakes() { Ok(None) } else { Err((&CREATE_LIMIT_REACHED).into()) }
}
