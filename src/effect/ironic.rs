//! Calls to Ironic: version, inspection, lookup, heartbeat.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use super::circuit::Went;
use super::client::{self, why};
use super::{Done, Outside};
use crate::ipa::ironic::{self, ApiVersion, Call};
use crate::node::effect::Answer;
use crate::node::ipa::{self, Beat, Inspected, Ipa, LookedUp};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// A call to Ironic takes this long at most. IPA's `http_request_timeout` is 30 s without an answer.
const CALL: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read at most: a lookup holds a whole node, which can be large.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// An API's version is asked for again after so long, simulated ms.
const VERSION_AGE_MS: u64 = 300_000;
/// APIs whose versions are remembered.
const MAX_VERSIONS: usize = 256;

/// What is looked up of an agent before a call.
struct Whom {
    api: Option<String>,
    insecure: bool,
}

impl Outside {
    /// Looks at the agent of that start of the machine; `None` when it is gone.
    fn agent<R>(&self, id: NodeId, start: u32, see: impl FnOnce(&Node, &Ipa, SimTime) -> R) -> Option<R> {
        let look = |node: &Node, now| {
            let agent = node.ipa().filter(|_| node.starts() == start)?;
            Some(see(node, agent, now))
        };
        self.fleet.look(id, look).flatten()
    }

    fn whom(&self, id: NodeId, start: u32) -> Option<Whom> {
        self.agent(id, start, |_, agent, _| Whom {
            api: agent.api_url().map(str::to_owned),
            insecure: agent.params.insecure,
        })
    }

    /// Sends the inspection data, to the first URL that answers.
    pub(super) async fn inspect(&self, id: NodeId, start: u32) -> Option<Done> {
        let (urls, insecure, call) = self.agent(id, start, |node, agent, now| {
            let mut urls = agent.params.inspection_urls.to_vec();
            if !urls.is_empty() && agent.params.spread > 1 {
                let first = usize::from(agent.endpoint) % urls.len();
                urls.rotate_left(first);
            }
            (urls, agent.params.insecure, ironic::inspection(node, agent, now, &self.settings.bmcs))
        })?;
        let (mut note, mut held) = ("no inspection URL is known".to_owned(), !urls.is_empty());
        for url in urls {
            match self.send(insecure, &url, &call).await {
                Ok((status, body)) => {
                    let answer = ironic::inspected(status, &body);
                    let note = match answer {
                        Inspected::Accepted(..) => None,
                        Inspected::Retry | Inspected::Refused => Some(said(&url, status, &body)),
                    };
                    return Some(Done::new(
                        Answer::Ipa { start, answer: ipa::Answer::Inspected(answer) },
                        note,
                    ));
                }
                Err(silence) => (note, held) = (silence.why, held && silence.held),
            }
        }
        let answer = ipa::Answer::Inspected(Inspected::Retry);
        Some(Done { answer: Answer::Ipa { start, answer }, note: Some(note), held })
    }

    /// Looks the node up.
    pub(super) async fn look_up(&self, id: NodeId, start: u32) -> Option<Done> {
        let Whom { api, insecure } = self.whom(id, start)?;
        let unreachable = |silence: Silence| Done {
            answer: Answer::Ipa { start, answer: ipa::Answer::LookedUp(LookedUp::Unreachable) },
            note: Some(silence.why),
            held: silence.held,
        };
        let Some(api) = api else { return Some(unreachable("no API is known".into())) };
        let version = match self.version(id, start, &api, insecure).await? {
            Ok(version) => version,
            Err(why) => return Some(unreachable(why)),
        };
        let call = self.agent(id, start, |node, agent, _| ironic::lookup(node, agent, version))?;
        Some(match self.send(insecure, &api, &call).await {
            Ok((status, body)) => {
                let answer = ironic::looked_up(status, &body);
                let found = matches!(answer, LookedUp::Found { .. });
                let answer = Answer::Ipa { start, answer: ipa::Answer::LookedUp(answer) };
                Done::new(answer, (!found).then(|| said(&api, status, &body)))
            }
            Err(why) => unreachable(why),
        })
    }

    /// Sends a heartbeat.
    pub(super) async fn heartbeat(&self, id: NodeId, start: u32, due: SimTime) -> Option<Done> {
        let Whom { api, insecure } = self.whom(id, start)?;
        let unreachable = |silence: Silence| Done {
            answer: Answer::Ipa { start, answer: ipa::Answer::Beat(Beat::Unreachable) },
            note: Some(silence.why),
            held: silence.held,
        };
        let Some(api) = api else { return Some(unreachable("no API is known".into())) };
        let version = match self.version(id, start, &api, insecure).await? {
            Ok(version) => version,
            Err(why) => return Some(unreachable(why)),
        };
        self.meters.beat(due, self.fleet.clock().now());
        let (urls, ca) = (&self.settings.agent_urls, self.settings.agent_ca_pem.as_deref());
        let call = self.agent(id, start, |n, agent, _| ironic::heartbeat(n, agent, version, urls, ca))??;
        Some(match self.send(insecure, &api, &call).await {
            Ok((status, body)) => {
                let beat = ironic::beat(status);
                let note = (beat != Beat::Accepted).then(|| said(&api, status, &body));
                Done::new(Answer::Ipa { start, answer: ipa::Answer::Beat(beat) }, note)
            }
            Err(why) => unreachable(why),
        })
    }

    /// The version of an API, asked for once in a while. One that answers something else is taken for an old one, as the
    /// real agent does; but not one that says that it is too busy, for a heartbeat to an old one carries no token.
    async fn version(
        &self,
        id: NodeId,
        start: u32,
        api: &str,
        insecure: bool,
    ) -> Option<Result<ApiVersion, Silence>> {
        let now = self.fleet.clock().now();
        if let Some((version, until)) = self.versions.lock().get(api)
            && now < *until
        {
            return Some(Ok(*version));
        }
        let call = self.agent(id, start, |_, agent, _| ironic::discovery(agent))?;
        let body = match self.send(insecure, api, &call).await {
            Ok((status, body)) if is_overload(status) => return Some(Err(said(api, status, &body).into())),
            Ok((_, body)) => body,
            Err(why) => return Some(Err(why)),
        };
        let Some(version) = ironic::discovered(&body) else { return Some(Ok(ApiVersion::OLDEST)) };
        let mut versions = self.versions.lock();
        if versions.len() >= MAX_VERSIONS {
            versions.clear();
        }
        versions.insert(api.into(), (version, now.after_ms(VERSION_AGE_MS)));
        Some(Ok(version))
    }

    /// Carries a call to `base`, and brings back what was answered, or why nothing was.
    async fn send(&self, insecure: bool, base: &str, call: &Call) -> Result<(StatusCode, Bytes), Silence> {
        let url = self
            .clients
            .parse(&format!("{}{}", base.trim_end_matches('/'), call.path))
            .map_err(|error| error.to_string())?;
        let (shown, server) = (client::shown(&url), client::origin(&url));
        let clock = self.fleet.clock();
        let pass = self.circuits.enter(&server, clock.real_ms()).map_err(|left_ms| Silence {
            why: format!(
                "{} {shown}: not tried, as the server does not answer; held for {left_ms} ms",
                call.method
            ),
            held: true,
        })?;
        let exchange = async {
            let mut request = self.clients.get(insecure).request(call.method.clone(), url);
            request = request.headers(call.headers.clone());
            if let Some(body) = &call.body {
                request = request.body(body.clone());
            }
            let mut response = request.send().await.map_err(Broken::Call)?;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(Broken::Call)? {
                if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(Broken::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            Ok((response.status(), retry_after_ms(response.headers()), body.freeze()))
        };
        let result = tokio::time::timeout(CALL, exchange).await.unwrap_or(Err(Broken::TooLate));
        let went = match &result {
            Ok((status, wish_ms, _)) if is_overload(*status) => Some(Went::Badly(*wish_ms)),
            Ok(_) | Err(Broken::TooLong) => Some(Went::Well),
            // That says nothing about the server.
            Err(Broken::Call(error)) if client::is_forbidden(error) => None,
            Err(Broken::Call(_) | Broken::TooLate) => Some(Went::Badly(None)),
        };
        if let Some(went) = went {
            pass.went(went, clock.real_ms());
        }
        let why = match result {
            Ok((status, _, body)) => return Ok((status, body)),
            Err(Broken::Call(error)) => why(error),
            Err(Broken::TooLong) => format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"),
            Err(Broken::TooLate) => format!("no answer within {} s", CALL.as_secs()),
        };
        Err(format!("{} {shown}: {why}", call.method).into())
    }
}

/// Why there is no answer.
struct Silence {
    why: String,
    /// The call was not made at all.
    held: bool,
}

impl From<String> for Silence {
    fn from(why: String) -> Self {
        Self { why, held: false }
    }
}

impl From<&str> for Silence {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

/// What went wrong with a call that was made.
enum Broken {
    Call(reqwest::Error),
    TooLong,
    TooLate,
}

/// Whether a server, or what stands before it, says that it cannot serve anybody at the moment. An error 500 can be about
/// one node.
fn is_overload(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(status, S::TOO_MANY_REQUESTS | S::BAD_GATEWAY | S::SERVICE_UNAVAILABLE | S::GATEWAY_TIMEOUT)
}

/// `Retry-After` in seconds (RFC 9110, 10.2.3); a date is passed over.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(seconds.saturating_mul(1000))
}

/// What a server said, for a log. A good answer is not repeated: it can hold a token.
fn said(url: &str, status: StatusCode, body: &[u8]) -> String {
    let url = client::shown_text(url);
    if status.is_success() {
        return format!("{url}: {status}, and an answer that is of no use");
    }
    let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
    format!("{url}: {status} {text}")
}
