//! The Redfish service over a fleet: what it holds for its whole life.

use std::sync::{Arc, LazyLock};

use dashmap::DashMap;
use parking_lot::Mutex;
use uuid::Uuid;

use super::accounts::{AccountLimits, SharedAccounts};
use super::aggregates::Aggregates;
use super::attachment::Key;
use super::auth::Account;
use super::constants::Constants;
use super::context::{Facts, Model, NodeCx, ServiceCx};
use super::meters;
use super::resources::RESOURCES;
use super::service_documents::ServiceDocuments;
use super::session::Sessions;
use super::shared_events::SharedEvents;
use super::task_settings::TaskSettings;
use super::tree::Tree;
use crate::blocking::{Blocking, cores};
use crate::fleet::Fleet;
use crate::limit::Limits;
use crate::meter::{Counter, Page, Requests};
use crate::node::Node;
use crate::node::bmc::account::Accounts;
use crate::profile::Profile;
use crate::seed::Purpose;
use crate::time::SimTime;

/// A Redfish service over a fleet.
pub struct Redfish {
    /// The nodes that the service shows.
    pub fleet: Arc<Fleet>,
    /// The first account of each root.
    pub account: Account,
    /// The sessions of the root that all nodes share.
    #[doc(hidden)]
    pub sessions: Sessions,
    /// The accounts of the root that all nodes share.
    #[doc(hidden)]
    pub accounts: SharedAccounts,
    #[doc(hidden)]
    pub account_limits: AccountLimits,
    /// The configuration that documents show.
    #[doc(hidden)]
    pub facts: Facts,
    /// Sessions that each node with a root of its own may have at one time.
    pub own_sessions: usize,
    /// The settings of the task service at the root that all nodes share.
    #[doc(hidden)]
    pub task_settings: TaskSettings,
    /// The aggregates of the root that all nodes share, and their tasks.
    #[doc(hidden)]
    pub aggregates: Aggregates,
    /// Tasks that each BMC keeps.
    pub tasks_per_bmc: usize,
    /// Requests refused because of that limit.
    pub(super) tasks_refused: Counter,
    /// Maximum number of report definitions that clients create at each BMC.
    pub reports_per_bmc: usize,
    /// Report definitions refused because of that limit.
    pub(super) reports_refused: Counter,
    /// Sessions refused by nodes with roots of their own, because of that limit.
    pub(super) own_sessions_refused: Counter,
    /// The events of the root that all nodes share.
    #[doc(hidden)]
    pub events: Arc<SharedEvents>,
    /// Subscriptions that the shared root may have.
    pub shared_subscriptions: usize,
    /// Subscriptions that each node with a root of its own may have.
    pub own_subscriptions: usize,
    /// Subscriptions refused by nodes with roots of their own, because of that limit.
    pub(super) own_subscriptions_refused: Counter,
    /// Streams of events that have ended because their clients were too slow, at all roots.
    pub(super) streams_cut_off: Counter,
    /// Held by a request that changes resources of the shared root. It is locked before everything else.
    pub(super) service_changes: Mutex<()>,
    pub(super) tree: &'static Tree,
    pub(super) documents: &'static ServiceDocuments,
    pub(super) constants: Constants,
    pub(super) requests: Requests,
    /// Searches of collections, and archives. Half of the cores are left for other requests.
    pub(super) searches: Blocking,
    /// The size of each archive that was made, bytes.
    pub(super) archive_sizes: DashMap<Key, u64>,
}

impl Redfish {
    /// A service with one account, which listens nowhere yet.
    pub fn new(fleet: Arc<Fleet>, account: Account) -> Self {
        static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(&RESOURCES));
        static DOCUMENTS: LazyLock<ServiceDocuments> = LazyLock::new(|| ServiceDocuments::of(&TREE));
        let sessions = Sessions::kept_in(fleet.ledger().cloned());
        let accounts = SharedAccounts::kept_in(fleet.ledger().cloned());
        let account_limits = AccountLimits::new(Limits::DEFAULT.accounts, Limits::DEFAULT.roles);
        let task_settings = TaskSettings::kept_in(fleet.ledger().cloned());
        let aggregates = Aggregates::of(Arc::clone(&fleet));
        let events = Arc::new(SharedEvents::kept_in(fleet.ledger().cloned()));
        fleet.witnessed_by(Arc::clone(&events) as Arc<dyn crate::fleet::Witness>);
        let uuid = fleet.seed().uuid(u32::MAX, Purpose::Uuid);
        let first = Arc::clone(fleet.first());
        let facts = Facts {
            user: account.user.clone(),
            uuid,
            places: Vec::new(),
            https: None,
            first,
            domain: None,
            ssdp: false,
            hosts: None,
        };
        Self {
            fleet,
            account,
            sessions,
            accounts,
            account_limits,
            facts,
            own_sessions: crate::node::bmc::session::Sessions::LIMIT,
            task_settings,
            aggregates,
            tasks_per_bmc: Limits::DEFAULT.tasks_per_bmc,
            tasks_refused: Counter::default(),
            reports_per_bmc: Limits::DEFAULT.reports_per_bmc,
            reports_refused: Counter::default(),
            own_sessions_refused: Counter::default(),
            events,
            shared_subscriptions: Limits::DEFAULT.subscriptions,
            own_subscriptions: Limits::DEFAULT.subscriptions_per_bmc,
            own_subscriptions_refused: Counter::default(),
            streams_cut_off: Counter::default(),
            service_changes: Mutex::default(),
            tree: &TREE,
            documents: &DOCUMENTS,
            constants: Constants::new(RESOURCES.len() + 1),
            requests: meters::requests(&TREE),
            searches: Blocking::new((cores() / 2).max(1)),
            archive_sizes: DashMap::new(),
        }
    }

    /// The models of the systems below a root, which may be `own`'s.
    pub(super) fn models(&self, own: Option<&Node>) -> Vec<Arc<Profile>> {
        own.map_or_else(|| self.fleet.profiles(), |node| vec![Arc::clone(node.profile())])
    }

    /// The facts for a resource of the service.
    pub(super) fn service_cx<'a>(
        &'a self,
        accounts: &'a Accounts,
        models: &'a [Arc<Profile>],
        own: Option<&'a Node>,
        now: SimTime,
        uri: &'a str,
        ids: &'a [&'a str],
    ) -> ServiceCx<'a> {
        let (facts, sessions, schemas) = (&self.facts, &self.sessions, &self.tree.schemas);
        let (tasks, aggregates, events) = (&self.task_settings, &self.aggregates, &*self.events);
        ServiceCx {
            facts,
            sessions,
            accounts,
            tasks,
            aggregates,
            events,
            schemas,
            models,
            own,
            now,
            uri,
            ids,
        }
    }

    /// The facts for a resource of a node.
    pub(super) fn node_cx<'a>(&'a self, node: &'a Node, at: At<'a>, ids: &'a [&'a str]) -> NodeCx<'a> {
        let At { uuid, own_root, uri, now } = at;
        let model = Model { profile: node.profile(), uuid, own_root, uri };
        NodeCx { facts: &self.facts, node, model, now, ids, measure: self }
    }

    /// Adds the service's metrics to the page.
    pub fn meter(&self, page: &mut Page) {
        self.requests.show(page);
        let sessions = self.sessions.len() as u64;
        page.gauge("fauxmetal_sessions", "Redfish sessions at the shared root", &[], sessions);
        page.limit("sessions", &self.sessions.refused);
        page.limit("sessions-per-bmc", &self.own_sessions_refused);
        page.limit("accounts", &self.account_limits.accounts_refused);
        page.limit("roles", &self.account_limits.roles_refused);
        page.limit("tasks-per-bmc", &self.tasks_refused);
        page.limit("reports-per-bmc", &self.reports_refused);
        page.limit("subscriptions", &self.events.refused);
        page.limit("subscriptions-per-bmc", &self.own_subscriptions_refused);
        let help = "Events that were lost before subscribers of the shared root had got them, because the queue was full";
        page.counter("fauxmetal_events_lost_total", help, &[], self.events.lost.get());
        let help = "Streams of events that were ended because their clients did not read fast enough";
        page.counter("fauxmetal_event_streams_cut_off_total", help, &[], self.streams_cut_off.get());
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
