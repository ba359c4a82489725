//! The result of a request, and the response that it becomes. Each status of a success is chosen here and nowhere else.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;

use super::attachment::Attachment;
use super::document::Document;
use super::error::{self, Problem};
use super::headers::{AUTH_TOKEN, JSON, ODATA_4, ODATA_VERSION, PREFERENCE_APPLIED};
use super::list::List;
use super::message::{Message, PRECONDITION_FAILED};
use super::precondition::{self, Condition};
use super::row::{Fixed, Target, described_by};
use super::service_documents::{ServiceDocuments, Text};
use crate::clock;
use crate::profile::answers::Answers;

/// The result of a request.
pub(super) enum Answer {
    /// 200, or 304 or 412 if the request has a condition (RFC 9110, 13).
    Document(Document, Target),
    /// 200 with a collection that is as long as the fleet.
    List(List, Target),
    /// 200 with a document that describes the service.
    Fixed(&'static ServiceDocuments, Fixed),
    /// The same, of the models below a root.
    Described(Box<Text>, Fixed),
    /// 200 with data that is no document. It is made outside of the node's lock.
    Attachment(Box<Attachment>, Target),
    /// 204: OPTIONS.
    Options(Target),
    /// 204: the change is done, or is under way.
    Done,
    /// 200: the result of an action, JSON.
    Told(Bytes),
    /// 204: the resource at this URI was replaced.
    Replaced(String),
    /// 201: a member was created.
    Created(Created),
    /// The task that has created the member at this URI has ended. It is read before the response is made.
    CreatedAt(String),
    /// 202: the work takes time.
    Accepted(Accepted),
    /// The answer that the client prefers, with the preference that it follows (`Preference-Applied`).
    Preferred(Box<Self>, &'static str),
}

/// Work that is under way.
pub(super) struct Accepted {
    /// The URI of the task monitor.
    pub(super) monitor: String,
    /// The task. `None` if another request has deleted it since.
    pub(super) task: Option<(Document, Target)>,
    pub(super) can_be_cancelled: bool,
}

/// A member of a collection that a request has created.
pub(super) struct Created {
    pub(super) uri: String,
    /// `None` if another request has deleted it since.
    pub(super) member: Option<(Document, Target)>,
    /// The token of a session.
    pub(super) token: Option<Box<str>>,
    /// A message for the client, in the document.
    pub(super) message: Option<Message>,
}

/// The body of a response.
pub(super) enum Content {
    Bytes(Bytes),
    List(List),
    Attachment(Box<Attachment>, Target),
}

impl Answer {
    /// # Errors
    /// 404: the resource has no attachment.
    pub(super) fn attachment(found: Option<Attachment>, uri: &str, target: Target) -> Result<Self, Problem> {
        let attachment = found.ok_or_else(|| Problem::not_found(uri))?;
        Ok(Self::Attachment(Box::new(attachment), target))
    }

    /// The response. `conditions` are the headers of a request that names the document that the client has.
    pub(super) fn into_response(self, conditions: Option<&HeaderMap>) -> Response<Content> {
        match self {
            Self::Document(document, target) => whole(show(document, target, conditions)),
            Self::List(list, target) => {
                let mut response = Response::new(Content::List(list));
                *response.headers_mut() = target.headers();
                response
            }
            Self::Attachment(attachment, target) => Response::new(Content::Attachment(attachment, target)),
            Self::Fixed(documents, fixed) => whole(documents.response(fixed, conditions)),
            Self::Described(text, fixed) => whole(text.response(fixed, conditions)),
            Self::Options(target) => {
                let mut response = no_content();
                response.headers_mut().insert(header::ALLOW, target.allow());
                whole(response)
            }
            Self::Done => whole(no_content()),
            Self::Told(json) => {
                let mut response = no_content();
                *response.status_mut() = StatusCode::OK;
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
                whole(response.map(|_| json))
            }
            Self::Replaced(uri) => {
                let mut response = no_content();
                let location = HeaderValue::from_str(&uri);
                response.headers_mut().extend(location.ok().map(|uri| (header::LOCATION, uri)));
                whole(response)
            }
            Self::Created(created) => whole(created.into_response()),
            Self::CreatedAt(uri) => {
                whole(Created { uri, member: None, token: None, message: None }.into_response())
            }
            Self::Accepted(accepted) => whole(accepted.into_response()),
            Self::Preferred(answer, preference) => {
                let mut response = answer.into_response(None);
                let preference = HeaderValue::from_static(preference);
                response.headers_mut().insert(&PREFERENCE_APPLIED, preference);
                response
            }
        }
    }
}

impl Created {
    fn into_response(self) -> Response<Bytes> {
        let show = |(document, target)| show(document, target, None);
        let member = self.member.map(|(document, target)| match &self.message {
            Some(message) => (document.with_message(message), target),
            None => (document, target),
        });
        let mut response = member.map_or_else(no_content, show);
        *response.status_mut() = StatusCode::CREATED;
        let value = |text: &str| HeaderValue::from_str(text).expect("tokens and paths are ASCII");
        if let Some(token) = &self.token {
            response.headers_mut().insert(&AUTH_TOKEN, value(token));
        }
        response.headers_mut().insert(header::LOCATION, value(&self.uri));
        response
    }
}

impl Accepted {
    /// Seconds after which a client asks again.
    const RETRY_AFTER_S: u64 = 2;

    fn into_response(self) -> Response<Bytes> {
        let show = |(document, target)| show(document, target, None);
        let mut response = self.task.map_or_else(no_content, show);
        *response.status_mut() = StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        headers.remove(header::ETAG);
        // Its presence means that the work can be cancelled, and sushy compares the whole value
        // (`sushy/taskmonitor.py`, `cancellable`).
        headers.remove(header::ALLOW);
        if self.can_be_cancelled {
            headers.insert(header::ALLOW, HeaderValue::from_static("DELETE"));
        }
        headers.insert(header::LOCATION, HeaderValue::from_str(&self.monitor).expect("paths are ASCII"));
        headers.extend(retry_after(Self::RETRY_AFTER_S).map(|date| (header::RETRY_AFTER, date)));
        response
    }
}

/// `Retry-After` as a date: sushy hands a number of seconds to `time.sleep` as text, and fails (`sushy/taskmonitor.py`,
/// `sleep_for`). DMTF's library waits 5 s then (`redfish/rest/v1.py`, `retry_after`).
fn retry_after(seconds: u64) -> Option<HeaderValue> {
    let stamp = Timestamp::from_second(i64::try_from(clock::unix_ms() / 1000 + seconds).ok()?).ok()?;
    // RFC 9110, section 5.6.7.
    HeaderValue::try_from(stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// The response to a request that failed. `target` is the resource at its path.
pub(super) fn refusal(
    problem: &Problem,
    target: Option<Target>,
    style: Option<&Answers>,
) -> Response<Content> {
    let mut response = match style {
        Some(style) => problem.response_in(style, target.and_then(Target::action)),
        None => problem.response(),
    };
    let headers = match (response.status(), target) {
        (StatusCode::UNAUTHORIZED, _) => {
            Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Redfish\"")))
        }
        (StatusCode::METHOD_NOT_ALLOWED, Some(target)) => Some((header::ALLOW, target.allow())),
        _ => None,
    };
    response.headers_mut().extend(headers);
    whole(response)
}

/// The response to a change that is done, in the style of a model. `generic` is the path of the resource as in a profile's `absent`.
pub(super) fn in_style(style: &Answers, generic: &str, mut response: Response<Content>) -> Response<Content> {
    if style.has_message(generic) {
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        *response.body_mut() = Content::Bytes(error::success_in(style));
    }
    response
}

fn whole(response: Response<Bytes>) -> Response<Content> {
    response.map(Content::Bytes)
}

fn show(document: Document, target: Target, conditions: Option<&HeaderMap>) -> Response<Bytes> {
    let tag = document.etag();
    let schema = document.schema().and_then(described_by);
    let (status, body) =
        match conditions.map_or(Condition::Met, |headers| precondition::evaluate(headers, &tag)) {
            Condition::Met => (StatusCode::OK, Bytes::from(document.into_bytes())),
            Condition::SameDocument => (StatusCode::NOT_MODIFIED, Bytes::new()),
            Condition::OtherDocument => return Problem::from(&PRECONDITION_FAILED).response(),
        };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = target.headers();
    if let Some(link) = schema {
        response.headers_mut().insert(header::LINK, link);
    }
    let tag = HeaderValue::from_bytes(&tag).expect("hex digits and quotes");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(&ODATA_VERSION, ODATA_4);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
