//! Snapshots of the running fleet: one that is streamed to the client, and one that is saved in the state directory.

use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use tokio::sync::mpsc;

use super::api::{Problem, SaveSnapshot, SavedSnapshot};
use super::control::Control;
use super::extract::Json;
use crate::clock;
use crate::store::snapshot;
use crate::store::{Capture, StoreError};

/// The bytes that are handed over to the connection at once, and how many such pieces wait for a slow client.
const PIECE_BYTES: usize = 64 << 10;
const PIECES: usize = 4;

/// Saves a snapshot in the state directory
///
/// Requests go on meanwhile, so each node is saved at a moment of its own. It needs a daemon with `--state`.
#[utoipa::path(
    post,
    path = "/snapshots",
    tag = "fleet",
    request_body = SaveSnapshot,
    responses(
        (status = 201, description = "The snapshot is saved", body = SavedSnapshot),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 409, description = "There is no state directory, or a snapshot of this name", body = Problem, content_type = "application/problem+json"),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn save(
    State(control): State<Arc<Control>>,
    Json(request): Json<SaveSnapshot>,
) -> Result<Response, Problem> {
    let SaveSnapshot { name, replace } = request;
    snapshot::name(&name).map_err(|problem| Problem::wrong("name", &name, problem))?;
    let Some(directory) = control.facts.state.clone() else {
        let detail =
            "the daemon has no state directory to save it in; start it with --state, or export the snapshot";
        return Err(Problem::new(StatusCode::CONFLICT, detail));
    };
    let capture = capture(&control).await?;
    let saved = control.on_disk(move || {
        capture.save(&directory, &name, replace).map(|header| SavedSnapshot { name, changed: header.stored })
    });
    let saved = saved.await?.map_err(problem)?;
    Ok((StatusCode::CREATED, axum::Json(saved)).into_response())
}

/// Streams a snapshot
///
/// The answer is the file that `fauxmetal serve --snapshot` takes. Requests go on meanwhile, so each node is shown at a moment
/// of its own. It contains secrets, such as the tokens of agents.
#[utoipa::path(
    get,
    path = "/snapshot",
    tag = "fleet",
    responses(
        (status = 200, description = "The snapshot", body = Vec<u8>, content_type = "application/gzip"),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn export(State(control): State<Arc<Control>>) -> Result<Response, Problem> {
    let capture = capture(&control).await?;
    let (sender, mut receiver) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let pieces = Pieces { sender: sender.clone(), piece: Vec::new() };
        let written = control.on_disk(move || capture.write(pieces).and_then(|mut pieces| pieces.flush()));
        let error = match written.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(problem) => io::Error::other(problem.detail),
        };
        // The client sees a file that ends too early, which no reader accepts.
        tracing::warn!(%error, "a snapshot could not be sent completely");
        let _ = sender.send(Err(error)).await;
    });
    let body = Body::from_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    let headers = [
        (CONTENT_TYPE, "application/gzip"),
        (CONTENT_DISPOSITION, "attachment; filename=\"fleet.snapshot\""),
    ];
    Ok((headers, body).into_response())
}

async fn capture(control: &Control) -> Result<Capture, Problem> {
    let directory = control.facts.state.clone().unwrap_or_else(std::env::temp_dir);
    let configured = control.facts.models;
    let taken = control.on_fleet(move |fleet| Capture::take(fleet, configured, &directory, clock::unix_ms()));
    taken.await?.map_err(problem)
}

fn problem(error: StoreError) -> Problem {
    let status = match &error {
        StoreError::Refused(_) => StatusCode::CONFLICT,
        StoreError::InUse { .. }
        | StoreError::Io { .. }
        | StoreError::Damaged { .. }
        | StoreError::Format { .. }
        | StoreError::Missing(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, error.to_string())
}

/// Hands the written bytes to the connection, and waits for a slow client.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
