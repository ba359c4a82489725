//! `Drive`: a disk below its storage controller.

use crate::dmtf::IndicatorLed;
use crate::node::command::Command;
use crate::profile::inventory::Drive;
use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Change, Cx, Effect};

pub(super) fn members(cx: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    super::storage::of(cx).drives.iter().for_each(|drive| each(&drive.id));
}

/// The drive, with its number in the node. Drives' ids are unique in a profile.
fn of<'a>(cx: &Cx<'a>) -> (u8, &'a Drive) {
    let mut drives = cx.profile().drives();
    let (number, _, drive) =
        drives.find(|(_, _, d)| d.id == cx.id()).expect("a drive that is not there was refused before");
    (number, drive)
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let (number, drive) = of(cx);
    let led = cx.node().bmc().drive_leds.get(&number).copied().unwrap_or(IndicatorLed::Off);
    d.put("Id", &drive.id);
    d.put("Name", &drive.name);
    d.put("Manufacturer", &drive.manufacturer);
    d.put("Model", &drive.model);
    d.put("Revision", &drive.revision);
    d.put("SerialNumber", cx.spec().part_serial('D', number));
    d.put("CapacityBytes", drive.capacity_bytes);
    d.put("BlockSizeBytes", drive.block_bytes);
    d.put("MediaType", &drive.media_type);
    d.put("Protocol", &drive.protocol);
    if drive.rpm > 0 {
        d.put("RotationSpeedRPM", drive.rpm);
    } else {
        d.put("PredictedMediaLifeLeftPercent", 100);
    }
    d.put("FailurePredicted", false);
    d.put("IndicatorLED", led);
    d.put("LocationIndicatorActive", led != IndicatorLed::Off);
    d.array("Identifiers", |d| {
        d.item_object(|d| {
            let wwn = cx.spec().wwn(number, &drive.oui);
            d.put("DurableName", wwn.trim_start_matches("0x"));
            d.put("DurableNameFormat", "NAA");
        });
    });
    d.object("PhysicalLocation", |d| {
        d.object("PartLocation", |d| {
            d.put("ServiceLabel", &drive.name);
            d.put("LocationType", "Bay");
            d.put("LocationOrdinalValue", number);
        });
    });
    d.object("Status", super::ok);
    d.object("Links", |d| {
        d.link("Chassis", &cx.chassis());
        let [base, key] = cx.system();
        d.link("Storage", &[base, key, "/Storage/", &super::storage::of(cx).id]);
        super::volume::link_those_of(cx, drive, d);
    });
}

pub(super) fn patch(cx: &Cx<'_>, body: &mut Body) -> Change {
    let led = super::led(body);
    Ok(led.map(|led| Effect::Node(Command::SetDriveLed(of(cx).0, led))))
}
