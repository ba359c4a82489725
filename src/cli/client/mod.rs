//! The client of the control API. The subcommands for a running daemon know this API only.

mod connection;
mod error;
mod lines;
mod sse;
mod tls;

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use reqwest::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

pub(super) use connection::Connection;
use connection::{Place, Server};
pub(super) use error::{ClientError, cause};
pub(super) use lines::{Lines, Pieces};
pub(super) use sse::{Event, Events};

use super::exit_code::ExitCode;
use crate::admin::api::{BASE, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the next bytes of an answer: a little longer than the daemon takes for the longest request.
const READ_TIMEOUT: Duration = Duration::from_secs(620);
/// Silence after which the operating system asks whether the other side of a stream is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The longest answer in one piece. The longest one lists 1000 labels and 1000 refusals.
const MAX_BYTES: usize = 16 << 20;

/// The media type of lists with one JSON document per line.
const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Parameters of a URL: names and values.
pub(super) type Query<'a> = [(&'a str, &'a str)];

/// A client of one daemon.
pub(super) struct Client {
    http: reqwest::Client,
    server: Server,
    token: Option<HeaderValue>,
}

impl Client {
    /// The client of the daemon that the flags name. It connects when it sends the first request.
    ///
    /// # Errors
    /// If a flag is wrong, or a file that it names cannot be read.
    pub(super) fn new(connection: &Connection) -> anyhow::Result<Self> {
        Self::with(connection, |builder| builder.read_timeout(READ_TIMEOUT))
    }

    /// The same client for answers without an end, in which nothing may come for hours.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn for_streams(connection: &Connection) -> anyhow::Result<Self> {
        Self::with(connection, |builder| builder.tcp_keepalive(KEEP_ALIVE))
    }

    fn with(
        connection: &Connection,
        more: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> anyhow::Result<Self> {
        let server = connection.server()?;
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(connection.cacert()?)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fauxmetal/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        let builder = match &server.place {
            Place::Socket(path) => builder.unix_socket(path.as_path()),
            Place::Url => builder,
        };
        Ok(Self { http: more(builder).build()?, server, token: connection.token()? })
    }

    /// Reads the document at a path below [`BASE`].
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
    ) -> Result<T, ClientError> {
        let request = self.request(Method::GET, path, query).header(ACCEPT, JSON);
        self.document(self.send(request).await?).await
    }

    /// Sends a document, and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unreadable(&error))?;
        let path: Vec<_> = path.split('/').collect();
        let request = self.request(Method::POST, &path, &[]).header(ACCEPT, JSON);
        self.document(self.send(request.header(CONTENT_TYPE, JSON).body(body)).await?).await
    }

    /// Reads a list as long as the fleet, one line at a time.
    pub(super) async fn lines(&self, path: &[&str], query: &Query<'_>) -> Result<Lines, ClientError> {
        let request = self.request(Method::GET, path, query).header(ACCEPT, NDJSON);
        Ok(Lines::new(self.send(request).await?, self.server.name.clone()))
    }

    /// Reads a stream of events, which continues after the event `last`.
    pub(super) async fn events(
        &self,
        path: &[&str],
        query: &Query<'_>,
        last: Option<&str>,
    ) -> Result<Events, ClientError> {
        let request = self.request(Method::GET, path, query).header(ACCEPT, EVENT_STREAM);
        let request = match last {
            Some(last) => request.header(LAST_EVENT_ID, last),
            None => request,
        };
        Ok(Events::new(Lines::new(self.send(request).await?, self.server.name.clone())))
    }

    /// Reads the page of metrics, which is beside the API.
    pub(super) async fn metrics(&self) -> Result<String, ClientError> {
        let mut url = self.server.base.clone();
        url.set_path("/metrics");
        let response = self.send(self.authorized(self.http.get(url))).await?;
        String::from_utf8(self.body(response).await?).map_err(|error| self.unreadable(&error))
    }

    /// Reads a file, one piece at a time.
    pub(super) async fn pieces(&self, path: &[&str]) -> Result<Pieces, ClientError> {
        let request = self.request(Method::GET, path, &[]);
        Ok(Pieces::new(self.send(request).await?, self.server.name.clone()))
    }

    fn request(&self, method: Method, path: &[&str], query: &Query<'_>) -> RequestBuilder {
        self.authorized(self.http.request(method, url(&self.server.base, path, query)))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        }
    }

    /// Sends a request. An answer that is no success is an error.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.server.no_answer(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.body(response).await?;
        let problem = serde_json::from_slice::<Problem>(&body).ok();
        Err(match problem {
            Some(mut problem) => {
                if problem.status == http::StatusCode::UNAUTHORIZED {
                    let name = self.server.token_name();
                    problem.detail = format!("{}; {name} names a file with the token", problem.detail);
                }
                ClientError::Problem(Box::new(problem))
            }
            None => ClientError::Foreign { server: self.server.name.clone(), status },
        })
    }

    async fn document<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let body = self.body(response).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(&error))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| error::broken(&self.server.name, &error))?
        {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(self.unreadable(&format_args!("it is longer than {MAX_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreadable(&self, why: &impl std::fmt::Display) -> ClientError {
        ClientError::Unreadable { server: self.server.name.clone(), why: why.to_string() }
    }
}

/// The URL of a path of the API. Segments and parameters are percent-encoded.
fn url(base: &Url, path: &[&str], query: &Query<'_>) -> Url {
    let mut url = base.clone();
    url.set_path(BASE);
    // A URL with a host has a path.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.extend(path);
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// Runs a subcommand that talks to a daemon.
///
/// # Errors
/// Those of the subcommand, and if the process may not have the files that a runtime needs.
pub(super) fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Does work without an end, until it fails or the user presses Ctrl-C.
pub(super) async fn until_interrupted(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::select! {
        outcome = work => outcome,
        pressed = tokio::signal::ctrl_c() => {
            pressed?;
            Ok(ExitCode::Ok)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_selections_are_encoded() {
        let base = Url::parse("http://127.0.0.1:8440").unwrap();
        let url = |path: &[&str], query: &Query<'_>| url(&base, path, query).to_string();
        assert_eq!(
            url(&["nodes", "a/../b?c"], &[]),
            "http://127.0.0.1:8440/fauxmetal/v1/nodes/a%2F..%2Fb%3Fc"
        );
        assert_eq!(
            url(&["nodes"], &[("selector", "rack=r7,index in (0..9)"), ("limit", "1")]),
            "http://127.0.0.1:8440/fauxmetal/v1/nodes?selector=rack%3Dr7%2Cindex+in+%280..9%29&limit=1"
        );
    }
}
