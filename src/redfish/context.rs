//! The facts that a resource's functions may look at. A resource of a node gets a [`NodeCx`], a resource of the service
//! gets a [`ServiceCx`]; neither can reach the service itself.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::aggregates::Aggregates;
use super::attachment::Measure;
use super::session::Sessions;
use super::shared_events::SharedEvents;
use super::task_settings::TaskSettings;
use crate::address::{HostNetwork, Place, Prefix};
use crate::fleet::First;
use crate::node::bmc::account::Accounts;
use crate::node::bmc::subscriptions::Subscriptions;
use crate::node::spec::Spec;
use crate::node::{Node, NodeId};
use crate::profile::Profile;
use crate::profile::accounts::AccountRules;
use crate::time::SimTime;
use crate::tls::ListenerTls;

/// The configuration of the service, as far as documents show it.
pub struct Facts {
    /// `UserName` of the one account.
    pub user: Box<str>,
    /// `ServiceRoot.UUID` of the root that all nodes share.
    pub uuid: Uuid,
    /// Where the service listens, each with whether that is over TLS.
    pub places: Vec<(bool, Place)>,
    /// The TLS settings of the first listener that has TLS.
    pub https: Option<ListenerTls>,
    /// The first node, whose certificate a shared listener presents.
    pub first: Arc<First>,
    /// The domain below which each node has a host name and a service root of its own.
    pub domain: Option<Box<str>>,
    /// The service answers SSDP.
    pub ssdp: bool,
    /// The network of the machines' own interfaces.
    pub hosts: Option<HostNetwork>,
}

impl Facts {
    /// The TCP port on which a node's BMC is reached first, with or without TLS.
    pub(super) fn port(&self, node: NodeId, tls: bool) -> Option<u16> {
        self.places.iter().find(|(over, _)| *over == tls).map(|(_, place)| place.of(node.0).port())
    }

    /// Whether each BMC has a listener of its own, with or without TLS.
    pub(super) fn has_own_listener(&self, tls: bool) -> bool {
        let mut places = self.places.iter().filter(|(over, _)| *over == tls).map(|(_, place)| place);
        places.next().is_some_and(|first| first.is_own() && places.all(Place::is_own))
    }

    /// The IP addresses that a node's BMC shares with others, as far as the service listens on certain ones.
    pub(super) fn shared_ips(&self, node: NodeId) -> Vec<IpAddr> {
        let mut ips = Vec::new();
        for (_, place) in &self.places {
            let ip = place.of(node.0).ip();
            if !matches!(place, Place::Ips(..)) && !ip.is_unspecified() && !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        ips
    }

    /// The IP addresses that belong to a node's BMC alone, with their blocks.
    pub(super) fn own_ips(&self, node: NodeId) -> Vec<(IpAddr, Prefix)> {
        let mut ips = Vec::new();
        for (_, place) in &self.places {
            if let Place::Ips(prefix, _) = place
                && !ips.contains(&(prefix.address(node.0), *prefix))
            {
                ips.push((prefix.address(node.0), *prefix));
            }
        }
        ips
    }
}

/// The facts for a resource of the service.
#[derive(Clone, Copy)]
pub(super) struct ServiceCx<'a> {
    pub facts: &'a Facts,
    /// The sessions of the shared root.
    pub sessions: &'a Sessions,
    /// The accounts of this root.
    pub accounts: &'a Accounts,
    /// The settings of the shared root's task service.
    pub tasks: &'a TaskSettings,
    /// The aggregates of the shared root.
    pub aggregates: &'a Aggregates,
    /// The event service of the shared root.
    pub events: &'a SharedEvents,
    /// The schemas of all types that the service has, such as `Chassis.v1_28_0`.
    pub schemas: &'a BTreeSet<String>,
    /// The models of the systems below this root.
    pub models: &'a [Arc<Profile>],
    /// The node that this root belongs to. `None` at the root that all nodes share.
    pub own: Option<&'a Node>,
    pub now: SimTime,
    /// The resource's own URI.
    pub uri: &'a str,
    /// The ids on the way to it.
    pub ids: &'a [&'a str],
}

impl<'a> ServiceCx<'a> {
    /// The last id in the URI. For the functions of a collection's members only.
    pub(super) fn id(&self) -> &'a str {
        self.ids.last().copied().unwrap_or_default()
    }

    /// The rules for accounts as the model has them.
    pub(super) fn rules(&self) -> &'a AccountRules {
        self.own.map_or(&AccountRules::DEFAULT, |node| &node.profile().accounts)
    }

    /// The rules for accounts that are in force.
    pub(super) fn account_rules(&self) -> AccountRules {
        self.accounts.rules(self.rules())
    }

    /// A moment as the clock of this root shows it. The root of a BMC has the clock of that BMC. The clock of the shared
    /// root, which no client can set, is simulated time in UTC.
    pub(super) fn shown(&self, moment: SimTime) -> String {
        self.own.map_or_else(|| moment.redfish(0), |node| node.clock().shown(moment))
    }

    /// Looks at the subscriptions of this root.
    pub(super) fn with_subscriptions<R>(&self, look: impl FnOnce(&Subscriptions) -> R) -> R {
        match self.own {
            Some(node) => look(&node.bmc().subscriptions),
            None => self.events.see(look),
        }
    }

    /// `ServiceRoot.UUID`.
    pub(super) fn uuid(&self) -> Uuid {
        self.own.map_or(self.facts.uuid, |node| node.spec().service_uuid())
    }
}

/// The facts for a resource of a node.
#[derive(Clone, Copy)]
pub(super) struct NodeCx<'a> {
    pub facts: &'a Facts,
    /// The node, settled to `now`.
    pub node: &'a Node,
    /// The facts that are the same for all nodes of the model, except for the UUID.
    pub model: Model<'a>,
    pub now: SimTime,
    /// The ids on the way to the resource, below the node.
    pub ids: &'a [&'a str],
    /// Tells the sizes of archives.
    pub measure: &'a dyn Measure,
}

impl<'a> NodeCx<'a> {
    /// The resource's own URI.
    pub(super) fn uri(&self) -> &'a str {
        self.model.uri
    }

    pub(super) fn profile(&self) -> &'a Profile {
        self.model.profile
    }

    pub(super) fn spec(&self) -> Spec<'a> {
        self.node.spec()
    }

    /// A moment as the clock of the BMC shows it.
    pub(super) fn shown(&self, moment: SimTime) -> String {
        self.node.clock().shown(moment)
    }

    /// The last id in the URI. For the functions of a collection's members only.
    pub(super) fn id(&self) -> &'a str {
        self.ids.last().copied().unwrap_or_default()
    }

    /// `ServiceRoot.UUID`.
    pub(super) fn service_uuid(&self) -> Uuid {
        if self.model.own_root { self.node.spec().service_uuid() } else { self.facts.uuid }
    }
}

/// The facts about a node that follow from its model and its UUID alone.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub profile: &'a Profile,
    /// The node's UUID as text, which is its id in URIs below the shared root.
    pub uuid: &'a str,
    /// The service root belongs to this node, and no other node is below it.
    pub own_root: bool,
    /// The resource's own URI.
    pub uri: &'a str,
}

impl<'a> Model<'a> {
    /// `Id` of the node's `ComputerSystem`.
    pub(super) fn system_id(&self) -> &'a str {
        if self.own_root { &self.profile.ids.system } else { self.uuid }
    }

    /// `Id` of the node's `Manager`.
    pub(super) fn manager_id(&self) -> &'a str {
        if self.own_root { &self.profile.ids.manager } else { self.uuid }
    }

    /// `Id` of the node's `Chassis`.
    pub(super) fn chassis_id(&self) -> &'a str {
        if self.own_root { &self.profile.ids.chassis } else { self.uuid }
    }

    /// `Id` of a part in a collection of the service. Below the shared root it begins with the node's UUID, because all nodes share the
    /// collection.
    pub(super) fn full_id(&self, id: impl fmt::Display) -> String {
        if self.own_root { id.to_string() } else { format!("{}-{id}", self.uuid) }
    }

    /// A link to the node's `ComputerSystem`, in two parts. Append what follows below it.
    pub(super) fn system(&self) -> [&'a str; 2] {
        ["/redfish/v1/Systems/", self.system_id()]
    }

    /// A link to the node's `Manager`, in two parts.
    pub(super) fn manager(&self) -> [&'a str; 2] {
        ["/redfish/v1/Managers/", self.manager_id()]
    }

    /// A link to the node's `Chassis`, in two parts.
    pub(super) fn chassis(&self) -> [&'a str; 2] {
        ["/redfish/v1/Chassis/", self.chassis_id()]
    }

    /// Whether the model has the resource at `path`, written as in a profile's `absent`. A document asks before it links
    /// to a resource that is not directly below it.
    pub(super) fn has(&self, path: &str) -> bool {
        !self.profile.lacks(path)
    }
}
