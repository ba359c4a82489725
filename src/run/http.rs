//! The HTTP client of a run.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::note::Note;
use crate::tls::{client_config, insecure_client_config};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for a request and its answer. Ironic answers a request for a busy conductor after a minute.
const TIMEOUT: Duration = Duration::from_secs(180);
/// Idle connections that are kept for one server.
const MAX_IDLE: usize = 256;

/// An HTTP client.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
}

/// Why a request has failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpProblem {
    /// No answer, or a part of one.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// An answer that is no success, with its text.
    #[error("HTTP {status}: {text}")]
    Status { status: StatusCode, text: String },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl HttpProblem {
    /// Whether the same request can succeed later: no answer, a locked node, a busy server.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Status { status, text } => match status.as_u16() {
                // Ironic has this status for a node that exists already, too.
                409 => text.contains("is locked by host"),
                429 | 500 | 502 | 503 | 504 => true,
                _ => false,
            },
            Self::Unreadable(_) => false,
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl Http {
    /// A client that trusts the CAs of the platform and those in `ca` (PEM), or every certificate.
    ///
    /// # Errors
    /// If `ca` has no certificate.
    pub fn new(ca: Option<&[u8]>, insecure: bool) -> anyhow::Result<Self> {
        let tls = if insecure { insecure_client_config()? } else { client_config(ca)? };
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("fauxmetal/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .build()?;
        Ok(Self { client })
    }

    /// A client that trusts the CAs of the platform.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn plain() -> anyhow::Result<Self> {
        Self::new(None, false)
    }

    /// A request, to be sent with [`Http::send`].
    pub fn request(&self, method: reqwest::Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request, and reads the answer: headers and at most `max` bytes.
    ///
    /// # Errors
    /// If there is no answer, or it is no success.
    pub async fn send(
        request: RequestBuilder,
        max: usize,
    ) -> Result<(http::HeaderMap, Vec<u8>), HttpProblem> {
        let broken = |error: reqwest::Error| HttpProblem::NoAnswer(chain(&error));
        let mut response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > max {
                return Err(HttpProblem::Unreadable(format!("it is longer than {max} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        match status.is_success() {
            true => Ok((headers, body)),
            false => Err(HttpProblem::Status { status, text: fault(&body) }),
        }
    }

    /// Reads a text of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub async fn text(&self, url: &Url, max: usize) -> Result<String, HttpProblem> {
        let (_, body) = Self::send(self.request(reqwest::Method::GET, url.clone()), max).await?;
        String::from_utf8(body).map_err(|error| HttpProblem::Unreadable(error.to_string()))
    }
}

/// Reads a JSON document.
///
/// # Errors
/// If it is none, or of another form.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, HttpProblem> {
    serde_json::from_slice(body).map_err(|error| HttpProblem::Unreadable(error.to_string()))
}

/// The text of an error document of Ironic or Keystone; of another one its beginning.
fn fault(body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = parsed.as_ref().and_then(|document| {
        let message = document.get("error_message").unwrap_or(document);
        // Older versions write a document into a text.
        let inner = message.as_str().map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()));
        let message = inner.as_ref().unwrap_or(message);
        let found = message.as_str().or_else(|| message.get("faultstring")?.as_str());
        found.or_else(|| document.get("error")?.get("message")?.as_str()).map(str::to_owned)
    });
    Note::from(text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()).as_str()).to_string()
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    Note::from(text.as_str()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_error_document_is_found() {
        for (body, text) in [
            (r#"{"error_message": "{\"faultstring\": \"Node n is locked\"}"}"#, "Node n is locked"),
            (r#"{"error_message": {"faultstring": "not found", "faultcode": "Client"}}"#, "not found"),
            (r#"{"error_message": "plain"}"#, "plain"),
            (r#"{"error": {"code": 401, "message": "no login"}}"#, "no login"),
            ("<html>", "<html>"),
        ] {
            assert_eq!(fault(body.as_bytes()), text);
        }
    }
}
