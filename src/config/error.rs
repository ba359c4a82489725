//! The error for a setting that cannot be used: where it is written, what is wrong and what is allowed.

use super::setting::Setting;
use crate::note::nearest;

/// A setting that cannot be used. The command has done nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// The flag, environment variable, or file, line and key.
    pub place: String,
    /// The value, what is allowed and what to do. It never contains a secret.
    pub problem: String,
}

impl ConfigError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    pub(super) fn at(setting: &Setting, origin: &Origin, problem: impl Into<String>) -> Self {
        Self::new(origin.place(setting), problem)
    }
}

/// Where a value is written, in ascending precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// A `conf.py` that is imported; lines count from 1.
    Import {
        path: String,
        line: usize,
    },
    /// The configuration file; lines count from 1.
    File {
        path: String,
        line: usize,
    },
    Environment,
    Flag,
    /// The plan of a load run; its text is the path of the settings in it.
    Plan(&'static str),
}

impl Origin {
    /// A value with a higher precedence replaces one with a lower precedence.
    pub fn precedence(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Import { .. } => 1,
            Self::File { .. } => 2,
            Self::Environment => 3,
            Self::Flag | Self::Plan(_) => 4,
        }
    }

    /// The source in one word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Import { .. } => "import",
            Self::File { .. } => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
            Self::Plan(_) => "plan",
        }
    }

    /// The setting as the user wrote it: a flag, a variable, or file, line and key.
    pub fn place(&self, setting: &Setting) -> String {
        match self {
            Self::Default => format!("{} (by default)", setting.flag()),
            Self::Import { path, line } | Self::File { path, line } => {
                format!("{path}:{line}: {}", setting.name)
            }
            Self::Environment => setting.variable(),
            Self::Flag => setting.flag(),
            Self::Plan(path) => format!("{path}.{}", setting.name),
        }
    }
}

/// `; did you mean X?` with the known word most like `wrong`, or the list of all known words.
pub(super) fn suggestion(wrong: &str, known: impl Iterator<Item = String> + Clone) -> String {
    match near(wrong, known.clone()) {
        near if near.is_empty() => format!("; the known names are {}", known.collect::<Vec<_>>().join(", ")),
        near => near,
    }
}

/// `; did you mean X?` with the known word most like `wrong`; empty if none is near.
pub(super) fn near(wrong: &str, known: impl Iterator<Item = String>) -> String {
    nearest(wrong, known).map(|word| format!("; did you mean {word}?")).unwrap_or_default()
}
