//! A query that needs other documents than the one at its path: the only member, the members that a filter is true for,
//! expanded links.

use http::Method;

use super::answer::Answer;
use super::ask::{Ask, By, Does};
use super::client::{Client, May};
use super::document::Document;
use super::error::Problem;
use super::list;
use super::query::{Page, Place, Search};

use super::root::Root;
use super::row::Target;
use super::service::Redfish;
use super::trace::Trace;
use super::tree::Route;
use crate::node::NodeId;

impl Redfish {
    /// Applies the query to a document: the only member, members found, links expanded, properties selected.
    pub(super) fn select(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        answer: Answer,
    ) -> Result<Answer, Problem> {
        let Some(query) = &ask.query else { return Ok(answer) };
        match answer {
            Answer::Document(collection, target) => {
                let client = ask.by.client;
                let member = query.only_member(&collection).and_then(|uri| self.read(root, client, &uri));
                let (document, target) = member.unwrap_or((collection, target));
                let search = query.search(&document);
                let found = search.map(|search| self.search(root, ask, &document, search)).transpose()?;
                let found = found.map(Search::end);
                let document = query.apply(document, found, |uri| Some(self.read(root, client, uri)?.0))?;
                Ok(Answer::Document(document, target))
            }
            // No query that changes a document has a page this long (`Query::page`).
            other => Ok(other),
        }
    }

    /// Tests the members of a collection. No lock is held between two members, except that of the node to which the root
    /// belongs.
    fn search<'q>(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        collection: &Document,
        mut search: Search<'q>,
    ) -> Result<Search<'q>, Problem> {
        let start = search.start();
        let Target::OverNodes(row, over) = ask.target else {
            for (first, uri) in (0..).zip(collection.members()).skip(start.first as usize) {
                let (place, after) = (Place { first, part: 0 }, Place { first: first + 1, part: 0 });
                if !self.test_member(root, ask, &mut search, &uri, [place, after])? {
                    break;
                }
            }
            return Ok(search);
        };
        for first in start.first..self.fleet.next_index() {
            let skipped = if first == start.first { start.part } else { 0 };
            let uris = list::uris_of(self, row, over, ask.uri, NodeId(first));
            for (part, uri) in (0..).zip(uris).skip(skipped as usize) {
                let (place, after) = (Place { first, part }, Place { first, part: part + 1 });
                if !self.test_member(root, ask, &mut search, &uri, [place, after])? {
                    return Ok(search);
                }
            }
        }
        let of_service = list::ids_of_service(self, row).into_iter().map(|id| [ask.uri, "/", &id].concat());
        let skipped = if start.first == u32::MAX { start.part } else { 0 };
        for (part, uri) in (0..).zip(of_service).skip(skipped as usize) {
            let (place, after) = (Place { first: u32::MAX, part }, Place { first: u32::MAX, part: part + 1 });
            if !self.test_member(root, ask, &mut search, &uri, [place, after])? {
                break;
            }
        }
        Ok(search)
    }

    /// Tests the member at `place`, unless the page is full. Returns whether it was tested.
    fn test_member(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        search: &mut Search<'_>,
        uri: &str,
        [place, after]: [Place; 2],
    ) -> Result<bool, Problem> {
        if !search.wants(place) {
            return Ok(false);
        }
        let member = self.read(root, ask.by.client, uri);
        search.test(uri, member.as_ref().map(|(document, _)| document), place, after)?;
        Ok(true)
    }

    /// The document at a URI, if the client may read it; `None` stands for the service itself.
    pub(super) fn read(
        &self,
        root: &mut Root<'_>,
        client: Option<Client>,
        uri: &str,
    ) -> Option<(Document, Target)> {
        match self.read_any(root, client, uri) {
            Some(Answer::Document(document, target)) => Some((document, target)),
            _ => None,
        }
    }

    /// The answer to a GET of a URI, if the client may read it and it succeeds.
    pub(super) fn read_any(&self, root: &mut Root<'_>, client: Option<Client>, uri: &str) -> Option<Answer> {
        // Some models end links with a slash.
        let uri = uri.strip_suffix('/').unwrap_or(uri);
        let route = self.route(root, uri)?;
        if let Some(client) = client {
            self.permit(root, client, &route, &Method::GET).ok()?;
        }
        let Route { target, node, ids } = route;
        let trace = &Trace::default();
        let by = By { client, may: May::Everything, address: None };
        let ask = Ask {
            target,
            node,
            ids,
            uri,
            does: Does::Read(Page::WHOLE),
            query: None,
            trace,
            by,
            forgets: false,
        };
        self.perform(root, &ask).ok()
    }
}
