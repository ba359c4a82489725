//! The log of requests: every request at level debug, and requests without valid credentials as warnings.
//!
//! Neither contains the query of a URL, which may hold the token of an agent.

use http::{Method, Request, Response, StatusCode, Uri};
use tracing::Level;

use crate::clock::Stopwatch;
use crate::face::{Body, CloseConnection, Peer};

const TARGET: &str = "fauxmetal::access";

/// The longest path in a line, in bytes.
const MAX_PATH: usize = 256;

/// The part of a line that is known when the request arrives.
pub(super) struct Line {
    method: Method,
    uri: Uri,
    /// Runs only if every request is logged.
    watch: Option<Stopwatch>,
}

impl Line {
    /// Costs two counts of references and no formatting, unless every request is logged.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let all = tracing::enabled!(target: TARGET, Level::DEBUG);
        let watch = all.then(Stopwatch::start);
        Self { method: request.method().clone(), uri: request.uri().clone(), watch }
    }

    pub(super) fn write(&self, peer: &Peer, response: &Response<Body>) {
        let status = response.status();
        if self.watch.is_none() && status != StatusCode::UNAUTHORIZED {
            return;
        }
        let (method, path) = (&self.method, self.path());
        let (client, to) = (peer.remote, peer.local);
        if status == StatusCode::UNAUTHORIZED {
            tracing::warn!(target: TARGET, %client, %to, %method, path, "a client has no valid credentials");
        }
        if let Some(watch) = self.watch {
            let status = match response.extensions().get::<CloseConnection>() {
                Some(_) => 0,
                None => status.as_u16(),
            };
            let us = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(target: TARGET, %client, %to, %method, path, status, us, "request");
        }
    }

    fn path(&self) -> &str {
        let path = self.uri.path();
        path.get(..MAX_PATH).unwrap_or(path)
    }
}
