//! What the people who run a fleet ask of it, on a listener of its own: `GET /metrics`, for Prometheus.
//!
//! The other rooms count by themselves and know nothing of this one; it is given what puts their figures on a page.

mod process;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::face::{Body, Face, Peer, Refused};
use crate::meter::Page;

/// Puts the figures of one room on a page.
pub type Source = Box<dyn Fn(&mut Page) + Send + Sync>;

/// Longest request body, bytes. None is ever looked at.
pub const BODY_BYTES: usize = 1 << 10;
/// Connections at once: a few scrapers, and a person with curl. They come out of the few files that the process keeps for
/// itself.
pub const CONNECTIONS: usize = 16;

/// The face of the admin listener.
pub struct Admin {
    sources: Arc<[Source]>,
    /// One page is put together at a time: going through a large fleet keeps a core busy for a while.
    one: tokio::sync::Mutex<()>,
}

impl Admin {
    /// Shows what these sources count, and what is known of the process.
    pub fn new(sources: Vec<Source>) -> Self {
        Self { sources: sources.into(), one: tokio::sync::Mutex::new(()) }
    }

    async fn page(&self) -> Response<Bytes> {
        let _one = self.one.lock().await;
        let sources = Arc::clone(&self.sources);
        // Not on a thread that answers requests.
        let made = tokio::task::spawn_blocking(move || {
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
                tracing::error!(%error, "the figures could not be put together");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the figures could not be put together")
            }
        }
    }
}

impl Face for Admin {
    async fn call(self: &Arc<Self>, _peer: &Peer, request: Request<Bytes>) -> Response<Body> {
        self.answer(&request).await.map(Body::from)
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        plain(why.status(), &why.to_string())
    }
}

impl Admin {
    async fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/metrics" if reads => self.page().await,
            "/metrics" => {
                let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "allowed are GET and HEAD");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                response
            }
            _ => plain(StatusCode::NOT_FOUND, "there is /metrics and nothing else"),
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
    async fn the_page_has_what_all_count_and_what_the_system_knows() {
        let (hits, times) = (Counter::default(), Histogram::default());
        hits.add(7);
        times.note(std::time::Duration::from_millis(3));
        let admin = Admin::new(vec![
            Box::new(move |page| page.limit("x", &hits)),
            Box::new(move |page| page.histogram("fauxmetal_y_seconds", "How long", &[("k", "v")], &times)),
        ]);
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
    async fn there_is_nothing_else() {
        let admin = Admin::new(Vec::new());
        assert_eq!(ask(&admin, Method::GET, "/").await.0, StatusCode::NOT_FOUND);
        assert_eq!(ask(&admin, Method::POST, "/metrics").await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
}
