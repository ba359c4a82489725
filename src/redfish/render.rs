//! Renders a row of the table: whether a resource exists, its document with links and actions, its collection.

use super::action::{ACTION_INFO_SCHEMA, Action};
use super::constants::{Constants, Part as Constant};
use super::doc::Doc;
use super::document::Document;
use super::oem_rows;
use super::query::Page;
use super::resource::{Collection, Owner};
use super::row::Row;
use super::value::Plain;
use crate::profile::Profile;
use crate::profile::overlay::Overlay;
use crate::profile::quirk::Quirk;

/// Whether the resource exists: the model has it, and each id in its path is a member's.
pub(super) fn exists<O: Owner>(cx: &O::Cx<'_>, row: &Row<O>) -> bool {
    let (model, ids) = (O::model(cx), O::ids(cx));
    let is_member = |n: usize| {
        let mut found = false;
        // The path of a collection has one id less than its row.
        (row.ids[n])(&O::first_ids(cx, n), &mut |id| found |= id == ids[n]);
        found
    };
    !O::lacks(model, &row.generic) && (0..ids.len()).all(is_member) && (row.resource.present)(model)
}

/// Whether a resource that exists has an action of its row.
pub(super) fn offers<O: Owner>(cx: &O::Cx<'_>, row: &Row<O>, action: &Action<O>) -> bool {
    (row.resource.offers)(O::model(cx), action)
}

/// Renders the document of a resource that exists.
pub(super) fn document<'a, O: Owner>(cx: &O::Cx<'a>, row: &'a Row<O>, constants: &'a Constants) -> Document {
    let (resource, model) = (row.resource, O::model(cx));
    let (overlay, generic, kind) = overlay(cx, row);
    let overlay = overlay.map(|overlay| O::valued(cx, generic, overlay));
    let constants = O::constants(cx, constants, row.number);
    let mut d = Doc::new(overlay.as_deref(), O::overlay_facts(cx)).with_constants(constants);
    d.put("@odata.id", Plain(O::uri(model)));
    d.join("@odata.type", &["#", kind]);
    (resource.get)(cx, &mut d);
    d.cached(Constant::End, |d| end(model, row, d));
    let document = Document::new(d.finish()).with_etag(shows_etag(O::overlaid_by(cx)));
    let is_other = !std::ptr::eq(kind, resource.kind) && resource.kind != oem_rows::KIND;
    if is_other { document.with_schema(kind) } else { document }
}

/// The overlay of a document, the path by which a profile names the resource, and its type.
pub(super) fn overlay<'a, O: Owner>(
    cx: &O::Cx<'a>,
    row: &'a Row<O>,
) -> (Option<&'a Overlay>, &'a str, &'a str) {
    let (generic, kind) = (row.generic.as_str(), row.resource.kind);
    if row.resource.kind == oem_rows::KIND
        && let Some(found) = O::oem(cx)
    {
        return (Some(&found.document), &found.generic, &found.kind);
    }
    let Some(profile) = O::overlaid_by(cx) else { return (None, generic, kind) };
    let name = row.resource.type_name();
    let kind =
        if profile.kinds.is_empty() { kind } else { profile.kinds.get(name).map_or(kind, String::as_str) };
    (profile.overlay(generic, name), generic, kind)
}

/// Writes the end of a document: links to the resources below it, and actions. All of it follows from the model.
fn end<O: Owner>(model: &O::Model<'_>, row: &Row<O>, d: &mut Doc<'_>) {
    let uri = O::uri(model);
    for child in &row.children {
        if !O::lacks(model, &child.generic) && child.present.is_none_or(|present| present(model)) {
            d.link(child.property, &[uri, "/", child.segment]);
        }
    }
    if !row.resource.actions.is_empty() {
        let profile = O::profile(model);
        d.object("Actions", |d| {
            for action in row.resource.actions.iter().filter(|action| (row.resource.offers)(model, action)) {
                let describes = describes(profile, action.name());
                d.object(action.key, |d| action.offer(model, describes, d));
            }
        });
    }
}

/// Whether a model has the `ActionInfo` of an action. A service over several models has.
pub(super) fn describes(model: Option<&Profile>, action: &str) -> bool {
    model.is_none_or(|model| {
        !model.has(Quirk::NoActionInfo) || model.action_info.iter().any(|name| name == action)
    })
}

/// Renders the `ActionInfo` of an action of a resource that exists.
pub(super) fn action_info<O: Owner>(cx: &O::Cx<'_>, action: &Action<O>) -> Document {
    let (profile, model) = (O::overlaid_by(cx), O::model(cx));
    let overlay = profile.and_then(|profile| profile.overlays.get("ActionInfo"));
    let mut d = Doc::new(overlay, O::overlay_facts(cx));
    d.put("@odata.id", Plain(O::uri(model)));
    d.join("@odata.type", &["#", ACTION_INFO_SCHEMA, ".ActionInfo"]);
    action.describe(model, &mut d);
    Document::new(d.finish()).with_etag(shows_etag(profile))
}

/// Renders a collection of parts of one node, or of the service.
pub(super) fn collection<O: Owner>(
    cx: &O::Cx<'_>,
    row: &Row<O>,
    over: &Collection<O>,
    page: Page,
    constants: &Constants,
) -> Document {
    let uri = O::uri(O::model(cx));
    let facts = O::overlay_facts(cx);
    let kind = format!("{}Collection", row.resource.type_name());
    let overlay = facts.and_then(|(node, _)| node.profile().overlays.get(&kind));
    let mut d = Doc::new(overlay, facts);
    begin_collection(&mut d, uri, &kind, over.name);
    if let Some(annotate) = over.annotate {
        annotate(cx, &mut d);
    }
    let ends_in_slash = row.resource.type_name() == "Manager"
        && O::overlaid_by(cx).is_some_and(|model| model.has(Quirk::SlashAfterManagers));
    let end = if ends_in_slash { "/" } else { "" };
    let mut count = 0;
    d.array("Members", |d| {
        (over.members)(cx, &mut |id| {
            if count >= page.skip && count - page.skip < page.top {
                if over.is_expanded {
                    d.item_document(member(cx, row, id, constants).bytes());
                } else {
                    d.item_link(&[uri, "/", id, end]);
                }
            }
            count += 1;
        });
    });
    end_collection(&mut d, uri, page, count);
    Document::new(d.finish()).with_etag(shows_etag(O::overlaid_by(cx)))
}

/// Renders a member of a collection.
fn member<O: Owner>(cx: &O::Cx<'_>, row: &Row<O>, id: &str, constants: &Constants) -> Document {
    let uri = [O::uri(O::model(cx)), "/", id].concat();
    let ids: Vec<&str> = O::ids(cx).iter().copied().chain([id]).collect();
    document(&O::member(cx, &uri, &ids), row, constants)
}

/// Whether documents of a model have their ETag in them. Those of a service over several models have.
pub(super) fn shows_etag(model: Option<&Profile>) -> bool {
    !model.is_some_and(|model| model.has(Quirk::NoEtagInBodies))
}

/// Writes the properties of a collection that come before its members. `kind` is its type, `ChassisCollection`.
pub(super) fn begin_collection(d: &mut Doc<'_>, uri: &str, kind: &str, name: &str) {
    d.put("@odata.id", uri);
    d.join("@odata.type", &["#", kind, ".", kind]);
    d.put("Name", name);
}

/// Writes the properties of a collection that come after its members. `count` members are in the whole collection.
pub(super) fn end_collection(d: &mut Doc<'_>, uri: &str, page: Page, count: usize) {
    d.put("Members@odata.count", count);
    let end = page.skip.saturating_add(page.top);
    if end < count {
        d.put("Members@odata.nextLink", format!("{uri}?$skip={end}&$top={}", page.top));
    }
}
