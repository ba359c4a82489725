//! `Sensor`: temperatures, fan speeds, power and voltages of a chassis.

use super::common;
use crate::profile::Profile;
use crate::profile::inventory::{Fan, PowerSupply, Temperature};
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

/// The range of a temperature sensor, degrees Celsius.
pub(super) const CELSIUS_RANGE: (i32, i32) = (-40, 125);
/// `Id` of the sensor of the server's total power.
const TOTAL_POWER: &str = "TotalPower";

enum Found<'a> {
    Temperature(usize, &'a Temperature),
    Fan(usize, &'a Fan),
    Power,
    Volts(usize, &'a PowerSupply),
}

/// `Id` of a fan's sensor. The suffix makes it different from the id of a temperature sensor.
pub(super) fn of_fan(fan: &Fan) -> String {
    format!("{}Speed", fan.id)
}

fn of_supply(supply: &PowerSupply) -> String {
    format!("{}InputVoltage", supply.id)
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let profile = cx.profile();
    profile.temperatures.iter().for_each(|t| each(&t.id));
    profile.fans.iter().for_each(|fan| each(&of_fan(fan)));
    each(TOTAL_POWER);
    profile.power_supplies.iter().for_each(|p| each(&of_supply(p)));
}

fn find<'a>(profile: &'a Profile, id: &str) -> Option<Found<'a>> {
    if id == TOTAL_POWER {
        return Some(Found::Power);
    }
    let temperature = profile.temperatures.iter().enumerate().find(|(_, t)| t.id == id);
    let fan = || profile.fans.iter().enumerate().find(|(_, f)| of_fan(f) == id);
    let supply = || profile.power_supplies.iter().enumerate().find(|(_, p)| of_supply(p) == id);
    temperature
        .map(|(n, t)| Found::Temperature(n, t))
        .or_else(|| fan().map(|(n, f)| Found::Fan(n, f)))
        .or_else(|| supply().map(|(n, p)| Found::Volts(n, p)))
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, now) = (cx.node, cx.now);
    d.put("Id", cx.id());
    match find(cx.profile(), cx.id()).expect("the sensor exists, or the request was refused") {
        Found::Temperature(number, sensor) => {
            kind(&sensor.name, "Temperature", "Cel", &sensor.context, d);
            d.moving(|d| d.put("Reading", node.celsius(number, sensor, now)));
            d.put("ReadingRangeMin", CELSIUS_RANGE.0);
            d.put("ReadingRangeMax", CELSIUS_RANGE.1);
            d.object("Thresholds", |d| {
                d.object("UpperCaution", |d| d.put("Reading", sensor.caution_celsius));
                d.object("UpperCritical", |d| d.put("Reading", sensor.critical_celsius));
            });
        }
        Found::Fan(number, fan) => {
            let rpm = node.rpm(number, fan, now);
            kind(&fan.name, "Percent", "%", "SystemBoard", d);
            d.moving(|d| {
                d.put("Reading", f64::from(rpm * 100) / f64::from(fan.max_rpm));
                d.put("SpeedRPM", rpm);
            });
            d.put("ReadingRangeMin", 0);
            d.put("ReadingRangeMax", 100);
        }
        Found::Power => {
            kind("Total Power", "Power", "W", "Chassis", d);
            d.moving(|d| d.put("Reading", node.watts(now)));
            d.put("ReadingRangeMin", 0);
            d.put("ReadingRangeMax", cx.profile().power_supplies.iter().map(|p| p.watts).sum::<u32>());
        }
        Found::Volts(number, supply) => {
            kind(&supply.name, "Voltage", "V", "PowerSupply", d);
            d.moving(|d| d.put("Reading", node.volts(number, now)));
            d.put("ReadingRangeMin", 0);
            d.put("ReadingRangeMax", 264);
        }
    }
    d.object("Status", common::ok);
}

fn kind(name: &str, reading: &str, units: &str, context: &str, d: &mut Doc<'_>) {
    d.put("Name", name);
    d.put("ReadingType", reading);
    d.put("ReadingUnits", units);
    d.put("PhysicalContext", context);
}
