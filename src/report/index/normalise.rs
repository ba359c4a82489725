//! The values of a document as hosted-wrapper writes them, so that both can share an index.

use serde_json::{Map, Number, Value};

/// How documents are changed before they are sent.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Names of fields that are left out, at any depth, as they are before the change.
    pub ignore: Vec<String>,
    /// Numbers, texts and lists stay as they are; only names are changed. Otherwise durations lose their fractions.
    pub exact: bool,
}

impl Rules {
    /// The document with names in lower case, with `_` for `-` and spaces. Unless the rules are exact, what Python's `int()` takes
    /// becomes a whole number, fractions are cut off, and lists become null.
    pub fn apply(&self, document: Map<String, Value>) -> Map<String, Value> {
        let kept = document.into_iter().filter(|(name, _)| !self.ignore.contains(name));
        kept.map(|(name, value)| (name.replace(['-', ' '], "_").to_lowercase(), self.value(value))).collect()
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => Value::Object(self.apply(fields)),
            Value::Array(values) if self.exact => {
                Value::Array(values.into_iter().map(|value| self.value(value)).collect())
            }
            Value::Array(_) | Value::Null => Value::Null,
            Value::Number(number) if !self.exact => Value::Number(whole(&number)),
            Value::String(text) if !self.exact => number(&text).map_or(Value::String(text), Value::from),
            value => value,
        }
    }
}

/// A number without its fraction. One beyond 64 bits stays as it is, because an index cannot hold it as a whole number.
fn whole(number: &Number) -> Number {
    match number.as_f64() {
        Some(value) if number.is_f64() => truncated(value).map_or_else(|| number.clone(), Number::from),
        _ => number.clone(),
    }
}

fn truncated(value: f64) -> Option<i64> {
    (value.abs() < 9.2e18).then_some(value as i64)
}

/// The whole number that Python reads from a text: spaces around it, and an underscore between two digits, are allowed.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let mut underscores = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_').map(|(at, _)| at);
    if !underscores.all(|at| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1))) {
        return None;
    }
    let text = text.replace('_', "");
    let float = || text.parse::<f64>().ok().filter(|value| value.is_finite()).and_then(truncated);
    text.parse().ok().or_else(float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(rules: &Rules, document: Value) -> Value {
        let Value::Object(fields) = document else { panic!("no object") };
        Value::Object(rules.apply(fields))
    }

    /// The cases of hosted-wrapper's `test_es_metadata.py`, with values of our own.
    #[test]
    fn values_are_those_of_hosted_wrapper() {
        for (value, expected) in [
            (json!(true), json!(true)),
            (json!(false), json!(false)),
            (json!(0), json!(0)),
            (json!(1), json!(1)),
            (json!("1"), json!(1)),
            (json!("-1"), json!(-1)),
            (json!("0007"), json!(7)),
            (json!("asdf"), json!("asdf")),
            (json!(12.987), json!(12)),
            (json!(-12.987), json!(-12)),
            (json!("12.987"), json!(12)),
            (json!("1e3"), json!(1000)),
            (json!(" 12 "), json!(12)),
            (json!("1_000"), json!(1000)),
            (json!("1__0"), json!("1__0")),
            (json!("_1"), json!("_1")),
            (json!("nan"), json!("nan")),
            (json!("inf"), json!("inf")),
            (json!(""), json!("")),
            (json!("2026-01-31T12:00:00Z"), json!("2026-01-31T12:00:00Z")),
            (json!([1, 2]), json!(null)),
            (json!([]), json!(null)),
            (json!(null), json!(null)),
            (json!({}), json!({})),
            (json!({"A-b C": {"D": "6.5"}}), json!({"a_b_c": {"d": 6}})),
            (json!(1e300), json!(1e300)),
        ] {
            let found = applied(&Rules::default(), json!({ "v": value }));
            assert_eq!(found, json!({ "v": expected }), "{value}");
        }
    }

    #[test]
    fn ignored_fields_are_left_out_at_any_depth_by_their_name_before_the_change() {
        let rules = Rules { ignore: vec!["before-suite".into(), "eof".into()], exact: false };
        let document =
            json!({"before-suite": {"x": 1}, "before_suite": 2, "log": {"eof": 0, "host-dns": 0}, "eo": 1});
        assert_eq!(applied(&rules, document), json!({"before_suite": 2, "log": {"host_dns": 0}, "eo": 1}));
    }

    #[test]
    fn exact_rules_keep_values() {
        let rules = Rules { exact: true, ..Rules::default() };
        let document = json!({"Duration": 12.987, "name": "0007", "states": [["enroll", 0.25], {"A B": 1.5}], "x": null});
        let expected = json!({"duration": 12.987, "name": "0007", "states": [["enroll", 0.25], {"a_b": 1.5}], "x": null});
        assert_eq!(applied(&rules, document), expected);
    }
}
