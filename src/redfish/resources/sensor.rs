//! `Sensor`: temperatures, fan speeds, power and voltages of a chassis.

use super::common;
use crate::node::bmc::environment::SensorId;
use crate::node::health::Scope;
use crate::node::sensors::CELSIUS_RANGE;
use crate::profile::Profile;
use crate::profile::inventory::{Fan, PowerSupply, Temperature};
use crate::profile::sensors::Thresholds;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

/// `Id` of the sensor of the server's total power.
pub(super) const TOTAL_POWER: &str = "TotalPower";

enum Found<'a> {
    Temperature(u8, &'a Temperature),
    Fan(u8, &'a Fan),
    Power,
    Volts(u8, &'a PowerSupply),
    Output(u8, &'a PowerSupply),
}

/// `DataSourceUri` of an excerpt of a sensor.
pub(super) fn source(cx: &NodeCx<'_>, sensor: &str, d: &mut Doc<'_>) {
    let [base, key] = cx.model.chassis();
    d.join("DataSourceUri", &[base, key, "/Sensors/", sensor]);
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let profile = cx.profile();
    profile.temperatures.iter().for_each(|t| each(&t.id));
    profile.fans.iter().for_each(|fan| each(&fan.speed_sensor()));
    each(TOTAL_POWER);
    profile.power_supplies.iter().for_each(|p| each(&p.input_sensor()));
    profile.power_supplies.iter().for_each(|p| each(&p.output_sensor()));
}

fn find<'a>(profile: &'a Profile, id: &str) -> Option<Found<'a>> {
    if id == TOTAL_POWER {
        return Some(Found::Power);
    }
    let temperature = (0u8..).zip(&profile.temperatures).find(|(_, t)| t.id == id);
    let fan = || (0u8..).zip(&profile.fans).find(|(_, f)| f.speed_sensor() == id);
    let supplies = || (0u8..).zip(&profile.power_supplies);
    temperature
        .map(|(n, t)| Found::Temperature(n, t))
        .or_else(|| fan().map(|(n, f)| Found::Fan(n, f)))
        .or_else(|| supplies().find(|(_, p)| p.input_sensor() == id).map(|(n, p)| Found::Volts(n, p)))
        .or_else(|| supplies().find(|(_, p)| p.output_sensor() == id).map(|(n, p)| Found::Output(n, p)))
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, now, profile) = (cx.node, cx.now, cx.profile());
    let rules = &profile.sensors;
    d.put("Id", cx.id());
    let sensor = match find(profile, cx.id()).expect("the sensor exists, or the request was refused") {
        Found::Temperature(number, sensor) => {
            kind(&sensor.name, "Temperature", "Cel", &sensor.context, d);
            d.moving(|d| d.put("Reading", node.celsius(number, now)));
            range(CELSIUS_RANGE.0, CELSIUS_RANGE.1, d);
            thresholds(&rules.of_temperature(sensor), |celsius| celsius, d);
            SensorId::Temperature(number)
        }
        Found::Fan(number, fan) => {
            let rpm = node.rpm(number, now);
            kind(&fan.name, "Percent", "%", "SystemBoard", d);
            d.moving(|d| {
                d.put("Reading", rules.percent(fan, rpm.into()));
                d.put("SpeedRPM", rpm);
            });
            range(0, 100, d);
            thresholds(&rules.of_fan(fan), |rpm| rules.percent(fan, rpm), d);
            SensorId::Fan(number)
        }
        Found::Power => {
            kind("Total Power", "Power", "W", "Chassis", d);
            d.moving(|d| d.put("Reading", node.watts(now)));
            range(0, profile.power_supplies.iter().map(|p| p.watts).sum::<u32>(), d);
            return d.object("Status", common::ok);
        }
        Found::Volts(number, supply) => {
            kind(&supply.name, "Voltage", "V", "PowerSupply", d);
            d.moving(|d| d.put("Reading", node.volts(number, now)));
            range(0, 264, d);
            thresholds(&rules.of_voltage(), |volts| volts, d);
            SensorId::Voltage(number)
        }
        Found::Output(number, supply) => {
            kind(&supply.name, "Power", "W", "PowerSupply", d);
            d.moving(|d| d.put("Reading", node.supply_watts(number, now)));
            range(0, supply.watts, d);
            let all = profile.power_supplies.len();
            thresholds(&rules.of_output(supply, all, &profile.chassis), |watts| watts, d);
            SensorId::Output(number)
        }
    };
    common::status(cx, Scope::Sensor(sensor), d);
}

fn kind(name: &str, reading: &str, units: &str, context: &str, d: &mut Doc<'_>) {
    d.put("Name", name);
    d.put("ReadingType", reading);
    d.put("ReadingUnits", units);
    d.put("PhysicalContext", context);
}

fn range<N: crate::redfish::value::Value>(low: i32, high: N, d: &mut Doc<'_>) {
    d.put("ReadingRangeMin", low);
    d.put("ReadingRangeMax", high);
}

/// `Thresholds`. `shown` converts a value to the unit of the reading.
fn thresholds(all: &Thresholds, shown: impl Fn(f64) -> f64, d: &mut Doc<'_>) {
    let lower = ["LowerCaution", "LowerCritical", "LowerFatal"].into_iter().zip(all.lower);
    let upper = ["UpperCaution", "UpperCritical", "UpperFatal"].into_iter().zip(all.upper);
    let lower = lower.map(|(key, threshold)| (key, threshold, "Decreasing"));
    let all_of_them = lower.chain(upper.map(|(key, threshold)| (key, threshold, "Increasing")));
    let present: Vec<_> = all_of_them.filter_map(|(key, at, way)| Some((key, at?, way))).collect();
    if present.is_empty() {
        return;
    }
    d.object("Thresholds", |d| {
        for (key, threshold, activation) in present {
            d.object(key, |d| {
                d.put("Reading", shown(threshold));
                d.put("Activation", activation);
                d.put("HysteresisReading", shown(all.hysteresis));
            });
        }
    });
}
