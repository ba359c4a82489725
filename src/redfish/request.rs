//! The path of every Redfish request, from top to bottom: find the resource, allow the client, do what is asked, answer.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use uuid::Uuid;

use super::access::Need;
use super::answer::{Answer, Content, Created, in_style, refusal};
use super::ask::{Ask, Does};
use super::body::Body;
use super::context::NodeCx;
use super::error::Problem;
use super::fault::Hit;
use super::headers::Head;
use super::list::List;
use super::message::{Message, OPERATION_NOT_ALLOWED, PRECONDITION_REQUIRED, PROPERTY_MISSING};
use super::meters;
use super::negotiate;
use super::precondition;
use super::query::{Page, WHOLE};
use super::read::{read, refuse_overlaid};
use super::render;
use super::report;
use super::resource::{Collection, OfNode, OfService, Outcome, Owner, Progress, ServiceChange};
use super::root::Root;
use super::row::{Fixed, Part, Row, Target};
use super::schemas::schemas_of;
use super::service::{At, Redfish, uuid_text};
use super::service_documents::Text;
use super::task::{self, AskedAt};
use super::tree::{IdOf, UUID_LENGTH, decoded};
use crate::clock::Stopwatch;
use crate::face::Welcome;
use crate::node::Node;
use crate::profile::Profile;
use crate::profile::quirk::Quirk;

/// An answer that needs no change, or a change.
pub(super) enum Decision<C> {
    Answer(Answer),
    Change(C),
}

/// Finds the ETag of a collection below a resource.
type TagBelow<'a, O> = &'a dyn Fn(&<O as Owner>::Cx<'_>, &str) -> Option<[u8; 18]>;

impl Redfish {
    /// Answers a request of a client at that address. Every Redfish request passes through this function, at every root.
    pub(super) fn respond(
        &self,
        root: &mut Root<'_>,
        client: Option<IpAddr>,
        request: &Request<Bytes>,
    ) -> Response<Content> {
        let watch = Stopwatch::start();
        let head = Head::of(request.headers());
        let asked = decoded(request.uri().path());
        let respelled;
        let (path, route) = match self.route(root, &asked) {
            Some(route) => (&*asked, Some(route)),
            None => {
                respelled = self.respelled(root, &asked);
                let path = respelled.as_deref().unwrap_or(&asked);
                (path, respelled.as_ref().and_then(|path| self.route(root, path)))
            }
        };
        let target = route.as_ref().map(|route| route.target);
        let trace = self.trace(client, route.as_ref());
        let hit = self.meet(root, route.as_ref(), request);
        let mut response = match hit.as_ref().and_then(|hit| hit.before(target)) {
            Some(refused) => refused,
            None => {
                let allowed = self.allow(root, client, request, &head, path, route, &trace);
                let answer = allowed.and_then(|mut ask| {
                    ask.forgets = hit.as_ref().is_some_and(Hit::forgets);
                    let answer =
                        self.perform(root, &ask).or_else(|problem| self.patch_deep(root, &ask, problem))?;
                    let answer = self.select(root, &ask, answer)?;
                    Ok(match head.rare {
                        Some(headers) => self.prefer(root, &ask, headers, answer),
                        None => answer,
                    })
                });
                match answer {
                    // A query changes the document and keeps the ETag, so the ETag does not tell what the client has. The
                    // conditions of a change are about the document before it.
                    Ok(answer) if request.uri().query().is_some() || request.method() == Method::PATCH => {
                        answer.into_response(None)
                    }
                    Ok(answer) => answer.into_response(head.conditions),
                    Err(problem) => {
                        trace.refused(&problem);
                        let style = root.node().map(|node| &node.profile().answers);
                        refusal(&problem, target, style)
                    }
                }
            }
        };
        if let Some(node) = root.node()
            && response.status() == StatusCode::NO_CONTENT
            && *request.method() != Method::OPTIONS
        {
            response = in_style(&node.profile().answers, target.map_or("", Target::generic), response);
        }
        if let Some(headers) = head.rare {
            negotiate::finish(headers, &mut response);
        }
        if let Some(hit) = hit {
            response = self.finish(root, target, &hit, response);
        }
        let sent_bytes = match response.body() {
            Content::Bytes(bytes) => bytes.len(),
            // Its parts are counted when they are written, and an archive when it is made.
            Content::List(_) | Content::Attachment(..) => 0,
        };
        let status = response.status().as_u16();
        self.requests.note(meters::kind(target), status, watch.elapsed(), request.body().len(), sent_bytes);
        self.record(root, &trace, request, &head, watch, status);
        response
    }

    /// Decides from the head of a request how much of its body is read: only a client that has proved who it is may send a
    /// large one.
    pub(super) fn welcome_at(
        &self,
        root: &mut Root<'_>,
        client: IpAddr,
        request: &Request<Bytes>,
    ) -> Result<Welcome, Box<Response<Bytes>>> {
        let watch = Stopwatch::start();
        let asked = decoded(request.uri().path());
        let path = match self.route(root, &asked) {
            Some(_) => asked,
            None => self.respelled(root, &asked).map_or(asked, Cow::Owned),
        };
        let route = self.route(root, &path);
        let target = route.as_ref().map(|route| route.target);
        if target.is_some_and(|target| target.need(request.method()) == Need::Nothing) {
            return Ok(Welcome::Small);
        }
        let head = Head::of(request.headers());
        self.identify(root, &head).map(|_| Welcome::Whole).map_err(|problem| {
            let response = self.whole(refusal(&problem, target, None), request);
            let (status, bytes) = (response.status().as_u16(), response.body().len());
            self.requests.note(meters::kind(target), status, watch.elapsed(), 0, bytes);
            let trace = self.trace(Some(client), route.as_ref());
            trace.refused(&problem);
            self.record(root, &trace, request, &head, watch, status);
            Box::new(response)
        })
    }

    /// Does what is asked. This is where the outcome of a change becomes an answer.
    pub(super) fn perform(&self, root: &mut Root<'_>, ask: &Ask<'_>) -> Result<Answer, Problem> {
        let decision = match ask.target {
            Target::Fixed(Fixed::Metadata) => {
                let models = self.models(root.node());
                self.read_only(ask, |_| match models.iter().all(|model| model.kinds.is_empty()) {
                    true => Answer::Fixed(self.documents, Fixed::Metadata),
                    false => {
                        let schemas = schemas_of(&self.tree.schemas, &models);
                        Answer::Described(Box::new(Text::metadata(self.tree, &schemas)), Fixed::Metadata)
                    }
                })
            }
            Target::Fixed(fixed) => self.read_only(ask, |_| Answer::Fixed(self.documents, fixed)),
            Target::OverNodes(row, over) if matches!(ask.does, Does::Change(..)) && over.create.is_some() => {
                self.create_on_node(ask, row, over)
            }
            Target::OverNodes(row, over) => self.read_only(ask, |page| {
                let list = List::new(self, row, over, ask.uri, page);
                if list.shown > WHOLE {
                    return Answer::List(list, ask.target);
                }
                Answer::Document(list.whole(self), ask.target)
            }),
            Target::Service(row, part) => self.on_service(root, ask, row, part),
            Target::Node(row, part) => self.on_node(root, ask, row, part),
        };
        match decision? {
            Decision::Answer(Answer::CreatedAt(uri)) => {
                let member = self.read(root, None, &uri);
                Ok(Answer::Created(Created { uri, member, token: None, message: None }))
            }
            Decision::Answer(answer) => Ok(answer),
            Decision::Change(Outcome::Done) => Ok(Answer::Done),
            Decision::Change(Outcome::Shown) => Ok(match self.read(root, None, ask.uri) {
                Some((document, target)) => Answer::Document(document, target),
                None => Answer::Done,
            }),
            Decision::Change(Outcome::Created { id, token, message }) => {
                let uri = format!("{}/{id}", collection_uri(ask.uri));
                let member = self.read(root, None, &uri);
                Ok(Answer::Created(Created { uri, member, token, message }))
            }
            Decision::Change(Outcome::Told(json)) => Ok(Answer::Told(json)),
            Decision::Change(Outcome::Replaced(uri)) => Ok(Answer::Replaced(uri)),
            Decision::Change(Outcome::Accepted(monitor)) => Ok(self.accepted(root, monitor)),
        }
    }

    /// A request for something that cannot be changed.
    fn read_only(
        &self,
        ask: &Ask<'_>,
        show: impl FnOnce(Page) -> Answer,
    ) -> Result<Decision<Outcome>, Problem> {
        match ask.does {
            Does::Read(page) => Ok(Decision::Answer(show(page))),
            Does::Options => Ok(Decision::Answer(Answer::Options(ask.target))),
            Does::Change(..) => Err((&OPERATION_NOT_ALLOWED).into()),
        }
    }

    /// A request for a resource of the service.
    fn on_service(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        row: &'static Row<OfService>,
        part: Part<OfService>,
    ) -> Result<Decision<Outcome>, Problem> {
        // The condition of a change and the change itself are one step. A root of its own has the lock of its node for that.
        let changes_shared = matches!((&*root, ask.does), (Root::Shared, Does::Change(..)));
        let _alone = changes_shared.then(|| self.service_changes.lock());
        let models = self.models(root.node());
        let decision = self.with_accounts(root, |accounts, _| {
            let cx = self.service_cx(accounts, &models, root.node(), self.now_at(root), ask.uri, &ask.ids);
            self.decide::<OfService>(ask, row, part, &cx, &|_, _| None)
        });
        match decision? {
            Decision::Answer(answer) => Ok(Decision::Answer(answer)),
            Decision::Change(mut change) => {
                if let Some(payload) = change.payload_mut() {
                    *payload = ask.payload();
                }
                if let ServiceChange::Directed(directed) = &change {
                    ask.trace.concerns(directed.machine().and_then(|uuid| self.fleet.find(uuid)));
                }
                self.fleet.may_change()?;
                self.change_service(root, ask.by.client, ask.by.address, change, collection_uri(ask.uri))
                    .map(Decision::Change)
            }
        }
    }

    /// A request for a resource of a node.
    fn on_node(
        &self,
        root: &mut Root<'_>,
        ask: &Ask<'_>,
        row: &'static Row<OfNode>,
        part: Part<OfNode>,
    ) -> Result<Decision<Outcome>, Problem> {
        let missing = || Problem::not_found(ask.uri);
        let mut buffer = Uuid::encode_buffer();
        match (root, ask.node) {
            (Root::Own { node, now }, id) => {
                if id.is_some_and(|(of, id)| !is_id(node, of, id)) {
                    return Err(missing());
                }
                let uuid = uuid_text(node.spec().uuid(), &mut buffer);
                self.on_locked_node(
                    ask,
                    row,
                    part,
                    node,
                    At { uuid, own_root: true, uri: ask.uri, now: *now },
                )
            }
            (Root::Shared, None) => Err(missing()),
            (Root::Shared, Some((_, key))) => {
                let uuid: Uuid = key.parse().map_err(|_| missing())?;
                let id = self.fleet.find(uuid).ok_or_else(missing)?;
                ask.trace.concerns(Some(id));
                // A UUID can be written in several ways, and a resource has one URI. Nearly every client has it from a link.
                let uuid = if is_canonical(key) { key } else { uuid_text(uuid, &mut buffer) };
                let uri: Cow<'_, str> =
                    if key == uuid { ask.uri.into() } else { ask.uri.replacen(key, uuid, 1).into() };
                let decision = self.fleet.with(id, |node, now| {
                    node.bmc().check_running(now)?;
                    self.on_locked_node(ask, row, part, node, At { uuid, own_root: false, uri: &uri, now })
                });
                decision.ok_or_else(missing)?
            }
        }
    }

    /// A request that creates a member of a collection that all nodes share. The body says which node is meant: the URIs in it are
    /// those of one machine, or its `Id` begins with the UUID of the machine.
    fn create_on_node(
        &self,
        ask: &Ask<'_>,
        row: &'static Row<OfNode>,
        over: &'static Collection<OfNode>,
    ) -> Result<Decision<Outcome>, Problem> {
        let Does::Change(request, _) = ask.does else { return Err((&OPERATION_NOT_ALLOWED).into()) };
        let found = serde_json::from_slice(request.body()).ok().and_then(|body| report::machine_of(&body));
        let named_by =
            if row.resource.type_name() == "License" { "Links/TargetServices" } else { "MetricProperties" };
        let missing = || Problem::from(Message::new(&PROPERTY_MISSING, [named_by]));
        let uuid = found.ok_or_else(missing)?;
        let id = self.fleet.find(uuid).ok_or_else(missing)?;
        ask.trace.concerns(Some(id));
        let mut buffer = Uuid::encode_buffer();
        let uuid = uuid_text(uuid, &mut buffer);
        let created = self.fleet.with(id, |node, now| {
            let at = At { uuid, own_root: false, uri: ask.uri, now };
            self.on_locked_node(ask, row, Part::Collection(over), node, at)
        });
        created.ok_or_else(missing)?
    }

    /// A request for a resource of a node that is locked.
    pub(super) fn on_locked_node(
        &self,
        ask: &Ask<'_>,
        row: &'static Row<OfNode>,
        part: Part<OfNode>,
        node: &mut Node,
        at: At<'_>,
    ) -> Result<Decision<Outcome>, Problem> {
        ask.trace.looks_at(at.now);
        if let (Does::Read(_), Some(mut earlier)) = (ask.does, node.shown()) {
            return self.on_locked_node(ask, row, part, &mut earlier, at);
        }
        let tag_below = |cx: &NodeCx<'_>, uri: &str| self.tag_of_collection(cx, uri);
        match self.decide::<OfNode>(ask, row, part, &self.node_cx(node, at, &ask.ids), &tag_below)? {
            Decision::Answer(answer) => Ok(Decision::Answer(answer)),
            Decision::Change(command) => {
                self.fleet.may_change()?;
                let asked_at = AskedAt { own_root: at.own_root, now: at.now };
                let before = ask.forgets.then(|| node.clone());
                let done = self.apply(node, command, asked_at, || ask.payload()).map(Decision::Change);
                if let Some(before) = before {
                    node.forget(before);
                }
                done
            }
        }
    }

    /// The ETag of the collection at `uri`, below a resource of a node.
    fn tag_of_collection(&self, cx: &NodeCx<'_>, uri: &str) -> Option<[u8; 18]> {
        match self.tree.find(uri, cx.model.own_root)?.target {
            Target::Node(row, Part::Collection(over)) => {
                let collection =
                    render::collection(&OfNode::at(cx, uri), row, over, Page::WHOLE, &self.constants);
                Some(collection.etag())
            }
            Target::Node(..) | Target::Service(..) | Target::OverNodes(..) | Target::Fixed(_) => None,
        }
    }

    /// Answers what needs no change, and reads the change that is asked for. `tag_below` returns the ETag of a collection below the
    /// resource, by its URI.
    fn decide<'a, O: Owner>(
        &'a self,
        ask: &Ask<'_>,
        row: &'static Row<O>,
        part: Part<O>,
        cx: &O::Cx<'a>,
        tag_below: TagBelow<'_, O>,
    ) -> Result<Decision<O::Change>, Problem> {
        if !render::exists(cx, row) || part.action().is_some_and(|action| !render::offers(cx, row, action)) {
            return Err(Problem::not_found(ask.uri));
        }
        let not_allowed = || Err((&OPERATION_NOT_ALLOWED).into());
        let show = |document| Ok(Decision::Answer(Answer::Document(document, ask.target)));
        let (request, head) = match (ask.does, part) {
            (Does::Options, _) => return Ok(Decision::Answer(Answer::Options(ask.target))),
            (Does::Read(_), Part::Document) => return show(render::document(cx, row, &self.constants)),
            (Does::Read(page), Part::Collection(over)) => {
                return show(render::collection(cx, row, over, page, &self.constants));
            }
            (Does::Read(_), Part::Members(_) | Part::Action(_)) => return not_allowed(),
            (Does::Read(_), Part::ActionInfo(action)) => {
                return match render::describes(O::overlaid_by(cx), action.name()) {
                    true => show(render::action_info(cx, action)),
                    false => Err(Problem::not_found(ask.uri)),
                };
            }
            (Does::Read(_), Part::Attachment(attach)) => {
                return Answer::attachment(attach(cx), ask.uri, ask.target).map(Decision::Answer);
            }
            (Does::Read(_), Part::Monitor(monitor)) => {
                return task::progress((monitor.see)(cx), O::uri(O::model(cx)), || {
                    (render::document(cx, row, &self.constants), ask.target)
                })
                .map(Decision::Answer);
            }
            (Does::Change(request, head), _) => (request, head),
        };
        // The conditions of an action are about the resource that has it.
        let uri = O::uri(O::model(cx)).split("/Actions/").next().unwrap_or_default();
        let tag = || render::document(&O::at(cx, uri), row, &self.constants).etag();
        match (part, request.method()) {
            (Part::Document, &Method::PATCH) => {
                let Some(patch) = row.resource.patch else { return not_allowed() };
                let needs = |model: &Profile| model.has(Quirk::PatchNeedsEtag);
                if head.conditions.is_none() && O::overlaid_by(cx).is_some_and(needs) {
                    return Err((&PRECONDITION_REQUIRED).into());
                }
                precondition::check(head, tag)?;
                let known = |key: &str| render::document(cx, row, &self.constants).has(key);
                let (overlay, generic, _) = render::overlay(cx, row);
                let patch = |body: &mut Body| {
                    O::extended(cx, generic, overlay, body, |body| {
                        refuse_overlaid(cx, row, body);
                        patch(cx, body)
                    })
                };
                read::<O>(ask, request, head, None, patch, known)
            }
            (Part::Document, &Method::DELETE) => {
                let Some(delete) = row.resource.delete else { return not_allowed() };
                precondition::check(head, tag)?;
                delete(cx).map(Decision::Change)
            }
            (Part::Collection(over) | Part::Members(over), &Method::POST) => {
                let Some(create) = over.create else { return not_allowed() };
                precondition::check(head, || {
                    render::collection(cx, row, over, Page::WHOLE, &self.constants).etag()
                })?;
                let create = |body: &mut Body| {
                    refuse_overlaid(cx, row, body);
                    create(cx, body)
                };
                read::<O>(ask, request, head, None, create, |_| false)
            }
            (Part::Action(action), &Method::POST) => {
                precondition::check(head, tag)?;
                let named = O::overlaid_by(cx).is_some_and(|model| model.has(Quirk::ActionParameter));
                let run = |body: &mut Body| {
                    if named {
                        body.take("Action");
                    }
                    for parameter in action.parameters {
                        let Some(collection) = parameter.etag_of else { continue };
                        let named = body.text(parameter.name, precondition::MAX_TAG);
                        let tag = tag_below(cx, &[uri, "/", collection].concat());
                        if named.zip(tag).is_some_and(|(named, tag)| !precondition::is_tag_of(&named, &tag)) {
                            // The schema asks for this status and not for 412 (`LogService.ClearLog`).
                            return Err((&PRECONDITION_REQUIRED).into());
                        }
                    }
                    (action.run)(cx, body)
                };
                read::<O>(ask, request, head, Some(action.name()), run, |_| false)
            }
            (Part::Monitor(monitor), &Method::DELETE) => match (monitor.see)(cx) {
                Progress::Gone => Err(Problem::not_found(ask.uri)),
                _ => (monitor.delete)(cx).map(Decision::Change),
            },
            (
                Part::Document
                | Part::Collection(_)
                | Part::Members(_)
                | Part::Action(_)
                | Part::ActionInfo(_)
                | Part::Monitor(_)
                | Part::Attachment(_),
                _,
            ) => not_allowed(),
        }
    }
}

/// The URI of a collection, where a client has sent its POST to the collection's members.
fn collection_uri(uri: &str) -> &str {
    uri.strip_suffix("/Members").unwrap_or(uri)
}

/// Whether the text of a UUID is the one that links have.
fn is_canonical(uuid: &str) -> bool {
    // Without a branch for each byte, as every request to a node comes through here.
    let any_uppercase =
        |bytes: &[u8; UUID_LENGTH]| bytes.iter().fold(false, |any, b| any | b.is_ascii_uppercase());
    <&[u8; UUID_LENGTH]>::try_from(uuid.as_bytes()).is_ok_and(|bytes| !any_uppercase(bytes))
}

/// Whether `id` is the node's id for that part of itself, below a root that belongs to the node.
fn is_id(node: &Node, of: IdOf, id: &str) -> bool {
    let ids = &node.profile().ids;
    match of {
        IdOf::System => ids.system == id,
        IdOf::Manager => ids.manager == id,
        IdOf::Chassis => ids.chassis == id,
        IdOf::Part => false,
    }
}
