//! Root device hints: an operator's description of a disk.
//!
//! Mirrors `ironic_python_agent/device_hints.py` and the operators in `specs_matcher.py` of oslo.utils.

mod error;
mod expression;

use serde_json::Value;

use super::disks::BlockDevice;
use super::python;
use error::HintError;
use expression::{Comparison, Expression, Operator};

/// The name of a hint decides how its value is read.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// In GiB, compared as numbers unless the operator is one for strings.
    Size,
    Rotational,
    Text(Attribute),
}

/// The attributes of a disk that are compared as strings unless the operator is one for numbers.
#[derive(Clone, Copy, Debug)]
enum Attribute {
    Model,
    Wwn,
    Serial,
    Vendor,
    WwnWithExtension,
    WwnVendorExtension,
    Name,
    Hctl,
    ByPath,
    Tran,
}

const NAMES: [(&str, Kind); 12] = [
    ("size", Kind::Size),
    ("model", Kind::Text(Attribute::Model)),
    ("wwn", Kind::Text(Attribute::Wwn)),
    ("serial", Kind::Text(Attribute::Serial)),
    ("vendor", Kind::Text(Attribute::Vendor)),
    ("wwn_with_extension", Kind::Text(Attribute::WwnWithExtension)),
    ("wwn_vendor_extension", Kind::Text(Attribute::WwnVendorExtension)),
    ("name", Kind::Text(Attribute::Name)),
    ("rotational", Kind::Rotational),
    ("hctl", Kind::Text(Attribute::Hctl)),
    ("by_path", Kind::Text(Attribute::ByPath)),
    ("tran", Kind::Text(Attribute::Tran)),
];

#[derive(Debug)]
enum Hint {
    Size(Expression),
    Rotational(bool),
    Text(Attribute, Expression),
}

/// A disk matches if it matches every hint.
#[derive(Debug)]
pub(super) struct Hints(Vec<Hint>);

impl Hints {
    /// Reads a JSON object of hints.
    pub(super) fn parse(hints: &Value) -> Result<Self, HintError> {
        let Value::Object(map) = hints else { return Err(HintError::NotAnObject(hints.clone())) };
        map.iter().map(|(name, value)| Hint::parse(name, value)).collect::<Result<_, _>>().map(Self)
    }

    /// # Errors
    /// If an operator for numbers meets a value or an operand that is not a number.
    pub(super) fn matches(&self, disk: &BlockDevice) -> Result<bool, HintError> {
        for hint in &self.0 {
            if !hint.matches(disk)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Hint {
    fn parse(name: &str, value: &Value) -> Result<Self, HintError> {
        let Some((_, kind)) = NAMES.iter().find(|(known, _)| *known == name) else {
            let known = NAMES.map(|(name, _)| name).join(", ");
            return Err(HintError::UnknownName { name: name.to_owned(), known });
        };
        match kind {
            Kind::Rotational => boolean(name, value).map(Self::Rotational),
            Kind::Size => size(name, value).map(Self::Size),
            Kind::Text(attribute) => match value {
                Value::String(text) => {
                    let default = Operator::Text(Comparison::Equal);
                    Ok(Self::Text(*attribute, Expression::parse(name, text, default)?))
                }
                other => Err(HintError::NotAString { name: name.to_owned(), value: python::repr(other) }),
            },
        }
    }

    fn matches(&self, disk: &BlockDevice) -> Result<bool, HintError> {
        match self {
            Self::Rotational(rotational) => Ok(disk.rotational == *rotational),
            Self::Size(expression) => {
                // In GiB and not rounded, as in IPA. A size without an operator hardly ever equals it.
                #[expect(clippy::cast_precision_loss, reason = "Python divides as floats too")]
                let gib = disk.size as f64 / f64::from(1 << 30);
                expression.matches(&gib.to_string())
            }
            Self::Text(attribute, expression) => {
                let mut any = false;
                for value in attribute.values(disk) {
                    any |= expression.matches(&value.trim().to_lowercase())?;
                }
                Ok(any)
            }
        }
    }
}

fn boolean(name: &str, value: &Value) -> Result<bool, HintError> {
    let word = python::str(value).to_lowercase();
    match word.trim() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(false),
        _ => Err(HintError::NotABoolean { name: name.to_owned(), value: word }),
    }
}

fn size(name: &str, value: &Value) -> Result<Expression, HintError> {
    let expression = Expression::parse(name, &python::str(value), Operator::Number(Comparison::Equal))?;
    let positive = |number: &&String| number.parse::<i64>().is_ok_and(|n| n > 0);
    match expression.operands.iter().find(|number| !positive(number)) {
        Some(wrong) => Err(HintError::NotPositive { name: name.to_owned(), value: wrong.clone() }),
        None => Ok(expression),
    }
}

impl Attribute {
    /// The values of this attribute; the disk matches if one of them does. A disk has two serial numbers: the short
    /// one, and udev's long one, which begins with the model.
    fn values(self, disk: &BlockDevice) -> Vec<String> {
        // Python's str() of a missing value is "None".
        let or_none = |value: &Option<String>| vec![value.clone().unwrap_or_else(|| "none".to_owned())];
        match self {
            Self::Model => vec![disk.model.clone()],
            Self::Wwn => or_none(&disk.wwn),
            Self::Serial => {
                let long = |short: &String| format!("{}_{short}", disk.model.replace(' ', "_"));
                disk.serial.iter().flat_map(|short| [short.clone(), long(short)]).collect()
            }
            Self::Vendor => or_none(&disk.vendor),
            Self::WwnWithExtension => or_none(&disk.wwn_with_extension),
            Self::WwnVendorExtension => or_none(&disk.wwn_vendor_extension),
            Self::Name => vec![disk.name.clone()],
            Self::Hctl => or_none(&disk.hctl),
            Self::ByPath => or_none(&disk.by_path),
            Self::Tran => or_none(&disk.tran),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ipa::disks;
    use crate::node::Node;
    use crate::node::NodeId;
    use crate::profile::built_in;
    use crate::seed::Seed;

    /// Names of the generic profile's disks that match.
    fn matching(hints: &Value) -> Result<Vec<String>, HintError> {
        let profile = built_in("generic").unwrap();
        let disks = disks::list(&Node::new(NodeId(0), Seed(1), profile));
        let hints = Hints::parse(hints)?;
        let mut names = Vec::new();
        for disk in disks {
            if hints.matches(&disk)? {
                names.push(disk.name.trim_start_matches("/dev/").to_owned());
            }
        }
        Ok(names)
    }

    #[test]
    fn every_operator_works_as_in_oslo() {
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
            assert_eq!(matching(&hints).unwrap(), expected, "{hints}");
        }
    }

    #[test]
    fn a_serial_number_matches_in_its_short_and_its_long_form() {
        let profile = built_in("generic").unwrap();
        let disk = disks::list(&Node::new(NodeId(0), Seed(1), profile)).remove(1);
        let serial = disk.serial.unwrap();
        assert_eq!(matching(&json!({"serial": serial})).unwrap(), ["sdb"]);
        assert_eq!(matching(&json!({"serial": format!("{}_{serial}", disk.model)})).unwrap(), ["sdb"]);
        assert_eq!(matching(&json!({"wwn": disk.wwn.unwrap()})).unwrap(), ["sdb"]);
    }

    #[test]
    fn wrong_hints_are_errors_that_name_them() {
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
            let error = matching(&hints).unwrap_err().to_string();
            assert!(error.contains(part), "{hints}: {error}");
        }
    }
}
