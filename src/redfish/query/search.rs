//! The search for the members of a collection for which a filter is true.
//!
//! A collection can be as long as the fleet, so one request reads a limited number of documents. Where it stops, the link
//! to the next page has a `$skiptoken`, with which the next request goes on.

use std::fmt;

use serde_json::{Value, json};

use super::common::{Page, filter_range, has_whole_members, out_of_range, wrong_type};
use super::filter::{Filter, Stop};
use crate::redfish::document::Document;
use crate::redfish::error::Problem;

/// The place where a search stopped, as `$skiptoken` has it: `17.0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redfish) struct Token {
    /// The member to go on with.
    place: Place,
    /// The members that were found before it.
    found: usize,
}

/// The place of a member in its collection. In a list over nodes, `first` is the index of the node, so that the place stays
/// right when nodes are removed, and `part` the number of the member among those of the node. Elsewhere, `first` is the
/// number of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::redfish) struct Place {
    pub(in crate::redfish) first: u32,
    pub(in crate::redfish) part: u32,
}

impl Token {
    pub(super) const START: Self = Self { place: Place { first: 0, part: 0 }, found: 0 };

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.');
        let first = numbers.next()?.parse().ok()?;
        let part = numbers.next()?.parse().ok()?;
        let found = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(Self { place: Place { first, part }, found })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.place.first, self.place.part, self.found)
    }
}

/// A search of the members of one collection.
pub(in crate::redfish) struct Search<'q> {
    filter: &'q Filter,
    page: Page,
    /// The member to begin with.
    start: Place,
    /// The documents that may still be read.
    reads: usize,
    /// The steps of evaluation that are left.
    steps: u64,
    /// Members found so far, with those of the pages before.
    found: usize,
    /// The members of the page: links, or whole documents.
    links: Vec<Value>,
    /// The collection shows its members as whole documents.
    is_expanded: bool,
    /// For each member of the page, where a page after it begins.
    after: Vec<Token>,
    /// Where the search stopped before the end.
    stopped: Option<Token>,
    /// The whole collection can be read at once, so the members behind the page are counted.
    counts_all: bool,
}

/// The result of a search.
pub(in crate::redfish) struct Found {
    links: Vec<Value>,
    after: Vec<Token>,
    next: Option<Token>,
    count: usize,
}

impl<'q> Search<'q> {
    /// The limit of documents that one request reads.
    pub(in crate::redfish) const MAX_READ: usize = 1024;
    /// The limit of steps of evaluation in one request.
    const MAX_STEPS: u64 = 2_000_000;

    /// `collection` is the document of the collection, with any of its members.
    pub(super) fn new(filter: &'q Filter, page: Page, token: Token, collection: &Value) -> Self {
        let members = collection["Members@odata.count"].as_u64().unwrap_or(u64::MAX);
        Self {
            filter,
            page,
            start: token.place,
            reads: Self::MAX_READ,
            steps: Self::MAX_STEPS,
            found: token.found,
            links: Vec::new(),
            is_expanded: has_whole_members(collection),
            after: Vec::new(),
            stopped: None,
            counts_all: members <= Self::MAX_READ as u64,
        }
    }

    /// The member to begin with.
    pub(in crate::redfish) fn start(&self) -> Place {
        self.start
    }

    /// Whether the member at that place is to be read. If not, the search is over.
    pub(in crate::redfish) fn wants(&mut self, place: Place) -> bool {
        if self.stopped.is_none() && self.reads == 0 {
            self.stop(place);
        }
        self.stopped.is_none()
    }

    fn stop(&mut self, place: Place) {
        self.stopped = Some(Token { place, found: self.found });
    }

    /// Tests a member. `document` is `None` if it cannot be read now; then the member is left out. `after` is the place of
    /// the member that follows.
    ///
    /// # Errors
    /// When the filter compares a value of the member with one of another type, or needs too many steps for one member.
    pub(in crate::redfish) fn test(
        &mut self,
        uri: &str,
        document: Option<&Document>,
        place: Place,
        after: Place,
    ) -> Result<(), Problem> {
        let is_first = self.reads == Self::MAX_READ;
        self.reads = self.reads.saturating_sub(1);
        let Some(document) = document else { return Ok(()) };
        let document = document.value();
        match self.filter.matches(&document, &mut self.steps) {
            Ok(true) => {
                let member = if self.is_expanded { document } else { json!({ "@odata.id": uri }) };
                self.take(member, place, after);
            }
            Ok(false) => {}
            Err(Stop::Type(part)) => return Err(wrong_type(&part)),
            Err(Stop::Exhausted) if is_first => return Err(out_of_range(uri, "$filter", &filter_range())),
            Err(Stop::Exhausted) => self.stop(place),
        }
        Ok(())
    }

    /// Adds a member for which the filter is true.
    fn take(&mut self, member: Value, place: Place, after: Place) {
        // A client can write any number into its `$skiptoken`.
        let found = self.found.saturating_add(1);
        if self.found >= self.page.skip {
            if self.links.len() < self.page.top {
                self.links.push(member);
                self.after.push(Token { place: after, found });
            } else if !self.counts_all {
                self.stop(place);
                return;
            }
        }
        self.found = found;
    }

    pub(in crate::redfish) fn end(self) -> Found {
        let next = match self.after.last() {
            Some(last) if self.links.len() == self.page.top => {
                (self.stopped.is_some() || self.found > last.found).then_some(*last)
            }
            _ => self.stopped,
        };
        Found { links: self.links, after: self.after, next, count: self.found }
    }
}

impl Found {
    /// Puts the members into the document of the collection.
    pub(super) fn show(&self, collection: &mut Value) {
        if let Some(map) = collection.as_object_mut() {
            map.remove("Members@odata.nextLink");
        }
        collection["Members"] = Value::Array(self.links.clone());
        collection["Members@odata.count"] = self.count.into();
    }

    /// Where the next page begins, if this one shows the first `shown` of its members.
    pub(super) fn next(&self, shown: usize) -> Option<Token> {
        if shown < self.links.len() {
            return shown.checked_sub(1).and_then(|last| self.after.get(last)).copied();
        }
        self.next
    }
}
