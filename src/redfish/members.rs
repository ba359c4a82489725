//! Collections with a member for each node, or for parts of each. They are as long as the fleet, so a long one is never
//! there as a whole: it is written while the client takes it.

use std::ops::Deref;

use bytes::Bytes;
use uuid::Uuid;

use super::query::Page;
use super::render::{self, Document};
use super::resource::Cx;
use super::tree::{TREE, Target};
use super::{Redfish, meters};
use crate::node::NodeId;

/// Members up to which an answer is built as a whole, and has an ETag; some 60 KiB of links.
pub(super) const WHOLE: usize = 512;
/// Bytes of links to a part of an answer, roughly.
const PART_BYTES: usize = 32 << 10;

/// A part of such a collection that has been asked for.
pub(super) struct List {
    row: usize,
    uri: Box<str>,
    page: Page,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Members that it shows, at most.
    pub(super) shown: usize,
}

impl List {
    /// The collection over a row, if that is one over nodes.
    pub(super) fn of(cx: &Cx<'_>, row: usize, page: Page) -> Option<Self> {
        let resource = TREE.rows[row].resource;
        let over_nodes = ["{System}", "{Manager}", "{Chassis}", "{Software}"];
        if cx.node.is_some() || !over_nodes.iter().any(|word| resource.path.ends_with(word)) {
            return None;
        }
        let fleet = &cx.redfish.fleet;
        let count = match resource.members {
            None => fleet.len() as usize,
            Some(_) => {
                let mut count = 0;
                fleet.ids().for_each(|id| of_node(cx.redfish, row, id, &mut |_, _| count += 1));
                count
            }
        };
        let mut head = render::collection_of(cx, row, page, |_| count).into_bytes();
        let members = b"\"Members\":[";
        let start = head.windows(members.len()).position(|w| w == members);
        let tail = head.split_off(start.expect("a collection has members") + members.len());
        let shown = page.top.min(count.saturating_sub(page.skip));
        Some(Self { row, uri: cx.uri.into(), page, head, tail, shown })
    }

    /// Its text, part by part, each counted as sent.
    pub(super) fn parts<R: Deref<Target = Redfish> + Clone>(self, redfish: R) -> impl Iterator<Item = Bytes> {
        let (meter, kind) = (redfish.clone(), meters::kind(Some(Target::Collection(self.row))));
        self.texts(redfish).inspect(move |text| meter.requests.sent(kind, text.len()))
    }

    fn texts<R: Deref<Target = Redfish>>(self, redfish: R) -> Parts<R> {
        let (mut ids, mut skip) = (0..redfish.fleet.next_index(), self.page.skip);
        // Where no node is missing, the node of a place in the list is known without a walk.
        if ids.len() == redfish.fleet.len() as usize && TREE.rows[self.row].resource.members.is_none() {
            ids.start = u32::try_from(skip).unwrap_or(u32::MAX).min(ids.end);
            skip = 0;
        }
        Parts { redfish, ids, skip, left: self.shown, list: Some(self) }
    }

    /// All of it, as a document.
    pub(super) fn whole(self, redfish: &Redfish) -> Document {
        Document::of(self.texts(redfish).flatten().collect())
    }
}

/// The text of a list, part by part.
struct Parts<R> {
    redfish: R,
    ids: std::ops::Range<u32>,
    /// Members that are still to be passed over.
    skip: usize,
    /// Members that may still be shown.
    left: usize,
    /// Until the end is written.
    list: Option<List>,
}

impl<R: Deref<Target = Redfish>> Iterator for Parts<R> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut list = self.list.take()?;
        let mut out = std::mem::take(&mut list.head);
        out.reserve(PART_BYTES + 256);
        let (skip, left, shown) = (&mut self.skip, &mut self.left, list.shown);
        while out.len() < PART_BYTES && *left > 0 {
            let Some(id) = self.ids.next() else { break };
            of_node(&self.redfish, list.row, NodeId(id), &mut |key, part| {
                if *skip > 0 || *left == 0 {
                    *skip = skip.saturating_sub(1);
                    return;
                }
                let comma = if *left < shown { "," } else { "" };
                let dash = if part.is_empty() { "" } else { "-" };
                for text in [comma, "{\"@odata.id\":\"", &list.uri, "/", key, dash, part, "\"}"] {
                    out.extend_from_slice(text.as_bytes());
                }
                *left -= 1;
            });
        }
        if self.ids.is_empty() || *left == 0 {
            out.extend_from_slice(&list.tail);
        } else {
            self.list = Some(list);
        }
        Some(out.into())
    }
}

/// Calls back with each member that a node has in the collection over a row: the node's key, and the part's id if the
/// member is a part.
fn of_node(redfish: &Redfish, row: usize, id: NodeId, each: &mut dyn FnMut(&str, &str)) {
    redfish.fleet.identify(id, |node, now| {
        let mut buffer = Uuid::encode_buffer();
        let key: &str = node.spec().uuid().hyphenated().encode_lower(&mut buffer);
        match TREE.rows[row].resource.members {
            None => each(key, ""),
            Some(members) => {
                let cx = Cx { redfish, node: Some(node), now, uri: "", ids: &[], node_key: key, own: false };
                members(&cx, &mut |part| each(key, part));
            }
        }
    });
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
    use crate::redfish::Content;
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
    fn a_long_list_is_written_part_by_part_and_none_is_as_long_as_the_fleet() {
        let redfish = redfish(3000);
        for path in ["Systems", "Managers", "Chassis", "UpdateService/FirmwareInventory"] {
            let request = asked(&format!("/redfish/v1/{path}"));
            let Content::List(list) = redfish.answer(&request).into_body() else { panic!("it is short") };
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
    fn what_looks_at_each_member_wants_a_page() {
        let redfish = redfish(3000);
        let status = |query: &str| redfish.call(&asked(&format!("/redfish/v1/Systems?{query}"))).status();
        assert_eq!(
            (status("$select=Name"), status("$select=Name&$top=512")),
            (400.try_into().unwrap(), 200.try_into().unwrap())
        );
        assert_eq!(status("$expand=."), 400);
        assert_eq!(status("only"), 200);
    }
}
