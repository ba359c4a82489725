//! The HTTP client of a run.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::effect::HttpError;
use crate::note::Note;
use crate::tls::{client_config, insecure_client_config};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for a request and its answer. Ironic answers a request for a busy conductor after a minute.
const TIMEOUT: Duration = Duration::from_secs(180);
/// Idle connections that are kept for one server.
const MAX_IDLE: usize = 256;

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
    Status {
        status: StatusCode,
        text: String,
        /// The wait that the server asks for (`Retry-After`).
        retry_after: Option<Duration>,
    },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl HttpProblem {
    /// Whether the same request can succeed later: no answer, a locked node, a busy server.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Status { status, text, .. } => match status.as_u16() {
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
        let broken = |error: reqwest::Error| {
            HttpProblem::NoAnswer(Note::from(HttpError::from(error).to_string()).to_string())
        };
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
            false => {
                let retry_after = retry_after(&headers);
                Err(HttpProblem::Status { status, text: fault(&body), retry_after })
            }
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

/// The wait that a server asks for: a number of seconds, or a moment on its own clock (RFC 9110, 10.2.3).
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let wanted = text(http::header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let (then, now) = (moment(wanted)?, moment(text(http::header::DATE)?)?);
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// A number from 0 to 1 that differs from call to call, so that requests which were refused together come back apart.
pub(super) fn fraction(number: usize) -> f64 {
    // The fractional parts of multiples of the golden ratio are spread evenly.
    (number as f64 * 0.618_033_988_749_895).fract()
}

/// The text of an error document of Ironic, Keystone or a BMC; of another one its beginning.
fn fault(body: &[u8]) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = parsed.as_ref().and_then(|document| {
        let message = document.get("error_message").unwrap_or(document);
        // Older versions write a document into a text.
        let inner = message.as_str().map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into()));
        let message = inner.as_ref().unwrap_or(message);
        let found = message.as_str().or_else(|| message.get("faultstring")?.as_str());
        // The message of a BMC says little more than that there was an error, and the first detail says which one.
        let detail = || document.pointer("/error/@Message.ExtendedInfo/0/Message")?.as_str();
        found.or_else(detail).or_else(|| document.get("error")?.get("message")?.as_str()).map(str::to_owned)
    });
    Note::from(text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()).as_str()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_asks_for_a_wait() {
        let wait = |headers: &[(http::HeaderName, &'static str)]| {
            let headers = headers.iter().cloned();
            retry_after(&headers.map(|(name, value)| (name, http::HeaderValue::from_static(value))).collect())
        };
        let then = (http::header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT");
        let now = (http::header::DATE, "Sun, 06 Nov 1994 08:49:30 GMT");
        let late = (http::header::DATE, "Sun, 06 Nov 1994 09:49:30 GMT");
        assert_eq!(wait(&[(http::header::RETRY_AFTER, "120")]), Some(Duration::from_secs(120)));
        assert_eq!(wait(&[then.clone(), now.clone()]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[then.clone(), late]), Some(Duration::ZERO));
        assert_eq!(wait(&[then]), None);
        assert_eq!(wait(&[(http::header::RETRY_AFTER, "soon"), now]), None);
    }

    #[test]
    fn the_text_of_an_error_document_is_found() {
        for (body, text) in [
            (r#"{"error_message": "{\"faultstring\": \"Node n is locked\"}"}"#, "Node n is locked"),
            (r#"{"error_message": {"faultstring": "not found", "faultcode": "Client"}}"#, "not found"),
            (r#"{"error_message": "plain"}"#, "plain"),
            (r#"{"error": {"code": 401, "message": "no login"}}"#, "no login"),
            (
                r#"{"error": {"message": "see there", "@Message.ExtendedInfo": [{"Message": "no such slot"}]}}"#,
                "no such slot",
            ),
            ("<html>", "<html>"),
        ] {
            assert_eq!(fault(body.as_bytes()), text);
        }
    }
}
