//! `Thermal`: the older view of fans and temperatures. Ironic reads its sensor data from it, and needs `MemberId` and
//! `Status` in every part.

use super::common;
use crate::node::bmc::environment::SensorId;
use crate::node::health::Scope;
use crate::node::sensors::CELSIUS_RANGE;
use crate::profile::inventory::Fan;
use crate::profile::sensors::FanUnits;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let profile = cx.profile();
    d.put("Id", "Thermal");
    d.put("Name", "Thermal");
    d.array("Fans", |d| {
        for (number, fan) in (0u8..).zip(&profile.fans) {
            d.item_object(|d| get_fan(cx, (number, fan), d));
        }
    });
    d.array("Temperatures", |d| {
        for (number, sensor) in (0u8..).zip(&profile.temperatures) {
            d.item_object(|d| {
                let scope = Scope::Sensor(SensorId::Temperature(number));
                part(cx, "#/Temperatures/", (number, &sensor.name), scope, d);
                d.put("SensorNumber", u32::from(number) + 1);
                d.moving(|d| d.put("ReadingCelsius", cx.node.celsius(number, cx.now)));
                d.put_some("UpperThresholdNonCritical", sensor.caution_celsius);
                d.put("UpperThresholdCritical", sensor.critical_celsius);
                d.put_some("UpperThresholdFatal", sensor.fatal_celsius);
                d.put("MinReadingRangeTemp", CELSIUS_RANGE.0);
                d.put("MaxReadingRangeTemp", CELSIUS_RANGE.1);
                d.put("PhysicalContext", &sensor.context);
            });
        }
    });
    let fans = (0u8..).zip(&profile.fans).map(|(number, _)| number);
    let set = ("Fan Redundancy", "#/Fans/", Scope::FanRedundancy);
    common::redundancy(cx, cx.node.fan_redundancy(), set, fans, d);
    common::container_status(cx, Scope::Thermal, d);
}

fn get_fan(cx: &NodeCx<'_>, (number, fan): (u8, &Fan), d: &mut Doc<'_>) {
    part(cx, "#/Fans/", (number, &fan.name), Scope::Sensor(SensorId::Fan(number)), d);
    let units = cx.profile().sensors.fan_units;
    let shown = |rpm: f64| match units {
        FanUnits::Rpm => rpm,
        FanUnits::Percent => cx.profile().sensors.percent(fan, rpm),
    };
    d.moving(|d| d.put("Reading", shown(cx.node.rpm(number, cx.now).into())));
    d.put(
        "ReadingUnits",
        match units {
            FanUnits::Rpm => "RPM",
            FanUnits::Percent => "Percent",
        },
    );
    d.put("MinReadingRange", 0);
    d.put("MaxReadingRange", shown(fan.max_rpm.into()));
    let [caution, critical, fatal] = cx.profile().sensors.of_fan(fan).lower;
    d.put_some("LowerThresholdNonCritical", caution.map(shown));
    d.put_some("LowerThresholdCritical", critical.map(shown));
    d.put_some("LowerThresholdFatal", fatal.map(shown));
    d.put("PhysicalContext", "SystemBoard");
}

/// The properties that fans and temperatures have in common.
fn part(cx: &NodeCx<'_>, below: &str, (number, name): (u8, &str), scope: Scope, d: &mut Doc<'_>) {
    let mut digits = itoa::Buffer::new();
    let member = digits.format(number);
    d.join("@odata.id", &[cx.uri(), below, member]);
    d.put("MemberId", member);
    d.put("Name", name);
    common::status(cx, scope, d);
}
