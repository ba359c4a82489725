//! Delivers events to subscribers: of one BMC, or of the root that all nodes share.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::task::JoinSet;
use url::Url;

use super::client::{origin, send};
use super::egress::Forbidden;
use super::http_error::HttpError;
use super::performed::Performed;
use super::redact::{redacted, redacted_text};
use super::runner::EffectRunner;
use crate::node::NodeId;
use crate::node::effect::Answer;
use crate::note::Note;
use crate::redfish::{Delivery, Redfish, SharedEvents, Source, delivery};

/// Longest time of one delivery. A receiver that needs longer gets the same events again.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The events are not delivered.
#[derive(Debug, thiserror::Error)]
enum Undelivered {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("{url}: {cause}")]
    Http { url: String, cause: HttpError },
    #[error("{url}: {status}")]
    Status { url: String, status: StatusCode },
    #[error("{url}: no response within {} s", TIMEOUT.as_secs())]
    Timeout { url: String },
}

impl EffectRunner {
    /// Delivers the next events of a BMC to a subscriber. `None` if the subscription has ended.
    pub(super) async fn deliver(&self, id: NodeId, subscription: u32) -> Option<Performed> {
        let found = self.fleet.look(id, |node, _| {
            let (found, events) = node.bmc().subscriptions.batch(subscription)?;
            let events: Vec<_> = events.collect();
            delivery(&found.wanted, &events, Source::Node(node))
        });
        let Some(delivery) = found? else {
            // There is nothing to send any more. The subscription must not wait for this delivery.
            let answer = Answer::Delivered { subscription, through: 0, result: Ok(()) };
            self.fleet.answer(id, answer);
            return None;
        };
        let through = delivery.through;
        if delivery.body.is_none() {
            // No call is needed.
            let answer = Answer::Delivered { subscription, through, result: Ok(()) };
            self.fleet.answer(id, answer);
            return None;
        }
        // Some of the events can be newer than the delivery's wait for the disk.
        while self.fleet.until_node_persisted(id).await.is_err() {}
        let (result, status) = self.post(&delivery).await;
        let problem = result.as_ref().err().cloned();
        let answer = Answer::Delivered { subscription, through, result };
        let performed = Performed::new(answer, problem).at(redacted_text(&delivery.destination));
        Some(Performed { status, ..performed })
    }

    /// Keeps the time of the shared root, and delivers its events, for as long as the future is polled. A receiver gets one request at a
    /// time.
    pub async fn deliver_shared(self: Arc<Self>, redfish: Arc<Redfish>) {
        let events = &redfish.events;
        let (mut news, mut changes) = (events.follow(), self.fleet.clock().changes());
        let mut tasks = JoinSet::new();
        let most = self.settings.limits.calls_per_server;
        let mut waiting = std::collections::VecDeque::new();
        loop {
            news.borrow_and_update();
            changes.look();
            let next = redfish.settle(self.fleet.clock().now());
            waiting.extend(events.take_due());
            while tasks.len() < most
                && let Some(id) = waiting.pop_front()
            {
                let (runner, events) = (Arc::clone(&self), Arc::clone(events));
                tasks.spawn(async move { runner.deliver_one_shared(&events, id).await });
            }
            let wait = self.fleet.clock().wait(next);
            let deadline = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                () = deadline => {}
                () = changes.next() => {}
            }
        }
    }

    async fn deliver_one_shared(&self, events: &SharedEvents, id: u32) {
        self.fleet.until_changes_are_accepted().await;
        let batch = events.batch(id);
        // A receiver must not learn of a change that a crash then undoes.
        let ((), seen) = self.fleet.noting(|| events.note());
        while self.fleet.until_persisted(seen).await.is_err() {}
        // The nodes are asked without the lock of the queue, because an event comes under the lock of its node.
        let Some(delivery) = batch.and_then(|(wanted, queued)| {
            delivery(&wanted, &queued.iter().collect::<Vec<_>>(), Source::Shared(&self.fleet))
        }) else {
            // There is nothing to send any more. The subscription must not wait for this delivery.
            events.delivered(id, 0, true, self.fleet.clock().now());
            return;
        };
        let mut good = true;
        if delivery.body.is_some() {
            let in_flight = self.meters.in_flight.enter();
            let (result, _) = self.post(&delivery).await;
            drop(in_flight);
            good = result.is_ok();
            self.meters.delivered(good);
            if let Err(error) = result {
                tracing::debug!(target: "fauxmetal::effect", subscription = id, %error, "events were not delivered");
            }
        }
        events.delivered(id, delivery.through, good, self.fleet.clock().now());
    }

    /// Posts a document with events. Returns the status too, if there is one.
    async fn post(&self, delivery: &Delivery) -> (Result<(), Note>, Option<StatusCode>) {
        let posted = match tokio::time::timeout(TIMEOUT, self.try_post(delivery)).await {
            Ok(posted) => posted,
            Err(_) => Err(Undelivered::Timeout { url: redacted_text(&delivery.destination) }),
        };
        let status = match &posted {
            Ok(status) | Err(Undelivered::Status { status, .. }) => Some(*status),
            Err(_) => None,
        };
        (posted.map(drop).map_err(|error| Note::from(error.to_string())), status)
    }

    async fn try_post(&self, delivery: &Delivery) -> Result<StatusCode, Undelivered> {
        let url = self.clients.egress.parse(&delivery.destination)?;
        let shown = || redacted(&url);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &delivery.headers {
            // They were checked when the client subscribed.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            {
                headers.insert(name, value);
            }
        }
        let body = delivery.body.clone().unwrap_or_default();
        let client = self.clients.direct(!delivery.verify_certificate);
        let response = send(client.post(url.clone()).headers(headers).body(body)).await;
        let response = response.map_err(|cause| Undelivered::Http { url: shown(), cause })?;
        let status = response.status();
        if status.is_success() { Ok(status) } else { Err(Undelivered::Status { url: shown(), status }) }
    }

    /// The server of a subscriber.
    pub(super) fn subscriber(&self, id: NodeId, subscription: u32) -> Box<str> {
        let url = self.fleet.look(id, |node, _| {
            Some(node.bmc().subscriptions.get(subscription)?.wanted.destination.to_string())
        });
        let url = url.flatten().and_then(|url| Url::parse(&url).ok());
        url.map(|url| origin(&url)).unwrap_or_default().into()
    }
}
