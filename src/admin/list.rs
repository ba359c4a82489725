//! `GET /nodes`: the list of nodes, in pages or as one stream of lines.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::HeaderName;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::IntoParams;

use super::api::{self, Listed, Node, NodeField, Problem};
use super::control::Control;
use super::extract::Query;
use super::target::{self, PIECE};
use crate::node;
use crate::node::NodeId;
use crate::selection::Selection;

/// The number of nodes on a page, unless the client asks for another number.
const PAGE: u32 = 500;
/// The largest number of nodes on a page. A page is in memory as a whole; a longer list is read as lines.
const MAX_PAGE: u32 = 1000;
/// The bytes of lines that are made in one piece of work. The largest line has some kilobytes of labels.
const LINES_BYTES: usize = 64 << 10;
/// The header with the epoch of the daemon, for lists whose lines are nodes.
const EPOCH: HeaderName = HeaderName::from_static("fauxmetal-epoch");
/// One object for each line (<https://github.com/ndjson/ndjson-spec>).
pub(super) const LINES: &str = "application/x-ndjson";

/// The parameters of a list of nodes.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The nodes, such as `rack=r7,power!=off`; all by default.
    #[param(format = "selection")]
    selector: Option<String>,
    /// The members of each node, separated by commas, such as `name,power`; all by default.
    fields: Option<String>,
    /// The largest number of nodes on the page, at most 1000.
    #[param(minimum = 1, maximum = 1000, default = 500)]
    limit: Option<u32>,
    /// The value of `next` on the page before.
    #[param(pattern = "^[0-9]{1,10}$")]
    after: Option<String>,
}

/// Lists nodes in the order of their indexes
///
/// With the header `Accept: application/x-ndjson` the answer is the whole list, one node for each line, however long it is;
/// `limit` and `after` are then not allowed, and the epoch is in the header `Fauxmetal-Epoch`.
#[utoipa::path(
    get,
    path = "/nodes",
    operation_id = "list_nodes",
    tag = "nodes",
    params(ListQuery),
    responses(
        (status = 200, description = "The nodes", content(
            (Listed = "application/json"),
            (Node = "application/x-ndjson"),
        )),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn list(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let selection = query.selector.as_deref().map(|text| target::selection("selector", text)).transpose()?;
    let fields = Fields::parse(query.fields.as_deref())?;
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.contains(LINES) {
        for (name, given) in [("limit", query.limit.is_some()), ("after", query.after.is_some())] {
            if given {
                let detail = format!("a list of lines has no pages, so '{name}' is not allowed");
                return Err(Problem {
                    field: Some(name.to_owned()),
                    ..Problem::new(http::StatusCode::BAD_REQUEST, detail)
                });
            }
        }
        return Ok(lines(control, selection, fields));
    }
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        let detail = format!("'limit' is {limit}; allowed are 1 to {MAX_PAGE}");
        return Err(Problem::wrong("limit", &limit.to_string(), detail));
    }
    let start = query.after.as_deref().map_or(Ok(0), |text| match text.parse::<u64>() {
        Ok(start) if text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(u32::try_from(start).unwrap_or(u32::MAX))
        }
        _ => Err(Problem::wrong("after", text, "'after' is no value of 'next' of a page")),
    })?;
    let mut range = control.fleet.indexes(selection.as_ref());
    range.start = range.start.max(start);
    let (mut items, mut next) = (Vec::new(), None);
    while next.is_none() && !range.is_empty() {
        let piece = range.start..range.end.min(range.start.saturating_add(PIECE));
        range.start = piece.end;
        let (room, selection) = (limit as usize - items.len(), selection.clone());
        let (found, more) = control
            .on_fleet(move |fleet| {
                let mut found = Vec::new();
                for id in piece {
                    let node = fleet.look(NodeId(id), |node, _| {
                        selected(node, selection.as_ref())
                            .then(|| (found.len() < room).then(|| fields.of(node)))
                    });
                    match node.flatten() {
                        Some(Some(node)) => found.push(node),
                        Some(None) => return (found, Some(id)),
                        None => {}
                    }
                }
                (found, None)
            })
            .await?;
        items.extend(found);
        next = more;
    }
    let listed = Listed { epoch: control.epoch.clone(), items, next: next.map(|id| id.to_string()) };
    Ok(axum::Json(listed).into_response())
}

fn selected(node: &node::Node, selection: Option<&Selection>) -> bool {
    selection.is_none_or(|selection| selection.matches(node))
}

/// The whole list as lines. Each piece is made when the client has taken the one before, so that the list is never in memory.
fn lines(control: Arc<Control>, selection: Option<Selection>, fields: Fields) -> Response {
    let range = control.fleet.indexes(selection.as_ref());
    let selection = selection.map(Arc::new);
    let epoch = (EPOCH, control.epoch.clone());
    let pieces = futures_util::stream::unfold(range, move |mut range| {
        let (control, selection) = (Arc::clone(&control), selection.clone());
        async move {
            if range.is_empty() {
                return None;
            }
            let piece = range.start..range.end.min(range.start.saturating_add(PIECE));
            let text = control.on_fleet(move |fleet| {
                let mut text = Vec::with_capacity(LINES_BYTES + (LINES_BYTES >> 3));
                let mut next = piece.end;
                for id in piece {
                    if text.len() >= LINES_BYTES {
                        next = id;
                        break;
                    }
                    fleet.look(NodeId(id), |node, _| {
                        if selected(node, selection.as_deref()) {
                            // Writing to memory does not fail.
                            let _ = serde_json::to_writer(&mut text, &fields.of(node));
                            text.push(b'\n');
                        }
                    });
                }
                (text, next)
            });
            // The status is sent already, so a disk that fails can only end the stream.
            match text.await {
                Ok((text, next)) => {
                    range.start = next;
                    Some((Ok(Bytes::from(text)), range))
                }
                Err(problem) => Some((Err(std::io::Error::other(problem.detail)), 0..0)),
            }
        }
    });
    ([(CONTENT_TYPE, LINES.to_owned()), epoch], Body::from_stream(pieces)).into_response()
}

/// The members of a node that a client asks for.
#[derive(Clone, Copy)]
pub(super) struct Fields(u16);

impl Fields {
    pub(super) const ALL: Self = Self(u16::MAX);

    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self::ALL) };
        let mut fields = 0;
        for name in text.split(',').map(str::trim) {
            let field = NodeField::ALL.into_iter().find(|field| field.as_str() == name);
            let field = field.ok_or_else(|| {
                let names = NodeField::ALL.map(NodeField::as_str);
                let detail = format!("'{name}' is no member of a node; allowed are {}", names.join(", "));
                Problem::wrong("fields", name, detail).allowing(names)
            })?;
            fields |= 1 << field as u16;
        }
        Ok(Self(fields))
    }

    /// The node with these members.
    pub(super) fn of(self, node: &node::Node) -> Node {
        let has = |field: NodeField| self.0 & 1 << field as u16 != 0;
        let spec = node.spec();
        let labels = || node.labels().iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Node {
            name: has(NodeField::Name).then(|| spec.name()),
            uuid: has(NodeField::Uuid).then(|| spec.uuid().to_string()),
            index: has(NodeField::Index).then(|| node.id().0),
            profile: has(NodeField::Profile).then(|| spec.profile.name.clone()),
            power: has(NodeField::Power).then(|| node.power_word().to_owned()),
            state: has(NodeField::State).then(|| node.state_word().to_owned()),
            agent: has(NodeField::Agent).then(|| node.agent_word().to_owned()),
            macs: has(NodeField::Macs).then(|| node.cabled_macs().map(|mac| mac.to_string()).collect()),
            labels: has(NodeField::Labels).then(labels),
            generation: has(NodeField::Generation).then(|| node.generation()),
        }
    }
}

const _: () = assert!(api::NodeField::ALL.len() <= 16, "Fields has 16 bits");
