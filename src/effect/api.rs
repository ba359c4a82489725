//! Calls to Ironic: version, inspection, lookup, heartbeat.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;

use super::client::{self, why};
use super::{Done, Outside};
use crate::agent::ironic::{self, ApiVersion, Call};
use crate::node::agent::{Agent, Beat, Inspected, LookedUp};
use crate::node::command::Answer;
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
    fn agent<R>(&self, id: NodeId, epoch: u32, see: impl FnOnce(&Node, &Agent, SimTime) -> R) -> Option<R> {
        let look = |node: &Node, now| {
            let agent = node.agent().filter(|_| node.starts() == epoch)?;
            Some(see(node, agent, now))
        };
        self.fleet.look(id, look).flatten()
    }

    fn whom(&self, id: NodeId, epoch: u32) -> Option<Whom> {
        self.agent(id, epoch, |_, agent, _| Whom {
            api: agent.api_url().map(str::to_owned),
            insecure: agent.params.insecure,
        })
    }

    /// Sends the inspection data, to the first URL that answers.
    pub(super) async fn inspect(&self, id: NodeId, epoch: u32) -> Option<Done> {
        let (urls, insecure, call) = self.agent(id, epoch, |node, agent, now| {
            let mut urls = agent.params.inspection_urls.to_vec();
            if !urls.is_empty() && agent.params.spread > 1 {
                let first = usize::from(agent.endpoint) % urls.len();
                urls.rotate_left(first);
            }
            (urls, agent.params.insecure, ironic::inspection(node, agent, now, &self.settings.bmcs))
        })?;
        let mut note = "no inspection URL is known".to_owned();
        for url in urls {
            match self.send(insecure, &url, &call).await {
                Ok((status, body)) => {
                    let answer = ironic::inspected(status, &body);
                    let note = match answer {
                        Inspected::Accepted(..) => None,
                        Inspected::Retry | Inspected::Refused => Some(said(&url, status, &body)),
                    };
                    return Some(Done { answer: Answer::Inspected(answer), note });
                }
                Err(why) => note = why,
            }
        }
        Some(Done { answer: Answer::Inspected(Inspected::Retry), note: Some(note) })
    }

    /// Looks the node up.
    pub(super) async fn look_up(&self, id: NodeId, epoch: u32) -> Option<Done> {
        let Whom { api, insecure } = self.whom(id, epoch)?;
        let unreachable = |note| Done { answer: Answer::LookedUp(LookedUp::Unreachable), note: Some(note) };
        let Some(api) = api else { return Some(unreachable("no API is known".to_owned())) };
        let version = match self.version(id, epoch, &api, insecure).await? {
            Ok(version) => version,
            Err(why) => return Some(unreachable(why)),
        };
        let call = self.agent(id, epoch, |node, agent, _| ironic::lookup(node, agent, version))?;
        Some(match self.send(insecure, &api, &call).await {
            Ok((status, body)) => {
                let answer = ironic::looked_up(status, &body);
                let found = matches!(answer, LookedUp::Found { .. });
                Done { answer: Answer::LookedUp(answer), note: (!found).then(|| said(&api, status, &body)) }
            }
            Err(why) => unreachable(why),
        })
    }

    /// Sends a heartbeat.
    pub(super) async fn heartbeat(&self, id: NodeId, epoch: u32) -> Option<Done> {
        let Whom { api, insecure } = self.whom(id, epoch)?;
        let unreachable = |note| Done { answer: Answer::Beat(Beat::Unreachable), note: Some(note) };
        let Some(api) = api else { return Some(unreachable("no API is known".to_owned())) };
        let version = match self.version(id, epoch, &api, insecure).await? {
            Ok(version) => version,
            Err(why) => return Some(unreachable(why)),
        };
        let (urls, ca) = (&self.settings.agent_urls, self.settings.agent_ca_pem.as_deref());
        let call = self.agent(id, epoch, |n, agent, _| ironic::heartbeat(n, agent, version, urls, ca))??;
        Some(match self.send(insecure, &api, &call).await {
            Ok((status, body)) => {
                let beat = ironic::beat(status);
                let note = (beat != Beat::Accepted).then(|| said(&api, status, &body));
                Done { answer: Answer::Beat(beat), note }
            }
            Err(why) => unreachable(why),
        })
    }

    /// The version of an API, asked for once in a while. One that answers something else is taken for an old one.
    async fn version(
        &self,
        id: NodeId,
        epoch: u32,
        api: &str,
        insecure: bool,
    ) -> Option<Result<ApiVersion, String>> {
        let now = self.fleet.clock().now();
        if let Some((version, until)) = self.versions.lock().get(api)
            && now < *until
        {
            return Some(Ok(*version));
        }
        let call = self.agent(id, epoch, |_, agent, _| ironic::discovery(agent))?;
        let body = match self.send(insecure, api, &call).await {
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
    async fn send(&self, insecure: bool, base: &str, call: &Call) -> Result<(StatusCode, Bytes), String> {
        let url = client::parse(&format!("{}{}", base.trim_end_matches('/'), call.path))
            .map_err(|error| error.to_string())?;
        let shown = client::shown(&url);
        let exchange = async {
            let mut request = self.clients.get(insecure).request(call.method.clone(), url);
            request = request.headers(call.headers.clone());
            if let Some(body) = &call.body {
                request = request.body(body.clone());
            }
            let mut response = request.send().await.map_err(why)?;
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(why)? {
                if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                    return Err(format!("the answer is longer than {MAX_ANSWER_BYTES} bytes"));
                }
                body.extend_from_slice(&chunk);
            }
            Ok((response.status(), body.freeze()))
        };
        match tokio::time::timeout(CALL, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(format!("{} {shown}: {why}", call.method)),
            Err(_) => Err(format!("{} {shown}: no answer within {} s", call.method, CALL.as_secs())),
        }
    }
}

/// What a server said, for a log.
fn said(url: &str, status: StatusCode, body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(300).collect();
    format!("{url}: {status} {text}")
}
