//! Deep PATCH (DSP0266): one request changes a resource and resources below it.
//!
//! The body has the resources below as `$expand` shows them: in the property that links to them, and in `Members` of a
//! collection. Each resource is a part, which is changed as by a PATCH of its own. The parts change a copy of the node, which
//! takes the place of the node once all of them have succeeded. So a refused part changes nothing, and all parts belong to
//! one node.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer::Answer;
use super::ask::{Ask, By, Does};
use super::body::Body;
use super::error::Problem;
use super::headers::{Head, JSON};
use super::message::{
    ARRAY_SIZE_TOO_LONG, INSUFFICIENT_PRIVILEGE, Message, NO_OPERATION, OPERATION_NOT_ALLOWED,
    PROPERTY_MISSING, PROPERTY_NOT_WRITABLE, PROPERTY_UNKNOWN, PROPERTY_VALUE_NOT_IN_LIST,
    PROPERTY_VALUE_TYPE_ERROR,
};
use super::precondition;
use super::query::Page;
use super::read::check_type;
use super::request::Decision;
use super::root::Root;
use super::row::{Part, Target};
use super::service::{At, Redfish, uuid_text};
use super::trace::Trace;
use super::tree::{Route, Tree};
use crate::node::Node;

/// The resources that one request changes.
const MAX_PARTS: usize = 64;

/// A resource that a request changes.
struct Change {
    uri: String,
    /// The JSON pointer to its object in the body.
    place: String,
    /// Its properties. Without any, only the conditions are checked.
    body: Map<String, Value>,
    conditions: HeaderMap,
}

/// A body that is being split into changes.
struct Split {
    tree: &'static Tree,
    own_root: bool,
    changes: Vec<Change>,
    /// The body has resources below the first.
    is_deep: bool,
}

impl Split {
    /// Splits the object of the resource at `uri`.
    fn resource(
        &mut self,
        uri: String,
        place: String,
        mut body: Map<String, Value>,
        level: usize,
    ) -> Result<(), Problem> {
        let route = self.tree.find(&uri, self.own_root).ok_or_else(|| Problem::not_found(&uri))?;
        let children: Vec<_> = match route.target {
            Target::Service(row, Part::Document) => {
                row.children.iter().map(|child| (child.property, child.segment)).collect()
            }
            Target::Node(row, Part::Document) => {
                row.children.iter().map(|child| (child.property, child.segment)).collect()
            }
            Target::Service(_, Part::Collection(_))
            | Target::Node(_, Part::Collection(_))
            | Target::OverNodes(..) => return self.collection(uri, place, body, level),
            Target::Service(..) | Target::Node(..) | Target::Fixed(_) => {
                return Err((&OPERATION_NOT_ALLOWED).into());
            }
        };
        for (property, segment) in children {
            // A link alone changes nothing below it.
            let Some(Value::Object(inner)) = body.get(property).filter(|inner| has_properties(inner)) else {
                continue;
            };
            let (inner, place) = (inner.clone(), format!("{place}/{property}"));
            self.is_deep = true;
            if level == Body::MAX_LEVELS {
                return Err(mistake(&place, Message::new(&PROPERTY_NOT_WRITABLE, [property])));
            }
            body.remove(property);
            self.resource(format!("{uri}/{segment}"), place, inner, level + 1)?;
        }
        self.add(uri, place, body)
    }

    fn collection(
        &mut self,
        uri: String,
        place: String,
        mut body: Map<String, Value>,
        level: usize,
    ) -> Result<(), Problem> {
        self.is_deep = true;
        let members_place = format!("{place}/Members");
        let members = match body.remove("Members") {
            Some(Value::Array(members)) => members,
            Some(other) => {
                let message = Message::new(&PROPERTY_VALUE_TYPE_ERROR, [&other.to_string(), "Members"]);
                return Err(mistake(&members_place, message));
            }
            None => return Err(mistake(&members_place, Message::new(&PROPERTY_MISSING, ["Members"]))),
        };
        if let Some(key) = body.keys().find(|key| !is_annotation(key)) {
            return Err(mistake(&format!("{place}/{key}"), Message::new(&PROPERTY_NOT_WRITABLE, [key])));
        }
        if level == Body::MAX_LEVELS {
            return Err(mistake(&members_place, Message::new(&PROPERTY_NOT_WRITABLE, ["Members"])));
        }
        for (n, member) in members.into_iter().enumerate() {
            let place = format!("{members_place}/{n}");
            let Value::Object(member) = member else {
                let shown = member.to_string();
                return Err(mistake(&place, Message::new(&PROPERTY_VALUE_TYPE_ERROR, [&shown, "Members"])));
            };
            let id = member.get("@odata.id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_member = id.strip_prefix(&uri).and_then(|rest| rest.strip_prefix('/'));
            if is_member.is_none_or(|id| id.is_empty() || id.contains('/')) {
                let message = Message::new(&PROPERTY_VALUE_NOT_IN_LIST, [&id, "@odata.id"]);
                return Err(mistake(&format!("{place}/@odata.id"), message));
            }
            self.resource(id, place, member, level + 1)?;
        }
        self.add(uri, place, body)
    }

    /// Adds a change, unless the object asks for nothing.
    fn add(&mut self, uri: String, place: String, body: Map<String, Value>) -> Result<(), Problem> {
        let mut conditions = HeaderMap::new();
        let tag = body.get("@odata.etag").and_then(Value::as_str);
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            conditions.insert(header::IF_MATCH, tag);
        }
        let has_properties = body.keys().any(|key| !is_annotation(key));
        if has_properties || !conditions.is_empty() || place.is_empty() {
            if self.changes.len() == MAX_PARTS {
                let message = Message::new(&ARRAY_SIZE_TOO_LONG, ["Members", &MAX_PARTS.to_string()]);
                return Err(mistake(&place, message));
            }
            let body = if has_properties { body } else { Map::new() };
            self.changes.push(Change { uri, place, body, conditions });
        }
        Ok(())
    }
}

fn has_properties(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.keys().any(|key| !is_annotation(key)))
}

fn is_annotation(key: &str) -> bool {
    key.contains("@odata.")
}

fn mistake(place: &str, message: Message) -> Problem {
    message.about(format!("#{place}")).into()
}

/// Makes the messages about a part point into the whole body.
fn within(place: &str, mut problem: Problem) -> Problem {
    for message in &mut problem.messages {
        let inner = message.property.as_deref().unwrap_or("#").trim_start_matches('#');
        message.property = Some(format!("#{place}{inner}"));
    }
    problem
}

impl Change {
    /// The request that changes this resource alone.
    fn request(&self) -> Request<Bytes> {
        let method = if self.body.is_empty() { Method::GET } else { Method::PATCH };
        let body = serde_json::to_vec(&self.body).expect("JSON");
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.headers_mut() = self.conditions.clone();
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        request
    }

    /// Checks that the change is done, or that the document without a change has the ETag that the client means.
    fn check(&self, answer: Result<Answer, Problem>, head: &Head<'_>) -> Result<(), Problem> {
        let checked = answer.and_then(|answer| match answer {
            Answer::Document(document, _) if self.body.is_empty() => {
                precondition::check(head, || document.etag())
            }
            _ => Ok(()),
        });
        checked.map_err(|problem| within(&self.place, problem))
    }
}

impl Redfish {
    /// Answers a PATCH that has been refused with `problem`, if its body has resources below the one that it was sent to.
    ///
    /// # Errors
    /// `problem` for every other request; otherwise the first mistake, and then nothing is changed.
    pub(super) fn patch_deep(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        problem: Problem,
    ) -> Result<Answer, Problem> {
        let Does::Change(request, head) = ask.does else { return Err(problem) };
        let refuses_body = [&PROPERTY_NOT_WRITABLE, &PROPERTY_UNKNOWN, &OPERATION_NOT_ALLOWED];
        let may_be_deep = problem.messages.iter().any(|message| refuses_body.contains(&message.entry));
        if request.method() != Method::PATCH || !may_be_deep || !ask.target.has(&Method::PATCH) {
            return Err(problem);
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(request.body()) else { return Err(problem) };
        check_type(head, request.body())?;
        let mut split =
            Split { tree: self.tree, own_root: root.is_own(), changes: Vec::new(), is_deep: false };
        let done = split.resource(ask.uri.to_owned(), String::new(), body, 0);
        if !split.is_deep {
            return Err(problem);
        }
        done?;
        // The headers are about the resource that the request was sent to.
        if let Some(first) = split.changes.iter_mut().find(|change| change.place.is_empty())
            && let Some(headers) = head.conditions
        {
            for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
                headers.get_all(&name).iter().for_each(|value| {
                    first.conditions.append(&name, value.clone());
                });
            }
        }
        split.changes.retain(|change| !change.body.is_empty() || !change.conditions.is_empty());
        if split.changes.iter().all(|change| change.body.is_empty()) {
            return Err((&NO_OPERATION).into());
        }
        let Root::Own { node, now } = root else {
            return self.patch_deep_below_shared(ask, &split.changes, problem);
        };
        let mut copy = Node::clone(node);
        let mut inner = Root::Own { node: &mut copy, now: *now };
        for change in &split.changes {
            let (request, trace) = (change.request(), Trace::default());
            let head = Head::of(request.headers());
            let part = self.part(&inner, ask, change, &request, &head, &trace)?;
            change.check(self.perform(&mut inner, &part), &head)?;
        }
        // A rule can make the BMC forget the change that it acknowledges.
        if !ask.forgets {
            **node = copy;
        }
        Ok(Answer::Done)
    }

    /// The same at the root that all nodes share, where all parts must belong to one node.
    fn patch_deep_below_shared(
        &self,
        ask: &Ask<'_>,
        changes: &[Change],
        problem: Problem,
    ) -> Result<Answer, Problem> {
        let node_of = |change: &Change| -> Option<Uuid> {
            let route = self.tree.find(&change.uri, false)?;
            route.node.filter(|_| matches!(route.target, Target::Node(..)))?.1.parse().ok()
        };
        let (of_nodes, others): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| node_of(change).is_some());
        let node = of_nodes.first().and_then(|change| node_of(change));
        let is_alike = of_nodes.iter().all(|change| node_of(change) == node);
        // A change of one resource of the service is whole by itself.
        let most = usize::from(node.is_none());
        if !is_alike || others.iter().filter(|change| !change.body.is_empty()).count() > most {
            return Err(problem);
        }
        // They belong to no node, so they are asked for before one is locked. The conditions are checked before the change.
        let (checks, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|change| change.body.is_empty());
        for change in checks.into_iter().chain(others) {
            let (request, trace) = (change.request(), Trace::default());
            let head = Head::of(request.headers());
            let part = self.part(&Root::Shared, ask, change, &request, &head, &trace)?;
            change.check(self.perform(&mut Root::Shared, &part), &head)?;
        }
        let Some(uuid) = node else { return Ok(Answer::Done) };
        let id = self.fleet.find(uuid).ok_or_else(|| Problem::not_found(ask.uri))?;
        ask.trace.concerns(Some(id));
        let mut buffer = Uuid::encode_buffer();
        let uuid = uuid_text(uuid, &mut buffer);
        let done = self.fleet.with(id, |node, now| {
            node.bmc().check_running(now)?;
            let mut copy = node.clone();
            for change in of_nodes {
                let (request, trace) = (change.request(), Trace::default());
                let head = Head::of(request.headers());
                let part = self.part(&Root::Shared, ask, change, &request, &head, &trace)?;
                let Target::Node(row, which) = part.target else { continue };
                let at = At { uuid, own_root: false, uri: part.uri, now };
                let answer = match self.on_locked_node(&part, row, which, &mut copy, at) {
                    Ok(Decision::Answer(answer)) => Ok(answer),
                    Ok(Decision::Change(_)) => Ok(Answer::Done),
                    Err(problem) => Err(problem),
                };
                change.check(answer, &head)?;
            }
            if !ask.forgets {
                *node = copy;
            }
            Ok(Answer::Done)
        });
        done.ok_or_else(|| Problem::not_found(ask.uri))?
    }

    /// The request for one change, if the client may make it.
    fn part<'r>(
        &self,
        root: &Root<'_>,
        whole: &Ask<'_>,
        change: &'r Change,
        request: &'r Request<Bytes>,
        head: &'r Head<'r>,
        trace: &'r Trace<'r>,
    ) -> Result<Ask<'r>, Problem> {
        let By { client, address, .. } = whole.by;
        let route = self.tree.find(&change.uri, root.is_own());
        let route = route.ok_or_else(|| Problem::not_found(&change.uri))?;
        let may = match client {
            Some(client) => self.permit(root, client, &route, request.method()),
            None => Err((&INSUFFICIENT_PRIVILEGE).into()),
        };
        let may = may.map_err(|problem| within(&change.place, problem))?;
        let does = match change.body.is_empty() {
            true => Does::Read(Page::WHOLE),
            false => Does::Change(request, head),
        };
        let Route { target, node, ids } = route;
        let by = By { client, may, address };
        Ok(Ask { target, node, ids, uri: &change.uri, does, query: None, trace, by, forgets: false })
    }
}
