//! `EnvironmentMetrics`: temperature, power, power limit and fans of the chassis, as excerpts of their sensors and their control.

use super::sensor::{TOTAL_POWER, source};
use super::{control, thermal_subsystem};
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, profile) = (cx.node, cx.profile());
    d.put("Id", "EnvironmentMetrics");
    d.put("Name", "Environment Metrics");
    let inlet = (0u8..).zip(&profile.temperatures).find(|(_, sensor)| sensor.is_inlet());
    if let Some((number, sensor)) = inlet {
        d.object("TemperatureCelsius", |d| {
            source(cx, &sensor.id, d);
            d.moving(|d| d.put("Reading", node.celsius(number, cx.now)));
        });
    }
    d.object("PowerWatts", |d| {
        source(cx, TOTAL_POWER, d);
        d.moving(|d| d.put("Reading", node.watts(cx.now)));
    });
    if cx.model.has("Chassis/{}/Controls") {
        d.object("PowerLimitWatts", |d| {
            let [base, key] = cx.model.chassis();
            d.join("DataSourceUri", &[base, key, "/Controls/", control::POWER_LIMIT]);
            control::settings(cx, d);
        });
    }
    d.array("FanSpeedsPercent", |d| {
        for (number, fan) in (0u8..).zip(&profile.fans) {
            d.item_object(|d| {
                d.put("DeviceName", &fan.name);
                d.put("PhysicalContext", "SystemBoard");
                thermal_subsystem::speed(cx, number, d);
            });
        }
    });
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let change = body.object("PowerLimitWatts", |body| control::change(cx, body)).unwrap_or_default();
    Ok(control::command(change))
}
