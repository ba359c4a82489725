//! `PowerSubsystem` and its `PowerSupply`.

use super::common;
use super::sensor::source;
use crate::node::bmc::failures::Part;
use crate::node::health::Scope;
use crate::profile::sensors::LINE_VOLTS;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "PowerSubsystem");
    d.put("Name", "Power Subsystem");
    let capacity: u32 = cx.profile().power_supplies.iter().map(|p| p.watts).sum();
    d.put("CapacityWatts", capacity);
    d.object("Allocation", |d| {
        d.put("RequestedWatts", cx.profile().chassis.max_watts);
        d.put("AllocatedWatts", cx.profile().chassis.max_watts);
    });
    let supplies = cx.profile().power_supplies.iter().map(|supply| supply.id.as_str());
    let group = ("PowerSupplyRedundancy", "/PowerSupplies/", Scope::SupplyRedundancy);
    common::redundant_group(cx, cx.node.supply_redundancy(), group, supplies, d);
    common::container_status(cx, Scope::Power, d);
}

pub(super) fn supplies(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().power_supplies.iter().for_each(|p| each(&p.id));
}

pub(super) fn get_supply(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, supply) = common::part(&cx.profile().power_supplies, |p| &p.id, cx.id());
    d.put("Id", &supply.id);
    d.put("Name", &supply.name);
    d.put("Manufacturer", &supply.manufacturer);
    d.put("Model", &supply.model);
    d.put("SerialNumber", cx.spec().part_serial('P', number));
    d.put("FirmwareVersion", &supply.firmware_version);
    d.put("PowerSupplyType", "AC");
    d.put("PowerCapacityWatts", supply.watts);
    let has_input = cx.node.bmc().environment.has_input(number);
    d.put("LineInputStatus", if has_input { "Normal" } else { "LossOfInput" });
    d.put("InputNominalVoltageType", if LINE_VOLTS > 200.0 { "AC200To240V" } else { "AC120V" });
    d.put("HotPluggable", true);
    status(cx, number, d);
}

/// `Status` of a power supply, also in the older document.
pub(super) fn status(cx: &NodeCx<'_>, number: u8, d: &mut Doc<'_>) {
    common::usable_status(cx, Scope::Supply(number), cx.node.has_failed(Part::Supply(number)), d);
}

/// `PowerSupplyMetrics`: excerpts of the sensors of a power supply.
pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, supply) = common::part(&cx.profile().power_supplies, |p| &p.id, cx.id());
    d.put("Id", "Metrics");
    d.join("Name", &["Metrics of ", &supply.name]);
    d.object("InputVoltage", |d| {
        source(cx, &supply.input_sensor(), d);
        d.moving(|d| d.put("Reading", cx.node.volts(number, cx.now)));
    });
    d.object("OutputPowerWatts", |d| {
        source(cx, &supply.output_sensor(), d);
        d.moving(|d| d.put("Reading", cx.node.supply_watts(number, cx.now)));
    });
    status(cx, number, d);
}
