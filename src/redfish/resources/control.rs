//! `Control`: the power limit of the chassis, which `Power` and `EnvironmentMetrics` show too.

use serde_json::Value as Json;

use super::common;
use super::sensor::{TOTAL_POWER, source};
use crate::dmtf::ControlMode;
use crate::node::bmc;
use crate::node::bmc::power_limit::Change;
use crate::node::command::Command;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::message::{Message, PROPERTY_VALUE_OUT_OF_RANGE};
use crate::redfish::resource::{Asked, OfNode};

/// `Id` of the control of the power limit.
pub(super) const POWER_LIMIT: &str = "PowerLimit";

pub(super) fn members(_: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    each(POWER_LIMIT);
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", POWER_LIMIT);
    d.put("Name", "Power Limit");
    d.put("ControlType", "Power");
    d.put("PhysicalContext", "Chassis");
    d.put("Implementation", "Programmable");
    d.put("SetPointType", "Single");
    d.put("SetPointUnits", "W");
    d.put("Increment", 1);
    settings(cx, d);
    d.object("Sensor", |d| {
        source(cx, TOTAL_POWER, d);
        d.moving(|d| d.put("Reading", cx.node.watts(cx.now)));
    });
    d.one_link("RelatedItem", &cx.model.chassis());
    d.object("Status", common::ok);
}

/// The settings, which an excerpt has too.
pub(super) fn settings(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (limit, chassis) = (&cx.node.bmc().power_limit, &cx.profile().chassis);
    let mode = if limit.is_enabled() { ControlMode::Automatic } else { ControlMode::Disabled };
    d.put("SetPoint", limit.set_point().unwrap_or(chassis.max_watts));
    d.put("DefaultSetPoint", chassis.max_watts);
    d.put("AllowableMin", chassis.idle_watts);
    d.put("AllowableMax", chassis.max_watts);
    d.put("ControlMode", mode);
}

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    Ok(command(change(cx, body)))
}

/// The change of the limit that the properties of a control, or of its excerpt, ask for.
pub(super) fn change(cx: &NodeCx<'_>, body: &mut Body) -> Change {
    let mode = body.word("ControlMode", ControlMode::parse, ControlMode::ALL);
    let set_point = set_point(cx, "SetPoint", body);
    // The default set point limits nothing.
    let set_point = set_point.map(|watts| watts.unwrap_or(cx.profile().chassis.max_watts));
    Change { set_point, enabled: mode.map(|mode| mode == ControlMode::Automatic), ..Change::default() }
}

pub(super) fn command(change: Change) -> Option<Command> {
    (change != Change::default()).then_some(Command::Bmc(bmc::Command::LimitPower(change)))
}

/// A number of watts that the machine can keep, or null. A machine cannot draw less than an idle one does.
pub(super) fn set_point(cx: &NodeCx<'_>, key: &str, body: &mut Body) -> Option<Option<u32>> {
    let chassis = &cx.profile().chassis;
    let value = match body.take(key)? {
        Json::Null => return Some(None),
        value => value,
    };
    let Some(watts) = value.as_f64() else { return body.wrong_type(key, &value) };
    let allowed = f64::from(chassis.idle_watts)..=f64::from(chassis.max_watts);
    if !allowed.contains(&watts) || watts.fract() != 0.0 {
        body.mistake(key, Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, [&value.to_string(), key]));
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, and between two numbers of u32"
    )]
    Some(Some(watts as u32))
}
