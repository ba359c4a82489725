//! Error responses of an agent's API: `{"faultcode", "faultstring"}`, the format of WSME.
//!
//! Ironic reads `faultstring` of every response with status 400 and above, and fails without it
//! (`ironic/drivers/modules/agent_client.py`, `_command`).

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::face::CloseConnection;
use crate::fleet::persist::NotPersisted;
use crate::limit::Limit;
use crate::node::command::Refusal;
use crate::node::ipa::IpaError;

/// The time after which a client may find room for a result, seconds. A deployment takes minutes.
const RESULTS_RETRY_AFTER_S: u64 = 30;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    text: String,
    allow: Option<HeaderValue>,
    retry_after_s: Option<u64>,
    /// Close the connection instead of sending the response.
    close: bool,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, text: String) -> Self {
        Self { status, text, allow: None, retry_after_s: None, close: false }
    }

    /// An HTTP error in the words of werkzeug, the HTTP library of IPA.
    fn http(status: StatusCode, text: &str) -> Self {
        let name = status.canonical_reason().unwrap_or("Error");
        Self::new(status, format!("{} {name}: {text}", status.as_u16()))
    }

    pub(super) fn bad_request(text: &str) -> Self {
        Self::http(StatusCode::BAD_REQUEST, text)
    }

    pub(super) fn unauthorized() -> Self {
        Self::http(StatusCode::UNAUTHORIZED, "Token invalid.")
    }

    pub(super) fn no_such_page() -> Self {
        Self::http(StatusCode::NOT_FOUND, "The requested URL was not found on the server.")
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let error =
            Self::http(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for the requested URL.");
        Self { allow: Some(HeaderValue::from_static(allow)), ..error }
    }

    pub(super) fn busy(running: &str) -> Self {
        Self::new(StatusCode::CONFLICT, format!("{}: executing command {running}", Refusal::AgentBusy))
    }

    /// No agent serves here. The connection is closed, like that to a machine that is off; see [`CloseConnection`].
    pub(super) fn no_agent() -> Self {
        let text = "no agent serves at this address: its machine is off, or its API is closed".to_owned();
        Self { close: true, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// The state cannot be stored on disk, so the command was refused, or its result is not sent.
    pub(super) fn not_persisted(why: NotPersisted) -> Self {
        let text = format!("{why}; retry in {} seconds", NotPersisted::RETRY_AFTER_S);
        Self {
            retry_after_s: Some(NotPersisted::RETRY_AFTER_S),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }

    /// The result of the command would be larger than an agent may keep.
    pub(super) fn results_too_large(bytes: u64, most: u64) -> Self {
        let name = Limit::AgentResultsBytes.name();
        let text = format!(
            "the result of the command repeats {bytes} bytes of its parameters, and an agent keeps at most {most} \
                     (--limit {name})"
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    }

    /// All agents together keep as many results as they may.
    pub(super) fn results_full(bytes: u64, most: u64) -> Self {
        let name = Limit::ResultsBytes.name();
        let text = format!(
            "the result of the command repeats {bytes} bytes of its parameters, and all agents together keep at most {most} \
             (--limit {name}); retry when other nodes are finished"
        );
        Self {
            retry_after_s: Some(RESULTS_RETRY_AFTER_S),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }

    /// A bug: the reading of a command has ended with a panic.
    pub(super) fn internal(error: &tokio::task::JoinError) -> Self {
        tracing::error!(%error, "a command could not be read, which is a bug in fauxmetal");
        Self::http(StatusCode::INTERNAL_SERVER_ERROR, "The command could not be read.")
    }

    pub(super) fn response(self) -> Response<Bytes> {
        let code = if self.status.is_server_error() { "Server" } else { "Client" };
        let body = json!({"faultcode": code, "faultstring": self.text}).to_string();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, allow);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close {
            response.extensions_mut().insert(CloseConnection);
        }
        response
    }
}

/// IPA returns some errors as the response, instead of recording them as the result of a command.
impl From<IpaError> for ApiError {
    fn from(error: IpaError) -> Self {
        let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, format!("{}: {}", error.message, error.details))
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AgentBusy => Self::new(StatusCode::CONFLICT, refusal.to_string()),
            Refusal::NoAgent | Refusal::PoweredOff => Self::no_agent(),
            // Only commands to the BMC are refused for these reasons.
            Refusal::ManagerRestarting(_)
            | Refusal::MediaInserted
            | Refusal::UpdateUnderway
            | Refusal::DrivesDoNotFit
            | Refusal::SecureBootNeedsUefi
            | Refusal::TooManyKeys
            | Refusal::KeyExists(..)
            | Refusal::LicenseExists(_)
            | Refusal::TooManySessions
            | Refusal::TooManyTasks
            | Refusal::TooManySubscriptions
            | Refusal::TooManyReports
            | Refusal::ReportExists(_)
            | Refusal::TaskServiceDisabled
            | Refusal::TaskNotCancellable
            | Refusal::NoVolume
            | Refusal::VolumeInUse
            | Refusal::LastInput
            | Refusal::LastMemory
            | Refusal::Account(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string()),
        }
    }
}
