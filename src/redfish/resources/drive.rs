//! `Drive`: a disk in the chassis. A drive that is out of its bay has no resource, as with most BMCs of makers.

use super::common;
use crate::dmtf::IndicatorLed;
use crate::node::bmc::failures::Part;
use crate::node::bmc::led;
use crate::node::command::Command;
use crate::node::health::Scope;
use crate::profile::inventory::{Drive, Storage};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.node.drives().for_each(|(_, _, drive)| each(&drive.id));
}

/// The drive in the URI, with its number in the node and its storage controller.
fn of<'a>(cx: &NodeCx<'a>) -> (u8, &'a Storage, &'a Drive) {
    with_id(cx, cx.id())
}

pub(super) fn with_id<'a>(cx: &NodeCx<'a>, id: &str) -> (u8, &'a Storage, &'a Drive) {
    let mut drives = cx.profile().drives();
    drives.find(|(_, _, drive)| drive.id == id).expect("the drive exists, or the request was refused")
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, storage, drive) = of(cx);
    let led = cx.node.bmc().leds.drive(number);
    let failed = cx.node.has_failed(Part::Drive(number));
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
        d.moving(|d| {
            d.put("PredictedMediaLifeLeftPercent", cx.node.drive_life_percent(number, cx.now));
        });
    }
    d.put("FailurePredicted", failed);
    d.put("StatusIndicator", if failed { "Fail" } else { "OK" });
    d.put("IndicatorLED", led);
    d.put("LocationIndicatorActive", led != IndicatorLed::Off);
    identifiers(cx, drive, d);
    d.object("PhysicalLocation", |d| {
        d.object("PartLocation", |d| {
            d.put("ServiceLabel", drive.bay.as_ref().unwrap_or(&drive.name));
            d.put("LocationType", "Bay");
            d.put("LocationOrdinalValue", drive.bay.as_deref().and_then(bay_number).unwrap_or(number.into()));
        });
    });
    status(cx, number, d);
    d.object("Links", |d| {
        d.link("Chassis", &cx.model.chassis());
        let [base, key] = cx.model.system();
        d.link("Storage", &[base, key, "/Storage/", &storage.id]);
        super::volume::link_those_of(cx, storage, (number, drive), d);
    });
}

/// `Status` of a drive, also in the older documents and in the volume that passes it through.
pub(super) fn status(cx: &NodeCx<'_>, number: u8, d: &mut Doc<'_>) {
    common::usable_status(cx, Scope::Drive(number), cx.node.has_failed(Part::Drive(number)), d);
}

/// `DriveMetrics`. No error is simulated.
pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, _, drive) = of(cx);
    let (hours, cycles) = (cx.node.drive_hours(number, cx.now), cx.node.drive_cycles(number));
    let life = cx.node.drive_life_percent(number, cx.now);
    d.put("Id", "Metrics");
    d.join("Name", &["Metrics of ", &drive.name]);
    d.put("LifetimeStartDateTime", cx.shown(cx.node.past_moment(0)));
    d.put("PowerCyclesLifetime", cycles);
    d.moving(|d| d.put("PowerOnHours", hours));
    if drive.rpm == 0 {
        d.object("PredictedMediaLifeLeftPercent", |d| d.moving(|d| d.put("Reading", life)));
    }
    if drive.is_nvme() {
        d.object("NVMeSMART", |d| {
            d.put("PowerCycles", cycles);
            d.moving(|d| {
                d.put("PowerOnHours", hours);
                d.put("PercentageUsed", 100 - life);
            });
            d.put("AvailableSparePercent", 100);
            d.put("MediaAndDataIntegrityErrors", 0);
        });
    }
    for errors in [
        "BadBlockCount",
        "CorrectableIOReadErrorCount",
        "CorrectableIOWriteErrorCount",
        "UncorrectableIOReadErrorCount",
        "UncorrectableIOWriteErrorCount",
    ] {
        d.put(errors, 0);
    }
}

/// The number at the end of a bay's name: 8 of `Slot=14:Port=2:Box=3:Bay=8`.
fn bay_number(bay: &str) -> Option<u32> {
    bay.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The name of a drive that no other drive has. A volume that passes the drive through has the same.
pub(super) fn identifiers(cx: &NodeCx<'_>, drive: &Drive, d: &mut Doc<'_>) {
    let (number, ..) = with_id(cx, &drive.id);
    common::durable_name(&cx.spec().wwn(number, drive), d);
}

/// The UEFI device path of a drive (UEFI specification 2.10, 10.3.4).
pub(super) fn device_path(cx: &NodeCx<'_>, (number, _, drive): (u8, &Storage, &Drive)) -> String {
    let address = drive.by_path.strip_prefix("pci-").and_then(|rest| rest.split('-').next());
    let controller = super::common::pci_path(address.unwrap_or_default());
    let hctl: Vec<&str> = drive.hctl.split(':').collect();
    match (&hctl[..], &*drive.protocol) {
        ([host, ..], "SATA") if drive.by_path.contains("-ata-") => {
            format!("{controller}/Sata(0x{host},0xFFFF,0x0)")
        }
        ([_, _, target, lun], _) => format!("{controller}/Scsi(0x{target},0x{lun})"),
        _ => {
            let name = cx.spec().wwn(number, drive).trim_start_matches("eui.").to_ascii_uppercase();
            let pairs: Vec<&str> = (0..name.len() / 2).map(|n| &name[2 * n..2 * n + 2]).collect();
            format!("{controller}/NVMe(0x1,{})", pairs.join("-"))
        }
    }
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let led = common::led(body);
    Ok(led.map(|led| Command::Led(led::Command::SetDrive(of(cx).0, led))))
}
