//! The resources and properties of a maker (`profile/oem`): where a resource is, its document, and what a client changes.

use std::borrow::Cow;

use http::HeaderValue;

use super::access::Access;
use super::body::Body;
use super::context::{Model, NodeCx};
use super::doc::Doc;
use super::document::Document;
use super::message::{
    ARRAY_SIZE_TOO_LONG, Message, PROPERTY_VALUE_NOT_IN_LIST, PROPERTY_VALUE_OUT_OF_RANGE,
    PROPERTY_VALUE_TYPE_ERROR, STRING_VALUE_TOO_LONG,
};
use super::query::Page;
use super::render;
use super::resource::{Asked, OfNode, Owner, Resource};
use super::root::Root;
use super::row::{Part, ROOT, Row, Target, parent};
use super::service::Redfish;
use super::tree::{IdOf, Route};
use crate::node::bmc::oem::{Command as Change, Kept};
use crate::node::boot::BootChange;
use crate::node::command::Command;
use crate::node::host::{self, SystemChange};
use crate::profile::Profile;
use crate::profile::oem::{Below, Directory, Kind, Property, Resource as OemResource, Shows, Value};
use crate::profile::overlay::Overlay;
use crate::profile::quirk::Quirk;

/// The rows of OEM resources: for each part of the service one that can be read and one that can be changed.
pub(super) static ROWS: [Resource<OfNode>; 8] = [
    row("/redfish/v1/{Oem}", Access::MANAGER),
    row("/redfish/v1/{Oem}", Access::MANAGER).patched_by(patch),
    row("/redfish/v1/Systems/{System}/{Oem}", Access::COMPONENTS),
    row("/redfish/v1/Systems/{System}/{Oem}", Access::COMPONENTS).patched_by(patch),
    row("/redfish/v1/Managers/{Manager}/{Oem}", Access::MANAGER),
    row("/redfish/v1/Managers/{Manager}/{Oem}", Access::MANAGER).patched_by(patch),
    row("/redfish/v1/Chassis/{Chassis}/{Oem}", Access::COMPONENTS),
    row("/redfish/v1/Chassis/{Chassis}/{Oem}", Access::COMPONENTS).patched_by(patch),
];

/// The type of [`ROWS`]: a file of the profile says which it is.
pub(super) const KIND: &str = "Oem";

const fn row(path: &'static str, access: Access) -> Resource<OfNode> {
    Resource::of_node(path, KIND, get).allowed_by(access)
}

/// Writes what the file of the resource does not have: the list of all resources.
fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let directory = cx.profile().oem.directory.as_ref();
    let Some(directory) = directory.filter(|directory| is_directory(cx.uri(), directory)) else { return };
    d.array(&directory.name, |d| {
        cx.measure.resources(cx, &mut |document, allow| {
            d.item_object(|d| {
                d.put("@odata.id", document.uri());
                d.put("@odata.type", document.kind());
                d.put("ETag", str::from_utf8(&document.etag()).unwrap_or_default());
                let methods: Vec<_> = allow.to_str().unwrap_or_default().split(", ").collect();
                d.put("HttpMethods", methods.as_slice());
            });
        });
    });
}

fn is_directory(uri: &str, directory: &Directory) -> bool {
    uri.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix('/')) == Some(&directory.of)
}

/// The number in [`ROWS`].
fn number(below: Below, is_writable: bool) -> usize {
    let pair = match below {
        Below::Root => 0,
        Below::System => 1,
        Below::Manager => 2,
        Below::Chassis => 3,
    };
    2 * pair + usize::from(is_writable)
}

/// The part of the service that a path is below, the id of the machine, and the rest.
fn split(path: &str) -> Option<(Below, Option<(IdOf, &str)>, &str)> {
    let rest = path.strip_prefix(ROOT)?.strip_prefix('/')?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for (below, word, _) in Below::ALL {
        let of = match below {
            Below::Root => return Some((below, None, rest)),
            Below::System => IdOf::System,
            Below::Manager => IdOf::Manager,
            Below::Chassis => IdOf::Chassis,
        };
        let found = rest.strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
        if let Some((id, tail)) = found.and_then(|rest| rest.split_once('/')) {
            return Some((below, Some((of, id)), tail));
        }
    }
    None
}

/// The OEM resource at the URI of a node's resource.
pub(super) fn at<'a>(cx: &NodeCx<'a>) -> Option<&'a OemResource> {
    let (below, _, tail) = split(cx.uri())?;
    cx.profile().oem.at(below, tail)
}

/// The documents of a row, which begin at a part of its path.
struct Walk<'w, O: Owner> {
    row: &'w Row<O>,
    /// The node whose ids stand in paths.
    model: Model<'w>,
    each: &'w mut dyn FnMut(&O::Cx<'_>),
}

impl<O: Owner> Walk<'_, O> {
    /// Goes on at `uri`, for which the table has a path that ends with `rest`.
    fn go(&mut self, cx: &O::Cx<'_>, mut uri: String, rest: &str) {
        let Some(rest) = rest.strip_prefix('/') else {
            let ids = O::ids(cx).to_vec();
            return (self.each)(&O::member(cx, &uri, &ids));
        };
        let (segment, after) = rest.find('/').map_or((rest, ""), |end| rest.split_at(end));
        let word = match segment {
            "{System}" => self.model.system_id(),
            "{Manager}" => self.model.manager_id(),
            "{Chassis}" => self.model.chassis_id(),
            word if !word.starts_with('{') => word,
            _ => {
                let ids = O::ids(cx).to_vec();
                let mut found = Vec::new();
                (self.row.ids[ids.len()])(&O::member(cx, &uri, &ids), &mut |id| found.push(id.to_owned()));
                for id in &found {
                    let ids: Vec<&str> = ids.iter().copied().chain([id.as_str()]).collect();
                    let uri = format!("{uri}/{id}");
                    self.go(&O::member(cx, &uri, &ids), uri.clone(), after);
                }
                return;
            }
        };
        uri.push('/');
        uri.push_str(word);
        self.go(cx, uri, after);
    }
}

impl Redfish {
    /// Calls back with every document and collection below the root of a node's BMC.
    pub(super) fn all_resources(&self, cx: &NodeCx<'_>, each: &mut dyn FnMut(&Document, &HeaderValue)) {
        let (node, profile) = (cx.node, cx.profile());
        let models = self.models(Some(node));
        let accounts = &node.bmc().accounts;
        let service = self.service_cx(accounts, &models, Some(node), cx.now, "", &[]);
        let directory = profile.oem.directory.as_ref();
        let lists = |generic: &str| directory.is_none_or(|directory| directory.lists(generic));
        for row in self.tree.services.iter().filter(|row| lists(&row.generic)) {
            self.resources_of(&service, row, cx.model, Target::Service, each);
        }
        let below = NodeCx { ids: &[], ..*cx };
        for row in self.tree.nodes.iter().filter(|row| lists(&row.generic)) {
            self.resources_of(&below, row, cx.model, Target::Node, each);
        }
        for resource in profile.oem.resources.iter().filter(|resource| lists(&resource.generic)) {
            let uri = resource.uri(cx.model.system_id(), cx.model.manager_id(), cx.model.chassis_id());
            if directory.is_some_and(|directory| is_directory(&uri, directory)) {
                continue;
            }
            let row = &self.tree.oem[number(resource.below, profile.oem.is_writable(&resource.generic))];
            let document = render::document(&OfNode::at(&below, &uri), row, &self.constants);
            each(&document, &Target::Node(row, Part::Document).allow());
        }
    }

    /// The documents and collections of a row. The members of a collection that shows them whole are left out.
    fn resources_of<O: Owner>(
        &self,
        cx: &O::Cx<'_>,
        row: &'static Row<O>,
        model: Model<'_>,
        target: fn(&'static Row<O>, Part<O>) -> Target,
        each: &mut dyn FnMut(&Document, &HeaderValue),
    ) {
        let path = row.resource.path;
        if let Some(over) = &row.resource.collection {
            let mut of_collection = |cx: &O::Cx<'_>| {
                if render::exists(cx, row) {
                    let list = render::collection(cx, row, over, Page::WHOLE, &self.constants);
                    each(&list, &target(row, Part::Collection(over)).allow());
                }
            };
            Walk { row, model, each: &mut of_collection }.go(cx, String::new(), parent(path));
            if over.is_expanded {
                return;
            }
        }
        let mut of_document = |cx: &O::Cx<'_>| {
            if render::exists(cx, row) {
                // The facts live at most as long as the cache of constant parts.
                let ids = O::ids(cx).to_vec();
                let cx = O::member(cx, O::uri(O::model(cx)), &ids);
                let document = render::document(&cx, row, &self.constants);
                each(&document, &target(row, Part::Document).allow());
            }
        };
        Walk { row, model, each: &mut of_document }.go(cx, String::new(), path);
    }

    /// The resource at a path: one of the table, or one that the model of the machine adds.
    pub(super) fn route<'p>(&self, root: &Root<'_>, path: &'p str) -> Option<Route<'p>> {
        self.tree.find(path, root.is_own()).or_else(|| self.oem_route(root, path))
    }

    fn oem_route<'p>(&self, root: &Root<'_>, path: &'p str) -> Option<Route<'p>> {
        let (below, node, tail) = split(path)?;
        let look = |profile: &Profile| {
            let found = profile.oem.at(below, tail).filter(|found| *found.tail == *tail)?;
            Some(number(below, profile.oem.is_writable(&found.generic)))
        };
        let row = self.with_profile(root, node, look)??;
        Some(Route { target: Target::Node(&self.tree.oem[row], Part::Document), node, ids: Vec::new() })
    }

    /// Looks at the model of the machine that a path is about. A root that several machines share has none.
    fn with_profile<R>(
        &self,
        root: &Root<'_>,
        node: Option<(IdOf, &str)>,
        look: impl FnOnce(&Profile) -> R,
    ) -> Option<R> {
        match (root.node(), node) {
            (Some(own), _) => Some(look(own.profile())),
            (None, Some((_, key))) => {
                let id = self.fleet.find(key.parse().ok()?)?;
                self.fleet.identify(id, |node, _| look(node.profile()))
            }
            (None, None) => None,
        }
    }

    /// The path as documents spell it, if the model takes another spelling.
    pub(super) fn respelled(&self, root: &Root<'_>, path: &str) -> Option<String> {
        let aliased = root.node().and_then(|node| node.profile().aliased(path));
        let path = aliased.as_deref().unwrap_or(path);
        let Some(plain) = self.tree.respelled(path) else { return aliased };
        let (below, node, tail) = split(&plain).unwrap_or((Below::Root, None, ""));
        let in_any_case = self.with_profile(root, node, |profile| {
            if !profile.has(Quirk::AnyCasePaths) {
                return None;
            }
            let found = profile.oem.at(below, tail);
            let before = plain.trim_end_matches('/').len() - tail.len();
            let respelled = found.map(|found| format!("{}{}", &plain[..before], found.tail));
            Some(respelled.unwrap_or_else(|| plain.clone()))
        });
        in_any_case.flatten().or(aliased)
    }
}

/// The overlay of a document with the values that the node has for declared properties. `generic` is the path of its row.
pub(super) fn valued<'a>(cx: &NodeCx<'a>, generic: &str, overlay: &'a Overlay) -> Cow<'a, Overlay> {
    let oem = &cx.profile().oem;
    let kept = &cx.node.bmc().extras.oem;
    if oem.properties.is_empty() {
        return Cow::Borrowed(overlay);
    }
    let mut valued = Cow::Borrowed(overlay);
    let place = place(generic, cx.ids);
    for property in oem.of(generic) {
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
    read: impl FnOnce(&mut Body) -> Asked<OfNode>,
) -> Asked<OfNode> {
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
    Ok(Some(Command::Oem(Change { values, rest: rest.or(order).map(Box::new) })))
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
                    refuse(&PROPERTY_VALUE_NOT_IN_LIST, [&shown, key])
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

/// A PATCH of an OEM resource: what `extended` has not taken is no property that a client can change.
fn patch(_: &NodeCx<'_>, _: &mut Body) -> Asked<OfNode> {
    Ok(None)
}
