//! A web server for tests, with or without TLS, that records its requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

type Handler = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

/// A running server. It stops when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request<Bytes>>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        handler: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::with(None, Arc::new(handler)).await
    }

    pub(super) async fn with_tls(
        config: Arc<ServerConfig>,
        handler: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::with(Some(TlsAcceptor::from(config)), Arc::new(handler)).await
    }

    async fn with(tls: Option<TlsAcceptor>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, handler, tls) = (Arc::clone(&log), Arc::clone(&handler), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, log, handler).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, log, handler).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, scheme, requests, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Method and target of every request so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().iter().map(|r| format!("{} {}", r.method(), r.uri())).collect()
    }

    /// The body of every request so far.
    pub(super) fn bodies(&self) -> Vec<Bytes> {
        self.requests.lock().iter().map(|request| request.body().clone()).collect()
    }

    pub(super) fn last(&self) -> Request<Bytes> {
        self.requests.lock().last().cloned().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S>(stream: S, log: Arc<Mutex<Vec<Request<Bytes>>>>, handler: Arc<Handler>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let request = Request::from_parts(parts, body);
            log.lock().push(request.clone());
            Ok::<_, Infallible>(handler(&request).map(Full::new))
        }
    });
    // An error here only means that the client closed the connection.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
