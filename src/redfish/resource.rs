//! What a resource of the Redfish tree is: one row of the table in `tree.rs`.

use std::sync::Arc;

use uuid::Uuid;

use super::Redfish;
use super::body::Body;
use super::doc::Doc;
use super::error::Problem;
use crate::node::Node;
use crate::node::command::Command;
use crate::node::spec::Spec;
use crate::profile::Profile;
use crate::time::SimTime;

/// A kind of resource: where it is, what it shows, what can be done to it.
///
/// Made in the table with [`Resource::at`] and the methods that follow; what it does not have is refused with 405.
pub struct Resource {
    /// Path with `{Names}` for ids. `{System}`, `{Manager}` and `{Chassis}` name a node; `{Software}` a node and a part of
    /// it; any other name a part of what stands before it.
    pub path: &'static str,
    /// Schema version and type, as in `@odata.type` without its `#`.
    pub kind: &'static str,
    /// Writes its document below `@odata.id` and `@odata.type`.
    pub get: fn(&Cx<'_>, &mut Doc<'_>),
    /// Ids of those there are, where the path ends in a part's id.
    pub members: Option<Members>,
    /// The collection over it; its name and what can be created in it.
    pub collection: Option<Collection>,
    /// Property of the parent that links to it, where that is not its path's last word; empty where the parent writes the
    /// link itself.
    pub property: Option<&'static str>,
    /// Whether a node has it, which follows from its model alone: links to it are written once for all nodes.
    pub present: fn(&Cx<'_>) -> bool,
    /// What a PATCH means.
    pub patch: Option<fn(&Cx<'_>, &mut Body) -> Change>,
    /// What a DELETE means.
    pub delete: Option<fn(&Cx<'_>) -> Change>,
    /// Its actions.
    pub actions: &'static [Action],
}

/// Calls back with the id of each member.
pub type Members = fn(&Cx<'_>, &mut dyn FnMut(&str));

/// A collection.
#[derive(Clone, Copy)]
pub struct Collection {
    /// `Name`.
    pub name: &'static str,
    /// What a POST means.
    pub create: Option<fn(&Cx<'_>, &mut Body) -> Change>,
    /// Writes annotations beside its members.
    pub annotate: fn(&Cx<'_>, &mut Doc<'_>),
}

impl Collection {
    const fn plain(name: &'static str) -> Self {
        Self { name, create: None, annotate: |_, _| () }
    }
}

/// An action of a resource.
pub struct Action {
    /// As `#ComputerSystem.Reset`.
    pub key: &'static str,
    /// Writes what goes beside its `target`: allowable values, which follow from the model.
    pub describe: fn(&Cx<'_>, &mut Doc<'_>),
    /// What a POST means.
    pub run: fn(&Cx<'_>, &mut Body) -> Change,
}

impl Action {
    /// As `ComputerSystem.Reset`.
    pub fn name(&self) -> &'static str {
        self.key.trim_start_matches('#')
    }
}

/// What a request changes: one thing, so that it is done whole or not at all. `None` from a body with mistakes, which
/// are then reported instead.
pub type Change = Result<Option<Effect>, Problem>;

/// The one thing.
pub enum Effect {
    /// A node does it.
    Node(Command),
    /// A session begins.
    LogIn {
        /// `UserName`.
        user: Box<str>,
        /// `Password`.
        password: Box<str>,
    },
    /// The session with that id ends.
    LogOut(Box<str>),
    /// `SessionTimeout`, seconds.
    SessionTimeout(u32),
}

impl Resource {
    /// A resource that can only be read.
    pub const fn at(path: &'static str, kind: &'static str, get: fn(&Cx<'_>, &mut Doc<'_>)) -> Self {
        Self {
            path,
            kind,
            get,
            members: None,
            collection: None,
            property: None,
            present: |_| true,
            patch: None,
            delete: None,
            actions: &[],
        }
    }

    /// With a collection over it, of the members that `members` names.
    pub const fn many(self, name: &'static str, members: Members) -> Self {
        Self { members: Some(members), collection: Some(Collection::plain(name)), ..self }
    }

    /// With a collection over it, one member for each node.
    pub const fn one_a_node(self, name: &'static str) -> Self {
        Self { collection: Some(Collection::plain(name)), ..self }
    }

    /// With a collection in which members can be created.
    pub const fn created_by(self, create: fn(&Cx<'_>, &mut Body) -> Change) -> Self {
        let collection = self.collection.expect("only a collection has members to create");
        Self { collection: Some(Collection { create: Some(create), ..collection }), ..self }
    }

    /// With annotations in its collection.
    pub const fn annotated_by(self, annotate: fn(&Cx<'_>, &mut Doc<'_>)) -> Self {
        let collection = self.collection.expect("only a collection has annotations");
        Self { collection: Some(Collection { annotate, ..collection }), ..self }
    }

    /// Linked from its parent under another name; an empty one where the parent writes the link itself.
    pub const fn linked_as(self, property: &'static str) -> Self {
        Self { property: Some(property), ..self }
    }

    /// There only where `present` says so.
    pub const fn only_if(self, present: fn(&Cx<'_>) -> bool) -> Self {
        Self { present, ..self }
    }

    /// Changed by PATCH.
    pub const fn patched_by(self, patch: fn(&Cx<'_>, &mut Body) -> Change) -> Self {
        Self { patch: Some(patch), ..self }
    }

    /// Ended by DELETE.
    pub const fn deleted_by(self, delete: fn(&Cx<'_>) -> Change) -> Self {
        Self { delete: Some(delete), ..self }
    }

    /// With actions.
    pub const fn with_actions(self, actions: &'static [Action]) -> Self {
        Self { actions, ..self }
    }

    /// The schema, `ComputerSystem.v1_28_0`.
    pub fn schema(&self) -> &'static str {
        self.kind.rsplit_once('.').map_or(self.kind, |(schema, _)| schema)
    }

    /// The type's name without its version: `ComputerSystem`.
    pub fn type_name(&self) -> &'static str {
        self.kind.split('.').next().unwrap_or(self.kind)
    }
}

/// What a resource's functions may look at: the service, the node if the resource is one's, and where it stands.
pub struct Cx<'a> {
    /// The whole service.
    pub redfish: &'a Redfish,
    /// The node, for a resource of a node.
    pub node: Option<&'a Node>,
    /// Simulated time now, to which the node is settled.
    pub now: SimTime,
    /// The resource's own URI.
    pub uri: &'a str,
    /// Ids on the way to it, below the node.
    pub ids: &'a [&'a str],
    /// The node's UUID as text, which is its id in URIs below the fleet's root.
    pub node_key: &'a str,
    /// Whether the service root is the node's own, with nothing of other nodes below it. Then every resource has a node.
    pub own: bool,
}

impl<'a> Cx<'a> {
    /// The node. Only the functions of a node's resources may ask.
    pub fn node(&self) -> &'a Node {
        self.node.expect("a resource below a node is only called with one")
    }

    /// The node's model.
    pub fn profile(&self) -> &'a Profile {
        self.node().profile()
    }

    /// Who the node is.
    pub fn spec(&self) -> Spec<'a> {
        self.node().spec()
    }

    /// The last id on the way here.
    pub fn id(&self) -> &'a str {
        self.ids.last().expect("only a member's functions ask for its id")
    }

    /// The node, if the service is its own.
    pub fn own_node(&self) -> Option<&'a Node> {
        self.node.filter(|_| self.own)
    }

    /// Id of the node's system.
    pub fn system_id(&self) -> &'a str {
        self.own_node().map_or(self.node_key, |node| &node.profile().ids.system)
    }

    /// Id of the node's manager.
    pub fn manager_id(&self) -> &'a str {
        self.own_node().map_or(self.node_key, |node| &node.profile().ids.manager)
    }

    /// Id of the node's chassis.
    pub fn chassis_id(&self) -> &'a str {
        self.own_node().map_or(self.node_key, |node| &node.profile().ids.chassis)
    }

    /// `UUID` of the service.
    pub fn service_uuid(&self) -> Uuid {
        self.own_node().map_or_else(|| self.redfish.uuid(), |node| node.spec().service_uuid())
    }

    /// The models that the service has systems of.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.own_node().map_or_else(|| self.redfish.fleet.profiles(), |node| vec![Arc::clone(node.profile())])
    }

    /// The parts of a link to the node's system, to be joined with what follows below it.
    pub fn system(&self) -> [&'a str; 2] {
        ["/redfish/v1/Systems/", self.system_id()]
    }

    /// The parts of a link to the node's manager.
    pub fn manager(&self) -> [&'a str; 2] {
        ["/redfish/v1/Managers/", self.manager_id()]
    }

    /// The parts of a link to the node's chassis.
    pub fn chassis(&self) -> [&'a str; 2] {
        ["/redfish/v1/Chassis/", self.chassis_id()]
    }

    /// Whether the node's model has what stands at `path`, written as in a profile's `absent`. A document asks before it
    /// links to what is not directly below it.
    pub fn has(&self, path: &str) -> bool {
        !self.profile().lacks(path)
    }
}
