//! Values of Python and JSON, as the files of other simulators have them.

/// A value, with its line from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    pub line: usize,
    pub value: Value,
}

/// A value of Python or JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A list or a tuple.
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

impl Value {
    /// The type, as an error names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Dict(_) => "a dictionary",
        }
    }
}

impl From<Literal> for serde_json::Value {
    /// A key that is no text becomes its text, as in Python's `json.dumps`; a number that JSON lacks becomes null.
    fn from(literal: Literal) -> Self {
        let key = |literal: Literal| match Self::from(literal) {
            Self::String(text) => text,
            other => other.to_string(),
        };
        match literal.value {
            Value::None => Self::Null,
            Value::Bool(is_true) => is_true.into(),
            Value::Int(number) => number.into(),
            Value::Float(number) => number.into(),
            Value::Text(text) => text.into(),
            Value::List(values) => values.into_iter().map(Self::from).collect(),
            Value::Dict(pairs) => {
                Self::Object(pairs.into_iter().map(|(name, value)| (key(name), value.into())).collect())
            }
        }
    }
}
