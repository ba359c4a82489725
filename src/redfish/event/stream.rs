//! The stream of events (DSP0266, "Server-sent events"): each connection is a subscription that ends with it.

use std::future::Future as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Request, Response, header};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::filter::Facts;
use super::payload::{Source, document, report, with_place};
use super::words::shown;
use crate::face::Body;
use crate::node::NodeId;
use crate::node::bmc::subscriptions::{Command, Filter, Queued, Subscription, Subscriptions, Wanted};
use crate::node::command::Command as NodeCommand;
use crate::node::event::What;
use crate::redfish::error::Problem;
use crate::redfish::headers::{Head, ODATA_4, ODATA_VERSION};
use crate::redfish::message::{INTERNAL_ERROR, Message, OPERATION_NOT_ALLOWED, SERVICE_DISABLED};
use crate::redfish::query::EventFilter;
use crate::redfish::resources::{STREAM, STREAM_GENERIC};
use crate::redfish::root::Root;
use crate::redfish::service::Redfish;

/// Time without an event after which a comment is sent. Proxies cut a silent connection after a minute, and a connection that the
/// client has closed is noticed when something is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// After this many bytes, the events that have come are sent before further ones are read. What a slow client has not read stays in
/// the queue of all subscribers, as an event and not as text.
const PIECE: usize = 32 * 1024;

/// Whether a request is for the stream.
pub(in crate::redfish) fn is_stream(request: &Request<Bytes>) -> bool {
    let path = request.uri().path();
    // Nearly every path ends differently, and needs no comparison.
    path.ends_with(['E', '/']) && path.strip_suffix('/').unwrap_or(path) == STREAM
}

/// A client of the stream.
struct Reader {
    redfish: Arc<Redfish>,
    /// The node whose root it is.
    own: Option<NodeId>,
    subscription: u32,
    /// The number of the next event.
    next: u64,
    filter: EventFilter,
    news: watch::Receiver<u64>,
    /// The connection has just been opened.
    fresh: bool,
}

impl Redfish {
    /// Opens the stream of a root, or refuses to.
    pub(in crate::redfish) fn stream(
        self: &Arc<Self>,
        own: Option<NodeId>,
        request: &Request<Bytes>,
    ) -> Response<Body> {
        let news = self.events.follow();
        let opened = match own {
            None => self.open_stream(&mut Root::Shared, request),
            Some(id) => self
                .fleet
                .with(id, |node, now| self.open_stream(&mut Root::Own { node, now }, request))
                .unwrap_or_else(|| Err(Problem::not_found(STREAM))),
        };
        match opened {
            Err(problem) => problem.response().map(Body::from),
            Ok((subscription, next, filter)) => {
                let redfish = Arc::clone(self);
                let reader = Reader { redfish, own, subscription, next, filter, news, fresh: true };
                let frames = stream::unfold(reader, async |mut reader| {
                    let bytes = reader.next().await?;
                    Some((bytes, reader))
                });
                let mut response = Response::new(Body::of_stream(frames));
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
                headers.insert(&ODATA_VERSION, ODATA_4);
                response
            }
        }
    }

    /// Decides whether the client may read the stream, and subscribes it. Returns the subscription, the number of the first event,
    /// and the filter.
    fn open_stream(
        &self,
        root: &mut Root<'_>,
        request: &Request<Bytes>,
    ) -> Result<(u32, u64, EventFilter), Problem> {
        let head = Head::of(request.headers());
        let client = self.identify(root, &head)?;
        if root.node().is_some_and(|node| node.profile().lacks(STREAM_GENERIC)) {
            return Err(Problem::not_found(STREAM));
        }
        if request.method() != Method::GET {
            return Err((&OPERATION_NOT_ALLOWED).into());
        }
        let service = self.tree.find("/redfish/v1/EventService", root.is_own());
        let service = service.ok_or_else(|| Problem::not_found(STREAM))?;
        self.permit(root, client, &service, &Method::GET)?;
        let filter = EventFilter::parse(request.uri().query())?;
        if !self.with_subscriptions(root, |all| all.settings.enabled) {
            return Err(Message::new(&SERVICE_DISABLED, ["/redfish/v1/EventService"]).into());
        }
        let newest = self.newest_event(root);
        let last =
            request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
        // A number from the future belongs to another service.
        let next = last.filter(|last| *last <= newest).unwrap_or(newest) + 1;
        let wants = Filter { wants_reports: filter.reports, ..Filter::default() };
        let asked = Box::new(Wanted { is_stream: true, filter: wants, ..Wanted::default() });
        let id = self.subscribe(root, client.account, Command::Subscribe { asked, most: 0 })?;
        Ok((id.ok_or_else(|| Problem::from(&INTERNAL_ERROR))?, next, filter))
    }

    /// Executes a command of the event service of a root. Returns the id of a new subscription.
    pub(in crate::redfish) fn subscribe(
        &self,
        root: &mut Root<'_>,
        account: u32,
        mut command: Command,
    ) -> Result<Option<u32>, Problem> {
        self.fleet.may_change()?;
        if let Command::Subscribe { most, asked } = &mut command {
            asked.account = account;
            *most = if root.is_own() { self.own_subscriptions } else { self.shared_subscriptions };
        }
        Ok(match root {
            Root::Shared => self.events.execute(command, self.fleet.clock().now())?,
            Root::Own { node, now } => {
                let outcome = node.apply(NodeCommand::Event(command), *now);
                outcome.inspect_err(|_| self.own_subscriptions_refused.one())?.created()
            }
        })
    }

    /// Looks at the subscriptions of a root.
    pub(in crate::redfish) fn with_subscriptions<R>(
        &self,
        root: &Root<'_>,
        look: impl FnOnce(&Subscriptions) -> R,
    ) -> R {
        match root {
            Root::Shared => self.events.see(look),
            Root::Own { node, .. } => look(&node.bmc().subscriptions),
        }
    }

    /// The number of the newest event at a root.
    fn newest_event(&self, root: &Root<'_>) -> u64 {
        match root {
            Root::Shared => *self.events.follow().borrow(),
            Root::Own { node, .. } => u64::from(node.bmc().logs.last()),
        }
    }
}

impl Reader {
    /// The next bytes of the stream. `None` at its end: the subscription was deleted, the client is too slow, or the BMC restarts.
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.fresh) {
            return Some(Bytes::from_static(b": this is the stream of events\n\n"));
        }
        let redfish = Arc::clone(&self.redfish);
        let fleet = &redfish.fleet;
        loop {
            let changed = self.own.map(|id| fleet.changed(id));
            let mut node_changes = std::pin::pin!(async {
                match &changed {
                    Some(changed) => changed.next().await,
                    None => std::future::pending().await,
                }
            });
            // It must wait before the events are read, so that it misses none.
            std::future::poll_fn(|cx| {
                let _ = node_changes.as_mut().poll(cx);
                Poll::Ready(())
            })
            .await;
            self.news.borrow_and_update();
            let (text, seen) = fleet.noting(|| self.read());
            let text = text?;
            if !text.is_empty() {
                fleet.until_persisted(seen).await.ok()?;
                return Some(text.into());
            }
            tokio::select! {
                () = node_changes => {}
                news = self.news.changed(), if self.own.is_none() => news.ok()?,
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b": no event\n\n")),
            }
        }
    }

    /// The events that have come, as the stream has them. `None` if the subscription has ended.
    fn read(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        match self.own {
            Some(id) => self.redfish.fleet.with(id, |node, _| {
                node.has_streamed(self.subscription, self.next);
                let all = &node.bmc().subscriptions;
                all.get(self.subscription).filter(|subscription| !subscription.is_cut_off())?;
                let mut next = self.next;
                for queued in all.from(next) {
                    next = queued.number + 1;
                    write(queued, &self.filter, Source::Node(node), &mut text);
                    if text.len() >= PIECE {
                        break;
                    }
                }
                Some(next)
            }),
            None => {
                let mut next = self.next;
                // A filter can leave out a whole batch, and the stream then goes on with the next one.
                loop {
                    let Some(events) = self.redfish.events.read(self.subscription, next) else {
                        break Some(None);
                    };
                    for queued in &events {
                        next = queued.number + 1;
                        write(queued, &self.filter, Source::Shared(&self.redfish.fleet), &mut text);
                        if text.len() >= PIECE {
                            break;
                        }
                    }
                    if events.len() < Subscriptions::BATCH || !text.is_empty() {
                        break Some(Some(next));
                    }
                }
            }
        }
        .flatten()
        .map(|next| {
            self.next = next;
            text
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Self { redfish, own, subscription, .. } = self;
        let is_cut_off = |all: &Subscriptions| all.get(*subscription).is_some_and(Subscription::is_cut_off);
        let was_too_slow = match own {
            None => redfish.events.see(is_cut_off),
            Some(id) => {
                redfish.fleet.look(*id, |node, _| is_cut_off(&node.bmc().subscriptions)) == Some(true)
            }
        };
        if was_too_slow {
            redfish.streams_cut_off.one();
        }
        let command = Command::Delete(*subscription);
        match own {
            None => drop(redfish.events.execute(command, redfish.fleet.clock().now())),
            Some(id) => drop(redfish.fleet.apply(*id, NodeCommand::Event(command))),
        }
    }
}

/// Writes an event as the stream has it, if it passes the filter.
fn write(queued: &Queued, filter: &EventFilter, source: Source<'_>, out: &mut Vec<u8>) {
    if !filter.is_none() && !facts(queued, filter.below, source).is_some_and(|facts| filter.passes(&facts)) {
        return;
    }
    let all = Filter { wants_reports: matches!(queued.what, What::Report(_)), ..Filter::default() };
    let body = match all.wants_reports {
        // A stream without a filter for reports has events only.
        true if filter.is_none() => None,
        true => report(queued, &all, None, source),
        false => document(std::iter::once(queued), &all, None, source),
    };
    let Some(body) = body else { return };
    out.extend_from_slice(format!("id: {}\ndata: ", queued.number).as_bytes());
    out.extend_from_slice(&body);
    out.extend_from_slice(b"\n\n");
}

/// The properties that a filter names.
fn facts(queued: &Queued, below: bool, source: Source<'_>) -> Option<Value> {
    with_place(queued, source, |place, _| {
        let shown = shown(&queued.what, place);
        let facts = Facts::of(&queued.what, &shown);
        // An object in a resource belongs to it: `Thermal#/Temperatures/0`.
        let resource = facts.origin.split('#').next().unwrap_or_default();
        let ends = resource.match_indices('/').map(|(at, _)| at).skip(1).filter(|_| below);
        let origins: Vec<&str> = ends.map(|at| &resource[..at]).chain([resource, facts.origin]).collect();
        let (id, registry, key) = (&facts.message_id, facts.registry(), facts.key());
        let is_report = matches!(queued.what, What::Report(_));
        json!({
            "EventFormatType": if is_report { "MetricReport" } else { "Event" },
            "EventType": facts.event_type.as_str(),
            "MessageId": [id, format!("{registry}.{key}"), key],
            "MetricReportDefinition": if is_report { Some(facts.origin) } else { None },
            "OriginResource": origins,
            "RegistryPrefix": registry,
            "ResourceType": shown.resource_type,
            "Severity": facts.severity,
            "SubordinateResources": below,
        })
    })
}
