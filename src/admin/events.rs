//! `GET /events`: the changes of state of the fleet as server-sent events, and `GET /nodes/{node}/journal`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::Stream;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::IntoParams;

use super::api::{FleetEvent, Missed, NodeJournal, Problem};
use super::control::Control;
use super::extract::Query;
use super::list::LINES;
use super::target;
use crate::fleet::{Happened, Reader};
use crate::journal::{Chain, ChainOf, Change};
use crate::node::NodeId;
use crate::selection::Selection;

/// Time after which a stream without news sends a comment or an empty line, so that each side notices that the other has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The parameters of the stream of events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// The nodes, such as `rack=r7`; all by default. Removed nodes are only in a stream of all nodes.
    selector: Option<String>,
}

/// Streams every change of state of the selected nodes
///
/// The answer is a stream of server-sent events. `event` is the kind, `data` is a JSON object, and `id` is the value of the header
/// `Last-Event-ID` with which a client continues. An event of the kind `missed` tells that older ones are lost: the reader was too
/// slow, or the daemon has restarted. A selection is compared with the node when its event is sent.
#[utoipa::path(
    get,
    path = "/events",
    tag = "fleet",
    params(EventQuery, ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was read")),
    responses(
        (status = 200, description = "The events", content((FleetEvent = "text/event-stream"))),
        (status = 400, response = inline(super::answers::Wrong)),
    )
)]
pub(super) async fn events(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let selection = query.selector.as_deref().map(|text| target::selection("selector", text)).transpose()?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let after = last.map(|id| position(&control.epoch, id)).transpose()?;
    let mut waiting = VecDeque::new();
    if after == Some(None) {
        let reason = "the daemon has restarted since the last event".to_owned();
        waiting.push_back(event("missed", None, &Missed { reason, events: None }));
    }
    let reader = control.fleet.stream().follow(after.flatten());
    let following = Following { control, selection, reader, waiting };
    let stream = futures_util::stream::unfold(following, async |mut following| {
        let event = following.next().await;
        Some((Ok(event), following))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The number of an event; `None` for an event of an earlier daemon.
fn position(epoch: &str, id: &str) -> Result<Option<u64>, Problem> {
    let parts = id.split_once('-').and_then(|(epoch, number)| Some((epoch, number.parse().ok()?)));
    let (of, number) = parts.ok_or_else(|| {
        let detail = format!("'{id}' is no id of an event; send the id of the last event that was read");
        Problem::wrong("Last-Event-ID", id, detail)
    })?;
    Ok((of == epoch).then_some(number))
}

struct Following {
    control: Arc<Control>,
    selection: Option<Selection>,
    reader: Reader,
    /// Events that are to be sent.
    waiting: VecDeque<Event>,
}

impl Following {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return event;
            }
            let (missed, happened) = self.reader.next().await;
            if missed > 0 {
                let reason = format!("the reader is too slow, so that {missed} events are lost");
                self.waiting.push_back(event("missed", None, &Missed { reason, events: Some(missed) }));
            }
            let events: Vec<_> =
                happened.iter().filter(|one| self.selects(one)).map(|one| self.event(one)).collect();
            self.waiting.extend(events);
        }
    }

    fn selects(&self, happened: &Happened) -> bool {
        let Some(selection) = &self.selection else { return true };
        let fleet = &self.control.fleet;
        fleet.identify(happened.node, |node, _| selection.matches(node)).unwrap_or(false)
    }

    fn event(&self, happened: &Happened) -> Event {
        let change = Change { event: happened.event, detail: happened.detail.clone() };
        let data = FleetEvent {
            time: happened.at.rfc3339(),
            node: happened.name.to_string(),
            uuid: happened.uuid.to_string(),
            event: happened.event,
            text: change.to_string(),
        };
        let kind = serde_json::to_value(happened.event).ok();
        let id = format!("{}-{}", self.control.epoch, happened.number);
        event(kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("event"), Some(id), &data)
    }
}

fn event(kind: &str, id: Option<String>, data: &impl serde::Serialize) -> Event {
    let text = serde_json::to_string(data).unwrap_or_default();
    let event = Event::default().event(kind).data(text);
    match id {
        Some(id) => event.id(id),
        None => event,
    }
}

/// Shows the last requests, calls and changes of state of a node
///
/// An entry that is repeated has the `id` that it had before, a larger `count`, and a later `lastTime`.
#[utoipa::path(
    get,
    path = "/nodes/{node}/journal",
    tag = "nodes",
    params(("node" = String, Path, description = "Name or UUID of the node", example = "generic-0")),
    responses(
        (status = 200, description = "The journal", body = NodeJournal),
        (status = 404, response = inline(super::answers::Missing)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn journal(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Result<axum::Json<NodeJournal>, Problem> {
    let (id, explanation) = settled(&control, &name).await?;
    let fleet = &control.fleet;
    let (batch, now) = (fleet.journal().since(id, 0), fleet.clock().now());
    let chains = [ChainOf::Boot, ChainOf::Deployment];
    Ok(axum::Json(NodeJournal {
        epoch: control.epoch.clone(),
        node: fleet.names(id).0,
        missed: batch.missed,
        chains: chains.into_iter().filter_map(|of| Chain::new(of, &batch.entries, now)).collect(),
        entries: batch.entries,
        explanation,
    }))
}

/// Streams the entries of a node's journal, those that it has and each new one
///
/// The answer is one entry for each line. An entry that is repeated comes again with the same `id`. An empty line means that nothing
/// has happened for 15 s. The node keeps more entries while a client reads.
#[utoipa::path(
    get,
    path = "/nodes/{node}/journal/stream",
    tag = "nodes",
    params(("node" = String, Path, description = "Name or UUID of the node", example = "generic-0")),
    responses(
        (status = 200, description = "The entries", content((crate::journal::Entry = "application/x-ndjson"))),
        (status = 404, response = inline(super::answers::Missing)),
        (status = 409, description = "The journal is off", body = Problem, content_type = "application/problem+json"),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn follow(
    State(control): State<Arc<Control>>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let (id, _) = settled(&control, &name).await?;
    let journal = control.fleet.journal();
    if !journal.is_on() {
        let detail = "the journal is off; start the daemon with --limit journal=BYTES";
        return Err(Problem::new(http::StatusCode::CONFLICT, detail));
    }
    let lines = futures_util::stream::unfold(journal.follow(id), async |mut follower| {
        let Ok(batch) = tokio::time::timeout(KEEP_ALIVE, follower.next()).await else {
            return Some((Ok(Bytes::from_static(b"\n")), follower));
        };
        let batch = batch?;
        let mut text = Vec::new();
        for entry in &batch.entries {
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut text, entry);
            text.push(b'\n');
        }
        Some((Ok::<_, Infallible>(Bytes::from(text)), follower))
    });
    Ok(([(CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response())
}

/// The node of that name, and its sentence. What happens by time is in the journal once the node is settled.
async fn settled(control: &Control, name: &str) -> Result<(NodeId, String), Problem> {
    let (fleet, id) = (&control.fleet, target::named(&control.fleet, name)?);
    let (explained, seen) = fleet.noting(|| fleet.explain(id));
    fleet.until_persisted(seen).await?;
    Ok((id, explained.ok_or_else(|| target::unknown(name))?.sentence))
}
