//! Calls to Ironic: inspection, lookup, heartbeat, and the discovery of the API's version.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, StatusCode};

use super::circuit::CallResult;
use super::client::{chunk, origin, send};
use super::egress::Forbidden;
use super::http_error::HttpError;
use super::performed::Performed;
use super::redact::redacted;
use super::runner::EffectRunner;
use crate::ipa::ironic::{self, ApiVersion, IronicRequest, VersionedRequest};
use crate::node::effect::Answer;
use crate::node::ipa::{self, Beat, Inspected, Ipa, LookedUp};
use crate::node::{Node, NodeId};
use crate::note::Note;
use crate::time::SimTime;

/// Longest time for one request. IPA's `http_request_timeout` is 30 s without a byte.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Longest response body that is read. A lookup returns a whole node, which can be large.
const MAX_BODY_BYTES: usize = 8 << 20;
/// How long the version of an API is cached, simulated ms.
const VERSION_AGE_MS: u64 = 300_000;
/// APIs in the cache of versions. When the cache is full, it is emptied.
const MAX_VERSIONS: usize = 256;
/// Characters of an error response that are logged.
const MAX_LOGGED_CHARS: usize = 300;

/// A request to Ironic's API and where it goes, from one look at the node.
struct ApiRequest {
    /// Base URL of the API.
    url: String,
    insecure: bool,
    /// The agent's token, which the log must not show.
    token: Option<Box<str>>,
    request: VersionedRequest,
}

/// A response of Ironic. Displays itself for the log.
struct Reply {
    /// For the log, so without credentials.
    url: String,
    status: StatusCode,
    retry_after_ms: Option<u64>,
    body: Bytes,
    token: Option<Box<str>>,
}

impl Reply {
    /// Whether the server, or a proxy before it, cannot serve any request at the moment. Status 500 does not count,
    /// as it may concern one node only.
    fn is_overload(&self) -> bool {
        use StatusCode as S;
        matches!(
            self.status,
            S::TOO_MANY_REQUESTS | S::BAD_GATEWAY | S::SERVICE_UNAVAILABLE | S::GATEWAY_TIMEOUT
        )
    }
}

impl Reply {
    /// The effect ends with `answer`, which is a failure unless it is `good`.
    fn performed(&self, answer: Answer, good: bool) -> Performed {
        let problem = (!good).then(|| self.to_string().into());
        let performed = Performed::new(answer, problem).at(self.url.clone());
        Performed { status: Some(self.status), ..performed }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, status, .. } = self;
        // The body of a good response is not logged, as it may contain a token.
        if status.is_success() {
            return write!(f, "{url}: {status}, but the response body is not usable");
        }
        // Hidden before the text is cut, so that no part of the token remains.
        let body = Note::hiding(self.token.as_deref(), &String::from_utf8_lossy(&self.body));
        let body: String = body.as_str().chars().take(MAX_LOGGED_CHARS).collect();
        write!(f, "{url}: {status} {body}")
    }
}

/// Why there is no usable response of Ironic. The text is for the log.
#[derive(Debug, thiserror::Error)]
enum NoReply {
    #[error("the agent has been stopped")]
    AgentGone,
    #[error("no URL of an Ironic API is known")]
    NoApi,
    #[error("no inspection URL is known")]
    NoInspectionUrl,
    #[error("no network interface of the machine has a cable")]
    NoNetwork,
    #[error("Ironic cannot reach the agent, because --agent-listen is off")]
    NoAgentListener,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("{method} {url}: not sent, because the circuit is open; next probe in {left_ms} ms")]
    CircuitOpen { method: Method, url: String, left_ms: u64 },
    #[error("{method} {url}: {error}")]
    Failed { method: Method, url: String, error: ExchangeError },
    #[error("{0}")]
    Overloaded(Note),
}

/// Why a request that was sent got no complete response.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the response is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("no response within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl NoReply {
    fn is_circuit_open(&self) -> bool {
        matches!(self, Self::CircuitOpen { .. })
    }

    /// The effect fails with `answer`. `None` if the agent does not run any more, and so needs no answer.
    fn performed(&self, answer: Answer) -> Option<Performed> {
        if matches!(self, Self::AgentGone) {
            return None;
        }
        let circuit_open = self.is_circuit_open();
        let performed = Performed::new(answer, Some(self.to_string().into())).at(self.url());
        Some(Performed { circuit_open, ..performed })
    }

    /// The URL of the request, if there is one.
    fn url(&self) -> String {
        match self {
            Self::CircuitOpen { url, .. } | Self::Failed { url, .. } => url.clone(),
            Self::AgentGone
            | Self::NoApi
            | Self::NoInspectionUrl
            | Self::NoNetwork
            | Self::NoAgentListener
            | Self::Forbidden(_)
            | Self::Overloaded(_) => String::new(),
        }
    }
}

impl EffectRunner {
    /// Sends the inspection data to the first URL that answers.
    pub(super) async fn inspect(&self, id: NodeId, start: u32) -> Option<Performed> {
        let look = |node: &Node, agent: &Ipa, now| {
            let mut urls = agent.params.inspection_urls.to_vec();
            if !urls.is_empty() && agent.params.spread > 1 {
                let first = usize::from(agent.endpoint) % urls.len();
                urls.rotate_left(first);
            }
            let token: Option<Box<str>> = agent.token().map(Into::into);
            let inspection = ironic::inspection(node, agent, now, &self.settings.reported);
            let mut problem = NoReply::NoInspectionUrl;
            if !node.has_network() {
                urls.clear();
                problem = NoReply::NoNetwork;
            }
            (urls, problem, agent.params.insecure, token, inspection)
        };
        let (urls, mut problem, insecure, token, request) = self.look_at_agent(id, start, look)?;
        let mut circuit_open = !urls.is_empty();
        for url in urls {
            match self.exchange(insecure, &url, &request, token.clone()).await {
                Ok(reply) => {
                    let answer = ironic::inspected(reply.status, &reply.body);
                    let good = matches!(answer, Inspected::Accepted(..));
                    let answer = Answer::Ipa { start, answer: ipa::Answer::Inspected(answer) };
                    return Some(reply.performed(answer, good));
                }
                Err(error) => (circuit_open, problem) = (circuit_open && error.is_circuit_open(), error),
            }
        }
        let answer = Answer::Ipa { start, answer: ipa::Answer::Inspected(Inspected::Retry) };
        let performed = Performed::new(answer, Some(problem.to_string().into())).at(problem.url());
        Some(Performed { circuit_open, ..performed })
    }

    pub(super) async fn look_up(&self, id: NodeId, start: u32) -> Option<Performed> {
        let reply = async {
            let api = self.api_request(id, start, |node, agent| Some(ironic::lookup(node, agent)))?;
            let version = self.version(id, start, &api).await?;
            let request = api.request.at(version);
            self.exchange(api.insecure, &api.url, &request, api.token).await
        };
        let answer = |looked_up| Answer::Ipa { start, answer: ipa::Answer::LookedUp(looked_up) };
        match reply.await {
            Ok(reply) => {
                let looked_up = ironic::looked_up(reply.status, &reply.body);
                let found = matches!(looked_up, LookedUp::Found { .. });
                Some(reply.performed(answer(looked_up), found))
            }
            Err(error) => error.performed(answer(LookedUp::Unreachable)),
        }
    }

    pub(super) async fn heartbeat(&self, id: NodeId, start: u32, due: SimTime) -> Option<Performed> {
        let (urls, ca) = (self.settings.agent_urls.as_ref(), self.settings.agent_ca_pem.as_deref());
        let reply = async {
            let urls = urls.ok_or(NoReply::NoAgentListener)?;
            let mut twice = false;
            let api = self.api_request(id, start, |node, agent| {
                twice = agent.serving().is_some_and(|serving| serving.twice);
                ironic::heartbeat(node, agent, urls, ca)
            })?;
            let version = self.version(id, start, &api).await?;
            self.meters.heartbeat(due, self.fleet.clock().now());
            let request = api.request.at(version);
            if twice {
                // The agent obeys the first answer.
                let first = self.exchange(api.insecure, &api.url, &request, api.token.clone()).await?;
                let _ = self.exchange(api.insecure, &api.url, &request, api.token).await;
                return Ok(first);
            }
            self.exchange(api.insecure, &api.url, &request, api.token).await
        };
        let answer = |beat| Answer::Ipa { start, answer: ipa::Answer::Beat(beat) };
        match reply.await {
            Ok(reply) => {
                let beat = ironic::beat(reply.status);
                Some(reply.performed(answer(beat), beat == Beat::Accepted))
            }
            Err(error) => error.performed(answer(Beat::Unreachable)),
        }
    }

    /// Looks at the agent of start `start`. `None` if it does not run any more.
    fn look_at_agent<R>(
        &self,
        id: NodeId,
        start: u32,
        see: impl FnOnce(&Node, &Ipa, SimTime) -> R,
    ) -> Option<R> {
        let look = |node: &Node, now| {
            let agent = node.ipa().filter(|_| node.starts() == start)?;
            Some(see(node, agent, now))
        };
        self.fleet.look(id, look).flatten()
    }

    fn api_request(
        &self,
        id: NodeId,
        start: u32,
        request: impl FnOnce(&Node, &Ipa) -> Option<VersionedRequest>,
    ) -> Result<ApiRequest, NoReply> {
        let look = |node: &Node, agent: &Ipa, _| {
            if !node.has_network() {
                return Err(NoReply::NoNetwork);
            }
            let url = agent.api_url().ok_or(NoReply::NoApi)?.to_owned();
            let request = request(node, agent).ok_or(NoReply::AgentGone)?;
            let token = agent.token().map(Into::into);
            Ok(ApiRequest { url, insecure: agent.params.insecure, token, request })
        };
        self.look_at_agent(id, start, look).unwrap_or(Err(NoReply::AgentGone))
    }

    /// The version of the API, cached for a while.
    ///
    /// Like IPA, it treats an API that answers something else as the oldest one. But an overloaded API counts as
    /// unreachable, because a heartbeat to the oldest API carries no token.
    async fn version(&self, id: NodeId, start: u32, api: &ApiRequest) -> Result<ApiVersion, NoReply> {
        let now = self.fleet.clock().now();
        if let Some((version, until)) = self.versions.lock().get(api.url.as_str())
            && now < *until
        {
            return Ok(*version);
        }
        let reply =
            self.exchange(api.insecure, &api.url, &api.request.discovery(), api.token.clone()).await?;
        if reply.is_overload() {
            return Err(NoReply::Overloaded(reply.to_string().into()));
        }
        let version = match ironic::discovered(&reply.body) {
            Some(version) => {
                let mut versions = self.versions.lock();
                if versions.len() >= MAX_VERSIONS {
                    versions.clear();
                }
                versions.insert(api.url.as_str().into(), (version, now.after_ms(VERSION_AGE_MS)));
                version
            }
            None => ApiVersion::OLDEST,
        };
        // The machine may have been turned off while the API answered.
        self.look_at_agent(id, start, |_, _, _| ()).ok_or(NoReply::AgentGone)?;
        Ok(version)
    }

    /// Sends a request to the server at `base`, through its circuit breaker. The log hides `token`.
    async fn exchange(
        &self,
        insecure: bool,
        base: &str,
        request: &IronicRequest,
        token: Option<Box<str>>,
    ) -> Result<Reply, NoReply> {
        let url = self.clients.egress.parse(&format!("{}{}", base.trim_end_matches('/'), request.path))?;
        let (shown, server) = (redacted(&url), origin(&url));
        let clock = self.fleet.clock();
        let permit = self.circuits.permit(&server, clock.real_ms()).map_err(|left_ms| {
            NoReply::CircuitOpen { method: request.method.clone(), url: shown.clone(), left_ms }
        })?;
        let reply = async {
            let client = self.clients.direct(insecure);
            let mut builder = client.request(request.method.clone(), url).headers(request.headers.clone());
            if let Some(body) = &request.body {
                builder = builder.body(body.clone());
            }
            let mut response = send(builder).await?;
            let mut body = BytesMut::new();
            while let Some(chunk) = chunk(&mut response).await? {
                if body.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(ExchangeError::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            let (status, retry_after_ms) = (response.status(), retry_after_ms(response.headers()));
            Ok(Reply { url: shown.clone(), status, retry_after_ms, body: body.freeze(), token })
        };
        let result = tokio::time::timeout(TIMEOUT, reply).await.unwrap_or(Err(ExchangeError::Timeout));
        let recorded = match &result {
            Ok(reply) if reply.is_overload() => {
                Some(CallResult::Failed { retry_after_ms: reply.retry_after_ms })
            }
            Ok(_) | Err(ExchangeError::TooLong) => Some(CallResult::Answered),
            // The egress rules refused the call, which says nothing about the server.
            Err(ExchangeError::Http(error)) if error.is_forbidden() => None,
            Err(ExchangeError::Http(_) | ExchangeError::Timeout) => {
                Some(CallResult::Failed { retry_after_ms: None })
            }
        };
        if let Some(recorded) = recorded {
            permit.record(recorded, clock.real_ms());
        }
        result.map_err(|error| NoReply::Failed { method: request.method.clone(), url: shown, error })
    }
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3). The form with a date is ignored.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(seconds.saturating_mul(1000))
}
