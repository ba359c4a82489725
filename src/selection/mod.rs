//! Selections of nodes: the label selectors of Kubernetes, over built-in fields and labels.
//!
//! `docs/selections.md` explains the grammar. A selection is a list of requirements, and a node matches if it meets all of
//! them. As in Kubernetes (`k8s.io/apimachinery/pkg/labels`), `!=` and `notin` are also met by a node without the label.

pub mod label;
mod parse;
#[cfg(test)]
mod tests;
pub mod words;

use std::fmt;
use std::str::FromStr;

use wildmatch::WildMatch;

pub use parse::SelectionError;

/// A built-in field of every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The number of the node in its fleet, from 0.
    Index,
    /// The name that Ironic logs.
    Name,
    /// The UUID of the machine.
    Uuid,
    /// The MAC address of any interface with a cable.
    Mac,
    /// The name of the model.
    Profile,
    /// The power of the machine, one of [`words::POWER`].
    Power,
    /// What the machine does, one of [`words::STATE`].
    State,
    /// The phase of the agent, one of [`words::AGENT`].
    Agent,
}

impl Field {
    /// All fields, in the order in which errors name them.
    pub const ALL: [Self; 8] = [
        Self::Index,
        Self::Name,
        Self::Uuid,
        Self::Mac,
        Self::Profile,
        Self::Power,
        Self::State,
        Self::Agent,
    ];

    /// The values of a field that has no others, and only in a running fleet.
    pub const fn words(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Index | Self::Name | Self::Uuid | Self::Mac | Self::Profile => None,
            Self::Power => Some(words::POWER),
            Self::State => Some(words::STATE),
            Self::Agent => Some(words::AGENT),
        }
    }

    /// The name in a selection.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Name => "name",
            Self::Uuid => "uuid",
            Self::Mac => "mac",
            Self::Profile => "profile",
            Self::Power => "power",
            Self::State => "state",
            Self::Agent => "agent",
        }
    }
}

/// A node that a selection is compared with.
pub trait Subject {
    /// Whether a value of the field passes `test`. Only `mac` has several values.
    fn any(&self, field: Field, test: &mut dyn FnMut(&str) -> bool) -> bool;
    /// The value of a label.
    fn label(&self, key: &str) -> Option<&str>;
    /// A number that depends on the seed of the fleet, the node and the salt alone, uniform over all numbers.
    fn dice(&self, salt: &str) -> u64;
}

/// A list of requirements, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection(Box<[Requirement]>);

#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    Of(Key, Test),
    /// `sample=5%:SALT`: as many nodes in a million, and the salt.
    Sample(u32, Box<str>),
}

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Field(Field),
    Label(Box<str>),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Missing,
    /// A value is in the list: `=`, `==` and `in`.
    In(Box<[Matcher]>),
    /// No value is in the list: `!=` and `notin`.
    NotIn(Box<[Matcher]>),
    Above(u64),
    Below(u64),
}

/// A value of a requirement.
#[derive(Clone, Debug, PartialEq)]
enum Matcher {
    /// The value of a label.
    Word(Box<str>),
    /// The value of a field, with `*` and `?`.
    Pattern(WildMatch),
    /// A range of numbers, both ends included.
    Range(u64, u64),
}

impl Selection {
    /// Whether a node meets all requirements.
    pub fn matches(&self, node: &impl Subject) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Of(key, test) => test.is_met(key, node),
            Requirement::Sample(parts, salt) => {
                u128::from(node.dice(salt)) * 1_000_000 < (u128::from(*parts) << 64)
            }
        })
    }

    /// The first label that the selection asks for, if it asks for one.
    pub fn label(&self) -> Option<&str> {
        self.0.iter().find_map(|requirement| match requirement {
            Requirement::Of(Key::Label(key), _) => Some(&**key),
            Requirement::Of(Key::Field(_), _) | Requirement::Sample(..) => None,
        })
    }
}

impl Selection {
    /// The first field that only nodes of a running fleet have, if the selection asks for one.
    pub fn live_field(&self) -> Option<Field> {
        self.0.iter().find_map(|requirement| match requirement {
            Requirement::Of(Key::Field(field), _) => field.words().map(|_| *field),
            Requirement::Of(Key::Label(_), _) | Requirement::Sample(..) => None,
        })
    }

    /// The lowest and the highest index that a matching node can have, so that a search need not look at all nodes.
    pub fn indexes(&self) -> (u64, u64) {
        let (mut first, mut last) = (0, u64::MAX);
        for requirement in &self.0 {
            let Requirement::Of(Key::Field(Field::Index), test) = requirement else { continue };
            match test {
                Test::In(values) => {
                    let range = |matcher: &Matcher| match matcher {
                        Matcher::Range(first, last) => (*first, *last),
                        Matcher::Word(_) | Matcher::Pattern(_) => (0, u64::MAX),
                    };
                    first = first.max(values.iter().map(|value| range(value).0).min().unwrap_or(0));
                    last = last.min(values.iter().map(|value| range(value).1).max().unwrap_or(u64::MAX));
                }
                Test::Above(least) => first = first.max(least.saturating_add(1)),
                Test::Below(most) => last = last.min(most.saturating_sub(1)),
                Test::Exists | Test::Missing | Test::NotIn(_) => {}
            }
        }
        (first, last)
    }
}

impl Test {
    fn is_met(&self, key: &Key, node: &impl Subject) -> bool {
        let any = |test: &mut dyn FnMut(&str) -> bool| match key {
            Key::Field(field) => node.any(*field, test),
            Key::Label(key) => node.label(key).is_some_and(test),
        };
        let number = |value: &str| value.parse::<u64>().ok();
        match self {
            Self::Exists => any(&mut |_| true),
            Self::Missing => !any(&mut |_| true),
            Self::In(values) => any(&mut |value| values.iter().any(|one| one.has(value))),
            Self::NotIn(values) => !any(&mut |value| values.iter().any(|one| one.has(value))),
            Self::Above(least) => any(&mut |value| number(value).is_some_and(|n| n > *least)),
            Self::Below(most) => any(&mut |value| number(value).is_some_and(|n| n < *most)),
        }
    }
}

impl Matcher {
    fn has(&self, value: &str) -> bool {
        match self {
            Self::Word(word) => **word == *value,
            Self::Pattern(pattern) => pattern.matches(value),
            Self::Range(first, last) => {
                value.parse().is_ok_and(|number: u64| (*first..=*last).contains(&number))
            }
        }
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        parse::selection(text)
    }
}

/// The selection in its shortest form.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, requirement) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            match requirement {
                Requirement::Sample(parts, salt) => {
                    write!(f, "sample={}%", f64::from(*parts) / 10_000.0)?;
                    if !salt.is_empty() {
                        write!(f, ":{salt}")?;
                    }
                }
                Requirement::Of(key, test) => show(f, key, test)?,
            }
        }
        Ok(())
    }
}

fn show(f: &mut fmt::Formatter<'_>, key: &Key, test: &Test) -> fmt::Result {
    let list = |f: &mut fmt::Formatter<'_>, one: &str, many: &str, values: &[Matcher]| match values {
        [value] => write!(f, "{key}{one}{value}"),
        _ => {
            let values: Vec<_> = values.iter().map(Matcher::to_string).collect();
            write!(f, "{key} {many} ({})", values.join(","))
        }
    };
    match test {
        Test::Exists => write!(f, "{key}"),
        Test::Missing => write!(f, "!{key}"),
        Test::In(values) => list(f, "=", "in", values),
        Test::NotIn(values) => list(f, "!=", "notin", values),
        Test::Above(least) => write!(f, "{key}>{least}"),
        Test::Below(most) => write!(f, "{key}<{most}"),
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => f.write_str(field.as_str()),
            Self::Label(key) => write!(f, "{}{key}", if parse::is_built_in(key) { parse::LABEL } else { "" }),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::Range(first, last) if first == last => write!(f, "{first}"),
            Self::Range(first, last) => write!(f, "{first}..{last}"),
        }
    }
}
