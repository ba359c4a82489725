//! `Power`: the older view of power. Ironic reads its sensor data from it, and needs `MemberId` and `Status` in every part.

use super::common;
use crate::node::sensors::LINE_VOLTS;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, profile) = (cx.node, cx.profile());
    d.put("Id", "Power");
    d.put("Name", "Power");
    d.array("PowerControl", |d| {
        d.item_object(|d| {
            d.join("@odata.id", &[cx.uri(), "#/PowerControl/0"]);
            d.put("MemberId", "0");
            d.put("Name", "Server Power Control");
            d.moving(|d| d.put("PowerConsumedWatts", node.watts(cx.now)));
            d.put("PowerCapacityWatts", profile.power_supplies.iter().map(|p| p.watts).sum::<u32>());
            d.object("Status", common::ok);
        });
    });
    d.array("PowerSupplies", |d| {
        for (number, supply) in (0u8..).zip(&profile.power_supplies) {
            d.item_object(|d| {
                let mut digits = itoa::Buffer::new();
                let member = digits.format(number);
                d.join("@odata.id", &[cx.uri(), "#/PowerSupplies/", member]);
                d.put("MemberId", member);
                d.put("Name", &supply.name);
                d.put("Manufacturer", &supply.manufacturer);
                d.put("Model", &supply.model);
                d.put("SerialNumber", cx.spec().part_serial('P', number));
                d.put("FirmwareVersion", &supply.firmware_version);
                d.put("PowerSupplyType", "AC");
                d.put("LineInputVoltageType", if LINE_VOLTS > 200 { "AC240V" } else { "AC120V" });
                d.put("PowerCapacityWatts", supply.watts);
                d.moving(|d| {
                    d.put("LineInputVoltage", node.volts(usize::from(number), cx.now));
                    d.put("LastPowerOutputWatts", node.supply_watts(cx.now));
                });
                d.object("Status", common::ok);
            });
        }
    });
}
