//! `PowerSubsystem` and its `PowerSupply`.

use super::common;
use crate::node::sensors::LINE_VOLTS;
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
    d.object("Status", common::ok);
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
    d.put("LineInputStatus", "Normal");
    d.put("InputNominalVoltageType", if LINE_VOLTS > 200 { "AC200To240V" } else { "AC120V" });
    d.put("HotPluggable", true);
    d.object("Status", common::ok);
}
