//! `--log` and `--log-format`: the lines of the log, and their format.

use std::fmt;

use tracing_subscriber::filter::Targets;

/// The lines that are written: a level for each target.
#[derive(Clone, Debug)]
pub struct LogFilter(Targets);

/// The format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people, with colours on a terminal.
    Text,
    /// A JSON object for each line.
    Json,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("'{other}' is not a format of the log; allowed are text and json")),
        }
    }
}

impl LogFilter {
    pub(super) const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

    /// Parses a level, or a list of levels of targets. A level without a target is that of fauxmetal itself, so that lines of
    /// the libraries are written only if a target names them.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a log filter; write {}, or a comma-separated list of TARGET=LEVEL",
                Self::LEVELS.join(", ")
            )
        };
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim) {
            let (target, level) = part.split_once('=').unwrap_or((env!("CARGO_PKG_NAME"), part));
            let known = Self::LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level));
            if !known || target.is_empty() {
                return Err(wrong());
            }
            targets = targets.with_target(
                target,
                level.parse::<tracing_subscriber::filter::LevelFilter>().map_err(|_| wrong())?,
            );
        }
        Ok(Self(targets))
    }

    pub fn targets(&self) -> Targets {
        self.0.clone()
    }

    /// Whether the events of nodes are written.
    pub fn shows_events(&self) -> bool {
        self.0.would_enable("fauxmetal::node", &tracing::Level::INFO)
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_is_that_of_fauxmetal_and_other_crates_write_only_if_they_are_named() {
        let shows = |filter: &str, target: &str, level: Level| {
            LogFilter::parse(filter).unwrap().targets().would_enable(target, &level)
        };
        assert!(
            shows("info", "fauxmetal::node", Level::INFO) && !shows("info", "fauxmetal::node", Level::DEBUG)
        );
        assert!(!shows("trace", "reqwest::connect", Level::ERROR));
        assert!(shows("warn,reqwest=debug", "reqwest::connect", Level::DEBUG));
        assert!(shows("info, fauxmetal::access=debug", "fauxmetal::access", Level::DEBUG));
        assert!(!shows("off", "fauxmetal", Level::ERROR));
    }
}
