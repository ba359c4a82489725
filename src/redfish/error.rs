//! Error responses: a status and a body of registry messages (DSP0266, "Error responses").

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::doc::Doc;
use super::headers::{JSON, ODATA_4, ODATA_VERSION};
use super::message::{self, BASE, Entry, GENERAL_ERROR, MESSAGE_SCHEMA, Message};
use crate::fleet::persist::NotPersisted;
use crate::node::command::Refusal;

/// The reason why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// At least one message.
    pub messages: Vec<Message>,
    /// `Retry-After`, seconds.
    pub retry_after_s: Option<u64>,
}

impl From<Message> for Problem {
    fn from(message: Message) -> Self {
        Self { messages: vec![message], retry_after_s: None }
    }
}

impl From<&'static Entry> for Problem {
    fn from(entry: &'static Entry) -> Self {
        Message::new(entry, []).into()
    }
}

impl From<NotPersisted> for Problem {
    fn from(_: NotPersisted) -> Self {
        Self::later(NotPersisted::RETRY_AFTER_S)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::PoweredOff => (&message::RESOURCE_IN_STANDBY).into(),
            Refusal::ManagerRestarting(left) => Self::later(left.as_secs() + 1),
            Refusal::MediaInserted
            | Refusal::UpdateUnderway
            | Refusal::DrivesDoNotFit
            | Refusal::AgentBusy => (&message::RESOURCE_IN_USE).into(),
            Refusal::SecureBootNeedsUefi => Message::new(
                &message::PROPERTY_VALUE_CONFLICT,
                ["SecureBootEnable", "BootSourceOverrideMode"],
            )
            .about("#/SecureBootEnable".to_owned())
            .into(),
            Refusal::TooManySessions => Self::too_many_sessions(),
            Refusal::NoAgent => (&message::INTERNAL_ERROR).into(),
        }
    }
}

impl Problem {
    pub(super) fn not_found(path: &str) -> Self {
        Message::new(&message::RESOURCE_MISSING_AT_URI, [path]).into()
    }

    /// Every session can end at any moment, by a client or by its timeout, so a client need not wait long.
    pub(super) fn too_many_sessions() -> Self {
        const RETRY_AFTER_S: u64 = 5;
        let message = Message::new(&message::SESSION_LIMIT_EXCEEDED, []);
        Self { messages: vec![message], retry_after_s: Some(RETRY_AFTER_S) }
    }

    fn later(seconds: u64) -> Self {
        let message = Message::new(&message::SERVICE_TEMPORARILY_UNAVAILABLE, [&seconds.to_string()]);
        Self { messages: vec![message], retry_after_s: Some(seconds) }
    }

    /// The status that goes with the first message.
    pub(super) fn status(&self) -> StatusCode {
        let first = self.messages.first().map_or(&GENERAL_ERROR, |m| m.entry);
        match first.key {
            "NoValidSession" => StatusCode::UNAUTHORIZED,
            "ResourceAtUriUnauthorized" => StatusCode::UNAUTHORIZED,
            "ResourceMissingAtURI" => StatusCode::NOT_FOUND,
            "OperationNotAllowed" => StatusCode::METHOD_NOT_ALLOWED,
            "ResourceInUse" | "ResourceInStandby" => StatusCode::CONFLICT,
            "HeaderInvalid" if self.is_about("Content-Type") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "HeaderInvalid" if self.is_about("Accept") => StatusCode::NOT_ACCEPTABLE,
            "HeaderInvalid" if self.is_about("Expect") => StatusCode::EXPECTATION_FAILED,
            // DSP0266 requires 412 for a version of OData that is not supported.
            "PreconditionFailed" | "HeaderInvalid" => StatusCode::PRECONDITION_FAILED,
            "PreconditionRequired" => StatusCode::PRECONDITION_REQUIRED,
            "PayloadTooLarge" => StatusCode::PAYLOAD_TOO_LARGE,
            "QueryParameterUnsupported" => StatusCode::NOT_IMPLEMENTED,
            "SessionLimitExceeded" | "ServiceTemporarilyUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "InsufficientStorage" => StatusCode::INSUFFICIENT_STORAGE,
            "InternalError" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether this is the first argument of the first message.
    fn is_about(&self, argument: &str) -> bool {
        self.messages.first().and_then(|message| message.args.first()).is_some_and(|first| first == argument)
    }

    /// The response. `error.code` and `error.message` are always there: sushy's InsertMedia handling fails without them
    /// (`sushy/resources/manager/virtual_media.py`).
    pub(super) fn response(&self) -> Response<Bytes> {
        let mut doc = Doc::new(None, None);
        doc.object("error", |d| {
            let only = self.messages.first().filter(|_| self.messages.len() == 1);
            let entry = only.map_or(&GENERAL_ERROR, |m| m.entry);
            d.join("code", &[BASE, ".", entry.key]);
            d.put("message", only.map_or_else(|| GENERAL_ERROR.text.to_owned(), Message::text));
            d.array("@Message.ExtendedInfo", |d| {
                for message in &self.messages {
                    d.item_object(|d| write(message, d));
                }
            });
        });
        let mut response = Response::new(Bytes::from(doc.finish().0));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(&ODATA_VERSION, ODATA_4);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Writes a message as it stands in `@Message.ExtendedInfo`.
pub(super) fn write(message: &Message, d: &mut Doc<'_>) {
    d.join("@odata.type", &["#", MESSAGE_SCHEMA, ".Message"]);
    d.join("MessageId", &[BASE, ".", message.entry.key]);
    d.put("Message", message.text());
    d.put("MessageArgs", message.args.as_slice());
    d.put("MessageSeverity", message.entry.severity);
    d.put("Severity", message.entry.severity);
    d.put("Resolution", message.entry.resolution);
    if let Some(property) = &message.property {
        d.put("RelatedProperties", [property.as_str()].as_slice());
    }
}
