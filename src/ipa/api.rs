//! The path of a request to an agent: find its node, take the route, check the token, answer.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::commands::{self, Params, Situation};
use super::documents::{self, url_of};
use super::error::ApiError;
use super::failure;
use super::request::{self, Query};
use super::result;
use super::route::{LABELS, Route, label, split_uuid};
use crate::address::{Reported, Urls};
use crate::blocking::{Blocking, cores};
use crate::clock::Stopwatch;
use crate::face::{Body, CloseConnection, Face, Peer, Refused, Welcome};
use crate::fault::{self, Occasion};
use crate::fleet::Fleet;
use crate::journal::{self, Asked};
use crate::limit::{Limit, Limits};
use crate::meter::{Counter, Page, Requests};
use crate::node::command::{Command, Outcome};
use crate::node::ipa::{CommandRecord, Ipa, IpaCommand, OverTotal, Serving};
use crate::node::{Node, NodeId};
use crate::note::Note;
use crate::wire::Opening;

/// The HTTP API of all agents of a fleet.
pub struct Api {
    fleet: Arc<Fleet>,
    urls: Urls,
    reported: Arc<Reported>,
    requests: Requests,
    results_limits: ResultsLimits,
    /// The large commands that may be read at the same time: one for each core.
    pub(super) readers: Blocking,
}

/// The limits of the long results that agents keep, and how often each was hit.
#[derive(Default)]
struct ResultsLimits {
    limits: Limits,
    of_agent: Counter,
    of_all: Counter,
}

/// A command with a longer body is read on a thread of its own. Its configuration drive may be packed a thousand to one, and
/// a few mebibytes are unpacked in milliseconds.
const QUICK_BYTES: usize = 4 << 10;

impl Api {
    /// `urls` are the URLs of the agents, and `reported` the addresses in their inventories.
    pub fn new(fleet: Arc<Fleet>, urls: Urls, reported: impl Into<Reported>) -> Self {
        let readers = Blocking::new(cores());
        let reported = Arc::new(reported.into());
        let (requests, results_limits) = (Requests::new("agent", LABELS), ResultsLimits::default());
        Self { fleet, urls, reported, requests, results_limits, readers }
    }

    /// Replaces the default limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { results_limits: ResultsLimits { limits, ..ResultsLimits::default() }, ..self }
    }

    /// Answers a request. If the listener is shared, `node` is `None` and the path begins with a system's UUID.
    ///
    /// A request with `wait=true` is answered when its command has ended or its agent has stopped.
    pub async fn call(&self, node: Option<NodeId>, request: &Request<Bytes>) -> Response<Bytes> {
        self.respond(None, node, request).await.map(Body::whole)
    }

    async fn respond(
        &self,
        client: Option<IpAddr>,
        node: Option<NodeId>,
        request: &Request<Bytes>,
    ) -> Response<Body> {
        let watch = Stopwatch::start();
        let (node, path) = self.find(node, request.uri().path());
        let command = OnceLock::new();
        let response = match node {
            Some(id) => self.serve(id, path, request, &command).await,
            None => Err(ApiError::no_agent()),
        };
        let mut response = response.unwrap_or_else(|error| error.response().map(Body::from));
        if let Some(shape) = node.and_then(|id| self.fleet.agent_shape(id, asked(path, request))) {
            response.extensions_mut().insert(shape);
        }
        let sent_bytes = response.body().known_bytes().unwrap_or_default();
        self.note(path, &watch, request.body().len(), response.status(), sent_bytes);
        if let Some(id) = node {
            let closes = response.extensions().get::<CloseConnection>().is_some();
            let status = (!closes).then(|| response.status().as_u16());
            self.record(id, client, request, watch, command.get().map_or("", |name| name), status);
        }
        response
    }

    /// Records a request that has been answered in the journal of its node.
    fn record(
        &self,
        id: NodeId,
        client: Option<IpAddr>,
        request: &Request<Bytes>,
        watch: Stopwatch,
        command: &str,
        status: Option<u16>,
    ) {
        let asked = Asked {
            at: self.fleet.clock().at_start(watch),
            face: journal::Face::Agent,
            client,
            user_agent: request.headers().get(USER_AGENT).map(HeaderValue::as_bytes),
            method: request.method().as_str(),
            path: request.uri().path(),
            query: request.uri().query(),
            changed: command,
            status,
            message: None,
        };
        self.fleet.journal().request(id, &asked);
    }

    /// The node that a request is for, and the path at its agent.
    fn find<'p>(&self, node: Option<NodeId>, path: &'p str) -> (Option<NodeId>, &'p str) {
        if node.is_some() {
            return (node, path);
        }
        let (uuid, rest) = split_uuid(path);
        (Uuid::parse_str(uuid).ok().and_then(|uuid| self.fleet.find(uuid)), rest)
    }

    fn note(
        &self,
        path: &str,
        watch: &Stopwatch,
        received_bytes: usize,
        status: StatusCode,
        sent_bytes: usize,
    ) {
        self.requests.note(label(path), status.as_u16(), watch.elapsed(), received_bytes, sent_bytes);
    }

    /// Serves one request to the agent of a node. Every request to an agent passes through here. Sets the name of the
    /// command that it has.
    ///
    /// The response waits until the node's state is durable, so a crash undoes nothing that Ironic knows of.
    async fn serve(
        &self,
        id: NodeId,
        path: &str,
        request: &Request<Bytes>,
        command: &OnceLock<String>,
    ) -> Result<Response<Body>, ApiError> {
        let response = self.route(id, path, request, command).await;
        self.fleet.until_node_persisted(id).await.map_err(ApiError::not_persisted)?;
        response
    }

    async fn route(
        &self,
        id: NodeId,
        path: &str,
        request: &Request<Bytes>,
        name: &OnceLock<String>,
    ) -> Result<Response<Body>, ApiError> {
        let started = self.agent(id, |agent, _| agent.started)?;
        let route = Route::of(path).ok_or_else(ApiError::no_such_page)?;
        let query = Query::of(request.uri().query().unwrap_or_default());
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let post = request.method() == Method::POST;
        match route {
            Route::MissingSlash => Ok(redirect(request).map(Body::from)),
            Route::Root if get => Ok(json(&documents::root(&self.url(id)))),
            Route::Version if get => Ok(json(&documents::version(&self.url(id)))),
            Route::Status if get => Ok(json(&documents::status(started))),
            Route::Commands if get => self.list(id, &query),
            Route::Commands if post => self.run(id, &query, request.body(), name).await,
            Route::Command(command) if get => self.command(id, &query, command).await,
            Route::Root | Route::Version | Route::Status | Route::Commands | Route::Command(_) => {
                Err(ApiError::method_not_allowed(route.allow()))
            }
        }
    }

    /// `GET /v1/commands/`
    fn list(&self, id: NodeId, query: &Query) -> Result<Response<Body>, ApiError> {
        self.authorize(id, query)?;
        let records = self.agent(id, |_, serving| serving.commands.records().to_vec())?;
        let mut pieces = VecDeque::from([Bytes::from_static(br#"{"commands":["#)]);
        for (n, record) in records.into_iter().enumerate() {
            if n > 0 {
                pieces.push_back(Bytes::from_static(b","));
            }
            result::append(record, &mut pieces);
        }
        pieces.push_back(Bytes::from_static(b"]}"));
        Ok(json_body(Body::Pieces(pieces)))
    }

    /// `POST /v1/commands/`
    async fn run(
        &self,
        id: NodeId,
        query: &Query,
        body: &Bytes,
        name: &OnceLock<String>,
    ) -> Result<Response<Body>, ApiError> {
        self.authorize(id, query)?;
        let (named, command) = if body.len() <= QUICK_BYTES {
            read_command(&self.fleet, &self.reported, id, body)
        } else {
            let (fleet, reported, body) = (Arc::clone(&self.fleet), Arc::clone(&self.reported), body.clone());
            let read = self.readers.run(move || read_command(&fleet, &reported, id, &body));
            read.await.unwrap_or_else(|error| (None, Err(ApiError::internal(&error))))
        };
        if let Some(named) = named {
            let _ = name.set(named);
        }
        let mut command = command?;
        self.make_room(&mut command)?;
        self.fleet.may_change().map_err(ApiError::not_persisted)?;
        match self.fleet.apply(id, Command::Ipa(command)).ok_or_else(ApiError::no_agent)?? {
            Outcome::Ipa(record) if query.wait && record.status.is_running() => {
                self.result(id, &record.id.to_string(), true).await
            }
            Outcome::Ipa(record) => Ok(one(record)),
            Outcome::Done
            | Outcome::Created(_)
            | Outcome::CreatedAs(_)
            | Outcome::Accepted(_)
            | Outcome::Requested(..) => Err(ApiError::no_agent()),
        }
    }

    /// Counts the long results of a command, which its agent will keep.
    ///
    /// # Errors
    /// If they are more than the limit of an agent or of all agents. Ironic reports the text as the error of the command.
    fn make_room(&self, command: &mut IpaCommand) -> Result<(), ApiError> {
        let ResultsLimits { limits, of_agent, of_all } = &self.results_limits;
        let (bytes, most) = (command.long_bytes(), limits.agent_results_bytes as u64);
        if bytes > most {
            of_agent.one();
            return Err(ApiError::results_too_large(bytes, most));
        }
        command.results_bytes = most;
        command.hold(self.fleet.results(), limits.results_bytes as u64).map_err(|OverTotal| {
            of_all.one();
            ApiError::results_full(bytes, limits.results_bytes as u64)
        })
    }

    /// `GET /v1/commands/{command}`
    async fn command(&self, id: NodeId, query: &Query, command: &str) -> Result<Response<Body>, ApiError> {
        self.authorize(id, query)?;
        self.result(id, command, query.wait).await
    }

    /// The result of a command. With `wait`, the response comes when the command has ended.
    async fn result(&self, id: NodeId, command: &str, wait: bool) -> Result<Response<Body>, ApiError> {
        let changed = self.fleet.changed(id);
        loop {
            let mut next = pin!(changed.next());
            next.as_mut().enable();
            let record = self.agent(id, |_, serving| find(serving, command).cloned())?;
            let record = record.ok_or_else(|| failure::not_found("Command Result", command))?;
            if !wait || !record.status.is_running() {
                return Ok(one(record));
            }
            next.await;
        }
    }

    fn authorize(&self, id: NodeId, query: &Query) -> Result<(), ApiError> {
        let valid = agent_of(&self.fleet, id, |node, _, serving| {
            let (Some(ours), Some(theirs)) = (node.agent_token(serving), query.token.as_deref()) else {
                return false;
            };
            !ours.is_empty() && bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()))
        })?;
        valid.then_some(()).ok_or_else(ApiError::unauthorized)
    }

    fn agent<R>(&self, id: NodeId, see: impl FnOnce(&Ipa, &Serving) -> R) -> Result<R, ApiError> {
        agent(&self.fleet, id, see)
    }

    fn url(&self, id: NodeId) -> String {
        self.fleet.look(id, |node, _| url_of(&self.urls, node)).unwrap_or_default()
    }

    pub fn meter(&self, page: &mut Page) {
        self.requests.show(page);
        page.gauge(
            "fauxmetal_agent_results_bytes",
            "Long results of commands that all agents keep",
            &[],
            self.fleet.results().bytes(),
        );
        page.limit(Limit::AgentResultsBytes.name(), &self.results_limits.of_agent);
        page.limit(Limit::ResultsBytes.name(), &self.results_limits.of_all);
    }
}

impl Face for Api {
    async fn call(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        self.respond(Some(peer.remote.ip()), peer.node.map(NodeId), request).await
    }

    /// A command is the one request that needs a large body.
    fn welcome(&self, peer: &Peer, head: &Request<Bytes>) -> Result<Welcome, Box<Response<Bytes>>> {
        let watch = Stopwatch::start();
        let (node, path) = self.find(peer.node.map(NodeId), head.uri().path());
        if head.method() != Method::POST || !matches!(Route::of(path), Some(Route::Commands)) {
            return Ok(Welcome::Small);
        }
        let query = Query::of(head.uri().query().unwrap_or_default());
        let allowed = node.ok_or_else(ApiError::no_agent).and_then(|id| self.authorize(id, &query));
        allowed.map(|()| Welcome::Whole).map_err(|error| {
            let response = error.response();
            self.note(path, &watch, 0, response.status(), response.body().len());
            if let Some(id) = node {
                let status = Some(response.status().as_u16());
                self.record(id, Some(peer.remote.ip()), head, watch, "", status);
            }
            Box::new(response)
        })
    }

    fn accepts_connections(&self, node: u32, _: bool) -> bool {
        self.agent(NodeId(node), |_, _| ()).is_ok()
    }

    fn opening(&self, peer: &Peer) -> Option<Opening> {
        self.fleet.opening(peer.node, Occasion::AgentConnection)
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        ApiError::new(why.status(), why.to_string()).response()
    }
}

/// A request as rules see it: with its path at the agent.
fn asked<'r>(path: &'r str, request: &'r Request<Bytes>) -> fault::Asked<'r> {
    fault::Asked { method: request.method().as_str(), path, body: request.body() }
}

/// Looks at the agent of a node.
///
/// # Errors
/// If no agent runs, it does not serve its API, or no interface of the machine has a cable.
fn agent<R>(fleet: &Fleet, id: NodeId, see: impl FnOnce(&Ipa, &Serving) -> R) -> Result<R, ApiError> {
    agent_of(fleet, id, |_, agent, serving| see(agent, serving))
}

/// As [`agent`], with the node.
fn agent_of<R>(
    fleet: &Fleet,
    id: NodeId,
    see: impl FnOnce(&Node, &Ipa, &Serving) -> R,
) -> Result<R, ApiError> {
    let seen = fleet.look(id, |node, _| {
        let agent = node.ipa().filter(|_| node.has_network())?;
        Some(see(node, agent, agent.serving()?))
    });
    seen.flatten().ok_or_else(ApiError::no_agent)
}

/// Longest name of a command that the journal has, bytes.
const MAX_NAME: usize = 64;

/// Reads and checks a command for the agent of a node. Returns its name, too, if it has the form of one.
fn read_command(
    fleet: &Fleet,
    reported: &Reported,
    id: NodeId,
    body: &Bytes,
) -> (Option<String>, Result<IpaCommand, ApiError>) {
    match request::command(body) {
        Ok((name, params)) => {
            let command = check_command(fleet, reported, id, &name, &params);
            let is_name = name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_graphic());
            (Some(name).filter(|_| is_name), command)
        }
        Err(error) => (None, Err(error)),
    }
}

fn check_command(
    fleet: &Fleet,
    reported: &Reported,
    id: NodeId,
    name: &str,
    params: &Params<'_>,
) -> Result<IpaCommand, ApiError> {
    commands::split(name)?;
    let running = agent(fleet, id, |_, serving| {
        let last = serving.commands.records().last();
        last.filter(|record| record.status.is_running()).map(|record| record.name.clone())
    })?;
    if let Some(running) = running {
        return Err(ApiError::busy(&running));
    }
    // Parsing megabytes of parameters takes time. It works on a copy of the node, so that the node is not locked.
    let (node, now) = fleet.look(id, |node, now| (node.clone(), now)).ok_or_else(ApiError::no_agent)?;
    let agent = node.ipa().ok_or_else(ApiError::no_agent)?;
    let serving = agent.serving().ok_or_else(ApiError::no_agent)?;
    let command = commands::parse(&Situation { node: &node, agent, serving, now, reported }, name, params)?;
    let (named, uuid) = (node.spec().name(), node.spec().uuid());
    tracing::debug!(target: "fauxmetal::ipa", node = %named, %uuid, command = %Note::from(name), "agent received a command");
    Ok(command)
}

fn find<'a>(serving: &'a Serving, command: &str) -> Option<&'a CommandRecord> {
    serving.commands.records().iter().find(|c| c.id.to_string() == command)
}

/// A response with one command.
fn one(record: CommandRecord) -> Response<Body> {
    let mut pieces = VecDeque::new();
    result::append(record, &mut pieces);
    json_body(Body::Pieces(pieces))
}

fn json_body(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn json(value: &Value) -> Response<Body> {
    json_body(Bytes::from(value.to_string()).into())
}

/// To the same URL with a slash at the end of its path.
fn redirect(request: &Request<Bytes>) -> Response<Bytes> {
    let uri = request.uri();
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let location = HeaderValue::try_from(format!("{}/{query}", uri.path()));
    response.headers_mut().insert(LOCATION, location.expect("a request target is a valid header value"));
    response
}
