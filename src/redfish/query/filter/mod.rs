//! `$filter`: an expression that each member of a collection is tested with (DSP0266, "The $filter query parameter").
//!
//! ```text
//! or  :=  and { "or" and }              operand :=  "(" or ")" | "not" equality | literal | path
//! and :=  equality { "and" equality }   literal :=  'text' | number | true | false | null | timestamp
//! equality :=  order { ("eq" | "ne") order }                 path :=  name { "/" name }
//! order    :=  operand { ("gt" | "ge" | "lt" | "le") operand }
//! ```
//!
//! A quote within a text is doubled. The specification binds `not` tighter than a comparison. For operands of the right
//! type both readings have the same value, and only this one accepts `not Count eq 2`, as OpenBMC does.
//!
//! A property that the document lacks is null. A path through an array stands for each element, and a comparison is true
//! if it is true for one of them. An empty array is null. Two texts that are timestamps (RFC 3339) are compared as moments.

mod properties;
mod read;

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Number, Value};

/// An expression that a document can be tested with.
#[derive(Debug, PartialEq)]
pub(super) struct Filter(Term);

/// The reason why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text does not follow the grammar.
    Form,
    /// This part compares values of different types, or uses a value as a truth value that is none.
    Type(String),
    /// The text is longer than [`Filter::MAX_BYTES`], has more than [`Filter::MAX_OPERANDS`], or is nested deeper than
    /// [`Filter::MAX_DEPTH`].
    Size,
}

/// The reason why a document cannot be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// In this document, this part of the filter compares values of different types.
    Type(String),
    /// The steps are used up.
    Exhausted,
}

#[derive(Debug, PartialEq)]
enum Term {
    Literal(Literal),
    Path(Vec<Box<str>>),
    /// The text is the operand as the client wrote it.
    Not(Box<Self>, Box<str>),
    Join(Join, Box<Self>, Box<Self>, Box<str>),
    Compare(Compare, Box<Self>, Box<Self>, Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, PartialEq)]
enum Literal {
    Null,
    Truth(bool),
    Number(Number),
    Text(Box<str>),
}

/// A value of a document or of the filter.
#[derive(Clone, Copy)]
enum Seen<'v> {
    Null,
    Truth(bool),
    Number(&'v Number),
    Text(&'v str),
    /// An object, which differs from null and cannot be compared with anything else.
    Object,
}

impl Filter {
    /// The limit of the text, bytes.
    pub(super) const MAX_BYTES: usize = 4096;
    /// The limit of literals and paths.
    pub(super) const MAX_OPERANDS: usize = 100;
    /// The limit of parentheses and `not` within each other.
    pub(super) const MAX_DEPTH: usize = 32;

    /// Whether the filter is true for a document. Each comparison and each value on the way to it costs one of `steps`.
    ///
    /// # Errors
    /// When the document has a value of the wrong type, or the steps are used up.
    pub(super) fn matches(&self, document: &Value, steps: &mut u64) -> Result<bool, Stop> {
        self.0.truth(document, steps, "")
    }
}

impl Compare {
    fn is_equality(self) -> bool {
        matches!(self, Self::Eq | Self::Ne)
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
        }
    }

    /// The comparison of two values. `None` if their types do not fit. Null has no order (OData 4.0, part 2, 5.1.1.1).
    fn of(self, left: Seen<'_>, right: Seen<'_>) -> Option<bool> {
        match (left, right) {
            (Seen::Null, Seen::Null) => Some(self == Self::Eq),
            (Seen::Null, _) | (_, Seen::Null) => Some(self == Self::Ne),
            (Seen::Truth(left), Seen::Truth(right)) if self.is_equality() => {
                Some(self.holds(left.cmp(&right)))
            }
            (Seen::Number(left), Seen::Number(right)) => {
                Some(order_of_numbers(left, right).is_some_and(|order| self.holds(order)))
            }
            (Seen::Text(left), Seen::Text(right)) => Some(self.holds(order_of_texts(left, right))),
            _ => None,
        }
    }
}

fn order_of_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn order_of_texts(left: &str, right: &str) -> Ordering {
    let moment = |text: &str| {
        let may_be = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['T', 't']);
        may_be.then(|| text.parse::<Timestamp>().ok()).flatten()
    };
    match moment(left).and_then(|left| Some((left, moment(right)?))) {
        Some((left, right)) => left.cmp(&right),
        None => left.cmp(right),
    }
}

fn spend(steps: &mut u64) -> Result<(), Stop> {
    *steps = steps.checked_sub(1).ok_or(Stop::Exhausted)?;
    Ok(())
}

impl Term {
    /// Whether it can have a truth value, as far as the filter alone tells.
    fn is_truth(&self) -> bool {
        !matches!(self, Self::Literal(Literal::Null | Literal::Number(_) | Literal::Text(_)))
    }

    /// The truth value in a document. `shown` is the text of the whole, for an error.
    fn truth(&self, document: &Value, steps: &mut u64, shown: &str) -> Result<bool, Stop> {
        match self {
            Self::Join(Join::And, left, right, text) => {
                Ok(left.truth(document, steps, text)? && right.truth(document, steps, text)?)
            }
            Self::Join(Join::Or, left, right, text) => {
                Ok(left.truth(document, steps, text)? || right.truth(document, steps, text)?)
            }
            Self::Not(inner, text) => Ok(!inner.truth(document, steps, text)?),
            Self::Compare(operator, left, right, text) => {
                let mut any = false;
                left.each(document, steps, &mut |left, steps| {
                    right.each(document, steps, &mut |right, steps| {
                        spend(steps)?;
                        any |= operator.of(left, right).ok_or_else(|| Stop::Type(text.to_string()))?;
                        Ok(())
                    })
                })?;
                Ok(any)
            }
            Self::Path(names) => {
                let mut any = false;
                self.each(document, steps, &mut |value, _| match value {
                    Seen::Truth(value) => {
                        any |= value;
                        Ok(())
                    }
                    Seen::Null => Ok(()),
                    Seen::Number(_) | Seen::Text(_) | Seen::Object => {
                        Err(Stop::Type(if shown.is_empty() { names.join("/") } else { shown.to_owned() }))
                    }
                })?;
                Ok(any)
            }
            Self::Literal(literal) => Ok(matches!(literal, Literal::Truth(true))),
        }
    }

    /// Calls back with each value that it has in a document, and with the steps that are left.
    fn each<'v>(
        &'v self,
        document: &'v Value,
        steps: &mut u64,
        call: &mut dyn FnMut(Seen<'v>, &mut u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match self {
            Self::Path(names) => {
                if !values(document, names, steps, call)? {
                    call(Seen::Null, steps)?;
                }
                Ok(())
            }
            Self::Literal(Literal::Null) => call(Seen::Null, steps),
            Self::Literal(Literal::Truth(truth)) => call(Seen::Truth(*truth), steps),
            Self::Literal(Literal::Number(number)) => call(Seen::Number(number), steps),
            Self::Literal(Literal::Text(text)) => call(Seen::Text(text), steps),
            Self::Not(..) | Self::Join(..) | Self::Compare(..) => {
                let truth = self.truth(document, steps, "")?;
                call(Seen::Truth(truth), steps)
            }
        }
    }
}

/// Calls back with each value at a path, and returns whether there is one.
fn values<'v>(
    value: &'v Value,
    path: &[Box<str>],
    steps: &mut u64,
    call: &mut dyn FnMut(Seen<'v>, &mut u64) -> Result<(), Stop>,
) -> Result<bool, Stop> {
    spend(steps)?;
    let seen = match (value, path) {
        (Value::Array(items), _) => {
            let mut any = false;
            for item in items {
                any |= values(item, path, steps, call)?;
            }
            return Ok(any);
        }
        (Value::Object(map), [name, rest @ ..]) => {
            return match map.get(&**name) {
                Some(inner) => values(inner, rest, steps, call),
                None => Ok(false),
            };
        }
        (_, [_, ..]) => return Ok(false),
        (Value::Null, []) => Seen::Null,
        (Value::Bool(truth), []) => Seen::Truth(*truth),
        (Value::Number(number), []) => Seen::Number(number),
        (Value::String(text), []) => Seen::Text(text),
        (Value::Object(_), []) => Seen::Object,
    };
    call(seen, steps)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
