//! BIOS attributes of a model: their types, bounds and defaults, which the attribute registry shows to clients.

use serde::{Deserialize, Serialize};

/// A BIOS attribute with its `AttributeName`, `DisplayName` and `HelpText`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Written")]
pub struct Attribute {
    pub name: String,
    pub display: String,
    pub help: String,
    /// Type, default and bounds.
    #[serde(flatten)]
    pub kind: Kind,
    /// `ReadOnly`: a client cannot change the value.
    pub read_only: bool,
}

/// An attribute as `profile.toml` contains it. The conversion checks that its keys belong to its type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    display: String,
    #[serde(default)]
    help: String,
    #[serde(rename = "type")]
    kind: String,
    default: Value,
    values: Option<Vec<String>>,
    lower: Option<i64>,
    upper: Option<i64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    #[serde(default)]
    read_only: bool,
}

impl TryFrom<Written> for Attribute {
    type Error = String;

    fn try_from(w: Written) -> Result<Self, String> {
        let name = w.name;
        let kind = match (w.kind.as_str(), w.default, w.values, w.lower.zip(w.upper), w.max_length) {
            ("enumeration", Value::Text(default), Some(values), None, None) => {
                Kind::Enumeration { default: default.into(), values }
            }
            ("integer", Value::Integer(default), None, Some((lower, upper)), None) => {
                Kind::Integer { default, lower, upper }
            }
            ("string", Value::Text(default), None, None, Some(max_length)) => {
                Kind::String { default: default.into(), min_length: w.min_length.unwrap_or(0), max_length }
            }
            ("boolean", Value::Boolean(default), None, None, None) => Kind::Boolean { default },
            (kind, ..) => {
                return Err(format!(
                    "BIOS attribute '{name}': type '{kind}' does not fit its other keys; allowed are enumeration (with \
                     values), integer (with lower and upper), string (with max_length) and boolean, each with a default \
                     of that type"
                ));
            }
        };
        let attribute = Self { name, display: w.display, help: w.help, kind, read_only: false };
        if let Err(misfit) = attribute.accepts(&attribute.default_value()) {
            return Err(format!(
                "BIOS attribute '{}': its default {misfit}; change the default or the bounds",
                attribute.name
            ));
        }
        Ok(Self { read_only: w.read_only, ..attribute })
    }
}

/// The type of an attribute (`AttributeRegistry.AttributeType`) with its bounds and its default.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the fields are the registry's: ValueName, LowerBound, UpperBound, MaxLength, DefaultValue"
)]
pub enum Kind {
    /// One of a list of texts.
    Enumeration {
        default: String,
        values: Vec<String>,
    },
    /// A whole number within inclusive bounds.
    Integer {
        default: i64,
        lower: i64,
        upper: i64,
    },
    /// A text with a length within inclusive bounds, in characters.
    String {
        default: String,
        min_length: usize,
        max_length: usize,
    },
    Boolean {
        default: bool,
    },
}

/// The value of an attribute, with one variant for each JSON type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Boolean(bool),
    Integer(i64),
    Text(Box<str>),
}

/// Why an attribute does not accept a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    #[error("cannot be set, because the attribute is read-only")]
    ReadOnly,
    /// The value has another JSON type than the attribute.
    #[error("has the wrong type")]
    Type,
    #[error("is not among the allowed values")]
    NotInList,
    /// The number or the length is out of bounds.
    #[error("is out of bounds")]
    OutOfRange,
}

impl Attribute {
    /// The value on a new machine.
    pub fn default_value(&self) -> Value {
        match &self.kind {
            Kind::Enumeration { default, .. } | Kind::String { default, .. } => {
                Value::Text(default.as_str().into())
            }
            Kind::Integer { default, .. } => Value::Integer(*default),
            Kind::Boolean { default } => Value::Boolean(*default),
        }
    }

    /// A value that was stored for this attribute, which an earlier version of the profile may have had with another type.
    /// A Boolean becomes `Enabled` or `Disabled` of an enumeration. `None` if the attribute does not accept the value.
    pub fn read_stored(&self, value: Value) -> Option<Value> {
        let value = match (&self.kind, value) {
            (Kind::Enumeration { .. }, Value::Boolean(on)) => {
                Value::Text(if on { "Enabled" } else { "Disabled" }.into())
            }
            (_, value) => value,
        };
        self.accepts(&value).is_ok().then_some(value)
    }

    /// Checks whether a client may set the attribute to `value`.
    ///
    /// # Errors
    /// The reason why it may not.
    pub fn accepts(&self, value: &Value) -> Result<(), Misfit> {
        if self.read_only {
            return Err(Misfit::ReadOnly);
        }
        let fits = match (&self.kind, value) {
            (Kind::Enumeration { values, .. }, Value::Text(text)) => {
                return values.iter().any(|v| **v == **text).then_some(()).ok_or(Misfit::NotInList);
            }
            (Kind::Integer { lower, upper, .. }, Value::Integer(n)) => (lower..=upper).contains(&n),
            (Kind::String { min_length, max_length, .. }, Value::Text(text)) => {
                (*min_length..=*max_length).contains(&text.chars().count())
            }
            (Kind::Boolean { .. }, Value::Boolean(_)) => true,
            (
                Kind::Enumeration { .. } | Kind::Integer { .. } | Kind::String { .. } | Kind::Boolean { .. },
                Value::Text(_) | Value::Integer(_) | Value::Boolean(_),
            ) => return Err(Misfit::Type),
        };
        if fits { Ok(()) } else { Err(Misfit::OutOfRange) }
    }
}
