//! Reads the text of a filter. The grammar is that of `mod.rs`.

use jiff::Timestamp;

use super::{Compare, Fault, Filter, Join, Literal, Term};

/// How tightly an operator binds, from the weakest to the tightest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Or,
    And,
    Equality,
    Order,
    Operand,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Join(Join),
    Compare(Compare),
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// When the text does not follow the grammar, is too large, or cannot have a truth value.
    pub(in crate::redfish::query) fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > Self::MAX_BYTES {
            return Err(Fault::Size);
        }
        let mut reader = Reader { text, at: 0, operands: 0, depth: 0 };
        let term = reader.expression(Strength::Or)?;
        reader.skip_spaces();
        if reader.at < text.len() {
            return Err(Fault::Form);
        }
        if term.is_truth() { Ok(Self(term)) } else { Err(Fault::Type(text.to_owned())) }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    operands: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    /// Reads an expression whose operators bind at least as tightly as `least`.
    fn expression(&mut self, least: Strength) -> Result<Term, Fault> {
        self.skip_spaces();
        let start = self.at;
        let mut left = self.operand()?;
        loop {
            let end = self.at;
            self.skip_spaces();
            let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= least)
            else {
                self.at = end;
                return Ok(left);
            };
            self.word();
            let right = self.expression(strength.tighter())?;
            let text: Box<str> = self.text[start..self.at].into();
            left = match operator {
                Operator::Join(_) if !(left.is_truth() && right.is_truth()) => {
                    return Err(Fault::Type(text.into()));
                }
                Operator::Join(join) => Term::Join(join, left.into(), right.into(), text),
                Operator::Compare(compare) if !may_compare(compare, &left, &right) => {
                    return Err(Fault::Type(text.into()));
                }
                Operator::Compare(compare) => Term::Compare(compare, left.into(), right.into(), text),
            };
        }
    }

    fn operand(&mut self) -> Result<Term, Fault> {
        self.skip_spaces();
        match self.text.as_bytes().get(self.at) {
            Some(b'(') => {
                self.at += 1;
                let inner = self.nested(Strength::Or)?;
                self.skip_spaces();
                if self.text.as_bytes().get(self.at) != Some(&b')') {
                    return Err(Fault::Form);
                }
                self.at += 1;
                Ok(inner)
            }
            Some(b'\'') => {
                self.count()?;
                self.quoted().map(|text| Term::Literal(Literal::Text(text)))
            }
            _ => match self.word() {
                "not" => {
                    self.skip_spaces();
                    let start = self.at;
                    let inner = self.nested(Strength::Equality)?;
                    let text = &self.text[start..self.at];
                    if inner.is_truth() {
                        Ok(Term::Not(inner.into(), text.into()))
                    } else {
                        Err(Fault::Type(text.to_owned()))
                    }
                }
                word => {
                    self.count()?;
                    plain(word)
                }
            },
        }
    }

    fn nested(&mut self, least: Strength) -> Result<Term, Fault> {
        if self.depth == Filter::MAX_DEPTH {
            return Err(Fault::Size);
        }
        self.depth += 1;
        let inner = self.expression(least);
        self.depth -= 1;
        inner
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.operands += 1;
        if self.operands > Filter::MAX_OPERANDS { Err(Fault::Size) } else { Ok(()) }
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    /// The operator here, which stays unread.
    fn operator(&mut self) -> Option<(Operator, Strength)> {
        let at = self.at;
        let word = self.word();
        self.at = at;
        let compare = |compare, strength| Some((Operator::Compare(compare), strength));
        match word {
            "or" => Some((Operator::Join(Join::Or), Strength::Or)),
            "and" => Some((Operator::Join(Join::And), Strength::And)),
            "eq" => compare(Compare::Eq, Strength::Equality),
            "ne" => compare(Compare::Ne, Strength::Equality),
            "gt" => compare(Compare::Gt, Strength::Order),
            "ge" => compare(Compare::Ge, Strength::Order),
            "lt" => compare(Compare::Lt, Strength::Order),
            "le" => compare(Compare::Le, Strength::Order),
            _ => None,
        }
    }

    fn word(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_@.#/+:-".contains(c));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// A text in quotes. A doubled quote within stands for a quote.
    fn quoted(&mut self) -> Result<Box<str>, Fault> {
        let mut text = String::new();
        let mut rest = &self.text[self.at + 1..];
        loop {
            let (part, after) = rest.split_once('\'').ok_or(Fault::Form)?;
            text.push_str(part);
            match after.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    rest = more;
                }
                None => {
                    self.at = self.text.len() - after.len();
                    return Ok(text.into());
                }
            }
        }
    }
}

/// A literal without quotes, or a path.
fn plain(word: &str) -> Result<Term, Fault> {
    let literal = match word {
        "null" => Literal::Null,
        "true" => Literal::Truth(true),
        "false" => Literal::Truth(false),
        "and" | "or" | "eq" | "ne" | "gt" | "ge" | "lt" | "le" => return Err(Fault::Form),
        _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') => {
            match serde_json::from_str(word.strip_prefix('+').unwrap_or(word)) {
                Ok(number) => Literal::Number(number),
                Err(_) if word.parse::<Timestamp>().is_ok() => Literal::Text(word.into()),
                Err(_) => return Err(Fault::Form),
            }
        }
        path => {
            let is_name = |name: &str| !name.is_empty() && !name.contains([':', '+']);
            return match path.split('/').all(is_name) {
                true => Ok(Term::Path(path.split('/').map(Into::into).collect())),
                false => Err(Fault::Form),
            };
        }
    };
    Ok(Term::Literal(literal))
}

impl Strength {
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Equality,
            Self::Equality => Self::Order,
            Self::Order | Self::Operand => Self::Operand,
        }
    }
}

/// Whether two terms can have values that this operator compares, as far as the filter alone tells.
fn may_compare(operator: Compare, left: &Term, right: &Term) -> bool {
    let of = |term: &Term| match term {
        Term::Path(_) => None,
        Term::Literal(Literal::Null) => Some(0),
        Term::Literal(Literal::Number(_)) => Some(1),
        Term::Literal(Literal::Text(_)) => Some(2),
        _ => Some(3),
    };
    let has_order = |kind| operator.is_equality() || matches!(kind, None | Some(1 | 2));
    match (of(left), of(right)) {
        (Some(left), Some(right)) if left != right => operator.is_equality() && (left == 0 || right == 0),
        (left, right) => has_order(left) && has_order(right),
    }
}
