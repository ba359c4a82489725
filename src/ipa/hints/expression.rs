//! The operators of oslo.utils' `specs_matcher.py`.

use super::error::HintError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `<in>`: the value contains the operand.
    Contains,
    /// `<or>`: the value is one of the operands.
    OneOf,
    Text(Comparison),
    Number(Comparison),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    AtMost,
    AtLeast,
    Below,
    Above,
}

/// The order matters: `<=` must be found before `<`, which is its beginning.
const OPERATORS: [(&str, Operator); 14] = [
    ("<in>", Operator::Contains),
    ("<or>", Operator::OneOf),
    ("s==", Operator::Text(Comparison::Equal)),
    ("s!=", Operator::Text(Comparison::NotEqual)),
    ("s<=", Operator::Text(Comparison::AtMost)),
    ("s>=", Operator::Text(Comparison::AtLeast)),
    ("s<", Operator::Text(Comparison::Below)),
    ("s>", Operator::Text(Comparison::Above)),
    ("==", Operator::Number(Comparison::Equal)),
    ("!=", Operator::Number(Comparison::NotEqual)),
    ("<=", Operator::Number(Comparison::AtMost)),
    (">=", Operator::Number(Comparison::AtLeast)),
    ("<", Operator::Number(Comparison::Below)),
    (">", Operator::Number(Comparison::Above)),
];

/// An operator with its operands in lower case, such as `>= 400`.
#[derive(Debug)]
pub(super) struct Expression {
    operator: Operator,
    pub(super) operands: Vec<String>,
}

impl Expression {
    pub(super) fn parse(name: &str, text: &str, default: Operator) -> Result<Self, HintError> {
        let text = text.trim().to_lowercase();
        if text.is_empty() {
            return Err(HintError::Empty(name.to_owned()));
        }
        let operands = |word| text.split(word).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
        if let Some((word, operator)) = OPERATORS.iter().find(|(word, _)| text.starts_with(word)) {
            return Ok(Self { operator: *operator, operands: operands(*word).collect() });
        }
        // `=` alone is the old form of `>=`.
        Ok(match text.strip_prefix('=') {
            Some(rest) => Self {
                operator: Operator::Number(Comparison::AtLeast),
                operands: vec![rest.trim().to_owned()],
            },
            None => Self { operator: default, operands: vec![text] },
        })
    }

    /// Whether a disk's value, in lower case, matches.
    pub(super) fn matches(&self, value: &str) -> Result<bool, HintError> {
        let first = self.operands.first().map_or("", String::as_str);
        Ok(match self.operator {
            Operator::OneOf => self.operands.iter().any(|operand| operand == value),
            Operator::Contains => value.contains(first),
            Operator::Text(comparison) => comparison.holds(value, first),
            Operator::Number(comparison) => comparison.holds(&number(value)?, &number(first)?),
        })
    }
}

impl Comparison {
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::AtMost => left <= right,
            Self::AtLeast => left >= right,
            Self::Below => left < right,
            Self::Above => left > right,
        }
    }
}

fn number(text: &str) -> Result<f64, HintError> {
    text.parse().map_err(|_| HintError::NotANumber(text.to_owned()))
}
