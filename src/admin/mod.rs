//! The admin listener: the control API of the running fleet, `/metrics`, `/healthz` and `/readyz`.
//!
//! It is an ordinary JSON service of axum, tower-http and utoipa. The server of the other listeners serves it over TCP, with its
//! limits on connections and slow clients; a Unix socket has axum's own server.

mod answers;
pub mod api;
mod bridge;
mod change;
mod clock;
mod control;
mod events;
mod extract;
mod faults;
mod fleet;
mod guard;
mod imports;
mod list;
mod moves;
mod named_part;
mod openapi;
mod probes;
mod process;
mod reply;
mod schema;
mod show;
mod snapshots;
mod target;
#[cfg(test)]
mod tests;
mod verbs;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::extract::DefaultBodyLimit;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

pub use control::{Control, Facts};
pub use guard::{Guard, Token};
pub use probes::{Probes, Readiness, Source};

use crate::face::{Body, Face, Peer, Refused};

/// The longest request body: 10,000 names of nodes.
pub const BODY_BYTES: usize = 1 << 20;
/// The largest number of connections: people, scripts and scrapers. They use open files that the process reserves for itself.
pub const CONNECTIONS: usize = 64;
/// The longest time for an answer to begin. A change of 16 million nodes takes a minute.
pub const REQUEST_TIME: Duration = Duration::from_secs(600);

/// The service behind the admin listener.
pub struct Admin {
    router: Router,
}

impl Admin {
    pub fn new(control: Control, probes: Probes, guard: Guard) -> Self {
        let (api, document) = openapi::router(control);
        let router = api
            .merge(openapi::served(document))
            .merge(probes.router())
            .fallback(reply::unknown_path)
            .method_not_allowed_fallback(reply::unknown_method)
            .layer(axum::middleware::from_fn_with_state(Arc::new(guard), guard::check))
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .layer(ServiceBuilder::new().layer(HandleErrorLayer::new(reply::timed_out)).timeout(REQUEST_TIME))
            .layer(CompressionLayer::new())
            .layer(CatchPanicLayer::custom(reply::panicked))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(TraceLayer::new_for_http())
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid));
        Self { router }
    }

    /// Serves a Unix socket until the future is dropped.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn serve_unix(&self, socket: tokio::net::UnixListener) -> std::io::Result<()> {
        axum::serve(socket, self.router.clone()).await
    }
}

impl Face for Admin {
    async fn call(self: &Arc<Self>, peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        let mut request = request.clone().map(axum::body::Body::from);
        request.extensions_mut().insert(peer.clone());
        let Ok(response) = self.router.clone().oneshot(request).await;
        response.map(|body| Body::Stream(bridge::Ended(body).boxed_unsync()))
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        reply::refused(why.status(), why.to_string())
    }
}
