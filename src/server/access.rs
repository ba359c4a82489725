//! The log of requests: every request at level debug, and requests without valid credentials as warnings.
//!
//! Neither contains the query of a URL, which may hold the token of an agent.

use http::{Request, Response, StatusCode};
use tracing::Level;

use crate::clock::Stopwatch;
use crate::face::{Body, CloseConnection, Peer};

const TARGET: &str = "fauxmetal::access";

/// The longest path in a line, in bytes.
const MAX_PATH: usize = 256;

/// Begins to measure a request, if every request is logged.
pub(super) fn watch() -> Option<Stopwatch> {
    tracing::enabled!(target: TARGET, Level::DEBUG).then(Stopwatch::start)
}

/// Logs a request that has been answered. `watch` is that of [`watch`].
pub(super) fn log<B>(watch: Option<Stopwatch>, peer: &Peer, request: &Request<B>, response: &Response<Body>) {
    let status = response.status();
    if watch.is_none() && status != StatusCode::UNAUTHORIZED {
        return;
    }
    let (method, path) = (request.method(), request.uri().path());
    let path = path.get(..MAX_PATH).unwrap_or(path);
    let (client, to) = (peer.remote, peer.local);
    if status == StatusCode::UNAUTHORIZED {
        tracing::warn!(target: TARGET, %client, %to, %method, path, "a client has no valid credentials");
    }
    if let Some(watch) = watch {
        let status = match response.extensions().get::<CloseConnection>() {
            Some(_) => 0,
            None => status.as_u16(),
        };
        let us = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(target: TARGET, %client, %to, %method, path, status, us, "request");
    }
}
