//! Parameters and bodies of requests, with errors that name the member.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, USER_AGENT};
use serde::de::DeserializeOwned;

use super::api::{BASE, Problem};
use super::{BODY_BYTES, guard};
use crate::face::Peer;
use crate::journal::{Asked, Face};
use crate::time::SimTime;

/// The JSON body of a request. Every POST has one, also because a web page cannot send JSON to another site without asking first.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media_type = guard::text(request.headers(), &CONTENT_TYPE).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail =
                format!("the Content-Type of a change is '{media_type}'; only application/json is allowed");
            let problem = Problem::wrong("Content-Type", media_type, detail).allowing(["application/json"]);
            return Err(problem.with(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let status = error.status();
            let detail = match status {
                StatusCode::PAYLOAD_TOO_LARGE => format!("the body has more than {BODY_BYTES} bytes"),
                _ => error.body_text(),
            };
            Problem::new(status, detail)
        })?;
        if bytes.is_empty() {
            let detail = "the body is empty; write a JSON object, such as {\"nodes\": {\"all\": true}}";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        // A struct can also be read from an array of its members in their order, which is no part of the API.
        if bytes.trim_ascii_start().starts_with(b"[") {
            let detail =
                "the body is a JSON array; write a JSON object, such as {\"nodes\": {\"all\": true}}";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            let detail = format!("the body is wrong: {}", error.inner());
            let problem = Problem::new(StatusCode::BAD_REQUEST, detail);
            Problem { field: (field != ".").then_some(field), ..problem }
        })?;
        reader.end().map_err(|error| {
            Problem::new(StatusCode::BAD_REQUEST, format!("text follows after the JSON object: {error}"))
        })?;
        Ok(Self(value))
    }
}

/// The client of a request, for the journal.
pub(super) struct Caller {
    client: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
    path: String,
}

impl Caller {
    /// The entry of the journal about a change in a few words.
    pub(super) fn asked<'a>(&'a self, at: SimTime, what: &'a str, status: StatusCode) -> Asked<'a> {
        Asked {
            at,
            face: Face::Control,
            client: self.client,
            user_agent: self.user_agent.as_ref().map(HeaderValue::as_bytes),
            method: "POST",
            path: &self.path,
            query: None,
            changed: what,
            status: Some(status.as_u16()),
            message: None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            client: parts.extensions.get::<Peer>().map(|peer| peer.remote.ip()),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            // The router has removed the base.
            path: format!("{BASE}{}", parts.uri.path()),
        })
    }
}

/// The parameters in the query of a request.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => {
                let text = error.body_text();
                let detail = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                Err(Problem::new(StatusCode::BAD_REQUEST, format!("the query is wrong: {detail}")))
            }
        }
    }
}
