//! Root device hints: which disk an operator means.
//!
//! Mirrors `ironic_python_agent/device_hints.py` on top of the operators of oslo.utils' `specs_matcher.py`.

use serde_json::Value;

use super::disks::BlockDevice;
use super::python;

/// The names of hints, with their types.
const NAMES: [(&str, Kind); 12] = [
    ("size", Kind::Number),
    ("model", Kind::Text),
    ("wwn", Kind::Text),
    ("serial", Kind::Text),
    ("vendor", Kind::Text),
    ("wwn_with_extension", Kind::Text),
    ("wwn_vendor_extension", Kind::Text),
    ("name", Kind::Text),
    ("rotational", Kind::Flag),
    ("hctl", Kind::Text),
    ("by_path", Kind::Text),
    ("tran", Kind::Text),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Flag,
}

/// Operators, the longer before those that they begin with.
const OPERATORS: [&str; 14] =
    ["<in>", "<or>", "s==", "s!=", "s<=", "s>=", "s<", "s>", "==", "!=", "<=", ">=", "<", ">"];

/// Hints that have been understood.
#[derive(Debug)]
pub(super) struct Hints(Vec<(String, Wanted)>);

#[derive(Debug)]
enum Wanted {
    /// An operator and what it compares with, in lower case.
    Compare(&'static str, Vec<String>),
    Flag(bool),
}

/// Whether hints are given at all; Python takes empty ones for none.
pub(super) fn is_given(hints: &Value) -> bool {
    python::truthy(hints)
}

impl Hints {
    /// Reads a JSON object of hints.
    ///
    /// # Errors
    /// Says which hint is wrong.
    pub(super) fn parse(hints: &Value) -> Result<Self, String> {
        let Value::Object(map) = hints else { return Err(format!("hints must be an object, not {hints}")) };
        let mut wanted = Vec::with_capacity(map.len());
        for (name, expression) in map {
            let Some((_, kind)) = NAMES.iter().find(|(known, _)| known == name) else {
                let known: Vec<_> = NAMES.iter().map(|(n, _)| *n).collect();
                return Err(format!("the hint \"{name}\" is invalid; valid hints are {}", known.join(", ")));
            };
            wanted.push((name.clone(), read(name, *kind, expression)?));
        }
        Ok(Self(wanted))
    }

    /// Whether a disk has all that is wanted.
    ///
    /// # Errors
    /// When a value cannot be compared in that way.
    pub(super) fn fit(&self, disk: &BlockDevice) -> Result<bool, String> {
        for (name, wanted) in &self.0 {
            let fits = match wanted {
                Wanted::Flag(flag) => disk.rotational == *flag,
                Wanted::Compare(op, with) if name == "size" => {
                    // A float of GiB, and not rounded: a bare number hardly ever equals it.
                    #[expect(clippy::cast_precision_loss, reason = "Python divides as floats too")]
                    let gib = disk.size as f64 / f64::from(1 << 30);
                    compare_numbers(op, gib, with)?
                }
                Wanted::Compare(op, with) => {
                    let mut any = false;
                    for value in values(disk, name) {
                        any |= compare(op, &value.trim().to_lowercase(), with)?;
                    }
                    any
                }
            };
            if !fits {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn read(name: &str, kind: Kind, expression: &Value) -> Result<Wanted, String> {
    match (kind, expression) {
        (Kind::Flag, value) => {
            let word = python::str(value).to_lowercase();
            match word.trim() {
                "1" | "t" | "true" | "on" | "y" | "yes" => Ok(Wanted::Flag(true)),
                "0" | "f" | "false" | "off" | "n" | "no" => Ok(Wanted::Flag(false)),
                _ => Err(format!("root device hint \"{name}\" is not a Boolean value: {word}")),
            }
        }
        (Kind::Text, Value::String(text)) => {
            let (op, values) = split(name, text)?;
            Ok(Wanted::Compare(if op.is_empty() { "s==" } else { op }, values))
        }
        (Kind::Text, other) => {
            Err(format!("root device hint \"{name}\" is not a string value: {}", python::repr(other)))
        }
        (Kind::Number, value) => {
            let (op, values) = split(name, &python::str(value))?;
            for number in &values {
                let fits = number.parse::<i64>().is_ok_and(|n| n > 0);
                if !fits {
                    return Err(format!(
                        "root device hint \"{name}\" should be a positive integer, not {number}"
                    ));
                }
            }
            Ok(Wanted::Compare(if op.is_empty() { "==" } else { op }, values))
        }
    }
}

/// The operator (empty for none) and its values, in lower case.
fn split<'a>(name: &str, expression: &str) -> Result<(&'a str, Vec<String>), String> {
    let text = expression.trim().to_lowercase();
    if text.is_empty() {
        return Err(format!("root device hint {name} expression is empty"));
    }
    let Some(op) = OPERATORS.into_iter().find(|op| text.starts_with(op)) else {
        // A single `=` is the legacy spelling of "at least".
        return Ok(match text.strip_prefix('=') {
            Some(rest) => (">=", vec![rest.trim().to_owned()]),
            None => ("", vec![text]),
        });
    };
    Ok((op, text.split(op).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()))
}

/// What a disk has by that name. IPA knows a serial number in short, and in udev's long form with the model before it.
fn values(disk: &BlockDevice, name: &str) -> Vec<String> {
    // Python turns a value that is missing into the word None.
    let or_none = |value: &Option<String>| vec![value.clone().unwrap_or_else(|| "none".to_owned())];
    match name {
        "model" => vec![disk.model.clone()],
        "wwn" => or_none(&disk.wwn),
        "serial" => {
            let long = |short: &String| format!("{}_{short}", disk.model.replace(' ', "_"));
            disk.serial.iter().flat_map(|short| [short.clone(), long(short)]).collect()
        }
        "vendor" => or_none(&disk.vendor),
        "wwn_with_extension" => or_none(&disk.wwn_with_extension),
        "wwn_vendor_extension" => or_none(&disk.wwn_vendor_extension),
        "name" => vec![disk.name.clone()],
        "hctl" => or_none(&disk.hctl),
        "by_path" => or_none(&disk.by_path),
        "tran" => or_none(&disk.tran),
        _ => Vec::new(),
    }
}

fn compare(op: &str, value: &str, with: &[String]) -> Result<bool, String> {
    let first = with.first().map_or("", String::as_str);
    Ok(match op {
        "<or>" => with.iter().any(|w| w == value),
        "<in>" => value.contains(first),
        "s==" => value == first,
        "s!=" => value != first,
        "s<" => value < first,
        "s<=" => value <= first,
        "s>" => value > first,
        "s>=" => value >= first,
        _ => return compare_numbers(op, number(value)?, with),
    })
}

#[expect(clippy::float_cmp, reason = "the operators that IPA knows compare floats exactly")]
fn compare_numbers(op: &str, value: f64, with: &[String]) -> Result<bool, String> {
    if matches!(op, "<or>" | "<in>") || op.starts_with('s') {
        return compare(op, &value.to_string(), with);
    }
    let first = number(with.first().map_or("", String::as_str))?;
    Ok(match op {
        "==" => value == first,
        "!=" => value != first,
        "<" => value < first,
        "<=" => value <= first,
        ">" => value > first,
        _ => value >= first,
    })
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("could not convert string to float: '{text}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ipa::disks;
    use crate::node::NodeId;
    use crate::node::spec::Spec;
    use crate::profile::built_in;
    use crate::seed::Seed;

    /// Names of the generic profile's disks that fit.
    fn fit(hints: &Value) -> Result<Vec<String>, String> {
        let profile = built_in("generic").unwrap();
        let disks = disks::list(Spec { seed: Seed(1), id: NodeId(0), profile: &profile });
        let hints = Hints::parse(hints)?;
        let mut names = Vec::new();
        for disk in disks {
            if hints.fit(&disk)? {
                names.push(disk.name.trim_start_matches("/dev/").to_owned());
            }
        }
        Ok(names)
    }

    #[test]
    fn every_operator_means_what_oslo_says() {
        for (hints, expected) in [
            (json!({"name": "/dev/sda"}), vec!["sda"]),
            (json!({"name": "s== /dev/SDB"}), vec!["sdb"]),
            (json!({"name": "s!= /dev/sda"}), vec!["sdb", "nvme0n1"]),
            (json!({"model": "<in> samsung"}), vec!["nvme0n1"]),
            (json!({"hctl": "<or> 0:0:0:0 <or> 1:0:0:0"}), vec!["sda", "sdb"]),
            (json!({"size": ">= 400"}), vec!["sda", "sdb", "nvme0n1"]),
            (json!({"size": "> 500"}), vec!["nvme0n1"]),
            (json!({"size": "< 500", "name": "s> /dev/sda"}), vec!["sdb"]),
            // 480 GB are 447.13 GiB.
            (json!({"size": 447}), vec![]),
            (json!({"rotational": false}), vec!["sda", "sdb", "nvme0n1"]),
            (json!({"rotational": "yes"}), vec![]),
            (json!({"vendor": "ata"}), vec!["sda", "sdb"]),
            (json!({"tran": "nvme"}), vec!["nvme0n1"]),
            (json!({"by_path": "<in> nvme-1"}), vec!["nvme0n1"]),
        ] {
            assert_eq!(fit(&hints).unwrap(), expected, "{hints}");
        }
    }

    #[test]
    fn a_serial_number_is_known_in_both_forms() {
        let profile = built_in("generic").unwrap();
        let disk = disks::list(Spec { seed: Seed(1), id: NodeId(0), profile: &profile }).remove(1);
        let serial = disk.serial.unwrap();
        assert_eq!(fit(&json!({"serial": serial})).unwrap(), ["sdb"]);
        assert_eq!(fit(&json!({"serial": format!("{}_{serial}", disk.model)})).unwrap(), ["sdb"]);
        assert_eq!(fit(&json!({"wwn": disk.wwn.unwrap()})).unwrap(), ["sdb"]);
    }

    #[test]
    fn wrong_hints_are_named() {
        for (hints, part) in [
            (json!({"size": "big"}), "positive integer, not big"),
            (json!({"size": 0}), "positive integer, not 0"),
            (json!({"name": 7}), "not a string value: 7"),
            (json!({"name": " "}), "is empty"),
            (json!({"rotational": "perhaps"}), "not a Boolean"),
            (json!({"wheel": "x"}), "\"wheel\" is invalid"),
            (json!("sda"), "must be an object"),
            (json!({"model": ">= 7"}), "could not convert string to float"),
        ] {
            let error = fit(&hints).unwrap_err();
            assert!(error.contains(part), "{hints}: {error}");
        }
    }
}
