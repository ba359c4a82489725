//! `Bios`, and the settings that take effect at the next boot.

use serde_json::Value as Json;

use crate::node::bmc::bios;
use crate::node::command::Command;
use crate::profile::bios::{Misfit, Value};
use crate::profile::quirk::Quirk;
use crate::redfish::action::Action;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::error;
use crate::redfish::message::{
    Message, PROPERTY_NOT_WRITABLE, PROPERTY_UNKNOWN, PROPERTY_VALUE_NOT_IN_LIST,
    PROPERTY_VALUE_OUT_OF_RANGE, PROPERTY_VALUE_TYPE_ERROR, SUCCESS,
};
use crate::redfish::resource::{Asked, OfNode};

pub(super) static ACTIONS: &[Action<OfNode>] = &[Action {
    key: "#Bios.ResetBios",
    parameters: &[],
    apply_times: &[],
    run: |cx, _| {
        let is_task = cx.profile().has(Quirk::BiosResetTask);
        let command = if is_task { bios::Command::ResetAsTask(Box::default()) } else { bios::Command::Reset };
        Ok(Some(Command::Bios(command)))
    },
}];

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "Bios");
    d.put("Name", "BIOS Configuration");
    d.put("AttributeRegistry", super::registry::of(cx.profile()));
    d.object("Attributes", |d| {
        for attribute in &cx.profile().bios {
            d.put(&attribute.name, cx.node.bios_value(attribute));
        }
    });
    d.object("@Redfish.Settings", |d| {
        d.put("@odata.type", "#Settings.v1_5_0.Settings");
        d.link("SettingsObject", &[cx.uri(), "/Settings"]);
        d.put("SupportedApplyTimes", ["OnReset"].as_slice());
        if let Some(applied) = &cx.node.bmc().bios.applied {
            // A client compares this ETag with that of the document, which therefore must not follow from it.
            d.moving(|d| {
                d.put("Time", cx.shown(applied.at));
                // The ETag of an earlier version of the document is not stored.
                if !applied.updated_since {
                    d.own_etag("ETag");
                }
            });
            // The settings object accepts only values that a start can apply.
            d.array("Messages", |d| d.item_object(|d| error::write(&Message::new(&SUCCESS, []), d)));
        }
    });
}

pub(super) fn get_settings(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "Settings");
    d.put("Name", "BIOS Configuration Pending Settings");
    d.put("AttributeRegistry", super::registry::of(cx.profile()));
    d.object("Attributes", |d| {
        let bios::Bios { current, pending, applied: _ } = &*cx.node.bmc().bios;
        if !cx.profile().has(Quirk::WholeSettings) {
            return pending.iter().for_each(|(name, value)| d.put(name, value.clone()));
        }
        for attribute in cx.profile().bios.iter().filter(|attribute| !attribute.read_only) {
            let name = attribute.name.as_str();
            let value = pending.get(name).or_else(|| current.get(name)).cloned();
            d.put(name, value.unwrap_or_else(|| attribute.default_value()));
        }
    });
}

pub(super) fn patch_settings(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    body.require("Attributes");
    body.object("@Redfish.SettingsApplyTime", |b| {
        b.take("@odata.type");
        b.word("ApplyTime", |text| (text == "OnReset").then_some(()), &[()]);
    });
    let mut changes = Vec::new();
    if let Some(attributes) = body.take("Attributes") {
        match attributes {
            Json::Object(map) => {
                for (name, value) in map {
                    match read(cx, &name, &value) {
                        Ok(value) => changes.push((name.into(), value)),
                        Err(message) => body.mistake(&format!("Attributes/{name}"), message),
                    }
                }
            }
            other => {
                body.wrong_type::<()>("Attributes", &other);
            }
        }
    }
    Ok(Some(Command::Bios(bios::Command::Change(changes))))
}

fn read(cx: &NodeCx<'_>, name: &str, json: &Json) -> Result<Value, Message> {
    let Some(attribute) = cx.profile().attribute(name) else {
        return Err(Message::new(&PROPERTY_UNKNOWN, [name]));
    };
    let shown = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let value = match json {
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::String(text) => Value::Text(text.as_str().into()),
        other => match other.as_i64() {
            Some(number) => Value::Integer(number),
            None => return Err(Message::new(&PROPERTY_VALUE_TYPE_ERROR, [&shown, name])),
        },
    };
    match attribute.accepts(&value) {
        Ok(()) => Ok(value),
        Err(Misfit::ReadOnly) => Err(Message::new(&PROPERTY_NOT_WRITABLE, [name])),
        Err(Misfit::Type) => Err(Message::new(&PROPERTY_VALUE_TYPE_ERROR, [&shown, name])),
        Err(Misfit::NotInList) => Err(Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [&shown, name])),
        Err(Misfit::OutOfRange) => Err(Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, [&shown, name])),
    }
}
