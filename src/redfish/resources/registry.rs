//! `MessageRegistryFile` and the registries: the messages that this service sends, and the BIOS attributes of each model in
//! the fleet. There are no further registries, because sushy fetches all of them.

use std::sync::Arc;

use crate::profile::Profile;
use crate::profile::bios::{Attribute, Kind, Value};
use crate::profile::logs::LogService;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::event::message::{POST_CODES, REGISTRIES};
use crate::redfish::message::{BASE_REGISTRY, Entry, Registry};

/// Version of every attribute registry.
const ATTRIBUTES_VERSION: &str = "1.0.0";

/// The registries of messages that this service sends. That of POST codes is there if a model shows them.
fn messages(cx: &ServiceCx<'_>) -> impl Iterator<Item = &'static Registry> {
    let shows_codes = |model: &Arc<Profile>| model.logs.iter().any(LogService::holds_post_codes);
    let of_codes = cx.models.iter().any(shows_codes).then_some(&POST_CODES);
    std::iter::once(&BASE_REGISTRY).chain(REGISTRIES.iter().copied()).chain(of_codes)
}

enum Found<'a> {
    Messages(&'static Registry),
    Attributes(&'a Profile),
}

/// `Bios.AttributeRegistry` of a model.
pub(super) fn of(profile: &Profile) -> String {
    // The name of a registry consists of letters and digits (DSP0266, "Registries").
    let mut id = String::from("BiosAttributeRegistry");
    for word in profile.name.split('-') {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.push_str(letters.as_str());
    }
    id.push_str(".v1_0_0");
    id
}

fn find<'a>(cx: &ServiceCx<'a>) -> Option<Found<'a>> {
    let id = *cx.ids.first()?;
    if let Some(registry) = messages(cx).find(|registry| registry.id == id) {
        return Some(Found::Messages(registry));
    }
    cx.models.iter().find(|profile| of(profile) == id).map(|profile| Found::Attributes(profile))
}

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    messages(cx).for_each(|registry| each(registry.id));
    cx.models.iter().for_each(|profile| each(&of(profile)));
}

pub(super) fn get_file(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    let below = match find(cx).expect("the registry exists, or the request was refused") {
        Found::Messages(registry) => {
            d.join("Name", &[registry.name, " File"]);
            "/Messages"
        }
        Found::Attributes(profile) => {
            d.join("Name", &["BIOS Attribute Registry File of ", &profile.model]);
            "/Attributes"
        }
    };
    d.put("Registry", cx.id());
    d.put("Languages", ["en"].as_slice());
    d.array("Location", |d| {
        d.item_object(|d| {
            d.put("Language", "en");
            d.join("Uri", &[cx.uri, below]);
        });
    });
}

pub(super) fn is_of_messages(cx: &ServiceCx<'_>) -> bool {
    matches!(find(cx), Some(Found::Messages(_)))
}

pub(super) fn is_of_attributes(cx: &ServiceCx<'_>) -> bool {
    matches!(find(cx), Some(Found::Attributes(_)))
}

pub(super) fn get_messages(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let Some(Found::Messages(registry)) = find(cx) else { return };
    d.join("Id", &[registry.prefix, ".", registry.version]);
    d.put("Name", registry.name);
    d.put("Language", "en");
    d.put("RegistryPrefix", registry.prefix);
    d.put("RegistryVersion", registry.version);
    d.put("OwningEntity", registry.owner);
    d.object("Messages", |d| {
        for entry in registry.messages {
            d.object(entry.key, |d| message(entry, d));
        }
    });
}

fn message(entry: &Entry, d: &mut Doc<'_>) {
    d.join("Description", &["The message ", entry.key, " of this service."]);
    d.put("Message", entry.text);
    d.put("Severity", entry.severity);
    d.put("MessageSeverity", entry.severity);
    d.put("NumberOfArgs", entry.args());
    d.array("ParamTypes", |d| (0..entry.args()).for_each(|_| d.item("string")));
    d.put("Resolution", entry.resolution);
}

pub(super) fn get_attributes(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    if let Some(Found::Attributes(profile)) = find(cx) {
        attributes(profile, d);
    }
}

fn attributes(profile: &Profile, d: &mut Doc<'_>) {
    d.put("Id", of(profile));
    d.join("Name", &["BIOS Attribute Registry of ", &profile.model]);
    d.put("Language", "en");
    d.put("RegistryVersion", ATTRIBUTES_VERSION);
    d.put("OwningEntity", &profile.manufacturer);
    d.array("SupportedSystems", |d| {
        d.item_object(|d| {
            d.put("ProductName", &profile.model);
            d.put("FirmwareVersion", profile.bios_version());
        });
    });
    d.object("RegistryEntries", |d| {
        d.array("Attributes", |d| {
            for a in &profile.bios {
                d.item_object(|d| attribute(a, d));
            }
        });
    });
}

fn attribute(a: &Attribute, d: &mut Doc<'_>) {
    d.put("AttributeName", &a.name);
    d.put("DisplayName", &a.display);
    d.put_some("HelpText", Some(&a.help).filter(|help| !help.is_empty()));
    d.put("ReadOnly", a.read_only);
    d.put("ResetRequired", true);
    // DMTF's validator warns about an empty default.
    d.put_some("DefaultValue", Some(a.default_value()).filter(|value| *value != Value::Text("".into())));
    match &a.kind {
        Kind::Enumeration { values, .. } => {
            d.put("Type", "Enumeration");
            d.array("Value", |d| {
                for value in values {
                    d.item_object(|d| {
                        d.put("ValueName", value);
                        d.put("ValueDisplayName", value);
                    });
                }
            });
        }
        Kind::Integer { lower, upper, .. } => {
            d.put("Type", "Integer");
            d.put("LowerBound", *lower);
            d.put("UpperBound", *upper);
        }
        Kind::String { min_length, max_length, .. } => {
            d.put("Type", "String");
            d.put("MinLength", *min_length);
            d.put("MaxLength", *max_length);
        }
        Kind::Boolean { .. } => d.put("Type", "Boolean"),
    }
}
