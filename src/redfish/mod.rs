//! The Redfish face of the fleet: the path that every request takes, from its head to its answer.
//!
//! A plain function from request to response, without sockets. What a resource shows and takes is in `resources/`, what
//! there is and where in `tree.rs`; nothing here knows a single resource.

pub mod auth;
#[doc(hidden)]
pub mod body;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod doc;
#[doc(hidden)]
pub mod error;
mod face;
mod members;
#[doc(hidden)]
pub mod message;
mod meters;
mod protocol;
mod query;
mod render;
#[doc(hidden)]
pub mod resource;
mod resources;
mod root;
mod service_documents;
#[doc(hidden)]
pub mod session;
#[doc(hidden)]
pub mod tree;
#[doc(hidden)]
pub mod value;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use uuid::Uuid;

use crate::address::Place;
use crate::clock::Stopwatch;
use crate::fleet::Fleet;
use crate::meter::{Counter, Requests};
use crate::node::{Node, NodeId};
use crate::seed::Purpose;
use crate::time::SimTime;
use auth::Account;
use body::Body;
use error::Problem;
use members::List;
use message::{EMPTY_JSON, Message, NO_VALID_SESSION, OPERATION_NOT_ALLOWED, PRECONDITION_FAILED};
use protocol::{allow, check_version, is_public, no_content, not_found};
use query::Page;
use render::Document;
use resource::{Cx, Effect};
use root::Root;
use session::{NoSession, Sessions};
use tree::{Route, TREE, Target};

/// Media type of every document.
#[doc(hidden)]
pub const JSON: &str = "application/json; charset=utf-8";

/// A Redfish service over a fleet.
pub struct Redfish {
    /// The nodes.
    pub fleet: Arc<Fleet>,
    /// Who may log in.
    pub account: Account,
    /// Who is logged in.
    pub sessions: Sessions,
    /// Where it is reached, each with whether that is over TLS.
    pub places: Vec<(bool, Place)>,
    /// The domain below which each node's controller has a name, and a root of its own under that name.
    pub domain: Option<Box<str>>,
    /// What was asked so far.
    requests: Requests,
    /// Sessions that each node with a root of its own may have at once.
    pub own_sessions: usize,
    /// Sessions that nodes with roots of their own refused, having as many as they may.
    own_sessions_refused: Counter,
}

/// What a request asks for, found out before any node is locked.
struct Asked<'r> {
    target: Target,
    ids: Vec<&'r str>,
    /// The path without a trailing slash.
    uri: &'r str,
    does: Does<'r>,
}

/// What is to be done there.
#[derive(Clone, Copy)]
enum Does<'r> {
    /// A document is read, or a part of a collection.
    Read(Page),
    /// Anything else.
    Request(&'r Request<Bytes>),
}

/// What an answer carries.
enum Content {
    Bytes(Bytes),
    List(List),
}

/// What comes of it.
enum Reply {
    /// A document to send.
    Document(Document),
    /// A collection that is as long as the fleet.
    List(List),
    /// The whole answer.
    Answer(Response<Bytes>),
}

impl Redfish {
    /// A service with its one account. Where it listens is to be told in [`Redfish::places`].
    pub fn new(fleet: Arc<Fleet>, account: Account) -> Self {
        let sessions = Sessions::kept_in(fleet.ledger().cloned());
        Self {
            fleet,
            account,
            sessions,
            places: Vec::new(),
            domain: None,
            requests: meters::requests(),
            own_sessions: crate::node::bmc::session::Sessions::LIMIT,
            own_sessions_refused: Counter::default(),
        }
    }

    /// `ServiceRoot.UUID`: the fleet's own.
    pub fn uuid(&self) -> Uuid {
        self.fleet.seed().uuid(u32::MAX, Purpose::Uuid)
    }

    /// The TCP port on which a node's controller is reached first, with or without TLS.
    fn port(&self, node: NodeId, tls: bool) -> Option<u16> {
        self.places.iter().find(|(over, _)| *over == tls).map(|(_, place)| place.of(node.0).port())
    }

    /// The IP addresses that a node's controller has to itself, with the lengths of their prefixes.
    fn own_ips(&self, node: NodeId) -> Vec<(std::net::IpAddr, u8)> {
        let mut ips = Vec::new();
        for (_, place) in &self.places {
            if let Place::Ips(prefix, _) = place
                && !ips.contains(&(prefix.address(node.0), prefix.bits()))
            {
                ips.push((prefix.address(node.0), prefix.bits()));
            }
        }
        ips
    }

    /// Answers a request at the fleet's root, whole.
    pub fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.whole(self.answer(request))
    }

    fn whole(&self, response: Response<Content>) -> Response<Bytes> {
        response.map(|content| match content {
            Content::Bytes(bytes) => bytes,
            Content::List(list) => list.parts(self).flatten().collect(),
        })
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Content> {
        self.answer_at(&mut Root::Fleet, request, self.fleet.clock().now())
    }

    fn answer_at(&self, root: &mut Root<'_>, request: &Request<Bytes>, now: SimTime) -> Response<Content> {
        let watch = Stopwatch::start();
        let route = TREE.find(request.uri().path(), root.is_own());
        let target = route.as_ref().map(|r| r.target);
        let response = self.answer_in_order(root, request, route, now).unwrap_or_else(|problem| {
            let mut response = problem.answer().map(Content::Bytes);
            if response.status() == StatusCode::UNAUTHORIZED {
                let challenge = HeaderValue::from_static("Basic realm=\"Redfish\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            if let (StatusCode::METHOD_NOT_ALLOWED, Some(target)) = (response.status(), target) {
                response.headers_mut().insert(header::ALLOW, allow(target));
            }
            response
        });
        let bytes = match response.body() {
            Content::Bytes(bytes) => bytes.len(),
            // It is written later, and counted then.
            Content::List(_) => 0,
        };
        let status = response.status().as_u16();
        self.requests.note(meters::kind(target), status, watch.elapsed(), request.body().len(), bytes);
        response
    }

    fn answer_in_order(
        &self,
        root: &mut Root<'_>,
        request: &Request<Bytes>,
        route: Option<Route<'_>>,
        now: SimTime,
    ) -> Result<Response<Content>, Problem> {
        let path = request.uri().path();
        let public = route.as_ref().is_some_and(|r| is_public(r.target, request.method()));
        let mut allowed = || {
            auth::allowed(request.headers(), &self.account, |token| match &mut *root {
                Root::Fleet => self.sessions.check(token, now).is_some(),
                Root::Own { node, .. } => root::is_live(node, token, now),
            })
        };
        if !public && !allowed() {
            return Err((&NO_VALID_SESSION).into());
        }
        check_version(request.headers())?;
        let query = query::of(request)?;
        // What anybody may read leads on to what not everybody may.
        if public && query.as_ref().is_some_and(query::Query::leads_on) && !allowed() {
            return Err((&NO_VALID_SESSION).into());
        }
        let route = route.ok_or_else(|| not_found(path))?;
        let target = route.target;
        if let Some(query) = &query {
            query.check(target)?;
        }
        let does = match *request.method() {
            Method::GET | Method::HEAD => Does::Read(query.as_ref().map_or(Page::WHOLE, |q| q.page)),
            _ => Does::Request(request),
        };
        let response = match (self.reply(root, path, route, does, now)?, query) {
            (Reply::Answer(response), _) => response,
            (Reply::Document(document), None) => document.answer(request.headers(), target),
            (Reply::Document(document), Some(query)) => {
                let (document, target) = query.apply(self, root, document, target)?;
                // What the query makes of it may have changed while the resource has not.
                document.answer(&HeaderMap::new(), target)
            }
            (Reply::List(list), query) => {
                query.map_or(Ok(()), |query| query.check_long(list.shown))?;
                return Ok(render::answer(Content::List(list), target));
            }
        };
        Ok(response.map(Content::Bytes))
    }

    /// The document at a path, for whom has been let in already.
    fn read(&self, root: &mut Root<'_>, path: &str) -> Option<(Document, Target)> {
        let route = TREE.find(path, root.is_own())?;
        let target = route.target;
        let now = match root {
            Root::Fleet => self.fleet.clock().now(),
            Root::Own { now, .. } => *now,
        };
        match self.reply(root, path, route, Does::Read(Page::WHOLE), now) {
            Ok(Reply::Document(document)) => Some((document, target)),
            Ok(Reply::List(_) | Reply::Answer(_)) | Err(_) => None,
        }
    }

    fn reply<'r>(
        &self,
        root: &mut Root<'_>,
        path: &'r str,
        route: Route<'r>,
        does: Does<'r>,
        now: SimTime,
    ) -> Result<Reply, Problem> {
        let missing = || not_found(path);
        let Route { target, node, ids } = route;
        let mut asked = Asked { target, ids, uri: path.strip_suffix('/').unwrap_or(path), does };
        if let Root::Own { node: own, .. } = root {
            if node.is_some_and(|(part, key)| !root::is_id_of(own, part, key)) {
                return Err(missing());
            }
            return self.on_own(&asked, own, now);
        }
        let Some((_, key)) = node else { return self.on_service(&asked, now) };
        let uuid: Uuid = key.parse().map_err(|_| missing())?;
        let id = self.fleet.find(uuid).ok_or_else(missing)?;
        let mut buffer = Uuid::encode_buffer();
        let canonical = &*uuid.hyphenated().encode_lower(&mut buffer);
        let uri;
        if key != canonical {
            // A UUID can be written in several ways, and a resource has one URI.
            uri = asked.uri.replacen(key, canonical, 1);
            asked.uri = &uri;
        }
        self.fleet.with(id, |node, now| self.on_node(&asked, node, canonical, now)).ok_or_else(missing)?
    }

    /// A request about the service itself, with no node in it.
    fn on_service(&self, asked: &Asked<'_>, now: SimTime) -> Result<Reply, Problem> {
        let cx =
            Cx { redfish: self, node: None, now, uri: asked.uri, ids: &asked.ids, node_key: "", own: false };
        let granted = self.granted(asked, &cx)?;
        if matches!(granted, Granted::Change(_)) {
            self.fleet.may_change()?;
        }
        match granted {
            Granted::Reply(reply) => Ok(reply),
            Granted::Change(Effect::Node(_)) => {
                unreachable!("only a node's resources have changes of a node")
            }
            Granted::Change(Effect::LogIn { user, password }) => {
                self.log_in(&mut Root::Fleet, &user, &password, now)
            }
            Granted::Change(Effect::LogOut(id)) => {
                let ended = id.parse().is_ok_and(|id| self.sessions.end(id));
                if ended { Ok(Reply::Answer(no_content())) } else { Err(not_found(asked.uri)) }
            }
            Granted::Change(Effect::SessionTimeout(seconds)) => {
                self.sessions.set_timeout_s(seconds);
                Ok(Reply::Answer(no_content()))
            }
        }
    }

    fn on_node(&self, asked: &Asked<'_>, node: &mut Node, key: &str, now: SimTime) -> Result<Reply, Problem> {
        if let Some(until) = node.bmc().restarting_until {
            let left = std::time::Duration::from_millis(until.since_ms(now));
            return Err(crate::node::command::Refusal::ManagerRestarting(left).into());
        }
        let cx = Cx {
            redfish: self,
            node: Some(node),
            now,
            uri: asked.uri,
            ids: &asked.ids,
            node_key: key,
            own: false,
        };
        match self.granted(asked, &cx)? {
            Granted::Reply(reply) => Ok(reply),
            Granted::Change(Effect::Node(command)) => {
                self.fleet.may_change()?;
                node.apply(command, now)?;
                Ok(Reply::Answer(no_content()))
            }
            Granted::Change(_) => unreachable!("a node's resources change their node only"),
        }
    }

    /// What the request comes to: a reply, or a change that is in order.
    fn granted(&self, asked: &Asked<'_>, cx: &Cx<'_>) -> Result<Granted, Problem> {
        let there = match asked.target {
            Target::Versions | Target::Odata | Target::Metadata => true,
            Target::Document(row) | Target::Action(row, _) => render::exists(cx, row, asked.ids.len()),
            Target::Collection(row) | Target::Members(row) => render::collection_exists(cx, row),
        };
        if !there {
            return Err(not_found(asked.uri));
        }
        let reply = match (asked.does, asked.target) {
            (Does::Request(request), target) => return self.granted_request(request, target, cx),
            (Does::Read(_), Target::Document(row)) => Reply::Document(render::document(cx, row)),
            (Does::Read(page), Target::Collection(row)) => match List::of(cx, row, page) {
                None => Reply::Document(render::collection(cx, row, page)),
                Some(list) if list.shown <= members::WHOLE => Reply::Document(list.whole(self)),
                Some(list) => Reply::List(list),
            },
            (Does::Read(_), Target::Versions | Target::Odata | Target::Metadata) => {
                Reply::Answer(service_documents::answer(asked.target))
            }
            (Does::Read(_), Target::Action(..) | Target::Members(_)) => {
                return Err((&OPERATION_NOT_ALLOWED).into());
            }
        };
        Ok(Granted::Reply(reply))
    }

    fn granted_request(
        &self,
        request: &Request<Bytes>,
        target: Target,
        cx: &Cx<'_>,
    ) -> Result<Granted, Problem> {
        let method = request.method();
        if *method == Method::OPTIONS {
            let mut response = no_content();
            response.headers_mut().insert(header::ALLOW, allow(target));
            return Ok(Granted::Reply(Reply::Answer(response)));
        }
        match (target, method) {
            (Target::Document(row), &Method::PATCH | &Method::DELETE) => self.on_document(request, row, cx),
            (Target::Collection(row) | Target::Members(row), &Method::POST) => {
                let collection = TREE.rows[row].resource.collection;
                let create = collection.and_then(|c| c.create).ok_or(&OPERATION_NOT_ALLOWED)?;
                change(request, None, |body| create(cx, body), |_| false)
            }
            (Target::Action(row, action), &Method::POST) => {
                let action = &TREE.rows[row].resource.actions[action];
                change(request, Some(action.name()), |body| (action.run)(cx, body), |_| false)
            }
            _ => Err((&OPERATION_NOT_ALLOWED).into()),
        }
    }

    fn on_document(&self, request: &Request<Bytes>, row: usize, cx: &Cx<'_>) -> Result<Granted, Problem> {
        let resource = TREE.rows[row].resource;
        match (request.method(), resource.patch, resource.delete) {
            (&Method::PATCH, Some(patch), _) => {
                precondition(request, cx, row)?;
                let known = |key: &str| render::document(cx, row).has(key);
                change(request, None, |body| patch(cx, body), known)
            }
            (&Method::DELETE, _, Some(delete)) => {
                precondition(request, cx, row)?;
                let effect = delete(cx)?;
                Ok(Granted::Change(effect.expect("without a body there are no mistakes in one")))
            }
            _ => Err((&OPERATION_NOT_ALLOWED).into()),
        }
    }

    fn log_in(
        &self,
        root: &mut Root<'_>,
        user: &str,
        password: &str,
        now: SimTime,
    ) -> Result<Reply, Problem> {
        const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
        if !self.account.matches(user, password) {
            let why = "The credentials are not valid.";
            return Err(Message::new(&message::RESOURCE_AT_URI_UNAUTHORIZED, [SESSIONS, why]).into());
        }
        let (id, token) = match root {
            Root::Fleet => self.sessions.begin(user, now).map_err(|why| match why {
                NoSession::TooMany => Problem::from(&message::SESSION_LIMIT_EXCEEDED),
                NoSession::NoSecret => Problem::from(&message::INTERNAL_ERROR),
            })?,
            Root::Own { node, .. } => {
                root::log_in(node, user, self.own_sessions, now).inspect_err(|problem| {
                    if problem.is(&message::SESSION_LIMIT_EXCEEDED) {
                        self.own_sessions_refused.one();
                    }
                })?
            }
        };
        let uri = format!("{SESSIONS}/{id}");
        let (document, target) = self.read(root, &uri).expect("the session has just begun");
        let mut response = document.answer(&HeaderMap::new(), target);
        *response.status_mut() = StatusCode::CREATED;
        let value = |text: &str| HeaderValue::from_str(text).expect("base64 and paths are ASCII");
        response.headers_mut().insert("X-Auth-Token", value(&token));
        response.headers_mut().insert(header::LOCATION, value(&uri));
        Ok(Reply::Answer(response))
    }
}

/// `If-Match`, when it is there, must name the document as it is (RFC 9110, 13.1.1).
fn precondition(request: &Request<Bytes>, cx: &Cx<'_>, row: usize) -> Result<(), Problem> {
    let Some(wanted) = request.headers().get(header::IF_MATCH) else { return Ok(()) };
    let tag = render::document(cx, row).etag();
    let wanted = wanted.to_str().unwrap_or_default();
    let matches = wanted.split(',').map(str::trim).any(|w| w == "*" || w.as_bytes() == tag);
    if matches { Ok(()) } else { Err((&PRECONDITION_FAILED).into()) }
}

enum Granted {
    Reply(Reply),
    Change(Effect),
}

/// Has the body read by `read`, and reports all that is wrong with it instead of changing anything.
fn change(
    request: &Request<Bytes>,
    action: Option<&'static str>,
    read: impl FnOnce(&mut Body) -> resource::Change,
    known: impl Fn(&str) -> bool,
) -> Result<Granted, Problem> {
    let mut body = Body::parse(request.body(), action)?;
    if action.is_none() && body.is_empty() {
        return Err((&EMPTY_JSON).into());
    }
    let effect = read(&mut body)?;
    let messages = body.finish(known);
    if !messages.is_empty() {
        return Err(Problem { messages, retry_after_s: None });
    }
    Ok(Granted::Change(effect.expect("a body without mistakes means something")))
}

#[cfg(test)]
mod tests;
