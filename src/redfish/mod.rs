//! The Redfish face of the fleet: the path that every request takes, from its head to its answer.
//!
//! A plain function from request to response, without sockets. What a resource shows and takes is in `resources/`, what
//! there is and where in `tree.rs`; nothing here knows a single resource.

pub mod auth;
pub mod body;
pub mod check;
pub mod doc;
pub mod error;
mod face;
pub mod message;
mod protocol;
mod query;
mod render;
pub mod resource;
mod resources;
mod service_documents;
pub mod session;
pub mod tree;
pub mod value;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::node::Node;
use crate::seed::Purpose;
use crate::time::SimTime;
use auth::Account;
use body::Body;
use error::Problem;
use message::{EMPTY_JSON, Message, NO_VALID_SESSION, OPERATION_NOT_ALLOWED, PRECONDITION_FAILED};
use protocol::{allow, check_version, is_public, no_content, not_found};
use query::Page;
use render::Document;
use resource::{Cx, Effect};
use session::{NoSession, Sessions};
use tree::{Route, TREE, Target};

/// Media type of every document.
pub const JSON: &str = "application/json; charset=utf-8";

/// A Redfish service over a fleet.
pub struct Redfish {
    /// The nodes.
    pub fleet: Arc<Fleet>,
    /// Who may log in.
    pub account: Account,
    /// Who is logged in.
    pub sessions: Sessions,
    /// Where it is reached.
    pub ports: Ports,
}

/// TCP ports on which the service listens, as `ManagerNetworkProtocol` tells them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// Without TLS.
    pub http: Option<u16>,
    /// With TLS.
    pub https: Option<u16>,
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

/// What comes of it.
enum Reply {
    /// A document to send.
    Document(Document),
    /// The whole answer.
    Answer(Response<Bytes>),
}

impl Redfish {
    /// A service with its one account. Where it listens is to be told in [`Redfish::ports`].
    pub fn new(fleet: Arc<Fleet>, account: Account) -> Self {
        let sessions = Sessions::kept_in(fleet.ledger().cloned());
        Self { fleet, account, sessions, ports: Ports::default() }
    }

    /// `ServiceRoot.UUID`: the fleet's own.
    pub fn uuid(&self) -> Uuid {
        let seed = self.fleet.seed();
        let half = |n| u128::from(seed.hash(u32::MAX, Purpose::Uuid, n));
        uuid::Builder::from_custom_bytes((half(0) << 64 | half(1)).to_be_bytes()).into_uuid()
    }

    /// Answers a request.
    pub fn call(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.answer(request).unwrap_or_else(|problem| {
            let mut response = problem.answer();
            if response.status() == StatusCode::UNAUTHORIZED {
                let challenge = HeaderValue::from_static("Basic realm=\"Redfish\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            if response.status() == StatusCode::METHOD_NOT_ALLOWED
                && let Some(route) = TREE.find(request.uri().path())
            {
                response.headers_mut().insert(header::ALLOW, allow(route.target));
            }
            response
        })
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Problem> {
        let path = request.uri().path();
        let route = TREE.find(path);
        let public = route.as_ref().is_some_and(|r| is_public(r.target, request.method()));
        let now = self.fleet.clock().now();
        let allowed = || auth::allowed(request.headers(), &self.account, &self.sessions, now);
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
        match (self.reply(path, route, does, now)?, query) {
            (Reply::Answer(response), _) => Ok(response),
            (Reply::Document(document), None) => Ok(document.answer(request.headers(), target)),
            (Reply::Document(document), Some(query)) => {
                let (document, target) = query.apply(self, document, target)?;
                // What the query makes of it may have changed while the resource has not.
                Ok(document.answer(&HeaderMap::new(), target))
            }
        }
    }

    /// The document at a path, for whom has been let in already.
    fn read(&self, path: &str) -> Option<(Document, Target)> {
        let route = TREE.find(path)?;
        let target = route.target;
        match self.reply(path, route, Does::Read(Page::WHOLE), self.fleet.clock().now()) {
            Ok(Reply::Document(document)) => Some((document, target)),
            Ok(Reply::Answer(_)) | Err(_) => None,
        }
    }

    fn reply<'r>(
        &self,
        path: &'r str,
        route: Route<'r>,
        does: Does<'r>,
        now: SimTime,
    ) -> Result<Reply, Problem> {
        let missing = || not_found(path);
        let Route { target, node, ids } = route;
        let asked = Asked { target, ids, uri: path.strip_suffix('/').unwrap_or(path), does };
        let Some((_, key)) = node else { return self.on_service(&asked, now) };
        let uuid: Uuid = key.parse().map_err(|_| missing())?;
        let id = self.fleet.find(uuid).ok_or_else(missing)?;
        let mut buffer = Uuid::encode_buffer();
        let key = &*uuid.hyphenated().encode_lower(&mut buffer);
        self.fleet.with(id, |node, now| self.on_node(&asked, node, key, now)).ok_or_else(missing)?
    }

    /// A request about the service itself, with no node in it.
    fn on_service(&self, asked: &Asked<'_>, now: SimTime) -> Result<Reply, Problem> {
        let cx = Cx { redfish: self, node: None, now, uri: asked.uri, ids: &asked.ids, node_key: "" };
        let granted = self.granted(asked, &cx)?;
        if matches!(granted, Granted::Change(_)) {
            self.fleet.may_change()?;
        }
        match granted {
            Granted::Reply(reply) => Ok(reply),
            Granted::Change(Effect::Node(_)) => {
                unreachable!("only a node's resources have changes of a node")
            }
            Granted::Change(Effect::LogIn { user, password }) => self.log_in(&user, &password, now),
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
        let cx = Cx { redfish: self, node: Some(node), now, uri: asked.uri, ids: &asked.ids, node_key: key };
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
            (Does::Read(page), Target::Collection(row)) => Reply::Document(render::collection(cx, row, page)),
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

    fn log_in(&self, user: &str, password: &str, now: SimTime) -> Result<Reply, Problem> {
        const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
        if !self.account.matches(user, password) {
            let why = "The credentials are not valid.";
            return Err(Message::new(&message::RESOURCE_AT_URI_UNAUTHORIZED, [SESSIONS, why]).into());
        }
        let (id, token) = self.sessions.begin(user, now).map_err(|why| match why {
            NoSession::TooMany => Problem::from(&message::SESSION_LIMIT_EXCEEDED),
            NoSession::NoSecret => Problem::from(&message::INTERNAL_ERROR),
        })?;
        let uri = format!("{SESSIONS}/{id}");
        let (document, target) = self.read(&uri).expect("the session has just begun");
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
