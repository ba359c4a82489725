//! Collections with a member for each node, or for parts of each node. Such a collection is as long as the fleet, so a long
//! one is never in memory as a whole: it is written while the client reads it.

use std::ops::{Deref, Range};
use std::vec;

use bytes::Bytes;
use uuid::Uuid;

use super::context::{Model, NodeCx};
use super::doc::Doc;
use super::document::Document;
use super::query::Page;
use super::render::{begin_collection, end_collection, shows_etag};
use super::resource::{Collection, OfNode};
use super::row::{Row, Target};
use super::service::Redfish;
use crate::node::{Node, NodeId};

/// The size of a part of a longer response, roughly.
const PART_BYTES: usize = 32 << 10;

/// A page of such a collection.
pub(super) struct List {
    row: &'static Row<OfNode>,
    over: &'static Collection<OfNode>,
    uri: Box<str>,
    page: Page,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Members on the page.
    pub(super) shown: usize,
}

impl List {
    /// A page of the collection above a row. `over` is that collection.
    pub(super) fn new(
        redfish: &Redfish,
        row: &'static Row<OfNode>,
        over: &'static Collection<OfNode>,
        uri: &str,
        page: Page,
    ) -> Self {
        let count = if is_one_a_node(row) {
            redfish.fleet.len() as usize
        } else {
            let mut count = 0;
            let ids = Ids::all(redfish, over);
            ids.for_each(|id| members_of(redfish, row, over, id, &mut |_, _| count += 1));
            count + ids_of_service(redfish, row).len()
        };
        let kind = format!("{}Collection", row.resource.type_name());
        let (mut d, mut at) = (Doc::new(None, None), 0);
        begin_collection(&mut d, uri, &kind, over.name);
        d.array("Members", |d| at = d.len());
        end_collection(&mut d, uri, page, count);
        let mut head = d.finish().0;
        let tail = head.split_off(at);
        let shown = page.top.min(count.saturating_sub(page.skip));
        Self { row, over, uri: uri.into(), page, head, tail, shown }
    }

    pub(super) fn target(&self) -> Target {
        Target::OverNodes(self.row, self.over)
    }

    /// The text, part by part.
    pub(super) fn parts<R: Deref<Target = Redfish>>(self, redfish: R) -> Parts<R> {
        let (mut ids, mut skip) = (Ids::all(&redfish, self.over), self.page.skip);
        // If no node has been removed, the first node of the page is known without counting.
        if let Ids::All(ids) = &mut ids
            && ids.len() == redfish.fleet.len() as usize
            && is_one_a_node(self.row)
        {
            ids.start = u32::try_from(skip).unwrap_or(u32::MAX).min(ids.end);
            skip = 0;
        }
        Parts { redfish, ids, skip, left: self.shown, list: Some(self) }
    }

    /// The whole text as a document.
    pub(super) fn whole(self, redfish: &Redfish) -> Document {
        let models = redfish.fleet.profiles();
        let only = if let [only] = &models[..] { Some(&**only) } else { None };
        Document::of(self.parts(redfish).flatten().collect()).with_etag(shows_etag(only))
    }
}

/// The text of a list, part by part.
pub(super) struct Parts<R> {
    redfish: R,
    ids: Ids,
    skip: usize,
    /// Members still to write.
    left: usize,
    /// `None` once the end is written.
    list: Option<List>,
}

impl<R: Deref<Target = Redfish>> Iterator for Parts<R> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut list = self.list.take()?;
        let mut out = std::mem::take(&mut list.head);
        out.reserve(PART_BYTES + 256);
        let (skip, left, shown) = (&mut self.skip, &mut self.left, list.shown);
        let mut more = *left > 0;
        let mut write = |out: &mut Vec<u8>, id: [&str; 3]| {
            if *skip > 0 || *left == 0 {
                *skip = skip.saturating_sub(1);
                return *left > 0;
            }
            let comma = if *left < shown { "," } else { "" };
            for text in [comma, "{\"@odata.id\":\"", &list.uri, "/", id[0], id[1], id[2], "\"}"] {
                out.extend_from_slice(text.as_bytes());
            }
            *left -= 1;
            *left > 0
        };
        while out.len() < PART_BYTES && more {
            let Some(id) = self.ids.next() else { break };
            members_of(&self.redfish, list.row, list.over, id, &mut |uuid, part| {
                let dash = if part.is_empty() { "" } else { "-" };
                more = write(&mut out, [uuid, dash, part]);
            });
        }
        if self.ids.are_used_up() {
            ids_of_service(&self.redfish, list.row)
                .iter()
                .for_each(|id| more = write(&mut out, [id, "", ""]));
        }
        if self.ids.are_used_up() || !more {
            out.extend_from_slice(&list.tail);
        } else {
            self.list = Some(list);
        }
        Some(out.into())
    }
}

/// The nodes that may have members, in order.
enum Ids {
    All(Range<u32>),
    /// A few nodes: 4 bytes each while the list is written.
    Few(vec::IntoIter<NodeId>),
}

impl Ids {
    fn all(redfish: &Redfish, over: &Collection<OfNode>) -> Self {
        if over.only_with_tasks {
            Self::Few(redfish.fleet.with_tasks().into_iter())
        } else {
            Self::All(0..redfish.fleet.next_index())
        }
    }

    fn are_used_up(&self) -> bool {
        match self {
            Self::All(ids) => ids.is_empty(),
            Self::Few(ids) => ids.as_slice().is_empty(),
        }
    }
}

impl Iterator for Ids {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        match self {
            Self::All(ids) => ids.next().map(NodeId),
            Self::Few(ids) => ids.next(),
        }
    }
}

/// Whether the collection has exactly one member for each node.
fn is_one_a_node(row: &Row<OfNode>) -> bool {
    row.ids.is_empty()
}

/// The ids of the members that are parts of the service. They follow those of the nodes.
pub(super) fn ids_of_service(redfish: &Redfish, row: &Row<OfNode>) -> Vec<String> {
    if row.resource.monitor.is_none() {
        return Vec::new();
    }
    redfish.aggregates.tasks().iter().map(u32::to_string).collect()
}

/// The URIs of the members that a node has in the collection at `uri`.
pub(super) fn uris_of(
    redfish: &Redfish,
    row: &Row<OfNode>,
    over: &Collection<OfNode>,
    uri: &str,
    id: NodeId,
) -> Vec<String> {
    let mut uris = Vec::new();
    members_of(redfish, row, over, id, &mut |uuid, part| {
        let dash = if part.is_empty() { "" } else { "-" };
        uris.push([uri, "/", uuid, dash, part].concat());
    });
    uris
}

/// Calls back with each member that a node has in the collection: the node's UUID, and the part's id if the member is a
/// part.
fn members_of(
    redfish: &Redfish,
    row: &Row<OfNode>,
    over: &Collection<OfNode>,
    id: NodeId,
    each: &mut dyn FnMut(&str, &str),
) {
    let list = |node: &Node, now| {
        let mut buffer = Uuid::encode_buffer();
        let uuid: &str = node.spec().uuid().hyphenated().encode_lower(&mut buffer);
        if is_one_a_node(row) {
            return each(uuid, "");
        }
        let model = Model { profile: node.profile(), uuid, own_root: false, uri: "" };
        if node.profile().lacks(&row.generic) {
            return;
        }
        let cx = NodeCx { facts: &redfish.facts, node, model, now, ids: &[], measure: redfish };
        (over.members)(&cx, &mut |part| each(uuid, part));
    };
    // Tasks come and go with time. All other members follow from the model and from what clients have created.
    if over.only_with_tasks {
        redfish.fleet.look(id, list);
    } else {
        redfish.fleet.identify(id, list);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Request, Response};
    use serde_json::Value;

    use super::*;
    use crate::clock::Clock;
    use crate::fleet::Fleet;
    use crate::profile::built_in;
    use crate::redfish::answer::Content;
    use crate::redfish::auth::Account;
    use crate::seed::Seed;
    use crate::time::SimTime;

    fn redfish(nodes: u32) -> Redfish {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(0)));
        fleet.add(&built_in("generic").unwrap(), nodes).unwrap();
        Redfish::new(Arc::new(fleet), Account::new("admin", "password"))
    }

    fn asked(uri: &str) -> Request<Bytes> {
        let request = Request::get(uri).header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
        request.body(Bytes::new()).unwrap()
    }

    fn members(response: &Response<Bytes>) -> (Vec<String>, Value) {
        let json: Value = serde_json::from_slice(response.body()).unwrap();
        let members = json["Members"].as_array().unwrap().iter();
        (members.map(|m| m["@odata.id"].as_str().unwrap().to_owned()).collect(), json)
    }

    #[test]
    fn a_long_list_is_written_in_parts_of_limited_size() {
        let redfish = redfish(3000);
        for path in ["Systems", "Managers", "Chassis", "UpdateService/FirmwareInventory"] {
            let request = asked(&format!("/redfish/v1/{path}"));
            let Content::List(list) = redfish.call_shared(None, &request).into_body() else {
                panic!("it is short")
            };
            let parts: Vec<_> = list.parts(&redfish).collect();
            assert!(parts.len() > 6 && parts.iter().all(|p| p.len() < PART_BYTES + 1024), "{path}");
            let (all, json) = members(&Response::new(parts.concat().into()));
            assert_eq!(all.len(), json["Members@odata.count"], "{path}");
            let mut distinct = all.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), all.len(), "{path}");
            assert_eq!(redfish.call(&asked(&all[all.len() - 1])).status(), 200, "{path}");
        }
    }

    #[test]
    fn pages_join_to_the_whole_with_and_without_gaps() {
        let redfish = redfish(1500);
        for gaps in [false, true] {
            if gaps {
                for index in (0..1500).step_by(7) {
                    redfish.fleet.remove(NodeId(index));
                }
            }
            let (all, _) = members(&redfish.call(&asked("/redfish/v1/Systems")));
            assert_eq!(all.len(), redfish.fleet.len() as usize);
            for size in [400, 600] {
                let mut joined = Vec::new();
                let mut next = Some(format!("/redfish/v1/Systems?$top={size}"));
                while let Some(uri) = next {
                    let (page, json) = members(&redfish.call(&asked(&uri)));
                    assert!(page.len() <= size && json["Members@odata.count"] == all.len());
                    joined.extend(page);
                    next = json["Members@odata.nextLink"].as_str().map(str::to_owned);
                }
                assert_eq!(joined, all);
            }
            assert!(members(&redfish.call(&asked("/redfish/v1/Systems?$skip=99999&$top=9"))).0.is_empty());
        }
    }

    #[test]
    fn a_query_that_changes_each_member_is_answered_page_by_page() {
        let redfish = redfish(600);
        let (all, _) = members(&redfish.call(&asked("/redfish/v1/Systems")));
        for (query, longest) in [
            ("$expand=.&$select=Id", 256),
            ("$expand=.($levels=2)&$select=Id", 256),
            ("$select=Members&$top=590", 512),
            ("$skip=0&$expand=.&$top=300", 256),
            ("$expand=.&$top=100", 100),
        ] {
            let mut joined = Vec::new();
            let mut next = Some(format!("/redfish/v1/Systems?{query}"));
            while let Some(uri) = next {
                let (page, json) = members(&redfish.call(&asked(&uri)));
                assert!((1..=longest).contains(&page.len()), "{query}: {} members", page.len());
                assert_eq!(json["Members@odata.count"], all.len());
                if query.contains("expand") {
                    assert!(
                        json["Members"].as_array().unwrap().iter().all(|m| m["Id"].is_string()),
                        "{query}"
                    );
                }
                joined.extend(page);
                next = json["Members@odata.nextLink"].as_str().map(str::to_owned);
            }
            assert!(joined == all, "{query}: {} of {} members", joined.len(), all.len());
        }
    }
}
