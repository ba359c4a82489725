//! Assertions: `failed == 0`, `p99(inspect) <= 120s`, `rate(deploy) >= 2/min`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::operation::Operation;

/// The figures of a run that assertions are about.
pub trait Figures {
    /// The value of a function in its base unit: items, items a minute, seconds or bytes. `None` if there is nothing to compute
    /// it from, such as a percentile without an item.
    fn value(&self, function: &Function) -> Option<f64>;
}

/// The left side of an assertion.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// Items that have reached their state; with an operation, its successful ends.
    Count(Option<Operation>),
    /// Items that have failed; with an operation, its failures.
    Failed(Option<Operation>),
    /// Successful ends of an operation a minute, from the first start to the last end.
    Rate(Operation),
    /// A percentile of the durations of an operation, in seconds. The number is in tenths of a percent: 999 is p99.9.
    Percentile(u16, Operation),
    /// The longest duration of an operation, in seconds.
    Max(Operation),
    /// CPU seconds of a watched process.
    Cpu(String),
    /// The largest resident memory of a watched process, in bytes.
    Rss(String),
}

/// An assertion of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    pub function: Function,
    pub comparison: Comparison,
    /// The right side in the base unit of the function.
    pub bound: f64,
    text: String,
}

/// How the two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    /// The signs, the longer ones first.
    const ALL: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// The kind of number that a function returns.
enum Unit {
    Items,
    PerMinute,
    Seconds,
    Bytes,
}

impl Unit {
    /// The value of a text in the base unit.
    fn parse(&self, text: &str) -> Option<f64> {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let factor = match (self, unit.trim()) {
            (Self::Items, "") | (Self::PerMinute, "/min") | (Self::Seconds, "s") | (Self::Bytes, "B") => 1.0,
            (Self::PerMinute, "/s") => 60.0,
            (Self::PerMinute, "/h") => 1.0 / 60.0,
            (Self::Seconds, "ms") => 1e-3,
            (Self::Seconds, "m") => 60.0,
            (Self::Seconds, "h") => 3600.0,
            (Self::Bytes, "KiB") => 1024.0,
            (Self::Bytes, "MiB") => 1024.0 * 1024.0,
            (Self::Bytes, "GiB") => 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        };
        Some(number * factor)
    }

    const fn allowed(&self) -> &'static str {
        match self {
            Self::Items => "a number of items, such as 0",
            Self::PerMinute => "a rate, such as 2/min, 0.5/s or 120/h",
            Self::Seconds => "a duration, such as 120s, 500ms or 2m",
            Self::Bytes => "a number of bytes, such as 200MiB",
        }
    }
}

impl Function {
    /// The forms of all functions, for messages.
    pub const FORMS: &'static str = "count, count(OPERATION), failed, failed(OPERATION), rate(OPERATION), p50(OPERATION) to p99.9(OPERATION), max(OPERATION), cpu(NAME), rss(NAME)";

    fn unit(&self) -> Unit {
        match self {
            Self::Count(_) | Self::Failed(_) => Unit::Items,
            Self::Rate(_) => Unit::PerMinute,
            Self::Percentile(..) | Self::Max(_) | Self::Cpu(_) => Unit::Seconds,
            Self::Rss(_) => Unit::Bytes,
        }
    }

    /// The operation that the function is about.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Self::Count(of) | Self::Failed(of) => *of,
            Self::Rate(of) | Self::Percentile(_, of) | Self::Max(of) => Some(*of),
            Self::Cpu(_) | Self::Rss(_) => None,
        }
    }

    /// The watched process that the function is about.
    pub fn process(&self) -> Option<&str> {
        match self {
            Self::Cpu(name) | Self::Rss(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the value can only grow while a run goes on, so that a bound above, once crossed, stays crossed.
    fn only_grows(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Failed(_) | Self::Max(_) | Self::Cpu(_) | Self::Rss(_))
    }

    /// A value of the function as text with its unit.
    pub fn shown(&self, value: f64) -> String {
        match self.unit() {
            Unit::Items => format!("{value}"),
            Unit::PerMinute => format!("{value:.2}/min"),
            Unit::Seconds => format!("{value:.3}s"),
            Unit::Bytes => format!("{:.1}MiB", value / (1024.0 * 1024.0)),
        }
    }
}

impl FromStr for Function {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("'{text}' is no function; allowed are {}", Self::FORMS);
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').ok_or_else(unknown)?.trim())),
            None => (text, None),
        };
        let operation = |argument: Option<&str>| {
            let argument =
                argument.ok_or_else(|| format!("'{text}' names no operation; write {name}(OPERATION)"))?;
            Operation::named(argument).ok_or_else(|| {
                let all: Vec<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
                format!("'{argument}' is no operation; allowed are {}", all.join(", "))
            })
        };
        let process = |argument: Option<&str>| match argument {
            Some(argument) if !argument.is_empty() => Ok(argument.to_owned()),
            _ => Err(format!(
                "'{text}' names no process; write {name}(NAME) with a name of 'watch.pids', or fauxmetal"
            )),
        };
        match name {
            "count" => Ok(Self::Count(argument.map(|of| operation(Some(of))).transpose()?)),
            "failed" => Ok(Self::Failed(argument.map(|of| operation(Some(of))).transpose()?)),
            "rate" => Ok(Self::Rate(operation(argument)?)),
            "max" => Ok(Self::Max(operation(argument)?)),
            "cpu" => Ok(Self::Cpu(process(argument)?)),
            "rss" => Ok(Self::Rss(process(argument)?)),
            _ => {
                let tenths = name.strip_prefix('p').and_then(tenths).ok_or_else(unknown)?;
                Ok(Self::Percentile(tenths, operation(argument)?))
            }
        }
    }
}

/// A percentile of at most one decimal place, from 50 to 99.9, in tenths.
fn tenths(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let valid = whole.len() == 2 && tenth.len() == 1 && digits(whole) && digits(tenth);
    let tenths = whole.parse::<u16>().ok()? * 10 + tenth.parse::<u16>().ok()?;
    (valid && tenths >= 500).then_some(tenths)
}

impl Assertion {
    /// Whether the assertion holds, and the value of its function. An assertion without a value does not hold.
    pub fn judge(&self, figures: &impl Figures) -> (bool, Option<f64>) {
        let value = figures.value(&self.function);
        (value.is_some_and(|value| self.comparison.holds(value, self.bound)), value)
    }

    /// Whether the assertion cannot hold any more, whatever the rest of the run brings.
    pub fn is_lost(&self, figures: &impl Figures) -> bool {
        let Some(value) = figures.value(&self.function) else { return false };
        self.function.only_grows()
            && match self.comparison {
                Comparison::Equal | Comparison::AtMost => value > self.bound,
                Comparison::Less => value >= self.bound,
                Comparison::NotEqual | Comparison::Greater | Comparison::AtLeast => false,
            }
    }
}

impl FromStr for Assertion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Comparison::ALL.iter().find_map(|(sign, comparison)| {
            text.split_once(sign).map(|(left, right)| (left.trim(), *comparison, right.trim()))
        });
        let (left, comparison, right) = found.ok_or_else(|| {
            format!("'{text}' compares nothing; write FUNCTION, one of == != <= >= < >, and a value, such as p99(inspect) <= 120s")
        })?;
        let function: Function = left.parse()?;
        let unit = function.unit();
        let bound = unit
            .parse(right)
            .ok_or_else(|| format!("'{right}' cannot be compared with '{left}'; write {}", unit.allowed()))?;
        Ok(Self { function, comparison, bound, text: text.trim().to_owned() })
    }
}

impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Assertion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Assertion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Table(HashMap<&'static str, f64>);

    impl Figures for Table {
        fn value(&self, function: &Function) -> Option<f64> {
            let (_, value) =
                self.0.iter().find(|(text, _)| text.parse::<Function>().as_ref() == Ok(function))?;
            Some(*value)
        }
    }

    #[test]
    fn an_assertion_compares_in_the_unit_of_its_function() {
        let figures = Table(HashMap::from([
            ("failed", 0.0),
            ("p99(inspect)", 119.9),
            ("p99.9(inspect)", 121.0),
            ("rate(deploy)", 2.0),
            ("cpu(ironic)", 400.0),
            ("rss(fauxmetal)", 10.0 * 1024.0 * 1024.0),
        ]));
        let holds = |text: &str| text.parse::<Assertion>().unwrap().judge(&figures).0;
        for text in [
            "failed == 0",
            "p99(inspect) <= 120s",
            "p99(inspect)<2m",
            "p99.9(inspect) > 120000ms",
            "rate(deploy) >= 2/min",
            "rate(deploy) >= 120/h",
            "rate(deploy) < 1/s",
            "cpu(ironic) <= 400s",
            "rss(fauxmetal) <= 10MiB",
            "failed != 1",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "failed > 0",
            "p99(inspect) <= 119s",
            "rate(deploy) > 2/min",
            "max(deploy) <= 1h",
            "max(deploy) > 0s",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn a_bound_above_that_is_crossed_is_lost() {
        let figures = Table(HashMap::from([("failed", 2.0), ("p99(inspect)", 500.0), ("rate(deploy)", 0.0)]));
        let lost = |text: &str| text.parse::<Assertion>().unwrap().is_lost(&figures);
        assert!(lost("failed == 0") && lost("failed < 2") && lost("failed <= 1"));
        assert!(!lost("failed <= 2") && !lost("failed >= 3") && !lost("failed != 2"));
        assert!(!lost("p99(inspect) <= 1s"), "later items can be faster");
        assert!(!lost("rate(deploy) >= 1/min") && !lost("max(deploy) <= 1s"));
    }

    #[test]
    fn a_wrong_assertion_says_what_is_allowed() {
        let errors: Vec<_> = [
            "failed",
            "failures == 0",
            "p99(lunch) <= 1s",
            "p99 <= 1s",
            "p40(inspect) <= 1s",
            "p99.99(inspect) <= 1s",
            "p99(inspect) <= 120",
            "failed == 0s",
            "rate(deploy) >= 2",
            "cpu() <= 1s",
            "rss(ironic) <= 1MB",
            "p99(inspect <= 1s",
        ]
        .iter()
        .map(|text| text.parse::<Assertion>().unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
