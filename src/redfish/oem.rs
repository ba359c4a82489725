//! The resources and properties of a maker (`profile/oem`): documents, and what a client changes.

use std::borrow::Cow;

use super::body::Body;
use super::context::NodeCx;
use super::doc::Doc;
use super::error::Problem;
use super::message::{
    ARRAY_SIZE_TOO_LONG, Message, PROPERTY_VALUE_NOT_IN_LIST, PROPERTY_VALUE_OUT_OF_RANGE,
    PROPERTY_VALUE_TYPE_ERROR, STRING_VALUE_TOO_LONG,
};
use crate::node::bmc::oem::Kept;
use crate::node::boot::BootChange;
use crate::node::command::Command;
use crate::node::host::{self, SystemChange};
use crate::profile::oem::{Below, Directory, Kind, Property, Resource, Shows, Value};
use crate::profile::overlay::Overlay;

/// The path of the service root.
const ROOT: &str = "/redfish/v1";

/// Writes what the file of the resource does not have: the list of all resources.
pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let directory = cx.profile().oem.directory.as_ref();
    let Some(directory) = directory.filter(|directory| is_directory(cx.uri(), directory)) else { return };
    d.array(&directory.name, |d| {
        cx.measure.resources(cx, &mut |[uri, kind, etag, methods]| {
            d.item_object(|d| {
                d.put("@odata.id", uri);
                d.put("@odata.type", kind);
                d.put("ETag", etag);
                let methods: Vec<_> = methods.split(", ").collect();
                d.put("HttpMethods", methods.as_slice());
            });
        });
    });
}

pub(super) fn is_directory(uri: &str, directory: &Directory) -> bool {
    uri.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')) == Some(&directory.of)
}

/// The part of the service that a path is below, the id of the machine, and the rest.
pub(super) fn split(path: &str) -> Option<(Below, Option<&str>, &str)> {
    let rest = path.strip_prefix(ROOT)?.strip_prefix('/')?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for (below, word, _) in Below::ALL {
        if below == Below::Root {
            return Some((below, None, rest));
        }
        let found = rest.strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
        if let Some((id, tail)) = found.and_then(|rest| rest.split_once('/')) {
            return Some((below, Some(id), tail));
        }
    }
    None
}

/// The OEM resource at the URI of a node's resource.
pub(super) fn at<'a>(cx: &NodeCx<'a>) -> Option<&'a Resource> {
    let (below, _, tail) = split(cx.uri())?;
    cx.profile().oem.at(below, tail)
}

/// The overlay of a document with the values that the node has for declared properties. `generic` is the path of its row.
pub(super) fn valued<'a>(cx: &NodeCx<'a>, generic: &str, overlay: &'a Overlay) -> Cow<'a, Overlay> {
    let mut declared = cx.profile().oem.of(generic).peekable();
    if declared.peek().is_none() {
        return Cow::Borrowed(overlay);
    }
    let kept = &cx.node.bmc().extras.oem;
    let place = place(generic, cx.ids);
    let mut valued = Cow::Borrowed(overlay);
    for property in declared {
        let value = match property.shows {
            Some(Shows::BootOrder) => {
                let order = cx.node.boot().order(cx.profile());
                let names = order.filter_map(|n| property.values.get(usize::from(n)));
                Some(Value::Texts(names.map(|name| name.as_str().into()).collect()))
            }
            None => {
                let found = kept.iter().find(|kept| *kept.of == *place && *kept.name == *property.name);
                found.map(|kept| kept.value.clone())
            }
        };
        if let Some(value) = value {
            valued.to_mut().set(property.names(), &value.json());
        }
    }
    valued
}

/// The path of a resource below the root, with `{}` for the id of the machine and the other ids in their places.
fn place(generic: &str, ids: &[&str]) -> String {
    let mut ids = ids.iter();
    let mut words = Vec::new();
    for (n, word) in generic.split('/').enumerate() {
        let is_part = word == "{}" && n != 1;
        words.push(if is_part { ids.next().copied().unwrap_or(word) } else { word });
    }
    words.join("/")
}

/// Reads a PATCH: the declared properties of the maker first, and then what `read` takes.
pub(super) fn extended(
    cx: &NodeCx<'_>,
    generic: &str,
    overlay: Option<&Overlay>,
    body: &mut Body,
    read: impl FnOnce(&mut Body) -> Result<Option<Command>, Problem>,
) -> Result<Option<Command>, Problem> {
    let oem = &cx.profile().oem;
    let (mut values, mut order) = (Vec::new(), None);
    let mut is_met = false;
    for property in oem.of(generic).filter(|property| !property.read_only) {
        let Some(given) = body.take_at(property.names()) else { continue };
        is_met = true;
        let document = overlay.filter(|_| property.kind == Kind::Member);
        let Some(value) = value(property, document, given, body) else { continue };
        match property.shows {
            Some(Shows::BootOrder) => order = boot_order(property, &value, body),
            None => {
                let (of, name) = (place(generic, cx.ids).into(), property.name.as_str().into());
                values.push(Kept { of, name, value });
            }
        }
    }
    if !is_met {
        return read(body);
    }
    let rest = if body.is_spent() { None } else { read(body)? };
    let order = order.map(|order| {
        let boot = BootChange { order: Some(order), ..BootChange::default() };
        Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() }))
    });
    if values.is_empty() {
        return Ok(rest.or(order));
    }
    Ok(Some(Command::Oem { values, rest: rest.or(order).map(Box::new) }))
}

/// The value that a client gives a property, if it is allowed.
fn value(
    property: &Property,
    document: Option<&Overlay>,
    given: serde_json::Value,
    body: &mut Body,
) -> Option<Value> {
    use serde_json::Value as Json;
    let name = property.names().last().unwrap_or_default();
    let text = |given: &Json| given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let mut refuse = |entry, args: [&str; 2]| {
        body.mistake(&property.name, Message::new(entry, args));
        None
    };
    match (property.kind, given) {
        (Kind::Boolean, Json::Bool(flag)) => Some(Value::Flag(flag)),
        (Kind::Integer, Json::Number(number)) if number.is_i64() => {
            let number = number.as_i64().unwrap_or_default();
            let fits = property.lower.is_none_or(|lower| lower <= number)
                && property.upper.is_none_or(|upper| number <= upper);
            if fits {
                return Some(Value::Number(number));
            }
            refuse(&PROPERTY_VALUE_OUT_OF_RANGE, [&number.to_string(), name])
        }
        (Kind::Text, Json::String(text)) => {
            if text.chars().count() > property.max_length() {
                return refuse(&STRING_VALUE_TOO_LONG, [&text, &property.max_length().to_string()]);
            }
            if !property.values.is_empty() && !property.values.contains(&text) {
                return refuse(&PROPERTY_VALUE_NOT_IN_LIST, [&text, name]);
            }
            Some(Value::Text(text.into()))
        }
        (Kind::Texts, Json::Array(items)) => {
            if items.len() > property.max_items() {
                return refuse(&ARRAY_SIZE_TOO_LONG, [name, &property.max_items().to_string()]);
            }
            let long =
                |item: &&Json| item.as_str().is_some_and(|text| text.chars().count() > property.max_length());
            if let Some(item) = items.iter().find(long) {
                return refuse(&STRING_VALUE_TOO_LONG, [&text(item), &property.max_length().to_string()]);
            }
            let texts: Option<Vec<Box<str>>> =
                items.iter().map(|item| item.as_str().map(Into::into)).collect();
            match texts {
                Some(texts) => Some(Value::Texts(texts)),
                None => refuse(&PROPERTY_VALUE_TYPE_ERROR, [&Json::Array(items).to_string(), name]),
            }
        }
        (Kind::Member, Json::Object(object)) => {
            let key = property.key.as_deref().unwrap_or_default();
            let members = document.map(|document| property.members(document)).unwrap_or_default();
            let found =
                members.iter().find(|member| object.get(key).is_some() && member.get(key) == object.get(key));
            match found {
                Some(member) => Some(Value::Object { object: member.to_string().into() }),
                None => {
                    let shown = object.get(key).map_or_else(|| "null".to_owned(), text);
                    let message = Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [&shown, key]);
                    body.mistake(&format!("{}/{key}", property.name), message);
                    None
                }
            }
        }
        (_, given) => refuse(&PROPERTY_VALUE_TYPE_ERROR, [&text(&given), name]),
    }
}

/// The numbers of boot options in the order that the names give: each name once.
fn boot_order(property: &Property, value: &Value, body: &mut Body) -> Option<Box<[u8]>> {
    let Value::Texts(names) = value else { return None };
    let number = |name: &str| property.values.iter().position(|known| known == name);
    let order: Option<Vec<u8>> =
        names.iter().map(|name| number(name).and_then(|number| u8::try_from(number).ok())).collect();
    let is_order = |order: &Vec<u8>| {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() == property.values.len() && order.len() == sorted.len()
    };
    let order = order.filter(is_order);
    if order.is_none() {
        let name = property.names().last().unwrap_or_default();
        body.mistake(&property.name, Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [&names.join(", "), name]));
    }
    order.map(Vec::into_boxed_slice)
}
