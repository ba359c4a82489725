//! `Thermal`: the older view of fans and temperatures. Ironic reads its sensor data from it, and needs `MemberId` and
//! `Status` in every part.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, profile) = (cx.node, cx.profile());
    d.put("Id", "Thermal");
    d.put("Name", "Thermal");
    d.array("Fans", |d| {
        for (number, fan) in profile.fans.iter().enumerate() {
            d.item_object(|d| {
                part(cx, "#/Fans/", number, &fan.name, d);
                d.moving(|d| d.put("Reading", node.rpm(number, fan, cx.now)));
                d.put("ReadingUnits", "RPM");
                d.put("MinReadingRange", 0);
                d.put("MaxReadingRange", fan.max_rpm);
                d.put("PhysicalContext", "SystemBoard");
            });
        }
    });
    d.array("Temperatures", |d| {
        for (number, sensor) in profile.temperatures.iter().enumerate() {
            d.item_object(|d| {
                part(cx, "#/Temperatures/", number, &sensor.name, d);
                d.put("SensorNumber", number + 1);
                d.moving(|d| d.put("ReadingCelsius", node.celsius(number, sensor, cx.now)));
                d.put("UpperThresholdNonCritical", sensor.caution_celsius);
                d.put("UpperThresholdCritical", sensor.critical_celsius);
                d.put("MinReadingRangeTemp", super::sensor::CELSIUS_RANGE.0);
                d.put("MaxReadingRangeTemp", super::sensor::CELSIUS_RANGE.1);
                d.put("PhysicalContext", &sensor.context);
            });
        }
    });
}

/// The properties that fans and temperatures have in common.
fn part(cx: &NodeCx<'_>, below: &str, number: usize, name: &str, d: &mut Doc<'_>) {
    let mut digits = itoa::Buffer::new();
    let member = digits.format(number);
    d.join("@odata.id", &[cx.uri(), below, member]);
    d.put("MemberId", member);
    d.put("Name", name);
    d.object("Status", common::ok);
}
