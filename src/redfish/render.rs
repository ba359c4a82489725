//! From a row of the table to bytes: documents with their links and actions, collections, their headers.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::JSON;
use super::doc::Doc;
use super::protocol::{ODATA_4, ODATA_VERSION, allow};
use super::query::Page;
use super::resource::Cx;
use super::tree::{Row, TREE, Target};
use super::value::Plain;
use crate::profile::memo::Memo;

/// A rendered document.
pub(super) struct Document {
    bytes: Vec<u8>,
    hash: u64,
}

impl Document {
    /// Its strong ETag, quoted.
    pub(super) fn etag(&self) -> [u8; 18] {
        let mut tag = [b'"'; 18];
        for (place, digit) in tag[1..17].iter_mut().zip((0..16).rev()) {
            *place = b"0123456789ABCDEF"[(self.hash >> (digit * 4) & 0xf) as usize];
        }
        tag
    }

    /// Its text.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A document of these bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        Self { bytes, hash }
    }

    /// Its text, alone.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The same resource, shown otherwise.
    pub(super) fn with_bytes(self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self }
    }

    /// Whether it has that property at its top level.
    pub(super) fn has(&self, key: &str) -> bool {
        let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&self.bytes);
        parsed.is_ok_and(|document| document.get(key).is_some())
    }

    /// The answer to a GET of it.
    pub(super) fn answer(self, asked: &HeaderMap, target: Target) -> Response<Bytes> {
        let tag = self.etag();
        let unchanged = asked.get(header::IF_NONE_MATCH).is_some_and(|t| t.as_bytes() == tag);
        let mut response = answer(if unchanged { Bytes::new() } else { Bytes::from(self.bytes) }, target);
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let tag = HeaderValue::from_bytes(&tag).expect("hex digits and quotes");
        response.headers_mut().insert(header::ETAG, tag);
        response
    }
}

/// The answer to a GET, but for the ETag.
pub(super) fn answer<B>(body: B, target: Target) -> Response<B> {
    /// Headers of documents and of collections, row by row: they are copied, which costs less than to put them together.
    static HEADERS: LazyLock<Vec<[HeaderMap; 2]>> = LazyLock::new(|| {
        let rows = 0..TREE.rows.len();
        rows.map(|row| [Target::Document(row), Target::Collection(row)].map(headers)).collect()
    });
    let mut response = Response::new(body);
    *response.headers_mut() = match target {
        Target::Document(row) => HEADERS[row][0].clone(),
        Target::Collection(row) => HEADERS[row][1].clone(),
        Target::Action(..) | Target::Members(_) | Target::Versions | Target::Odata | Target::Metadata => {
            headers(target)
        }
    };
    response
}

fn headers(target: Target) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(&ODATA_VERSION, ODATA_4);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ALLOW, allow(target));
    let schema = match target {
        Target::Document(row) => TREE.rows[row].resource.schema().to_owned(),
        Target::Collection(row) => format!("{}Collection", TREE.rows[row].resource.type_name()),
        Target::Action(..) | Target::Members(_) | Target::Versions | Target::Odata | Target::Metadata => {
            return headers;
        }
    };
    // DSP0266, "Response headers".
    let link = format!("<http://redfish.dmtf.org/schemas/v1/{schema}.json>; rel=describedby");
    headers.insert(header::LINK, HeaderValue::from_str(&link).expect("type names are ASCII"));
    headers
}

/// Whether the node (or service) of `cx` has the row, and each part that its path names.
pub(super) fn exists(cx: &Cx<'_>, row: usize, ids: usize) -> bool {
    let entry = &TREE.rows[row];
    if cx.node.is_some_and(|n| n.profile().lacks(&entry.generic)) {
        return false;
    }
    parts_exist(cx, entry.resource.path, ids) && (entry.resource.present)(cx)
}

/// Whether the collection over the row stands where `cx` is.
pub(super) fn collection_exists(cx: &Cx<'_>, row: usize) -> bool {
    let entry = &TREE.rows[row];
    if cx.node.is_some_and(|n| n.profile().lacks(&entry.generic)) {
        return false;
    }
    let above = entry.resource.path.rsplit_once('/').map_or("", |(above, _)| above);
    parts_exist(cx, above, cx.ids.len()) && (entry.resource.present)(cx)
}

/// Asks, for each id on the way along `path`, the row that ends there whether it has such a member.
fn parts_exist(cx: &Cx<'_>, path: &str, ids: usize) -> bool {
    let mut wanted = ids;
    let mut at = path;
    while wanted > 0 {
        if at.ends_with('}')
            && let Some(row) = TREE.rows.iter().find(|r| r.resource.path == at)
            && let Some(members) = row.resource.members
        {
            wanted -= 1;
            let above = Cx { ids: &cx.ids[..wanted], ..*cx };
            let mut found = false;
            members(&above, &mut |id| found |= id == cx.ids[wanted]);
            if !found {
                return false;
            }
        }
        let Some((above, _)) = at.rsplit_once('/') else { return false };
        at = above;
    }
    true
}

/// Renders a row's document.
pub(super) fn document(cx: &Cx<'_>, row: usize) -> Document {
    let entry = &TREE.rows[row];
    let resource = entry.resource;
    // What nodes of several models share is nobody's; where all are of one model, the service is that model's too.
    let shared = if cx.node.is_none() { cx.redfish.fleet.only_profile() } else { None };
    let profile = cx.node.map(|n| &**n.profile()).or(shared.as_deref());
    let overlay = profile.and_then(|p| p.overlays.get(resource.type_name()));
    let mut d = Doc::new(overlay, cx.node.map(|n| (n.spec(), cx.own)));
    if let Some(node) = cx.node {
        d = d.remembered_by(&node.profile().memo, row, cx.node_key);
    }
    d.put("@odata.id", Plain(cx.uri));
    d.join("@odata.type", &["#", resource.kind]);
    (resource.get)(cx, &mut d);
    if cx.ids.is_empty() {
        d.same(Memo::END, |d| end_document(cx, entry, d));
    } else {
        // It has the ids in its links.
        end_document(cx, entry, &mut d);
    }
    let (bytes, hash) = d.finish();
    Document { bytes, hash }
}

/// Links to what is below a resource, and its actions.
fn end_document(cx: &Cx<'_>, entry: &Row, d: &mut Doc<'_>) {
    for child in &entry.children {
        let below = &TREE.rows[child.row];
        let lacking = cx.node.is_some_and(|n| n.profile().lacks(&below.generic));
        if !lacking && (below.resource.present)(cx) {
            d.link(child.property, &[cx.uri, "/", child.segment]);
        }
    }
    if !entry.resource.actions.is_empty() {
        d.object("Actions", |d| {
            for action in entry.resource.actions {
                d.object(action.key, |d| {
                    d.join("target", &[cx.uri, "/Actions/", action.name()]);
                    (action.describe)(cx, d);
                });
            }
        });
    }
}

/// Renders the collection over a row of parts of one node, or of the service.
pub(super) fn collection(cx: &Cx<'_>, row: usize, page: Page) -> Document {
    collection_of(cx, row, page, |d| {
        let mut count = 0;
        members(cx, row, &mut |id| {
            if count >= page.skip && count - page.skip < page.top {
                d.item_link(&[cx.uri, "/", id]);
            }
            count += 1;
        });
        count
    })
}

/// Renders the collection over a row around its members. `members` writes those of the page, and says how many there are
/// in all.
pub(super) fn collection_of(
    cx: &Cx<'_>,
    row: usize,
    page: Page,
    members: impl FnOnce(&mut Doc<'_>) -> usize,
) -> Document {
    let resource = TREE.rows[row].resource;
    let over = resource.collection.expect("only rows with a collection have a route to one");
    let mut kind = resource.type_name().to_owned();
    kind.push_str("Collection");
    let overlay = cx.node.and_then(|n| n.profile().overlays.get(&kind));
    let mut d = Doc::new(overlay, cx.node.map(|n| (n.spec(), cx.own)));
    d.put("@odata.id", cx.uri);
    d.join("@odata.type", &["#", &kind, ".", &kind]);
    d.put("Name", over.name);
    (over.annotate)(cx, &mut d);
    let mut count = 0;
    d.array("Members", |d| count = members(d));
    d.put("Members@odata.count", count);
    let end = page.skip.saturating_add(page.top);
    if end < count {
        d.put("Members@odata.nextLink", format!("{}?$skip={end}&$top={}", cx.uri, page.top));
    }
    let (bytes, hash) = d.finish();
    Document { bytes, hash }
}

/// Calls back with the id of each member of such a collection. What a node has one of has no list of them: there is one.
fn members(cx: &Cx<'_>, row: usize, each: &mut dyn FnMut(&str)) {
    let resource = TREE.rows[row].resource;
    match (resource.members, resource.path.rsplit('/').next()) {
        (Some(members), _) => members(cx, each),
        (None, Some("{Manager}")) => each(cx.manager_id()),
        (None, Some("{Chassis}")) => each(cx.chassis_id()),
        (None, _) => each(cx.system_id()),
    }
}
