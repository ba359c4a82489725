//! Error responses: a status and a body of registry messages (DSP0266, "Error responses").

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::doc::Doc;
use super::headers::{JSON, ODATA_4, ODATA_VERSION};
use super::message::{self, BASE, Entry, GENERAL_ERROR, MESSAGE_SCHEMA, Message};
use crate::fleet::persist::NotPersisted;
use crate::node::bmc::account::Refused;
use crate::node::command::Refusal;
use crate::profile::answers::{Answers, MakerMessage};
use crate::profile::secure_boot::Kind;

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
            // A BMC without power has no end of its restart.
            Refusal::ManagerRestarting(left) => Self::later((left.as_secs() + 1).min(Self::LONGEST_S)),
            Refusal::MediaInserted
            | Refusal::UpdateUnderway
            | Refusal::DrivesDoNotFit
            | Refusal::VolumeInUse
            | Refusal::AgentBusy => (&message::RESOURCE_IN_USE).into(),
            Refusal::SecureBootNeedsUefi => Message::new(
                &message::PROPERTY_VALUE_CONFLICT,
                ["SecureBootEnable", "BootSourceOverrideMode"],
            )
            .about("#/SecureBootEnable".to_owned())
            .into(),
            Refusal::TooManyTasks => Self {
                messages: vec![Message::new(&message::CREATE_LIMIT_REACHED, [])],
                retry_after_s: Some(Self::TASK_S),
            },
            Refusal::TaskServiceDisabled => {
                Message::new(&message::SERVICE_DISABLED, ["/redfish/v1/TaskService"]).into()
            }
            Refusal::TaskNotCancellable => (&message::OPERATION_NOT_ALLOWED).into(),
            Refusal::TooManySubscriptions | Refusal::TooManyReports | Refusal::TooManyKeys => {
                (&message::CREATE_LIMIT_REACHED).into()
            }
            Refusal::LicenseExists(id) => {
                let message = Message::new(&message::RESOURCE_ALREADY_EXISTS, ["License", "Id", &*id]);
                message.about("#/LicenseString".to_owned()).into()
            }
            Refusal::KeyExists(kind, number) => {
                let (kind, property) = match kind {
                    Kind::Certificate => ("Certificate", "CertificateString"),
                    Kind::Signature => ("Signature", "SignatureString"),
                };
                let args = [kind, "Id", &number.to_string()];
                let message = Message::new(&message::RESOURCE_ALREADY_EXISTS, args);
                message.about(format!("#/{property}")).into()
            }
            Refusal::ReportExists(id) => {
                let args = ["MetricReportDefinition", "Id", &*id];
                Message::new(&message::RESOURCE_ALREADY_EXISTS, args).about("#/Id".to_owned()).into()
            }
            Refusal::TooManySessions => Self::too_many_sessions(),
            Refusal::Account(refused) => refused.into(),
            Refusal::NoAgent | Refusal::NoVolume | Refusal::LastInput | Refusal::LastMemory => {
                (&message::INTERNAL_ERROR).into()
            }
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let about = |message: Message, property: &str| Self::from(message.about(format!("#/{property}")));
        let exists = |kind: &str, property: &str, value: &str| {
            about(Message::new(&message::RESOURCE_ALREADY_EXISTS, [kind, property, value]), property)
        };
        match refused {
            Refused::LastAdministrator | Refused::RoleInUse | Refused::NoSuchAccount => {
                (&message::RESOURCE_CANNOT_BE_DELETED).into()
            }
            Refused::AdministratorNeeded(property) => {
                let other = if property == "RoleId" { "Enabled" } else { "RoleId" };
                about(Message::new(&message::PROPERTY_VALUE_CONFLICT, [property, other]), property)
            }
            Refused::UserNameTaken(user) => exists("ManagerAccount", "UserName", &user),
            Refused::RoleExists(role) => exists("Role", "RoleId", &role),
            Refused::NoSuchRole(role) => {
                about(Message::new(&message::PROPERTY_VALUE_NOT_IN_LIST, [&role, "RoleId"]), "RoleId")
            }
            Refused::RoleIsPredefined(role) => Message::new(&message::RESTRICTED_ROLE, [&role]).into(),
            Refused::TooManyAccounts | Refused::TooManyRoles => (&message::CREATE_LIMIT_REACHED).into(),
        }
    }
}

impl Problem {
    /// Seconds until another task may have ended.
    const TASK_S: u64 = 5;
    /// The longest time that a client is asked to wait, seconds.
    const LONGEST_S: u64 = 600;

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
            "InsufficientPrivilege" | "PasswordChangeRequired" => StatusCode::FORBIDDEN,
            "ResourceAlreadyExists" | "ResourceCannotBeDeleted" => StatusCode::CONFLICT,
            "ResourceAtUriUnauthorized" => StatusCode::UNAUTHORIZED,
            "ResourceMissingAtURI" => StatusCode::NOT_FOUND,
            "OperationNotAllowed" => StatusCode::METHOD_NOT_ALLOWED,
            "ResourceInUse" | "ResourceInStandby" | "ServiceDisabled" => StatusCode::CONFLICT,
            "HeaderInvalid" if self.is_about("Content-Type") => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "HeaderInvalid" if self.is_about("Accept") => StatusCode::NOT_ACCEPTABLE,
            "HeaderInvalid" if self.is_about("Expect") => StatusCode::EXPECTATION_FAILED,
            // DSP0266 requires 412 for a version of OData that is not supported.
            "PreconditionFailed" | "HeaderInvalid" => StatusCode::PRECONDITION_FAILED,
            "PreconditionRequired" => StatusCode::PRECONDITION_REQUIRED,
            "PayloadTooLarge" => StatusCode::PAYLOAD_TOO_LARGE,
            "QueryParameterUnsupported" => StatusCode::NOT_IMPLEMENTED,
            "SessionLimitExceeded" | "ServiceTemporarilyUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
            // Tasks make room by themselves, and accounts do not.
            "CreateLimitReachedForResource" if self.retry_after_s.is_some() => {
                StatusCode::SERVICE_UNAVAILABLE
            }
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
        static STANDARD: LazyLock<Answers> = LazyLock::new(Answers::default);
        self.response_in(&STANDARD, None)
    }

    /// The response in the style of a model. `action` is the name of the action that was refused.
    pub(super) fn response_in(&self, style: &Answers, action: Option<&str>) -> Response<Bytes> {
        let own = |message: &Message| {
            let is_meant =
                |own: &&MakerMessage| own.of == message.entry.key && Some(own.action.as_str()) == action;
            style.messages.iter().find(is_meant)
        };
        let only = self.messages.first().filter(|_| self.messages.len() == 1);
        let mut doc = Doc::new(None, None);
        doc.object("error", |d| {
            let entry = only.map_or(&GENERAL_ERROR, |m| m.entry);
            let text = || only.map_or_else(|| GENERAL_ERROR.text.to_owned(), Message::text);
            write_code(style, entry, text, d);
            d.array("@Message.ExtendedInfo", |d| {
                for message in &self.messages {
                    d.item_object(|d| match own(message) {
                        Some(own) => write_own(own, message, d),
                        None => write(message, d),
                    });
                }
            });
        });
        let mut response = Response::new(Bytes::from(doc.finish().0));
        let status = only.and_then(own).and_then(|own| StatusCode::from_u16(own.status).ok());
        *response.status_mut() = status.unwrap_or_else(|| self.status());
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

/// Writes `code` and `message` of an `error`: those of the maker, or those of a message.
fn write_code(style: &Answers, entry: &Entry, text: impl FnOnce() -> String, d: &mut Doc<'_>) {
    if let (Some(code), Some(text)) = (&style.code, &style.text) {
        d.put("code", code);
        d.put("message", text);
    } else {
        d.join("code", &[BASE, ".", entry.key]);
        d.put("message", text());
    }
}

/// The body of an answer that says that a change is done.
pub(super) fn success_in(style: &Answers) -> Bytes {
    let success = Message::new(&message::SUCCESS, []);
    let mut doc = Doc::new(None, None);
    doc.object("error", |d| {
        write_code(style, success.entry, || success.text(), d);
        d.array("@Message.ExtendedInfo", |d| d.item_object(|d| write(&success, d)));
    });
    Bytes::from(doc.finish().0)
}

/// Writes the message of a maker that stands for a message of DMTF.
fn write_own(own: &MakerMessage, message: &Message, d: &mut Doc<'_>) {
    d.join("@odata.type", &["#", MESSAGE_SCHEMA, ".Message"]);
    d.put("MessageId", &own.id);
    d.put("Message", &own.text);
    d.put("MessageArgs", own.args.as_slice());
    d.put("MessageSeverity", message.entry.severity);
    d.put("Severity", message.entry.severity);
    d.put("Resolution", &own.resolution);
}

/// Writes a message as it stands in `@Message.ExtendedInfo`.
pub(super) fn write(message: &Message, d: &mut Doc<'_>) {
    write_as(message, &message.text(), d);
}

/// Writes a message with another text.
pub(super) fn write_as(message: &Message, text: &str, d: &mut Doc<'_>) {
    d.join("@odata.type", &["#", MESSAGE_SCHEMA, ".Message"]);
    d.join("MessageId", &[message.entry.registry, ".", message.entry.key]);
    d.put("Message", text);
    d.put("MessageArgs", message.args.as_slice());
    d.put("MessageSeverity", message.entry.severity);
    d.put("Severity", message.entry.severity);
    d.put("Resolution", message.entry.resolution);
    if let Some(property) = &message.property {
        d.put("RelatedProperties", [property.as_str()].as_slice());
    }
}
