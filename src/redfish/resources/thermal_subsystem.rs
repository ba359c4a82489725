//! `ThermalSubsystem`, `Fan` and `ThermalMetrics`: excerpts of sensors, each with a link to its sensor.

use super::common;
use super::sensor::source;
use crate::node::bmc::environment::SensorId;
use crate::node::health::Scope;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "ThermalSubsystem");
    d.put("Name", "Thermal Subsystem");
    let fans = cx.profile().fans.iter().map(|fan| fan.id.as_str());
    let group = ("FanRedundancy", "/Fans/", Scope::FanRedundancy);
    common::redundant_group(cx, cx.node.fan_redundancy(), group, fans, d);
    common::container_status(cx, Scope::Thermal, d);
}

pub(super) fn fans(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().fans.iter().for_each(|fan| each(&fan.id));
}

pub(super) fn get_fan(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, fan) = common::part(&cx.profile().fans, |fan| &fan.id, cx.id());
    d.put("Id", &fan.id);
    d.put("Name", &fan.name);
    d.put("PhysicalContext", "SystemBoard");
    d.put("HotPluggable", true);
    d.put("RatedSpeedRPM", fan.max_rpm);
    d.object("SpeedPercent", |d| speed(cx, number, d));
    common::status(cx, Scope::Sensor(SensorId::Fan(number)), d);
}

/// An excerpt of the sensor of the fan with this number.
pub(super) fn speed(cx: &NodeCx<'_>, number: u8, d: &mut Doc<'_>) {
    let Some(fan) = cx.profile().fans.get(usize::from(number)) else { return };
    let rpm = cx.node.rpm(number, cx.now);
    source(cx, &fan.speed_sensor(), d);
    d.moving(|d| {
        d.put("Reading", cx.profile().sensors.percent(fan, rpm.into()));
        d.put("SpeedRPM", rpm);
    });
}

pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, sensors) = (cx.node, &cx.profile().temperatures);
    d.put("Id", "ThermalMetrics");
    d.put("Name", "Thermal Metrics");
    d.object("TemperatureSummaryCelsius", |d| {
        for (name, context) in [("Intake", "Intake"), ("Exhaust", "Exhaust")] {
            if let Some((number, sensor)) = (0u8..).zip(sensors).find(|(_, s)| s.context == context) {
                d.object(name, |d| {
                    source(cx, &sensor.id, d);
                    d.moving(|d| d.put("Reading", node.celsius(number, cx.now)));
                });
            }
        }
    });
    d.array("TemperatureReadingsCelsius", |d| {
        for (number, sensor) in (0u8..).zip(sensors) {
            d.item_object(|d| {
                source(cx, &sensor.id, d);
                d.put("DeviceName", &sensor.name);
                d.put("PhysicalContext", &sensor.context);
                d.moving(|d| d.put("Reading", node.celsius(number, cx.now)));
            });
        }
    });
}
