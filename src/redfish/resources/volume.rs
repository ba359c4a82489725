//! `Volume`: the block devices that a storage controller presents to the host.
//!
//! A plain host adapter has no volumes: the host sees its drives directly. The RAID controller of a new server passes each
//! drive through as a raw device. As on real servers the `RAIDType` of such a volume is null, and Ironic does not touch it.

use super::common;
use crate::profile::inventory::{Drive, Storage};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::CREATE_LIMIT_REACHED;
use crate::redfish::resource::{Asked, OfNode};

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let storage = super::storage::of(cx);
    if !storage.raid_types.is_empty() {
        storage.drives.iter().for_each(|drive| each(&drive.id));
    }
}

/// `@Redfish.OperationApplyTimeSupport`: a client reads it before it creates a volume.
pub(super) fn annotate(_: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.object("@Redfish.OperationApplyTimeSupport", |d| {
        d.put("@odata.type", "#Settings.v1_5_0.OperationApplyTimeSupport");
        d.put("SupportedValues", ["Immediate"].as_slice());
    });
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let storage = super::storage::of(cx);
    let (_, drive) = common::part(&storage.drives, |drive| &drive.id, cx.id());
    d.put("Id", &drive.id);
    d.join("Name", &["Pass-through of ", &drive.name]);
    d.put("VolumeType", "RawDevice");
    d.null("RAIDType");
    d.put("CapacityBytes", drive.capacity_bytes);
    d.put("BlockSizeBytes", drive.block_bytes);
    super::drive::identifiers(cx, drive, d);
    d.object("Status", common::ok);
    d.object("Links", |d| d.one_link("Drives", &common::drive_link(cx, drive)));
}

/// `Volumes` in the links of a drive.
pub(super) fn link_those_of(cx: &NodeCx<'_>, storage: &Storage, drive: &Drive, d: &mut Doc<'_>) {
    let [base, key] = cx.model.system();
    d.array("Volumes", |d| {
        if !storage.raid_types.is_empty() {
            d.item_link(&[base, key, "/Storage/", &storage.id, "/Volumes/", &drive.id]);
        }
    });
}

/// No controller can create a volume: a plain adapter supports no RAID type, and a RAID controller has no free drive.
pub(super) fn create(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
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
