//! Errors of the agent's API on the wire: `{"faultcode", "faultstring"}`, the shape of WSME.
//!
//! Ironic reads `faultstring` of every answer of 400 and above and stops dead without it
//! (`ironic/drivers/modules/agent_client.py`, `_command`).

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::face::HangUp;
use crate::fleet::persist::NotPersisted;
use crate::node::command::Refusal;
use crate::node::ipa::IpaError;

/// A request that comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    status: StatusCode,
    text: String,
    allow: Option<HeaderValue>,
    retry_after_s: Option<u64>,
    hang_up: bool,
}

impl Fault {
    pub(super) fn new(status: StatusCode, text: String) -> Self {
        Self { status, text, allow: None, retry_after_s: None, hang_up: false }
    }

    /// An error of HTTP itself, worded as werkzeug does.
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
        let fault =
            Self::http(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed for the requested URL.");
        Self { allow: Some(HeaderValue::from_static(allow)), ..fault }
    }

    pub(super) fn busy(with: &str) -> Self {
        Self::new(StatusCode::CONFLICT, format!("{}: executing command {with}", Refusal::AgentBusy))
    }

    /// As near to a refused connection as an answer can be; see [`HangUp`].
    pub(super) fn unreachable() -> Self {
        let text = "no agent serves at this address: its machine is off, or its API is closed".to_owned();
        Self { hang_up: true, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text) }
    }

    /// Not done, or not told, for it could not be kept.
    pub(super) fn not_kept(why: NotPersisted) -> Self {
        let text = format!("{why}; retry in {} seconds", NotPersisted::RETRY_AFTER_S);
        Self {
            retry_after_s: Some(NotPersisted::RETRY_AFTER_S),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
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
        if self.hang_up {
            response.extensions_mut().insert(HangUp);
        }
        response
    }
}

/// An error of IPA's own, answered directly instead of being recorded as a command's end.
impl From<IpaError> for Fault {
    fn from(error: IpaError) -> Self {
        let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, format!("{}: {}", error.message, error.details))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AgentBusy => Self::new(StatusCode::CONFLICT, refusal.to_string()),
            Refusal::NoAgent | Refusal::PoweredOff => Self::unreachable(),
            // The rest is said to clients of the controller, and never to those of the agent.
            Refusal::ManagerRestarting(_)
            | Refusal::MediaInserted
            | Refusal::SecureBootNeedsUefi
            | Refusal::TooManySessions => Self::new(StatusCode::INTERNAL_SERVER_ERROR, refusal.to_string()),
        }
    }
}
