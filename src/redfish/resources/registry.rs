//! `MessageRegistryFile` and the registries: the messages that this service sends, those of a maker at a BMC of its own, and
//! the BIOS attributes of each model in the fleet. There are no further registries, because sushy fetches all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::profile::Profile;
use crate::profile::answers::MakerMessage;
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

/// The messages of the model's maker, by the id of their registry and by their keys.
fn of_maker<'a>(cx: &ServiceCx<'a>) -> BTreeMap<&'a str, BTreeMap<&'a str, &'a MakerMessage>> {
    let mut registries = BTreeMap::<_, BTreeMap<_, _>>::new();
    let own = cx.own.iter().flat_map(|node| &node.profile().answers.messages);
    for (message, (registry, key)) in own.filter_map(|message| Some((message, message.id.rsplit_once('.')?)))
    {
        registries.entry(registry).or_default().insert(key, message);
    }
    registries
}

enum Found<'a> {
    Messages(&'static Registry),
    OfMaker(BTreeMap<&'a str, &'a MakerMessage>),
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
    if let Some(messages) = of_maker(cx).remove(id) {
        return Some(Found::OfMaker(messages));
    }
    cx.models.iter().find(|profile| of(profile) == id).map(|profile| Found::Attributes(profile))
}

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    messages(cx).for_each(|registry| each(registry.id));
    of_maker(cx).into_keys().for_each(&mut *each);
    cx.models.iter().for_each(|profile| each(&of(profile)));
}

pub(super) fn get_file(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    let below = match find(cx).expect("the registry exists, or the request was refused") {
        Found::Messages(registry) => {
            d.join("Name", &[registry.name, " File"]);
            "/Messages"
        }
        Found::OfMaker(_) => {
            d.join("Name", &[cx.id(), " Message Registry File"]);
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
    matches!(find(cx), Some(Found::Messages(_) | Found::OfMaker(_)))
}

pub(super) fn is_of_attributes(cx: &ServiceCx<'_>) -> bool {
    matches!(find(cx), Some(Found::Attributes(_)))
}

pub(super) fn get_messages(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let registry = match find(cx) {
        Some(Found::Messages(registry)) => registry,
        Some(Found::OfMaker(messages)) => return messages_of_maker(cx, &messages, d),
        Some(Found::Attributes(_)) | None => return,
    };
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

fn messages_of_maker(cx: &ServiceCx<'_>, messages: &BTreeMap<&str, &MakerMessage>, d: &mut Doc<'_>) {
    let id = *cx.ids.first().expect("the registry has an id");
    let (prefix, version) = id.split_once('.').unwrap_or((id, ""));
    d.join("Id", &[id, ".0"]);
    d.join("Name", &[prefix, " Message Registry"]);
    d.put("Language", "en");
    d.put("RegistryPrefix", prefix);
    d.join("RegistryVersion", &[version, ".0"]);
    d.put_some("OwningEntity", cx.own.map(|node| &node.profile().manufacturer));
    d.object("Messages", |d| {
        for (key, message) in messages {
            // It has the severity of the message that it stands for.
            let stands_for = BASE_REGISTRY.messages.iter().find(|entry| entry.key == message.of);
            let severity = stands_for.map_or("Warning", |entry| entry.severity);
            d.object(key, |d| {
                d.join("Description", &["The message ", key, " of this service."]);
                d.put("Message", &message.text);
                d.put("Severity", severity);
                d.put("MessageSeverity", severity);
                d.put("NumberOfArgs", message.args.len());
                d.array("ParamTypes", |d| message.args.iter().for_each(|_| d.item("string")));
                d.put("Resolution", &message.resolution);
            });
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
