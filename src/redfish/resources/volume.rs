//! `Volume`: the block devices that a storage controller presents to the host.
//!
//! A plain host adapter has no volumes: the host sees its drives directly. A RAID controller has the volumes that a client has
//! created, and passes every other drive through as a raw device. As on real servers the `RAIDType` of such a volume is null,
//! and Ironic does not touch it.

use serde_json::Value as Json;

use super::common;
use crate::dmtf::{InitializeMethod, InitializeType, RaidType};
use crate::node::bmc::tasks::Doing;
use crate::node::bmc::volume::{self, Creation, Integrity, Volume};
use crate::node::command::Command;
use crate::profile::inventory::{Drive, Storage};
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::message::{
    Message, OPERATION_NOT_ALLOWED, PROPERTY_MISSING, PROPERTY_VALUE_CONFLICT, PROPERTY_VALUE_NOT_IN_LIST,
};
use crate::redfish::resource::{Asked, OfNode};

/// When a client may ask for work on volumes.
const APPLY_TIMES: &[&str] = &["Immediate"];

pub(super) static ACTIONS: &[Action<OfNode>] = &[Action {
    key: "#Volume.Initialize",
    parameters: &[
        Parameter::word("InitializeMethod", |_, key, d| d.put(key, InitializeMethod::ALL)),
        Parameter::word("InitializeType", |_, key, d| d.put(key, InitializeType::ALL)),
    ],
    apply_times: APPLY_TIMES,
    run: initialize,
}];

/// The controller in the URI, with its number, and its volumes.
fn of<'a>(cx: &NodeCx<'a>) -> (u8, &'a Storage, Vec<Volume>) {
    let storage = super::storage::of(cx);
    let (number, _) = common::part(&cx.profile().storage, |s| &s.id, &storage.id);
    (number, storage, cx.node.bmc().volumes.of(cx.profile(), number).into_owned())
}

/// The drives of a controller that are in their bays, with their numbers in the node.
fn drives<'a>(cx: &NodeCx<'a>, storage: &'a Storage) -> impl Iterator<Item = (u8, &'a Drive)> + use<'a> {
    let all = cx.node.drives();
    all.filter(|(_, of, _)| of.id == storage.id).map(|(number, _, drive)| (number, drive))
}

/// The volume that has a drive.
fn with_drive(volumes: &[Volume], drive: u8) -> Option<&Volume> {
    volumes.iter().find(|volume| volume.drives.contains(&drive))
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let (_, storage, volumes) = of(cx);
    volumes.iter().for_each(|volume| each(&volume.id));
    if !storage.raid_types.is_empty() {
        let raw = drives(cx, storage).filter(|(number, _)| with_drive(&volumes, *number).is_none());
        raw.for_each(|(_, drive)| each(&drive.id));
    }
}

/// `@Redfish.OperationApplyTimeSupport`: a client reads it before it creates a volume.
pub(super) fn annotate(_: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.object("@Redfish.OperationApplyTimeSupport", |d| {
        d.put("@odata.type", "#Settings.v1_5_0.OperationApplyTimeSupport");
        d.put("SupportedValues", APPLY_TIMES);
    });
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, storage, volumes) = of(cx);
    match volumes.iter().find(|volume| *volume.id == *cx.id()) {
        Some(volume) => created(cx, storage, volume, d),
        None => raw(cx, super::drive::with_id(cx, cx.id()), d),
    }
}

fn raw(cx: &NodeCx<'_>, (number, _, drive): (u8, &Storage, &Drive), d: &mut Doc<'_>) {
    d.put("Id", &drive.id);
    d.join("Name", &["Pass-through of ", &drive.name]);
    d.put("VolumeType", "RawDevice");
    d.null("RAIDType");
    d.put("CapacityBytes", drive.capacity_bytes);
    d.put("BlockSizeBytes", drive.block_bytes);
    super::drive::identifiers(cx, drive, d);
    super::drive::status(cx, number, d);
    d.object("Links", |d| d.one_link("Drives", &common::drive_link(cx, drive)));
}

fn created(cx: &NodeCx<'_>, storage: &Storage, volume: &Volume, d: &mut Doc<'_>) {
    let (of, _) = common::part(&cx.profile().storage, |s| &s.id, &storage.id);
    let own = || drives(cx, storage).filter(|(number, _)| volume.drives.contains(number));
    d.put("Id", &*volume.id);
    d.put("Name", &*volume.name);
    d.put("RAIDType", volume.raid_type);
    d.put("CapacityBytes", volume.capacity_bytes);
    // The volume has the name and the blocks of its first drive, also when that is out of its bay.
    let first = volume.drives.first();
    if let Some((number, _, drive)) = cx.profile().drives().find(|(number, ..)| Some(number) == first) {
        d.put("BlockSizeBytes", drive.block_bytes);
        let name = cx.spec().volume_wwn(number, drive, volume.number);
        common::durable_name(&name, d);
    }
    d.object("Status", |d| {
        let integrity = cx.node.integrity(volume);
        d.put("State", if integrity == Integrity::Failed { "UnavailableOffline" } else { "Enabled" });
        d.put("Health", integrity.health());
    });
    if let Some((doing, task)) = cx.node.bmc().tasks.of_volume(of, &volume.id) {
        d.array("Operations", |d| {
            d.item_object(|d| {
                // A volume is created by preparing its drives.
                let deletes = doing == Doing::Delete;
                d.put("Operation", if deletes { "Delete" } else { "Initialize" });
                d.moving(|d| d.put("PercentageComplete", cx.node.bmc().task_percent(task, cx.now)));
            });
        });
    }
    d.object("Links", |d| {
        d.array("Drives", |d| own().for_each(|(_, drive)| d.item_link(&common::drive_link(cx, drive))));
    });
}

/// `Volumes` in the links of a drive.
pub(super) fn link_those_of(
    cx: &NodeCx<'_>,
    storage: &Storage,
    (number, drive): (u8, &Drive),
    d: &mut Doc<'_>,
) {
    let [base, key] = cx.model.system();
    let (of, _) = common::part(&cx.profile().storage, |s| &s.id, &storage.id);
    let volumes = cx.node.bmc().volumes.of(cx.profile(), of);
    d.array("Volumes", |d| {
        let id = with_drive(&volumes, number).map_or(drive.id.as_str(), |volume| &volume.id);
        if !storage.raid_types.is_empty() {
            d.item_link(&[base, key, "/Storage/", &storage.id, "/Volumes/", id]);
        }
    });
}

/// What Ironic sends is in `ironic/drivers/modules/redfish/raid.py`, `_construct_volume_payload`.
pub(super) fn create(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let (number, storage, volumes) = of(cx);
    body.require("RAIDType");
    let raid_type = body.word("RAIDType", RaidType::parse, &storage.raid_types);
    let name = body.text("Name", Volume::MAX_NAME);
    body.word("@Redfish.OperationApplyTime", |text| (text == "Immediate").then_some(()), &[()]);
    let drives = body.object("Links", |links| links.take("Drives")).flatten();
    let drives = read_drives(cx, storage, &volumes, drives, body);
    let largest = raid_type.filter(|_| !drives.is_empty()).map(|raid_type| {
        let largest = volume::capacity(cx.profile(), number, raid_type, &drives);
        if largest.is_none() {
            let message = Message::new(&PROPERTY_VALUE_CONFLICT, ["RAIDType", "Links/Drives"]);
            body.mistake("RAIDType", message);
        }
        largest.unwrap_or(0)
    });
    let most = largest.and_then(|largest| i64::try_from(largest).ok()).unwrap_or(i64::MAX);
    let capacity = body.number("CapacityBytes", 1, most);
    let capacity_bytes = capacity.and_then(|bytes| u64::try_from(bytes).ok());
    Ok(raid_type.map(|raid_type| {
        let creation = Creation { raid_type, drives: drives.into(), capacity_bytes, name };
        Command::Volume(volume::Command::Create { storage: number, creation, start: Box::default() })
    }))
}

/// The numbers of the drives in `Links`, which are free and have the same controller.
fn read_drives(
    cx: &NodeCx<'_>,
    storage: &Storage,
    volumes: &[Volume],
    links: Option<Json>,
    body: &mut Body,
) -> Vec<u8> {
    const KEY: &str = "Links/Drives";
    let mut numbers = Vec::new();
    let links = match links {
        Some(Json::Array(links)) if !links.is_empty() => links,
        Some(Json::Array(_)) | None => {
            body.mistake(KEY, Message::new(&PROPERTY_MISSING, [KEY]));
            return numbers;
        }
        Some(other) => {
            body.wrong_type::<()>(KEY, &other);
            return numbers;
        }
    };
    for (at, link) in links.iter().enumerate() {
        let place = format!("{KEY}/{at}");
        let uri = link.get("@odata.id").and_then(Json::as_str).unwrap_or_default();
        let named =
            |(_, drive): &(u8, &Drive)| common::drive_link(cx, drive).concat().eq_ignore_ascii_case(uri);
        match drives(cx, storage).find(named) {
            None => body.mistake(&place, Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [uri, KEY])),
            Some((number, _)) if numbers.contains(&number) => {
                body.mistake(&place, Message::new(&PROPERTY_VALUE_CONFLICT, [&place, KEY]));
            }
            Some((number, _)) => match with_drive(volumes, number) {
                Some(other) => {
                    let other = format!("{KEY} of Volumes/{}", other.id);
                    body.mistake(&place, Message::new(&PROPERTY_VALUE_CONFLICT, [&place, &other]));
                }
                None => numbers.push(number),
            },
        }
    }
    numbers
}

pub(super) fn delete(cx: &NodeCx<'_>) -> Result<Command, Problem> {
    let (storage, id) = whole(cx)?;
    Ok(Command::Volume(volume::Command::Delete { storage, id, start: Box::default() }))
}

fn initialize(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let (storage, id) = whole(cx)?;
    body.word("InitializeMethod", InitializeMethod::parse, InitializeMethod::ALL);
    body.word("InitializeType", InitializeType::parse, InitializeType::ALL);
    body.word("@Redfish.OperationApplyTime", |text| (text == "Immediate").then_some(()), &[()]);
    Ok(Some(Command::Volume(volume::Command::Initialize { storage, id, start: Box::default() })))
}

/// The controller and the id of the volume in the URI. A drive that is passed through is no volume that can be changed.
fn whole(cx: &NodeCx<'_>) -> Result<(u8, Box<str>), Problem> {
    let (number, _, volumes) = of(cx);
    let volume = volumes.into_iter().find(|volume| *volume.id == *cx.id());
    volume.map(|volume| (number, volume.id)).ok_or_else(|| (&OPERATION_NOT_ALLOWED).into())
}
