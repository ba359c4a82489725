//! `GET /metrics` for Prometheus, `/healthz` and `/readyz` for a supervisor such as Kubernetes.
//!
//! The other rooms count their own metrics and do not know this one. It gets a function from each that writes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::process;
use crate::blocking::Blocking;
use crate::meter::Page;

/// Writes the metrics of one room.
pub type Source = Box<dyn Fn(&mut Page) + Send + Sync>;

/// Whether clients can use the fleet: false at first, and again when the daemon stops.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Relaxed);
    }
}

/// The metrics and the readiness of the daemon.
pub struct Probes {
    ready: Readiness,
    sources: Arc<[Source]>,
    /// Only one page is written at a time: counting a large fleet keeps a core busy for a while.
    writer: Blocking,
}

impl Probes {
    /// Serves the metrics of these sources and of the process.
    pub fn new(ready: Readiness, sources: Vec<Source>) -> Self {
        Self { ready, sources: sources.into(), writer: Blocking::new(1) }
    }

    pub(super) fn router(self) -> axum::Router {
        axum::Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(async || plain(StatusCode::OK, "ok")))
            .route("/readyz", get(ready))
            .with_state(Arc::new(self))
    }
}

async fn metrics(State(probes): State<Arc<Probes>>) -> Response {
    let sources = Arc::clone(&probes.sources);
    let made = probes.writer.run(move || {
        let mut page = Page::default();
        for source in &*sources {
            source(&mut page);
        }
        process::meter(&mut page);
        page.text()
    });
    match made.await {
        Ok(text) => answer(StatusCode::OK, Page::MEDIA_TYPE, text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be collected");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be collected")
        }
    }
}

async fn ready(State(probes): State<Arc<Probes>>) -> Response {
    match probes.ready.0.load(Relaxed) {
        true => plain(StatusCode::OK, "ok"),
        false => plain(StatusCode::SERVICE_UNAVAILABLE, "the fleet is starting or stopping"),
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn answer(status: StatusCode, media_type: &'static str, text: String) -> Response {
    (status, [(CONTENT_TYPE, media_type), (CACHE_CONTROL, "no-store")], text).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Method, Request};
    use tower::ServiceExt as _;

    use super::*;
    use crate::meter::{Counter, Histogram};

    async fn ask(router: &axum::Router, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_page_has_the_metrics_of_all_sources_and_of_the_process() {
        let (hits, times) = (Counter::default(), Histogram::default());
        hits.add(7);
        times.note(std::time::Duration::from_millis(3));
        let sources: Vec<Source> = vec![
            Box::new(move |page| page.limit("x", &hits)),
            Box::new(move |page| page.histogram("fauxmetal_y_seconds", "How long", &[("k", "v")], &times)),
        ];
        let router = Probes::new(Readiness::default(), sources).router();
        let (status, text) = ask(&router, Method::GET, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        for line in [
            "fauxmetal_limit_hits_total{limit=\"x\"} 7\n",
            "fauxmetal_y_seconds_count{k=\"v\"} 1\n",
            concat!("fauxmetal_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"),
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
            "process_open_fds ",
            "process_max_fds ",
            "process_threads ",
        ] {
            assert!(text.contains(&format!("\n{line}")), "{line} is not in {text}");
        }
        assert_eq!(ask(&router, Method::POST, "/metrics").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn the_daemon_lives_before_and_after_it_is_ready() {
        let ready = Readiness::default();
        let router = Probes::new(ready.clone(), Vec::new()).router();
        for (is_ready, status) in [(false, 503), (true, 200), (false, 503)] {
            ready.set(is_ready);
            assert_eq!(ask(&router, Method::GET, "/readyz").await.0, status);
            assert_eq!(ask(&router, Method::GET, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        }
    }
}
