//! Errors as problem documents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::verb::Done;

/// An error (RFC 9457, "Problem Details for HTTP APIs"), of media type `application/problem+json`. It has changed nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: String,
    /// The kind of problem: the reason phrase of the status.
    #[schema(example = "Bad Request")]
    pub title: String,
    #[schema(example = 400)]
    pub status: u16,
    /// One sentence: what is wrong, and what is allowed.
    pub detail: String,
    /// The parameter or the member of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "nodes.selector")]
    pub field: Option<String>,
    /// The wrong value, as the client sent it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The allowed values, if they can be listed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed: Option<Vec<String>>,
    /// The result of a change that every selected node has refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub result: Option<Done>,
}
