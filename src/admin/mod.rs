//! The admin listener: `GET /metrics` for Prometheus, `/healthz` and `/readyz` for a supervisor such as Kubernetes.
//!
//! The other rooms count their own metrics and do not know this one. It gets a function from each that writes them.

pub mod api;
mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::blocking::Blocking;
use crate::face::{Body, Face, Peer, Refused};
use crate::meter::Page;

/// Writes the metrics of one room.
pub type Source = Box<dyn Fn(&mut Page) + Send + Sync>;

/// The longest request body. No request needs one.
pub const BODY_BYTES: usize = 1 << 10;
/// The largest number of connections: a few scrapers and a person with curl. They use open files that the process reserves
/// for itself.
pub const CONNECTIONS: usize = 16;

/// Whether clients can use the fleet: false at first, and again when the daemon stops.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Relaxed);
    }
}

pub struct Admin {
    ready: Readiness,
    sources: Arc<[Source]>,
    /// Only one page is written at a time: counting a large fleet keeps a core busy for a while.
    writer: Blocking,
}

impl Admin {
    /// Serves the metrics of these sources and of the process.
    pub fn new(ready: Readiness, sources: Vec<Source>) -> Self {
        Self { ready, sources: sources.into(), writer: Blocking::new(1) }
    }

    async fn page(&self) -> Response<Bytes> {
        let sources = Arc::clone(&self.sources);
        let made = self.writer.run(move || {
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
}

impl Face for Admin {
    async fn call(self: &Arc<Self>, _peer: &Peer, request: &Request<Bytes>) -> Response<Body> {
        self.answer(request).await.map(Body::from)
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        plain(why.status(), &why.to_string())
    }
}

impl Admin {
    async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
            return plain(StatusCode::NOT_FOUND, "only /metrics, /healthz and /readyz exist here");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match path {
            "/metrics" => self.page().await,
            "/readyz" if !self.ready.0.load(Relaxed) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "the fleet is starting or stopping")
            }
            _ => plain(StatusCode::OK, "ok"),
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Bytes> {
    answer(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn answer(status: StatusCode, media_type: &'static str, text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{Counter, Histogram};

    async fn ask(admin: &Admin, method: Method, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Bytes::new()).unwrap();
        let response = admin.answer(&request).await;
        (response.status(), String::from_utf8(response.into_body().to_vec()).unwrap())
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
        let admin = Admin::new(Readiness::default(), sources);
        let (status, text) = ask(&admin, Method::GET, "/metrics").await;
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
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let admin = Admin::new(Readiness::default(), Vec::new());
        assert_eq!(ask(&admin, Method::GET, "/").await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(&admin, Method::POST, "/metrics").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }

    #[tokio::test]
    async fn the_daemon_lives_before_and_after_it_is_ready() {
        let ready = Readiness::default();
        let admin = Admin::new(ready.clone(), Vec::new());
        for (is_ready, status) in [(false, 503), (true, 200), (false, 503)] {
            ready.set(is_ready);
            assert_eq!(ask(&admin, Method::GET, "/readyz").await.0, status);
            assert_eq!(ask(&admin, Method::GET, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        }
    }
}
