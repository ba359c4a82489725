//! Requests in the journal of their node. What is recorded is found on the way of the request.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderValue, Request};
use uuid::Uuid;

use super::body::Body;
use super::error::Problem;
use super::headers::Head;
use super::message::BASE;
use super::root::Root;
use super::service::Redfish;
use super::tree::Route;
use crate::clock::Stopwatch;
use crate::journal::{Asked, Face};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

thread_local! {
    /// The names of the properties in the body of the request that this thread answers, with a space between them.
    static NAMES: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What is known of a request so far.
#[derive(Default)]
pub(super) struct Trace<'p> {
    /// The journal is on.
    is_on: bool,
    client: Option<IpAddr>,
    /// The id in the path that names the node.
    key: Option<&'p str>,
    node: Cell<Option<NodeId>>,
    /// The moment at which the node was looked at.
    at: Cell<Option<SimTime>>,
    /// [`NAMES`] has the names of the properties in the body.
    has_names: Cell<bool>,
    /// The key of the first message of a refusal.
    message: Cell<Option<&'static str>>,
}

impl Trace<'_> {
    /// The request concerns this node.
    pub(super) fn concerns(&self, node: Option<NodeId>) {
        self.node.set(node);
    }

    /// The node was looked at at this moment.
    pub(super) fn looks_at(&self, at: SimTime) {
        self.at.set(Some(at));
    }

    /// The request asks for the change in a body.
    pub(super) fn asks_for(&self, body: &Body) {
        if self.is_on {
            NAMES.with_borrow_mut(|names| {
                names.clear();
                body.names(names);
            });
            self.has_names.set(true);
        }
    }

    pub(super) fn refused(&self, problem: &Problem) {
        self.message.set(problem.messages.first().map(|message| message.entry.key));
    }
}

impl Redfish {
    /// A trace of a request that has just come.
    pub(super) fn trace<'p>(&self, client: Option<IpAddr>, route: Option<&Route<'p>>) -> Trace<'p> {
        let key = route.and_then(|route| route.node).map(|(_, key)| key);
        Trace { is_on: self.fleet.journal().is_on(), client, key, ..Trace::default() }
    }

    /// Records a request that has been answered, if it concerns one node.
    pub(super) fn record(
        &self,
        root: &Root<'_>,
        trace: &Trace<'_>,
        request: &Request<Bytes>,
        head: &Head<'_>,
        watch: Stopwatch,
        status: u16,
    ) {
        if !trace.is_on {
            return;
        }
        // A request without credentials is refused before its node is found.
        let named = || trace.key.and_then(|key| self.fleet.find(Uuid::parse_str(key).ok()?));
        let Some(id) = root.node().map(Node::id).or_else(|| trace.node.get()).or_else(named) else { return };
        let asked = Asked {
            at: trace.at.get().unwrap_or_else(|| self.fleet.clock().at_start(watch)),
            face: Face::Redfish,
            client: trace.client,
            user_agent: head.user_agent.map(HeaderValue::as_bytes),
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query(),
            changed: "",
            status: Some(status),
            message: trace.message.get().map(|key| (BASE, key)),
        };
        if trace.has_names.get() {
            let journal = self.fleet.journal();
            NAMES.with_borrow(|names| journal.request(id, &Asked { changed: names, ..asked }));
        } else {
            self.fleet.journal().request(id, &asked);
        }
    }
}
