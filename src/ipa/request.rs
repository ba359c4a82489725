//! The parts of a request to an agent: query and body.

use bytes::Bytes;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::commands::Params;
use super::error::ApiError;

pub(super) struct Query {
    /// `agent_token`
    pub(super) token: Option<String>,
    /// `wait=true`: answer when the command has ended.
    pub(super) wait: bool,
}

impl Query {
    pub(super) fn of(query: &str) -> Self {
        let first = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
        };
        Self {
            token: first("agent_token"),
            wait: first("wait").is_some_and(|w| w.eq_ignore_ascii_case("true")),
        }
    }
}

/// Reads the name and the parameters of a command.
pub(super) fn command(body: &Bytes) -> Result<(String, Params<'_>), ApiError> {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        name: Option<&'a RawValue>,
        #[serde(borrow)]
        params: Option<&'a RawValue>,
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body)
        .map_err(|error| ApiError::bad_request(&format!("Failed to decode JSON object: {error}")))?;
    let wrong = || ApiError::bad_request("Missing or invalid name or params");
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| wrong())?;
    let name = serde_json::from_str(body.name.ok_or_else(wrong)?.get()).map_err(|_| wrong())?;
    let params = serde_json::from_str(body.params.ok_or_else(wrong)?.get()).map_err(|_| wrong())?;
    Ok((name, params))
}
