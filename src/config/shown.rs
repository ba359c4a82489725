//! The settings in force, for people who ask a running daemon.

use super::raw::RawSettings;
use super::setting::{ALL, PASSWORD, Setting};

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: &'static str,
    /// Its values as written, or its default; empty for a setting that has neither.
    pub values: Vec<String>,
    /// `flag`, `environment`, `file`, `import` or `default`.
    pub origin: &'static str,
}

/// All settings but the password.
pub(super) fn settings(raw: &RawSettings) -> Vec<Shown> {
    let is_secret = |setting: &&Setting| setting.name == PASSWORD.name;
    ALL.iter().copied().filter(|setting| !is_secret(setting)).map(|setting| shown(raw, setting)).collect()
}

fn shown(raw: &RawSettings, setting: &Setting) -> Shown {
    let given: Vec<_> = raw.all(setting).iter().map(|value| value.text.clone()).collect();
    let values =
        if given.is_empty() { setting.default.map(str::to_owned).into_iter().collect() } else { given };
    Shown { name: setting.name, values, origin: raw.origin(setting).as_str() }
}
