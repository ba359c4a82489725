//! A row of the table with all that is derived from it, and what a path can lead to.

use http::{HeaderMap, HeaderValue, Method, header};

use super::access::{Access, Need};
use super::action::{ACTION_INFO_SCHEMA, Action};
use super::headers::{JSON, ODATA_4, ODATA_VERSION};
use super::resource::{
    Attach, Collection, Entry, Members, ModelOf, Monitor, OfNode, OfService, Owner, Resource,
};

/// The methods of what can only be read.
const READ_ONLY: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// The path of the service root.
pub(super) const ROOT: &str = "/redfish/v1";

/// A row of the table, with what is derived from it.
pub(super) struct Row<O: Owner> {
    pub resource: &'static Resource<O>,
    /// The row's number in the table.
    pub number: usize,
    /// The resources directly below, each with its link.
    pub children: Vec<Child<O>>,
    /// The path with `{}` for ids and without `/redfish/v1/`, as a profile's `absent` writes it.
    pub generic: String,
    /// For each id in the path: the members that it can be one of.
    pub ids: Vec<Members<O>>,
    /// Copying headers costs less than building them.
    document_headers: HeaderMap,
    collection_headers: HeaderMap,
    action_info_headers: HeaderMap,
}

/// A link from a document to a resource directly below it.
pub(super) struct Child<O: Owner> {
    /// The property that links.
    pub property: &'static str,
    /// The last word of the path.
    pub segment: &'static str,
    /// The path as a profile's `absent` writes it.
    pub generic: String,
    /// Whether a model has the resource, if that is not a matter of the profile's `absent` alone.
    pub present: Option<fn(&ModelOf<'_, O>) -> bool>,
}

/// The resource at a path.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Service(&'static Row<OfService>, Part<OfService>),
    Node(&'static Row<OfNode>, Part<OfNode>),
    /// A collection with a member for each node, or for parts of each node.
    OverNodes(&'static Row<OfNode>, &'static Collection<OfNode>),
    Fixed(Fixed),
}

/// The part of a row that a path leads to.
#[derive(Clone, Copy)]
pub(super) enum Part<O: Owner> {
    Document,
    Collection(&'static Collection<O>),
    /// The `Members` of the collection, to which a client may POST as to the collection (DSP0266, "POST (create)").
    Members(&'static Collection<O>),
    Action(&'static Action<O>),
    /// The description of an action's parameters.
    ActionInfo(&'static Action<O>),
    /// The task monitor of a task.
    Monitor(&'static Monitor<O>),
    /// Data that is no document.
    Attachment(Attach<O>),
}

/// A document that describes the service itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    Versions,
    Odata,
    Metadata,
    OpenApi,
}

impl Fixed {
    pub(super) const PATHS: [(&'static str, Self); 4] = [
        ("/redfish", Self::Versions),
        ("/redfish/v1/odata", Self::Odata),
        ("/redfish/v1/$metadata", Self::Metadata),
        ("/redfish/v1/openapi.yaml", Self::OpenApi),
    ];

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Versions | Self::Odata => JSON,
            Self::Metadata => "application/xml; charset=utf-8",
            Self::OpenApi => "application/yaml; charset=utf-8",
        }
    }
}

impl<O: Owner> Part<O> {
    /// The action whose target or description it is.
    pub(super) fn action(self) -> Option<&'static Action<O>> {
        match self {
            Self::Action(action) | Self::ActionInfo(action) => Some(action),
            Self::Document
            | Self::Collection(_)
            | Self::Members(_)
            | Self::Monitor(_)
            | Self::Attachment(_) => None,
        }
    }
}

impl<O: Owner> Row<O> {
    pub(super) fn new(resource: &'static Resource<O>, number: usize, table: &'static [Entry]) -> Self {
        let collection = resource.collection.as_ref();
        Self {
            resource,
            number,
            children: table.iter().filter_map(|entry| child(entry, resource.path)).collect(),
            generic: generic(resource.path),
            ids: ids_on(resource.path, table),
            document_headers: headers(allow_document(resource), resource.schema()),
            collection_headers: collection.map_or_else(HeaderMap::new, |collection| {
                let schema = format!("{}Collection", resource.type_name());
                headers(allow_collection(collection), &schema)
            }),
            action_info_headers: headers(READ_ONLY, ACTION_INFO_SCHEMA),
        }
    }
}

impl Row<OfNode> {
    /// A row for resources that a model adds. `number` is that of all such rows.
    pub(super) fn of_models(resource: &'static Resource<OfNode>, number: usize) -> Self {
        let mut document_headers = headers(allow_document(resource), resource.schema());
        // The schema is the maker's.
        document_headers.remove(header::LINK);
        Self {
            resource,
            number,
            children: Vec::new(),
            generic: String::new(),
            ids: Vec::new(),
            document_headers,
            collection_headers: HeaderMap::new(),
            action_info_headers: HeaderMap::new(),
        }
    }
}

/// The link to a row from the document at `above`, if the row is directly below it.
fn child<O: Owner>(entry: &'static Entry, above: &str) -> Option<Child<O>> {
    let (path, property) = entry.path_and_property();
    // A member is linked from its collection, and the collection from the document above it.
    let linked = if path.ends_with('}') { parent(path) } else { path };
    let segment = linked.rsplit('/').next().unwrap_or(linked);
    let property = property.unwrap_or(segment);
    let is_child = parent(linked) == above && !property.is_empty();
    // A collection over nodes is a child of the service, and has no model to ask.
    let present = O::resource(entry).map(|resource| resource.present);
    is_child.then(|| Child { property, segment, generic: generic(path), present })
}

/// For each part's id in a path: the members of the row that ends there.
fn ids_on<O: Owner>(path: &'static str, table: &'static [Entry]) -> Vec<Members<O>> {
    let ends = path.match_indices('}').map(|(at, _)| &path[..=at]);
    let parts = ends.filter(|end| !["{System}", "{Manager}", "{Chassis}"].iter().any(|id| end.ends_with(id)));
    let row = |end: &str| table.iter().filter_map(O::resource).find(|row| row.path == end);
    let members =
        parts.map(|end| row(end).and_then(|row| row.collection).expect("each id is some row's member"));
    members.map(|collection| collection.members).collect()
}

/// The methods of a document, as `Allow` lists them.
fn allow_document<O: Owner>(resource: &Resource<O>) -> HeaderValue {
    HeaderValue::from_static(match (resource.patch.is_some(), resource.delete.is_some()) {
        (false, false) => "GET, HEAD",
        (true, false) => "GET, HEAD, PATCH",
        (false, true) => "DELETE, GET, HEAD",
        (true, true) => "DELETE, GET, HEAD, PATCH",
    })
}

/// The methods of a collection that `Allow` lists. A PATCH changes its members too (`deep.rs`), and is not listed: the schemas say that
/// no collection can be updated, and DMTF's service validator compares the header with them.
fn allow_collection<O: Owner>(collection: &Collection<O>) -> HeaderValue {
    HeaderValue::from_static(if collection.create.is_some() { "GET, HEAD, POST" } else { "GET, HEAD" })
}

/// The headers of a document or collection of a schema.
fn headers(allow: HeaderValue, schema: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(&ODATA_VERSION, ODATA_4);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ALLOW, allow);
    headers.extend(described_by(schema).map(|link| (header::LINK, link)));
    headers
}

/// The header `Link` of a document of a schema (DSP0266, "Response headers").
pub(super) fn described_by(schema: &str) -> Option<HeaderValue> {
    let link = format!("<http://redfish.dmtf.org/schemas/v1/{schema}.json>; rel=describedby");
    HeaderValue::from_str(&link).ok()
}

impl<O: Owner> Row<O> {
    pub(super) fn need(&self, part: Part<O>, method: &Method) -> Need {
        let access = &self.resource.access;
        match (part, method) {
            (Part::Document | Part::Attachment(_), &Method::GET | &Method::HEAD) => access.read,
            (_, &Method::GET | &Method::HEAD) => access.list,
            (Part::Collection(_) | Part::Members(_), &Method::POST) => access.create,
            (
                Part::Document
                | Part::Collection(_)
                | Part::Members(_)
                | Part::Action(_)
                | Part::ActionInfo(_)
                | Part::Monitor(_)
                | Part::Attachment(_),
                _,
            ) => access.change,
        }
    }

    fn allow(&self, part: Part<O>) -> HeaderValue {
        match part {
            Part::Document => allow_document(self.resource),
            Part::Collection(collection) => allow_collection(collection),
            Part::Members(_) | Part::Action(_) => HeaderValue::from_static("POST"),
            Part::ActionInfo(_) | Part::Attachment(_) => READ_ONLY,
            Part::Monitor(_) => HeaderValue::from_static("DELETE, GET, HEAD"),
        }
    }
}

impl Target {
    /// What a client needs to be allowed to use the method there.
    pub(super) fn need(self, method: &Method) -> Need {
        match self {
            Self::Service(row, part) => row.need(part, method),
            Self::Node(row, part) => row.need(part, method),
            Self::OverNodes(row, over) => row.need(Part::Collection(over), method),
            // DSP0266, "Authentication requirements".
            Self::Fixed(_) if matches!(*method, Method::GET | Method::HEAD) => Need::Nothing,
            Self::Fixed(_) => Access::PUBLIC.change,
        }
    }

    /// What its row needs, by operation.
    pub(super) fn access(self) -> &'static Access {
        match self {
            Self::Service(row, _) => &row.resource.access,
            Self::Node(row, _) | Self::OverNodes(row, _) => &row.resource.access,
            Self::Fixed(_) => &Access::PUBLIC,
        }
    }

    /// Whether the resource has that method.
    pub(super) fn has(self, method: &Method) -> bool {
        let allow = self.allow();
        let listed = allow.to_str().unwrap_or_default().split(", ").any(|listed| listed == method.as_str());
        listed || *method == Method::OPTIONS || (*method == Method::PATCH && self.has_members_to_change())
    }

    /// Whether it is a collection whose members a PATCH can change (`deep.rs`).
    fn has_members_to_change(self) -> bool {
        match self {
            Self::Service(row, Part::Collection(_)) => row.resource.patch.is_some(),
            Self::Node(row, Part::Collection(_)) | Self::OverNodes(row, _) => row.resource.patch.is_some(),
            Self::Service(..) | Self::Node(..) | Self::Fixed(_) => false,
        }
    }

    pub(super) fn allow(self) -> HeaderValue {
        match self {
            Self::Service(row, part) => row.allow(part),
            Self::Node(row, part) => row.allow(part),
            Self::OverNodes(_, over) => allow_collection(over),
            Self::Fixed(_) => READ_ONLY,
        }
    }

    /// The headers of the document or collection.
    pub(super) fn headers(self) -> HeaderMap {
        match self {
            Self::Service(row, Part::Document | Part::Monitor(_)) => row.document_headers.clone(),
            Self::Node(row, Part::Document | Part::Monitor(_)) => row.document_headers.clone(),
            Self::Service(row, Part::ActionInfo(_)) => row.action_info_headers.clone(),
            Self::Node(row, Part::ActionInfo(_)) => row.action_info_headers.clone(),
            Self::Service(row, _) => row.collection_headers.clone(),
            Self::Node(row, _) | Self::OverNodes(row, _) => row.collection_headers.clone(),
            Self::Fixed(_) => HeaderMap::new(),
        }
    }

    /// The path of its row as a profile's `absent` writes it.
    pub(super) fn generic(self) -> &'static str {
        match self {
            Self::Service(row, _) => &row.generic,
            Self::Node(row, _) | Self::OverNodes(row, _) => &row.generic,
            Self::Fixed(_) => "",
        }
    }

    /// The name of the action, if it is one: `ComputerSystem.Reset`.
    pub(super) fn action(self) -> Option<&'static str> {
        match self {
            Self::Service(_, Part::Action(action)) => Some(action.name()),
            Self::Node(_, Part::Action(action)) => Some(action.name()),
            _ => None,
        }
    }

    pub(super) fn is_action(self) -> bool {
        matches!(self, Self::Service(_, Part::Action(_)) | Self::Node(_, Part::Action(_)))
    }

    /// Whether it is a member of a collection, or an action of one.
    pub(super) fn is_of_member(self) -> bool {
        matches!(self, Self::Service(_, Part::Document | Part::Action(_)))
    }

    /// Whether it is data that is no document.
    pub(super) fn is_attachment(self) -> bool {
        matches!(self, Self::Service(_, Part::Attachment(_)) | Self::Node(_, Part::Attachment(_)))
    }

    /// Whether it is the document of a resource, or its attachment.
    pub(super) fn is_document(self) -> bool {
        match self {
            Self::Service(_, part) => {
                matches!(part, Part::Document | Part::ActionInfo(_) | Part::Attachment(_))
            }
            Self::Node(_, part) => {
                matches!(part, Part::Document | Part::ActionInfo(_) | Part::Attachment(_))
            }
            Self::OverNodes(..) | Self::Fixed(_) => false,
        }
    }
}

pub(super) fn parent(path: &'static str) -> &'static str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn generic(path: &str) -> String {
    let below = path.strip_prefix(ROOT).unwrap_or(path);
    let words = below.split('/').filter(|s| !s.is_empty());
    words.map(|s| if s.starts_with('{') { "{}" } else { s }).collect::<Vec<_>>().join("/")
}
