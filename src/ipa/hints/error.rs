//! The errors of root device hints.

use serde_json::Value;

/// Why hints cannot be used. Agents report the text in a command's error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::ipa) enum HintError {
    #[error("hints must be an object, not {0}")]
    NotAnObject(Value),
    #[error("the hint \"{name}\" is invalid; valid hints are {known}")]
    UnknownName { name: String, known: String },
    #[error("root device hint \"{name}\" is not a Boolean value: {value}")]
    NotABoolean { name: String, value: String },
    #[error("root device hint \"{name}\" is not a string value: {value}")]
    NotAString { name: String, value: String },
    #[error("root device hint \"{name}\" should be a positive integer, not {value}")]
    NotPositive { name: String, value: String },
    #[error("root device hint {0} expression is empty")]
    Empty(String),
    #[error("could not convert string to float: '{0}'")]
    NotANumber(String),
}
