//! `ThermalSubsystem`, `Fan` and `ThermalMetrics`: excerpts of sensors, each with a link to its sensor.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn get(_: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "ThermalSubsystem");
    d.put("Name", "Thermal Subsystem");
    d.object("Status", common::ok);
}

pub(super) fn fans(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().fans.iter().for_each(|fan| each(&fan.id));
}

pub(super) fn get_fan(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, fan) = common::part(&cx.profile().fans, |fan| &fan.id, cx.id());
    let rpm = cx.node.rpm(usize::from(number), fan, cx.now);
    d.put("Id", &fan.id);
    d.put("Name", &fan.name);
    d.put("PhysicalContext", "SystemBoard");
    d.put("HotPluggable", true);
    d.put("RatedSpeedRPM", fan.max_rpm);
    d.object("SpeedPercent", |d| {
        source(cx, &super::sensor::of_fan(fan), d);
        d.moving(|d| {
            d.put("Reading", f64::from(rpm * 100) / f64::from(fan.max_rpm));
            d.put("SpeedRPM", rpm);
        });
    });
    d.object("Status", common::ok);
}

pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, sensors) = (cx.node, &cx.profile().temperatures);
    d.put("Id", "ThermalMetrics");
    d.put("Name", "Thermal Metrics");
    d.object("TemperatureSummaryCelsius", |d| {
        for (name, context) in [("Intake", "Intake"), ("Exhaust", "Exhaust")] {
            if let Some((number, sensor)) = sensors.iter().enumerate().find(|(_, s)| s.context == context) {
                d.object(name, |d| {
                    source(cx, &sensor.id, d);
                    d.moving(|d| d.put("Reading", node.celsius(number, sensor, cx.now)));
                });
            }
        }
    });
    d.array("TemperatureReadingsCelsius", |d| {
        for (number, sensor) in sensors.iter().enumerate() {
            d.item_object(|d| {
                source(cx, &sensor.id, d);
                d.put("DeviceName", &sensor.name);
                d.put("PhysicalContext", &sensor.context);
                d.moving(|d| d.put("Reading", node.celsius(number, sensor, cx.now)));
            });
        }
    });
}

fn source(cx: &NodeCx<'_>, sensor: &str, d: &mut Doc<'_>) {
    let [base, key] = cx.model.chassis();
    d.join("DataSourceUri", &[base, key, "/Sensors/", sensor]);
}
