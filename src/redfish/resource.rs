//! A row of the table of resources: where a resource is, who may use it, what it shows, and what can be done to it.
//!
//! A resource belongs either to a node or to the service ([`Owner`]). The type of a row says which: the functions of a
//! node's resource get a [`NodeCx`] and return a node's [`Command`], and those of the service a [`ServiceCx`] and a
//! [`ServiceChange`].

use std::borrow::Cow;

use bytes::Bytes;

use super::access::Access;
use super::action::Action;
use super::attachment::Attachment;
use super::body::Body;
use super::constants::{Constants, Parts};
use super::context::{Model, NodeCx, ServiceCx};
use super::doc::Doc;
use super::error::Problem;
use super::message::Message;
pub(super) use super::service_change::ServiceChange;
use crate::node::Node;
use crate::node::command::Command;
use crate::profile::Profile;
use crate::profile::oem;
use crate::profile::overlay::Overlay;

/// The schema of the annotations for settings (`@Redfish.Settings` and others).
pub(super) const SETTINGS_SCHEMA: &str = "Settings.v1_5_0";

/// A row of the table.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Service(Resource<OfService>),
    Node(Resource<OfNode>),
}

/// A kind of resource. [`Resource::of_node`] and [`Resource::of_service`] make one that can only be read; the methods below
/// add to it. A request for
/// something that it does not have is answered with 405.
#[derive(Clone, Copy)]
pub(super) struct Resource<O: Owner> {
    /// The path, with `{Names}` for ids. `{System}`, `{Manager}` and `{Chassis}` name a node; a name that begins with
    /// `{Node-` stands for a node's UUID, a dash and the id of a part; a name that begins with `{Service-` stands for the id of a part of
    /// the service among them, at the shared root; any other name is the id of a part.
    pub path: &'static str,
    /// `@odata.type` without its `#`.
    pub kind: &'static str,
    /// What a client needs to be allowed.
    pub access: Access,
    /// Writes the document, except `@odata.id` and `@odata.type`.
    pub get: fn(&Cx<'_, O>, &mut Doc<'_>),
    /// The collection that it is a member of.
    pub collection: Option<Collection<O>>,
    /// The property by which its parent links to it. `None`: the last word of its path. Empty: the parent's own function
    /// writes the link.
    pub property: Option<&'static str>,
    /// Whether a model has it. Links to it are cached for the model.
    pub present: fn(&ModelOf<'_, O>) -> bool,
    /// Reads the body of a PATCH.
    pub patch: Option<ReadBody<O>>,
    pub delete: Option<Delete<O>>,
    pub actions: &'static [Action<O>],
    /// The task monitor, if it is a task.
    pub monitor: Option<&'static Monitor<O>>,
    /// Whether a resource has an action of the row. Others answer 404 there.
    pub offers: fn(&ModelOf<'_, O>, &Action<O>) -> bool,
    /// The data at its attachment's URI, if it has any.
    pub attachment: Option<Attach<O>>,
}

/// The facts that the functions of an owner's resources may look at.
pub(super) type Cx<'a, O> = <O as Owner>::Cx<'a>;
/// The facts among them that follow from the model alone.
pub(super) type ModelOf<'a, O> = <O as Owner>::Model<'a>;

/// Calls back with the id of each member.
pub(super) type Members<O> = fn(&Cx<'_, O>, &mut dyn FnMut(&str));

/// The data at the attachment's URI of a resource. `None`: this one has no attachment.
pub(super) type Attach<O> = fn(&Cx<'_, O>) -> Option<Attachment>;

/// Reads the change that a body asks for.
pub(super) type ReadBody<O> = fn(&Cx<'_, O>, &mut Body) -> Asked<O>;

/// The change that a DELETE asks for.
pub(super) type Delete<O> = fn(&Cx<'_, O>) -> Result<<O as Owner>::Change, Problem>;

/// The change that a request's body asks for. `None` if the body has mistakes, which the [`Body`] then reports. A request
/// asks for one change, so that it is done whole or not at all.
pub(super) type Asked<O> = Result<Option<<O as Owner>::Change>, Problem>;

#[derive(Clone, Copy)]
pub(super) struct Collection<O: Owner> {
    /// `Name`.
    pub name: &'static str,
    pub members: Members<O>,
    /// Reads the body of a POST that creates a member.
    pub create: Option<ReadBody<O>>,
    /// Writes annotations beside the members.
    pub annotate: Option<fn(&Cx<'_, O>, &mut Doc<'_>)>,
    /// Only nodes that have tasks have members.
    pub only_with_tasks: bool,
    /// The members are whole documents and not links (`OData.AutoExpand` in the schema of the collection).
    pub is_expanded: bool,
    /// The members are listed among those of nodes, whose row has the collection.
    pub is_among_those_of_nodes: bool,
}

/// The task monitor of a task (DSP0266, "Asynchronous operations"). Its ids are those of the task.
pub(super) struct Monitor<O: Owner> {
    pub path: &'static str,
    pub see: fn(&Cx<'_, O>) -> Progress,
    /// DELETE of the monitor.
    pub delete: Delete<O>,
}

/// What a task monitor answers with.
pub(super) enum Progress {
    /// There is no monitor any more.
    Gone,
    /// 202 with the task.
    Underway { can_be_cancelled: bool },
    /// The work is done: 200 with the task.
    Ended,
    /// The work has created the resource at this URI: 201.
    Created(String),
    /// The work has deleted a resource: 204.
    Deleted,
}

/// The outcome of a change.
pub(super) enum Outcome {
    /// It is done, or is under way.
    Done,
    /// It is done, and the client is shown the document, unless it prefers otherwise.
    Shown,
    /// It has created the member with that id. `token` is the token of a session, and `message` goes with it.
    Created { id: String, token: Option<Box<str>>, message: Option<Message> },
    /// It is done, and this is its result, JSON.
    Told(Bytes),
    /// It has replaced the resource at this URI.
    Replaced(String),
    /// It takes time. The task monitor is at this URI.
    Accepted(String),
}

/// Whose resource it is.
pub(super) trait Owner: Copy + 'static {
    /// The facts that a resource's functions may look at.
    type Cx<'a>: Copy;
    /// The facts that follow from the model alone.
    type Model<'a>;
    /// What a request can ask for.
    type Change;

    /// The row of an entry, if it is one of this owner's.
    fn resource(entry: &'static Entry) -> Option<&'static Resource<Self>>;
    fn model<'c, 'a>(cx: &'c Self::Cx<'a>) -> &'c Self::Model<'a>;
    fn uri<'a>(model: &Self::Model<'a>) -> &'a str;
    /// Whether the model lacks the resource at `path`, written as in a profile's `absent`.
    fn lacks(model: &Self::Model<'_>, path: &str) -> bool;
    fn ids<'a>(cx: &Self::Cx<'a>) -> &'a [&'a str];
    /// The same facts for the resource that the first `count` ids lead to.
    fn first_ids<'a>(cx: &Self::Cx<'a>, count: usize) -> Self::Cx<'a>;
    /// The same facts for the member at `uri` of the collection.
    fn member<'a>(cx: &'a Self::Cx<'_>, uri: &'a str, ids: &'a [&'a str]) -> Self::Cx<'a>;
    /// The same facts for the resource at `uri`.
    fn at<'a>(cx: &Self::Cx<'a>, uri: &'a str) -> Self::Cx<'a>;
    /// The model whose overlays apply to the document.
    fn overlaid_by<'a>(cx: &Self::Cx<'a>) -> Option<&'a Profile>;
    /// The same by the model.
    fn profile<'a>(model: &Self::Model<'a>) -> Option<&'a Profile>;
    /// The node whose facts an overlay may name, and whether the root belongs to that node.
    fn overlay_facts<'a>(cx: &Self::Cx<'a>) -> Option<(&'a Node, bool)>;
    /// The OEM resource that stands at the URI.
    fn oem<'a>(cx: &Self::Cx<'a>) -> Option<&'a oem::Resource>;
    /// The overlay with the values that the node has for properties of the maker. `generic` is the path of the row.
    fn valued<'a>(cx: &Self::Cx<'a>, generic: &str, overlay: &'a Overlay) -> Cow<'a, Overlay>;
    /// Reads a PATCH: properties of the maker first, and then what `read` takes.
    fn extended(
        cx: &Self::Cx<'_>,
        generic: &str,
        overlay: Option<&Overlay>,
        body: &mut Body,
        read: impl FnOnce(&mut Body) -> Asked<Self>,
    ) -> Asked<Self>;
    /// The cached parts of the document, and the UUID that stands between their pieces.
    fn constants<'a>(cx: &Self::Cx<'a>, all: &'a Constants, row: usize) -> Option<(Parts<'a>, &'a str)>;
}

/// The owner of a node's resources.
#[derive(Clone, Copy)]
pub(super) struct OfNode;

/// The owner of the service's resources.
#[derive(Clone, Copy)]
pub(super) struct OfService;

impl Owner for OfNode {
    type Cx<'a> = NodeCx<'a>;
    type Model<'a> = Model<'a>;
    type Change = Command;

    fn resource(entry: &'static Entry) -> Option<&'static Resource<Self>> {
        match entry {
            Entry::Node(resource) => Some(resource),
            Entry::Service(_) => None,
        }
    }
    fn model<'c, 'a>(cx: &'c Self::Cx<'a>) -> &'c Self::Model<'a> {
        &cx.model
    }
    fn uri<'a>(model: &Self::Model<'a>) -> &'a str {
        model.uri
    }
    fn lacks(model: &Self::Model<'_>, path: &str) -> bool {
        model.profile.lacks(path)
    }
    fn ids<'a>(cx: &Self::Cx<'a>) -> &'a [&'a str] {
        cx.ids
    }
    fn first_ids<'a>(cx: &Self::Cx<'a>, count: usize) -> Self::Cx<'a> {
        NodeCx { ids: &cx.ids[..count], ..*cx }
    }
    fn member<'a>(cx: &'a Self::Cx<'_>, uri: &'a str, ids: &'a [&'a str]) -> Self::Cx<'a> {
        NodeCx { model: Model { uri, ..cx.model }, ids, ..*cx }
    }
    fn at<'a>(cx: &Self::Cx<'a>, uri: &'a str) -> Self::Cx<'a> {
        NodeCx { model: Model { uri, ..cx.model }, ..*cx }
    }
    fn overlaid_by<'a>(cx: &Self::Cx<'a>) -> Option<&'a Profile> {
        Some(cx.model.profile)
    }
    fn profile<'a>(model: &Self::Model<'a>) -> Option<&'a Profile> {
        Some(model.profile)
    }
    fn overlay_facts<'a>(cx: &Self::Cx<'a>) -> Option<(&'a Node, bool)> {
        Some((cx.node, cx.model.own_root))
    }
    fn oem<'a>(cx: &Self::Cx<'a>) -> Option<&'a oem::Resource> {
        super::oem::at(cx)
    }
    fn valued<'a>(cx: &Self::Cx<'a>, generic: &str, overlay: &'a Overlay) -> Cow<'a, Overlay> {
        super::oem::valued(cx, generic, overlay)
    }
    fn extended(
        cx: &Self::Cx<'_>,
        generic: &str,
        overlay: Option<&Overlay>,
        body: &mut Body,
        read: impl FnOnce(&mut Body) -> Asked<Self>,
    ) -> Asked<Self> {
        super::oem::extended(cx, generic, overlay, body, read)
    }
    fn constants<'a>(cx: &Self::Cx<'a>, all: &'a Constants, row: usize) -> Option<(Parts<'a>, &'a str)> {
        // The URI of a part has the part's id in it, and so have the links to what is below.
        if !cx.ids.is_empty() {
            return None;
        }
        let parts = all.of(cx.node.profile(), row, cx.model.own_root)?;
        Some((parts, cx.model.uuid))
    }
}

impl Owner for OfService {
    type Cx<'a> = ServiceCx<'a>;
    type Model<'a> = ServiceCx<'a>;
    type Change = ServiceChange;

    fn resource(entry: &'static Entry) -> Option<&'static Resource<Self>> {
        match entry {
            Entry::Service(resource) => Some(resource),
            Entry::Node(_) => None,
        }
    }
    fn model<'c, 'a>(cx: &'c Self::Cx<'a>) -> &'c Self::Model<'a> {
        cx
    }
    fn uri<'a>(cx: &Self::Model<'a>) -> &'a str {
        cx.uri
    }
    fn lacks(cx: &Self::Model<'_>, path: &str) -> bool {
        match cx.own {
            Some(node) => node.profile().lacks(path),
            // A shared root has what one of its models has.
            None => !cx.models.is_empty() && cx.models.iter().all(|model| model.lacks(path)),
        }
    }
    fn ids<'a>(cx: &Self::Cx<'a>) -> &'a [&'a str] {
        cx.ids
    }
    fn first_ids<'a>(cx: &Self::Cx<'a>, count: usize) -> Self::Cx<'a> {
        ServiceCx { ids: &cx.ids[..count], ..*cx }
    }
    fn member<'a>(cx: &'a Self::Cx<'_>, uri: &'a str, ids: &'a [&'a str]) -> Self::Cx<'a> {
        ServiceCx { uri, ids, ..*cx }
    }
    fn at<'a>(cx: &Self::Cx<'a>, uri: &'a str) -> Self::Cx<'a> {
        ServiceCx { uri, ..*cx }
    }
    fn overlaid_by<'a>(cx: &Self::Cx<'a>) -> Option<&'a Profile> {
        // A service with systems of several models belongs to none of them.
        match cx.models {
            [only] => Some(only),
            _ => None,
        }
    }
    fn profile<'a>(cx: &Self::Model<'a>) -> Option<&'a Profile> {
        Self::overlaid_by(cx)
    }
    fn overlay_facts<'a>(cx: &Self::Cx<'a>) -> Option<(&'a Node, bool)> {
        cx.own.map(|node| (node, true))
    }
    fn oem<'a>(_: &Self::Cx<'a>) -> Option<&'a oem::Resource> {
        None
    }
    fn valued<'a>(_: &Self::Cx<'a>, _: &str, overlay: &'a Overlay) -> Cow<'a, Overlay> {
        Cow::Borrowed(overlay)
    }
    fn extended(
        _: &Self::Cx<'_>,
        _: &str,
        _: Option<&Overlay>,
        body: &mut Body,
        read: impl FnOnce(&mut Body) -> Asked<Self>,
    ) -> Asked<Self> {
        read(body)
    }
    fn constants<'a>(_: &Self::Cx<'a>, _: &'a Constants, _: usize) -> Option<(Parts<'a>, &'a str)> {
        None
    }
}

impl<O: Owner> Resource<O> {
    const fn new(path: &'static str, kind: &'static str, get: fn(&Cx<'_, O>, &mut Doc<'_>)) -> Self {
        Self {
            path,
            kind,
            access: Access::COMPONENTS,
            get,
            collection: None,
            property: None,
            present: |_| true,
            patch: None,
            delete: None,
            actions: &[],
            monitor: None,
            offers: |_, _| true,
            attachment: None,
        }
    }

    /// Adds a collection of the members that `members` names.
    pub(super) const fn many(self, name: &'static str, members: Members<O>) -> Self {
        Self {
            collection: Some(Collection {
                name,
                members,
                create: None,
                annotate: None,
                only_with_tasks: false,
                is_expanded: false,
                is_among_those_of_nodes: false,
            }),
            ..self
        }
    }

    /// Lets clients create members of the collection.
    pub(super) const fn created_by(self, create: ReadBody<O>) -> Self {
        let collection = self.collection.expect("a collection that members can be created in");
        Self { collection: Some(Collection { create: Some(create), ..collection }), ..self }
    }

    /// Shows the members as whole documents.
    pub(super) const fn expanded(self) -> Self {
        let collection = self.collection.expect("a collection that shows its members");
        Self { collection: Some(Collection { is_expanded: true, ..collection }), ..self }
    }

    /// Says that a row of nodes has the collection, and lists these members with its own.
    pub(super) const fn among_those_of_nodes(self) -> Self {
        let collection = self.collection.expect("a collection that other members are in");
        let collection = Collection { is_among_those_of_nodes: true, ..collection };
        Self { collection: Some(collection), property: Some(""), ..self }
    }

    /// Adds annotations to the collection.
    pub(super) const fn annotated_by(self, annotate: fn(&Cx<'_, O>, &mut Doc<'_>)) -> Self {
        let collection = self.collection.expect("a collection that is annotated");
        Self { collection: Some(Collection { annotate: Some(annotate), ..collection }), ..self }
    }

    /// Sets the property by which the parent links to it. Empty if the parent's own function writes the link.
    pub(super) const fn linked_as(self, property: &'static str) -> Self {
        Self { property: Some(property), ..self }
    }

    /// Restricts it to the models for which `present` is true.
    pub(super) const fn only_if(self, present: fn(&ModelOf<'_, O>) -> bool) -> Self {
        Self { present, ..self }
    }

    /// Sets what a client needs to be allowed.
    pub(super) const fn allowed_by(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(super) const fn patched_by(self, patch: ReadBody<O>) -> Self {
        Self { patch: Some(patch), ..self }
    }

    pub(super) const fn deleted_by(self, delete: Delete<O>) -> Self {
        Self { delete: Some(delete), ..self }
    }

    pub(super) const fn with_actions(self, actions: &'static [Action<O>]) -> Self {
        Self { actions, ..self }
    }

    /// Restricts actions to the resources for which `offers` is true.
    pub(super) const fn offering(self, offers: fn(&ModelOf<'_, O>, &Action<O>) -> bool) -> Self {
        Self { offers, ..self }
    }

    /// Adds data that is no document, at a URI of its own.
    pub(super) const fn with_attachment(self, attach: Attach<O>) -> Self {
        Self { attachment: Some(attach), ..self }
    }

    /// Adds the task monitor of a task.
    pub(super) const fn monitored_by(self, monitor: &'static Monitor<O>) -> Self {
        Self { monitor: Some(monitor), ..self }
    }

    /// Says that few nodes have members, which the fleet's index of nodes with tasks lists.
    pub(super) const fn of_nodes_with_tasks(self) -> Self {
        let collection = self.collection.expect("a collection over nodes");
        Self { collection: Some(Collection { only_with_tasks: true, ..collection }), ..self }
    }

    /// The schema: `ComputerSystem.v1_28_0`.
    pub(super) fn schema(&self) -> &'static str {
        self.kind.rsplit_once('.').map_or(self.kind, |(schema, _)| schema)
    }

    /// The type without its version: `ComputerSystem`.
    pub(super) fn type_name(&self) -> &'static str {
        self.kind.split('.').next().unwrap_or(self.kind)
    }
}

impl Resource<OfNode> {
    /// A resource of a node. It can only be read, after a login.
    pub(super) const fn of_node(
        path: &'static str,
        kind: &'static str,
        get: fn(&NodeCx<'_>, &mut Doc<'_>),
    ) -> Self {
        Self::new(path, kind, get)
    }
}

impl Resource<OfService> {
    /// A resource of the service. It can only be read, after a login.
    pub(super) const fn of_service(
        path: &'static str,
        kind: &'static str,
        get: fn(&ServiceCx<'_>, &mut Doc<'_>),
    ) -> Self {
        Self::new(path, kind, get)
    }
}

impl Entry {
    /// Its path, and the property by which its parent links to it if the row names one.
    pub(super) fn path_and_property(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Service(resource) => (resource.path, resource.property),
            Self::Node(resource) => (resource.path, resource.property),
        }
    }
}
