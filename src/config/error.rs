//! A setting that cannot be used: which one, where it was written, and what would be right.

use super::setting::Setting;

/// A setting that cannot be used. Nothing has been done yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// The flag, environment variable, or file, line and key.
    pub place: String,
    /// The value and what is allowed instead. Never holds a secret.
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

/// Where a value was written. Later ones win over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody wrote it.
    Default,
    /// A file, with the line, from 1.
    File {
        /// The path as given.
        path: String,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment,
    /// The command line.
    Flag,
}

impl Origin {
    /// Higher ones win.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment => 2,
            Self::Flag => 3,
        }
    }

    /// How to name the setting to somebody who wrote it here.
    pub fn place(&self, setting: &Setting) -> String {
        match self {
            Self::Default => format!("{} (by default)", setting.flag()),
            Self::File { path, line } => format!("{path}:{line}: {}", setting.name),
            Self::Environment => setting.variable(),
            Self::Flag => setting.flag(),
        }
    }
}

/// `; did you mean X?` for the known word nearest to `wrong`, or else the list of all.
pub(super) fn suggestion(wrong: &str, known: impl Iterator<Item = String> + Clone) -> String {
    // Two slips of the finger, or one in three letters; further off, a guess would only mislead.
    let reach = (wrong.len() / 3).clamp(1, 3);
    let near = known
        .clone()
        .map(|word| (strsim::damerau_levenshtein(wrong, &word), word))
        .filter(|(distance, _)| *distance <= reach)
        .min();
    match near {
        Some((_, word)) => format!("; did you mean {word}?"),
        None => format!("; known are {}", known.collect::<Vec<_>>().join(", ")),
    }
}
