//! Errors of the control API, as problem documents.

use std::any::Any;

use axum::BoxError;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};

use super::REQUEST_TIME;
use super::api::{self, Done, Problem};
use crate::fleet::persist::NotPersisted;

/// RFC 9457, section 6.1.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            value: None,
            allowed: None,
            result: None,
        }
    }

    /// A wrong value of a parameter or of a member of the body.
    pub(super) fn wrong(field: &str, value: &str, detail: impl Into<String>) -> Self {
        let (field, value) = (Some(field.to_owned()), Some(value.to_owned()));
        Self { field, value, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    pub(super) fn allowing<T: AsRef<str>>(self, allowed: impl IntoIterator<Item = T>) -> Self {
        Self { allowed: Some(allowed.into_iter().map(|one| one.as_ref().to_owned()).collect()), ..self }
    }

    /// The result of a change as far as it came.
    pub(super) fn after(self, result: Done) -> Self {
        Self { result: Some(result), ..self }
    }
}

impl From<NotPersisted> for Problem {
    fn from(error: NotPersisted) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, text).into_response();
        response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(NotPersisted::RETRY_AFTER_S));
        }
        response
    }
}

pub(super) async fn unknown_path(uri: Uri) -> Problem {
    let base = api::BASE;
    let detail = format!("there is no {}; {base}/openapi.json lists all paths", uri.path());
    Problem::new(StatusCode::NOT_FOUND, detail)
}

pub(super) async fn unknown_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} has no method {method}; the header Allow lists its methods", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// A request whose answer did not begin within [`REQUEST_TIME`].
pub(super) async fn timed_out(_: BoxError) -> Problem {
    let detail = format!(
        "the answer has taken more than {} s; a change of many nodes may be done in part, and can be repeated",
        REQUEST_TIME.as_secs()
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// A defect. The client learns nothing about it, and the log has the place.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request to the control API has caused a panic");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the request has found a defect of fauxmetal; its log has more",
    )
    .into_response()
}

/// A request that the server refuses before it reaches the API.
pub(super) fn refused(status: StatusCode, detail: String) -> http::Response<Bytes> {
    let text = serde_json::to_vec(&Problem::new(status, detail)).unwrap_or_default();
    let mut response = http::Response::new(Bytes::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    response
}
