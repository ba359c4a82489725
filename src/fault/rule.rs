//! A rule: who, when, what.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::act::Occasion;
use super::what::What;
use super::when::When;
use super::who::Who;
use crate::selection::Selection;

/// A rule: which nodes misbehave, when, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Rule {
    pub name: Name,
    /// The nodes that can misbehave.
    pub who: Who,
    /// The occasions; every one by default.
    #[serde(default)]
    pub when: When,
    /// The fault, with its parameters.
    pub what: What,
    /// Whether the rule waits: nothing is counted, and nothing happens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// The name of a rule: 1 to 63 lower-case letters, digits and dashes; the first and the last character is no dash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The longest name, characters.
    pub const MAX: usize = 63;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(is_part)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "'{text}' is no name; allowed are 1 to {} lower-case letters, digits and dashes, such as flaky-bmc",
            Self::MAX
        ))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "cli")]
mod schema {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

    impl utoipa::PartialSchema for super::Name {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some("The name of a rule"))
                .pattern(Some("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))
                .examples(["flaky-bmc"])
                .into()
        }
    }

    impl utoipa::ToSchema for super::Name {}
}

/// Why a rule cannot be used: the field, its value, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule '{rule}': {problem}")]
pub struct RuleError {
    pub rule: String,
    pub problem: String,
}

impl Rule {
    /// Checks the rule. Returns the selection of its nodes.
    ///
    /// # Errors
    /// If a value is not allowed, or if two parts contradict each other.
    pub fn check(&self) -> Result<Option<Selection>, RuleError> {
        self.checked().map_err(|problem| RuleError { rule: self.name.to_string(), problem })
    }

    fn checked(&self) -> Result<Option<Selection>, String> {
        let selection = self.who.check()?;
        self.when.check()?;
        self.what.check().map_err(|problem| format!("'what.{}': {problem}", self.what.name()))?;
        let occasion = self.what.occasion();
        let fault = self.what.name();
        if occasion != Occasion::Command && !self.when.commands.is_all() {
            return Err(format!(
                "'when.commands' selects commands of the agent, and the fault '{fault}' is about the occasion '{occasion}'; leave it out"
            ));
        }
        if !occasion.is_request() {
            if !self.when.requests.is_all() {
                return Err(format!(
                    "'when.requests' selects requests, and the fault '{fault}' is about the occasion '{occasion}'; leave it out"
                ));
            }
            if self.when.per != super::Per::Node {
                return Err(format!(
                    "'when.per' is 'operation', and the fault '{fault}' has one operation; leave it out"
                ));
            }
        }
        Ok(selection)
    }
}
