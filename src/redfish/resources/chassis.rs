//! `Chassis`: the enclosure of the server.

use super::common;
use crate::dmtf::IndicatorLed;
use crate::node::bmc::led;
use crate::node::command::Command;
use crate::node::health::Scope;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

/// Height of a rack unit, mm.
const RACK_UNIT_MM: f64 = 44.45;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (profile, spec, led) = (cx.profile(), cx.spec(), cx.node.bmc().leds.chassis);
    let chassis = &profile.chassis;
    d.put("Id", cx.model.chassis_id());
    d.join("Name", &["Chassis of ", &spec.name()]);
    d.put("ChassisType", &chassis.kind);
    d.put("Manufacturer", &profile.manufacturer);
    d.put("Model", &profile.model);
    d.put("SKU", &profile.sku);
    d.put("PartNumber", &profile.part_number);
    d.put("SerialNumber", spec.serial());
    d.put("UUID", cx.model.uuid);
    d.put("PowerState", cx.node.host().power_state());
    d.put("IndicatorLED", led);
    d.put("LocationIndicatorActive", led != IndicatorLed::Off);
    d.put("HeightMm", chassis.height_mm);
    d.put("WidthMm", chassis.width_mm);
    d.put("DepthMm", chassis.depth_mm);
    d.put("WeightKg", chassis.weight_kg);
    d.put("HeightRackUnits", (chassis.height_mm / RACK_UNIT_MM).ceil());
    d.put("MinPowerWatts", chassis.standby_watts);
    d.put("MaxPowerWatts", chassis.max_watts);
    d.object("Location", |d| d.object("Placement", |d| d.put("Rack", format!("rack-{:03}", spec.rack()))));
    common::container_status(cx, Scope::Machine, d);
    d.object("Links", |d| {
        d.one_link("ComputerSystems", &cx.model.system());
        d.one_link("ManagedBy", &cx.model.manager());
        d.one_link("ManagersInChassis", &cx.model.manager());
        let [base, key] = cx.model.system();
        d.array("Storage", |d| {
            for storage in &profile.storage {
                d.item_link(&[base, key, "/Storage/", &storage.id]);
            }
        });
        d.array("Drives", |d| {
            for (_, _, drive) in cx.node.drives() {
                d.item_link(&[cx.uri(), "/Drives/", &drive.id]);
            }
        });
    });
}

pub(super) fn patch(_: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let led = common::led(body);
    Ok(led.map(|led| Command::Led(led::Command::SetChassis(led))))
}
