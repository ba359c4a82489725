//! Why a request to the control API failed.

use std::error::Error;

use http::StatusCode;

use crate::admin::api::{Done, Problem};
use crate::note::Note;

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ClientError {
    #[error("no daemon answers at {server} ({why}); {hint}")]
    NoAnswer { server: String, why: String, hint: String },
    /// The API refused the request.
    #[error("{}", sentence(.0))]
    Problem(Box<Problem>),
    #[error(
        "{server} answers {status}, but not as a control API of fauxmetal; check --server, and that the daemon has this version"
    )]
    Foreign { server: String, status: StatusCode },
    #[error("the answer of {server} is incomplete ({why}); try again")]
    Broken { server: String, why: String },
    #[error(
        "the answer of {server} cannot be read: {why}; check that the daemon has the version of this program"
    )]
    Unreadable { server: String, why: String },
}

impl ClientError {
    /// Whether the API found a mistake in the command line.
    pub(in crate::cli) fn is_usage(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == StatusCode::BAD_REQUEST)
    }

    /// Whether the node that a request names does not exist.
    pub(in crate::cli) fn is_missing(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.status == StatusCode::NOT_FOUND)
    }

    /// Whether the same request may succeed later: the daemon or the network is away, or the daemon is busy.
    pub(in crate::cli) fn may_pass(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Broken { .. } => true,
            Self::Problem(problem) => problem.status == StatusCode::SERVICE_UNAVAILABLE,
            Self::Foreign { status, .. } => status.is_server_error(),
            Self::Unreadable { .. } => false,
        }
    }

    /// The error without advice, for a program that tries again by itself.
    pub(in crate::cli) fn brief(&self) -> String {
        match self {
            Self::NoAnswer { server, why, .. } => format!("no daemon answers at {server} ({why})"),
            Self::Broken { server, why } => format!("the connection to {server} broke ({why})"),
            Self::Foreign { server, status } => format!("{server} answers {status}"),
            Self::Problem(_) | Self::Unreadable { .. } => self.to_string(),
        }
    }

    /// The result of a change that every node has refused, or the error.
    pub(in crate::cli) fn into_result(self) -> Result<Done, Self> {
        match self {
            Self::Problem(mut problem) if problem.status == StatusCode::CONFLICT => {
                problem.result.take().ok_or(Self::Problem(problem))
            }
            other => Err(other),
        }
    }
}

/// The text of a problem. The document comes from outside, so it is escaped and bounded.
fn sentence(problem: &Problem) -> String {
    let detail = Note::from(problem.detail.as_str()).to_string();
    match (problem.status, &problem.result) {
        // The daemon was interrupted in the middle.
        (_, Some(done)) => format!("{detail}; {} of the nodes had accepted the change before", done.accepted),
        _ => detail,
    }
}

/// The error of an answer that has begun.
pub(super) fn broken(server: &str, error: &reqwest::Error) -> ClientError {
    ClientError::Broken { server: server.to_owned(), why: cause(error) }
}

/// The innermost cause, which says what happened. The outer ones repeat that a request failed.
pub(in crate::cli) fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    Note::from(innermost.to_string()).to_string()
}
