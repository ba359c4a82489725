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
mod render;
pub mod resource;
mod resources;
mod service_documents;
pub mod session;
pub mod tree;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use uuid::Uuid;

use crate::fleet::Fleet;
use crate::node::command::Command;
use crate::node::{Node, NodeId};
use crate::seed::Purpose;
use crate::time::SimTime;
use auth::Account;
use body::Body;
use error::Problem;
use message::{
    EMPTY_JSON, HEADER_INVALID, Message, NO_VALID_SESSION, OPERATION_NOT_ALLOWED, PRECONDITION_FAILED,
};
use render::Page;
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
}

/// What a request asks for, found out before any node is locked.
struct Asked<'r> {
    request: &'r Request<Bytes>,
    target: Target,
    ids: Vec<&'r str>,
    /// The path without a trailing slash.
    uri: &'r str,
}

impl Redfish {
    /// A service with its one account.
    pub fn new(fleet: Arc<Fleet>, account: Account) -> Self {
        Self { fleet, account, sessions: Sessions::new() }
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
        let now = self.fleet.clock().now();
        let public = route.as_ref().is_some_and(|r| is_public(r.target, request.method()));
        if !public && !auth::allowed(request.headers(), &self.account, &self.sessions, now) {
            return Err((&NO_VALID_SESSION).into());
        }
        check_version(request.headers())?;
        let missing = || not_found(path);
        let Route { target, node, ids } = route.ok_or_else(missing)?;
        let uri = path.strip_suffix('/').unwrap_or(path);
        let asked = Asked { request, target, ids, uri };
        let Some((_, key)) = node else { return self.on_service(&asked, now) };
        let uuid: Uuid = key.parse().map_err(|_| missing())?;
        let id = self.fleet.find(uuid).ok_or_else(missing)?;
        let mut buffer = Uuid::encode_buffer();
        let key = &*uuid.hyphenated().encode_lower(&mut buffer);
        self.fleet.with(id, |node, now| self.on_node(&asked, node, key, now)).ok_or_else(missing)?
    }

    /// A request about the service itself, with no node in it.
    fn on_service(&self, asked: &Asked<'_>, now: SimTime) -> Result<Response<Bytes>, Problem> {
        let cx = Cx { redfish: self, node: None, now, uri: asked.uri, ids: &asked.ids, node_key: "" };
        match self.granted(asked, &cx)? {
            Granted::Answer(response) => Ok(response),
            Granted::Change(Effect::Node(_)) => {
                unreachable!("only a node's resources have changes of a node")
            }
            Granted::Change(Effect::LogIn { user, password }) => self.log_in(&user, &password, now),
            Granted::Change(Effect::LogOut(id)) => {
                let ended = id.parse().is_ok_and(|id| self.sessions.end(id));
                if ended { Ok(no_content()) } else { Err(not_found(asked.uri)) }
            }
            Granted::Change(Effect::SessionTimeout(seconds)) => {
                self.sessions.set_timeout_s(seconds);
                Ok(no_content())
            }
        }
    }

    fn on_node(
        &self,
        asked: &Asked<'_>,
        node: &mut Node,
        key: &str,
        now: SimTime,
    ) -> Result<Response<Bytes>, Problem> {
        if let Some(until) = node.bmc().restarting_until {
            let left = std::time::Duration::from_millis(until.since_ms(now));
            return Err(crate::node::command::Refusal::ManagerRestarting(left).into());
        }
        let cx = Cx { redfish: self, node: Some(node), now, uri: asked.uri, ids: &asked.ids, node_key: key };
        match self.granted(asked, &cx)? {
            Granted::Answer(response) => Ok(response),
            Granted::Change(Effect::Node(command)) => {
                tell(node, command, now)?;
                Ok(no_content())
            }
            Granted::Change(_) => unreachable!("a node's resources change their node only"),
        }
    }

    /// What the request comes to: an answer, or a change that is in order.
    fn granted(&self, asked: &Asked<'_>, cx: &Cx<'_>) -> Result<Granted, Problem> {
        let method = asked.request.method();
        if *method == Method::OPTIONS {
            let mut response = no_content();
            response.headers_mut().insert(header::ALLOW, allow(asked.target));
            return Ok(Granted::Answer(response));
        }
        match (asked.target, method) {
            (Target::Versions | Target::Odata | Target::Metadata, &Method::GET | &Method::HEAD) => {
                Ok(Granted::Answer(service_documents::answer(asked.target)))
            }
            (Target::Document(row), _) => {
                if !render::exists(cx, row, asked.ids.len()) {
                    return Err(not_found(asked.uri));
                }
                self.on_document(asked, cx, row)
            }
            (Target::Collection(row), _) => {
                if !render::collection_exists(cx, row) {
                    return Err(not_found(asked.uri));
                }
                let collection = TREE.rows[row].resource.collection;
                match (method, collection.and_then(|c| c.create)) {
                    (&Method::GET | &Method::HEAD, _) => {
                        let page = Page::of(asked.request.uri().query())?;
                        Ok(Granted::Answer(
                            render::collection(cx, row, &page).answer(asked.request.headers(), asked.target),
                        ))
                    }
                    (&Method::POST, Some(create)) => {
                        change(asked.request, None, |body| create(cx, body), |_| false)
                    }
                    _ => Err((&OPERATION_NOT_ALLOWED).into()),
                }
            }
            (Target::Action(row, action), &Method::POST) => {
                if !render::exists(cx, row, asked.ids.len()) {
                    return Err(not_found(asked.uri));
                }
                let action = &TREE.rows[row].resource.actions[action];
                change(asked.request, Some(action.name), |body| (action.run)(cx, body), |_| false)
            }
            _ => Err((&OPERATION_NOT_ALLOWED).into()),
        }
    }

    fn on_document(&self, asked: &Asked<'_>, cx: &Cx<'_>, row: usize) -> Result<Granted, Problem> {
        let resource = TREE.rows[row].resource;
        match (asked.request.method(), resource.patch, resource.delete) {
            (&Method::GET | &Method::HEAD, ..) => {
                let document = render::document(cx, row);
                Ok(Granted::Answer(document.answer(asked.request.headers(), asked.target)))
            }
            (&Method::PATCH, Some(patch), _) => {
                self.precondition(asked, cx, row)?;
                let known = |key: &str| render::document(cx, row).has(key);
                change(asked.request, None, |body| patch(cx, body), known)
            }
            (&Method::DELETE, _, Some(delete)) => {
                self.precondition(asked, cx, row)?;
                let effect = delete(cx)?;
                Ok(Granted::Change(effect.expect("without a body there are no mistakes in one")))
            }
            _ => Err((&OPERATION_NOT_ALLOWED).into()),
        }
    }

    /// `If-Match`, when it is there, must name the document as it is (RFC 9110, 13.1.1).
    fn precondition(&self, asked: &Asked<'_>, cx: &Cx<'_>, row: usize) -> Result<(), Problem> {
        let Some(wanted) = asked.request.headers().get(header::IF_MATCH) else { return Ok(()) };
        let tag = render::document(cx, row).etag();
        let wanted = wanted.to_str().unwrap_or_default();
        let matches = wanted.split(',').map(str::trim).any(|w| w == "*" || w.as_bytes() == tag.as_bytes());
        if matches { Ok(()) } else { Err((&PRECONDITION_FAILED).into()) }
    }

    fn log_in(&self, user: &str, password: &str, now: SimTime) -> Result<Response<Bytes>, Problem> {
        const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
        if !self.account.matches(user, password) {
            return Err(Message::new(
                &message::RESOURCE_AT_URI_UNAUTHORIZED,
                [SESSIONS, "Invalid username or password"],
            )
            .into());
        }
        let (id, token) = self.sessions.begin(user, now).map_err(|why| match why {
            NoSession::TooMany => Problem::from(&message::SESSION_LIMIT_EXCEEDED),
            NoSession::NoSecret => Problem::from(&message::INTERNAL_ERROR),
        })?;
        let uri = format!("{SESSIONS}/{id}");
        let route = TREE.find(&uri).expect("the table has sessions");
        let Target::Document(row) = route.target else { unreachable!("a session is a document") };
        let cx = Cx { redfish: self, node: None, now, uri: &uri, ids: &route.ids, node_key: "" };
        let mut response = render::document(&cx, row).answer(&HeaderMap::new(), route.target);
        *response.status_mut() = StatusCode::CREATED;
        let value = |text: &str| HeaderValue::from_str(text).expect("base64 and paths are ASCII");
        response.headers_mut().insert("X-Auth-Token", value(&token));
        response.headers_mut().insert(header::LOCATION, value(&uri));
        Ok(response)
    }
}

enum Granted {
    Answer(Response<Bytes>),
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

fn tell(node: &mut Node, command: Command, now: SimTime) -> Result<(), Problem> {
    node.apply(command, now)?;
    Ok(())
}

fn not_found(path: &str) -> Problem {
    Message::new(&message::RESOURCE_MISSING_AT_URI, [path]).into()
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert("OData-Version", HeaderValue::from_static("4.0"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The methods of what stands at a path.
fn allow(target: Target) -> HeaderValue {
    let text = match target {
        Target::Versions | Target::Odata | Target::Metadata => "GET, HEAD",
        Target::Action(..) => "POST",
        Target::Collection(row) => match TREE.rows[row].resource.collection.and_then(|c| c.create) {
            Some(_) => "GET, HEAD, POST",
            None => "GET, HEAD",
        },
        Target::Document(row) => {
            let resource = TREE.rows[row].resource;
            match (resource.patch.is_some(), resource.delete.is_some()) {
                (false, false) => "GET, HEAD",
                (true, false) => "GET, HEAD, PATCH",
                (false, true) => "DELETE, GET, HEAD",
                (true, true) => "DELETE, GET, HEAD, PATCH",
            }
        }
    };
    HeaderValue::from_static(text)
}

/// What can be had without logging in (DSP0266, "Authentication requirements"); sushy reads the root before it does.
fn is_public(target: Target, method: &Method) -> bool {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match target {
        Target::Versions | Target::Odata | Target::Metadata => reading,
        Target::Document(row) => reading && TREE.rows[row].resource.path == "/redfish/v1",
        Target::Collection(row) => {
            *method == Method::POST && TREE.rows[row].resource.type_name() == "Session"
        }
        Target::Action(..) => false,
    }
}

/// `OData-Version` must be 4.0 where a client sends it (DSP0266, "Request headers").
fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("OData-Version") {
        Some(version) if version.as_bytes() != b"4.0" => {
            Err(Message::new(&HEADER_INVALID, ["OData-Version"]).into())
        }
        _ => Ok(()),
    }
}

/// The node that a path names, for logs.
pub fn node_of(fleet: &Fleet, path: &str) -> Option<NodeId> {
    let (_, key) = TREE.find(path)?.node?;
    fleet.find(key.parse().ok()?)
}

#[cfg(test)]
mod tests;
