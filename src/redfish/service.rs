//! The Redfish service over a fleet: what it holds for its whole life.

use std::sync::{Arc, LazyLock};

use uuid::Uuid;

use super::auth::Account;
use super::constants::Constants;
use super::context::{Facts, Model, NodeCx, ServiceCx};
use super::meters;
use super::resources::RESOURCES;
use super::service_documents::ServiceDocuments;
use super::session::Sessions;
use super::tree::Tree;
use crate::blocking::{Blocking, cores};
use crate::fleet::Fleet;
use crate::meter::{Counter, Page, Requests};
use crate::node::Node;
use crate::profile::Profile;
use crate::seed::Purpose;
use crate::time::SimTime;

/// A Redfish service over a fleet.
pub struct Redfish {
    /// The nodes that the service shows.
    pub fleet: Arc<Fleet>,
    /// The account with which every client signs in.
    pub account: Account,
    /// The sessions of the root that all nodes share.
    #[doc(hidden)]
    pub sessions: Sessions,
    /// The configuration that documents show.
    #[doc(hidden)]
    pub facts: Facts,
    /// Sessions that each node with a root of its own may have at one time.
    pub own_sessions: usize,
    /// Sessions refused by nodes with roots of their own, because of that limit.
    pub(super) own_sessions_refused: Counter,
    pub(super) tree: &'static Tree,
    pub(super) documents: &'static ServiceDocuments,
    pub(super) constants: Constants,
    pub(super) requests: Requests,
    /// Searches of collections. Half of the cores are left for other requests.
    pub(super) searches: Blocking,
}

impl Redfish {
    /// A service with one account, which listens nowhere yet.
    pub fn new(fleet: Arc<Fleet>, account: Account) -> Self {
        static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(RESOURCES));
        static DOCUMENTS: LazyLock<ServiceDocuments> = LazyLock::new(|| ServiceDocuments::of(&TREE));
        let sessions = Sessions::kept_in(fleet.ledger().cloned());
        let uuid = fleet.seed().uuid(u32::MAX, Purpose::Uuid);
        let facts = Facts { user: account.user.clone(), uuid, places: Vec::new(), domain: None };
        Self {
            fleet,
            account,
            sessions,
            facts,
            own_sessions: crate::node::bmc::session::Sessions::LIMIT,
            own_sessions_refused: Counter::default(),
            tree: &TREE,
            documents: &DOCUMENTS,
            constants: Constants::new(RESOURCES.len()),
            requests: meters::requests(&TREE),
            searches: Blocking::new((cores() / 2).max(1)),
        }
    }

    /// The models of the systems below a root, which may be `own`'s.
    pub(super) fn models(&self, own: Option<&Node>) -> Vec<Arc<Profile>> {
        own.map_or_else(|| self.fleet.profiles(), |node| vec![Arc::clone(node.profile())])
    }

    /// The facts for a resource of the service.
    pub(super) fn service_cx<'a>(
        &'a self,
        models: &'a [Arc<Profile>],
        own: Option<&'a Node>,
        now: SimTime,
        uri: &'a str,
        ids: &'a [&'a str],
    ) -> ServiceCx<'a> {
        let (facts, sessions, schemas) = (&self.facts, &self.sessions, &self.tree.schemas);
        ServiceCx { facts, sessions, schemas, models, own, now, uri, ids }
    }

    /// The facts for a resource of a node.
    pub(super) fn node_cx<'a>(&'a self, node: &'a Node, at: At<'a>, ids: &'a [&'a str]) -> NodeCx<'a> {
        let At { uuid, own_root, uri, now } = at;
        let model = Model { profile: node.profile(), uuid, own_root, uri };
        NodeCx { facts: &self.facts, node, model, now, ids }
    }

    /// Adds the service's metrics to the page.
    pub fn meter(&self, page: &mut Page) {
        self.requests.show(page);
        let sessions = self.sessions.len() as u64;
        page.gauge(
            "fauxmetal_sessions",
            "Redfish sessions at the shared root, including sessions that have timed out and are not removed yet",
            &[],
            sessions,
        );
        page.limit("sessions", &self.sessions.refused);
        page.limit("sessions-per-bmc", &self.own_sessions_refused);
    }
}

/// Where and when a resource of a node is looked at.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// The node's UUID as text.
    pub(super) uuid: &'a str,
    /// The service root belongs to the node.
    pub(super) own_root: bool,
    pub(super) uri: &'a str,
    /// The moment that the node is settled to.
    pub(super) now: SimTime,
}

/// Room for a UUID as text, from [`Uuid::encode_buffer`].
type UuidBuffer = [u8; uuid::fmt::Urn::LENGTH];

/// A UUID as it stands in URIs.
pub(super) fn uuid_text(uuid: Uuid, buffer: &mut UuidBuffer) -> &str {
    uuid.hyphenated().encode_lower(buffer)
}
