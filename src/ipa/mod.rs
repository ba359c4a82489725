//! The Ironic Python Agent as Ironic meets it: its API, and what it says of itself.
//!
//! Each agent has an address or port to itself, or one listener serves them all, each below its system's UUID:
//! `https://host:port/<uuid>/v1/commands/`. Ironic takes the URL from the heartbeat as it is, path included. Routes, answers and errors are those of Ironic
//! Python Agent 13 (`ironic_python_agent/api/app.py`).

mod collectors;
mod commands;
mod disks;
mod error;
pub mod failure;
mod hints;
mod inspection;
mod inventory;
pub mod ironic;
mod journal;
mod lldp;
mod python;
mod result;

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;
use uuid::Uuid;

pub use commands::{ALGORITHMS, check_configdrive, checksum_algorithm, written};

use crate::address::{Place, Urls};
use crate::clock::Stopwatch;
use crate::face::{Body, Face, Peer, Refused};
use crate::fleet::Fleet;
use crate::meter::{Page, Requests};
use crate::node::command::{Command, Outcome};
use crate::node::ipa::{CommandRecord, Ipa, Serving};
use crate::node::{Node, NodeId};
use commands::{Params, Situation};
use error::Fault;

/// The version that agents report.
pub const VERSION: &str = "13.0.0";

const DOCUMENTATION: &str = "https://docs.openstack.org/ironic-python-agent/";

/// The agents of a fleet, as their callers see them.
pub struct Api {
    fleet: Arc<Fleet>,
    urls: Urls,
    /// Where the controllers are.
    bmcs: Vec<Place>,
    /// What was asked so far.
    requests: Requests,
}

/// The URL of a node's agent, without a slash at the end.
fn url_of(urls: &Urls, node: &Node) -> String {
    let url = urls.of(node.id().0, || node.spec().name());
    let base = url.trim_end_matches('/');
    if urls.are_own() { base.to_owned() } else { format!("{base}/{}", node.spec().uuid()) }
}

/// A route of the API. The version may be left out of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    Root,
    Version,
    Status,
    Commands,
    Command(&'a str),
    /// A slash is missing at the end.
    Slash,
}

impl<'a> Route<'a> {
    /// The route of a path below an agent's own.
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "" | "/v1" | "/v1/commands" | "/commands" => return Some(Self::Slash),
            "/" => return Some(Self::Root),
            "/v1/" => return Some(Self::Version),
            _ => {}
        }
        match path.strip_prefix("/v1").unwrap_or(path) {
            "/status" => Some(Self::Status),
            "/commands/" => Some(Self::Commands),
            rest => {
                let id = rest.strip_prefix("/commands/")?;
                (!id.contains('/')).then_some(Self::Command(id))
            }
        }
    }

    fn allow(self) -> &'static str {
        if self == Self::Commands { "GET, HEAD, POST" } else { "GET, HEAD" }
    }
}

/// The UUID that a path begins with, and what is asked of that agent.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.split_at(path.find('/').unwrap_or(path.len()))
}

/// What requests are counted by, in the order of [`kind`].
const KINDS: [(&str, &str); 4] =
    [("none", "document"), ("root", "document"), ("status", "document"), ("commands", "document")];

fn kind(path: &str) -> usize {
    match Route::of(path) {
        None | Some(Route::Slash) => 0,
        Some(Route::Root | Route::Version) => 1,
        Some(Route::Status) => 2,
        Some(Route::Commands | Route::Command(_)) => 3,
    }
}

impl Api {
    /// The agents of `fleet`, whose callers reach them at `urls`, and whose machines' controllers are at `bmcs`.
    pub fn new(fleet: Arc<Fleet>, urls: Urls, bmcs: Vec<Place>) -> Self {
        Self { fleet, urls, bmcs, requests: Requests::new("agent", KINDS) }
    }

    /// Answers a request, which came to that node's own address or to one that all share. One that asks to wait is
    /// answered when its command ends, or the agent does.
    pub async fn call(&self, node: Option<NodeId>, request: Request<Bytes>) -> Response<Bytes> {
        let watch = Stopwatch::start();
        let path = request.uri().path();
        let (id, rest) = match node {
            Some(id) => (Some(id), path),
            None => {
                let (uuid, rest) = split(path);
                (Uuid::parse_str(uuid).ok().and_then(|uuid| self.fleet.find(uuid)), rest)
            }
        };
        let response = self.kept_answer(id, rest, &request).await.unwrap_or_else(Fault::response);
        let (status, bytes) = (response.status().as_u16(), response.body().len());
        self.requests.note(kind(rest), status, watch.elapsed(), request.body().len(), bytes);
        response
    }

    /// Puts what was counted on the page.
    pub fn meter(&self, page: &mut Page) {
        self.requests.show(page);
    }

    /// The answer, once what it tells is kept, so that what Ironic knows is there after a crash, too.
    async fn kept_answer(
        &self,
        id: Option<NodeId>,
        rest: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        let id = id.ok_or_else(Fault::unreachable)?;
        let answer = self.answer(id, rest, request).await;
        self.fleet.until_node_persisted(id).await.map_err(Fault::not_kept)?;
        answer
    }

    async fn answer(
        &self,
        id: NodeId,
        rest: &str,
        request: &Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        let started = self.agent(id, |agent, _| agent.started)?;
        let route = Route::of(rest).ok_or_else(Fault::no_such_page)?;
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let post = request.method() == Method::POST;
        let root = || self.fleet.look(id, |node, _| url_of(&self.urls, node)).unwrap_or_default();
        let query = Query::of(request.uri().query().unwrap_or_default());
        match route {
            Route::Slash => Ok(redirect(request)),
            Route::Root if get => Ok(json_response(&root_document(&root()))),
            Route::Version if get => Ok(json_response(&version_document(&root()))),
            Route::Status if get => {
                #[expect(clippy::cast_precision_loss, reason = "a date in ms is far below 2^53")]
                let seconds = started.ms() as f64 / 1000.0;
                Ok(json_response(&json!({"started_at": seconds, "version": VERSION})))
            }
            Route::Commands if get => self.list(id, &query),
            Route::Commands if post => self.run(id, &query, request.body()).await,
            Route::Command(command) if get => {
                self.authorize(id, &query)?;
                self.result(id, command, query.wait).await
            }
            Route::Root | Route::Version | Route::Status | Route::Commands | Route::Command(_) => {
                Err(Fault::method_not_allowed(route.allow()))
            }
        }
    }

    /// Looks at the agent of a node, if it serves.
    fn agent<R>(&self, id: NodeId, see: impl FnOnce(&Ipa, &Serving) -> R) -> Result<R, Fault> {
        let seen = self.fleet.look(id, |node, _| {
            let agent = node.ipa()?;
            Some(see(agent, agent.serving()?))
        });
        seen.flatten().ok_or_else(Fault::unreachable)
    }

    fn authorize(&self, id: NodeId, query: &Query) -> Result<(), Fault> {
        let good = self.agent(id, |_, serving| {
            let (ours, Some(theirs)) = (&*serving.token, query.token.as_deref()) else {
                return false;
            };
            !ours.is_empty() && bool::from(ours.as_bytes().ct_eq(theirs.as_bytes()))
        })?;
        good.then_some(()).ok_or_else(Fault::unauthorized)
    }

    fn list(&self, id: NodeId, query: &Query) -> Result<Response<Bytes>, Fault> {
        self.authorize(id, query)?;
        let records = self.agent(id, |_, serving| serving.commands.records().to_vec())?;
        let results: Vec<_> = records.iter().map(result::text).collect();
        Ok(json_text(format!(r#"{{"commands":[{}]}}"#, results.join(","))))
    }

    async fn run(&self, id: NodeId, query: &Query, body: &Bytes) -> Result<Response<Bytes>, Fault> {
        self.authorize(id, query)?;
        let (name, params) = body_of(body)?;
        commands::split(&name)?;
        let busy = self.agent(id, |_, serving| {
            let last = serving.commands.records().last();
            last.filter(|c| c.status.is_running()).map(|c| c.name.clone())
        })?;
        if let Some(with) = busy {
            return Err(Fault::busy(&with));
        }
        // Parameters can be megabytes; they are read from a copy of the node, so that nobody waits for its lock.
        let (node, now) =
            self.fleet.look(id, |node, now| (node.clone(), now)).ok_or_else(Fault::unreachable)?;
        let agent = node.ipa().ok_or_else(Fault::unreachable)?;
        let serving = agent.serving().ok_or_else(Fault::unreachable)?;
        let at = Situation { node: &node, agent, serving, now, bmcs: &self.bmcs };
        let command = commands::parse(&at, &name, &params)?;
        tracing::debug!(target: "fauxmetal::ipa", { node.id = id.0, command = %name }, "the agent was given a command");
        self.fleet.may_change().map_err(Fault::not_kept)?;
        match self.fleet.apply(id, Command::Ipa(command)).ok_or_else(Fault::unreachable)?? {
            Outcome::Ipa(record) if query.wait && record.status.is_running() => {
                self.result(id, &record.id.to_string(), true).await
            }
            Outcome::Ipa(record) => Ok(json_text(result::text(&record))),
            Outcome::Done | Outcome::Created(_) => Err(Fault::unreachable()),
        }
    }

    /// The result of one command, after its end if `wait`.
    async fn result(&self, id: NodeId, command: &str, wait: bool) -> Result<Response<Bytes>, Fault> {
        let changed = self.fleet.changed(id);
        loop {
            let mut next = pin!(changed.next());
            next.as_mut().enable();
            let record = self.agent(id, |_, serving| find(serving, command).cloned())?;
            let record = record.ok_or_else(|| failure::not_found("Command Result", command))?;
            if !wait || !record.status.is_running() {
                return Ok(json_text(result::text(&record)));
            }
            next.await;
        }
    }
}

impl Face for Api {
    async fn call(self: &Arc<Self>, peer: &Peer, request: Request<Bytes>) -> Response<Body> {
        Self::call(self, peer.node.map(NodeId), request).await.map(Body::from)
    }

    fn is_home(&self, node: u32) -> bool {
        self.agent(NodeId(node), |_, _| ()).is_ok()
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        Fault::new(why.status(), why.to_string()).response()
    }
}

fn find<'a>(serving: &'a Serving, command: &str) -> Option<&'a CommandRecord> {
    serving.commands.records().iter().find(|c| c.id.to_string() == command)
}

/// The parts of a query that the API knows.
struct Query {
    token: Option<String>,
    wait: bool,
}

impl Query {
    fn of(query: &str) -> Self {
        let first = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
        };
        Self {
            token: first("agent_token"),
            wait: first("wait").is_some_and(|w| w.eq_ignore_ascii_case("true")),
        }
    }
}

/// Name and parameters of a command.
fn body_of(body: &Bytes) -> Result<(String, Params<'_>), Fault> {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
        #[serde(borrow)]
        params: Option<&'a RawValue>,
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body)
        .map_err(|error| Fault::bad_request(&format!("Failed to decode JSON object: {error}")))?;
    let wrong = || Fault::bad_request("Missing or invalid name or params");
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| wrong())?;
    let name = serde_json::from_str(body.name.ok_or_else(wrong)?.get()).map_err(|_| wrong())?;
    let params = serde_json::from_str(body.params.ok_or_else(wrong)?.get()).map_err(|_| wrong())?;
    Ok((name, params))
}

fn json_text(text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn json_response(value: &Value) -> Response<Bytes> {
    json_text(value.to_string())
}

fn redirect(request: &Request<Bytes>) -> Response<Bytes> {
    let uri = request.uri();
    let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    let location = HeaderValue::try_from(format!("{}/{query}", uri.path()));
    response.headers_mut().insert(LOCATION, location.expect("what was a request target is a header value"));
    response
}

fn version(root: &str) -> Value {
    json!({
        "id": "v1",
        "links": [
            {"href": format!("{root}/v1"), "rel": "self"},
            {"href": DOCUMENTATION, "rel": "describedby", "type": "text/html"},
        ],
    })
}

fn root_document(root: &str) -> Value {
    json!({
        "name": "OpenStack Ironic Python Agent API",
        "description": "Ironic Python Agent is a provisioning agent for OpenStack Ironic",
        "versions": [version(root)],
        "default_version": version(root),
    })
}

fn version_document(root: &str) -> Value {
    let links = |name: &str| {
        json!([
            {"href": format!("{root}/v1/{name}"), "rel": "self"},
            {"href": format!("{root}/{name}"), "rel": "bookmark"},
        ])
    };
    let media_type = "application/vnd.openstack.ironic-python-agent.v1+json";
    let mut document = version(root);
    document["commands"] = links("commands");
    document["status"] = links("status");
    document["media_types"] = json!([{"base": "application/json", "type": media_type}]);
    document
}

#[cfg(test)]
mod tests;
