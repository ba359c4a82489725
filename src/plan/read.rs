//! Reads a plan: a YAML file, and values that replace its own.

use serde_json::Value;

use super::document::Plan;
use super::tree::Tree;
use crate::note::nearest;

/// Why a text is no plan: the place, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct PlanError {
    /// File and line, or the path of a value.
    pub place: String,
    pub problem: String,
}

/// The most values that replace others.
const MAX_SETS: usize = 1000;
/// The most names in a path.
const MAX_DEPTH: usize = 16;

/// Reads a plan. `file` is the name in messages, and each of `sets` is a path and a value, such as `pacing.maxInFlight` and `40`.
///
/// # Errors
/// The line of the file, or the path of the value, and what is wrong with it.
pub fn read(text: &str, file: &str, sets: &[(String, Value)]) -> Result<Plan, PlanError> {
    let tree: Tree = yaml(text).map_err(|error| PlanError {
        place: format!("{file}:{}", error.location().map_or(1, |location| location.line())),
        problem: without_place(&error.without_snippet().to_string()).to_owned(),
    })?;
    let mut value = tree.value();
    if value.is_null() {
        let problem = "the file is empty; `fauxmetal plan example` prints a plan".to_owned();
        return Err(PlanError { place: file.to_owned(), problem });
    }
    if sets.len() > MAX_SETS {
        let problem = format!("{} values are replaced; at most {MAX_SETS} are allowed", sets.len());
        return Err(PlanError { place: file.to_owned(), problem });
    }
    for (path, new) in sets {
        set(&mut value, path, new.clone()).map_err(|problem| PlanError { place: path.clone(), problem })?;
    }
    let plan: Plan = serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path();
        let place = match path.iter().next() {
            Some(_) => format!("{file}:{}: {path}", tree.line(path)),
            None => format!("{file}:{}", tree.line(path)),
        };
        PlanError { place, problem: with_suggestion(&error.inner().to_string()) }
    })?;
    plan.check().map_err(|problem| PlanError { place: file.to_owned(), problem })?;
    Ok(plan)
}

/// Reads YAML 1.2, in which `off` and `y` are texts.
fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
}

/// The value of a text in YAML; the text itself if it is none.
pub fn value(text: &str) -> Value {
    yaml(text).unwrap_or_else(|_| text.into())
}

/// A message without the place that its end names.
fn without_place(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ").map_or(line, |(message, _)| message)
}

/// Sets the value at a path such as `groups.small.count`: members by name, elements of a list by number or by their `name`.
fn set(root: &mut Value, path: &str, new: Value) -> Result<(), String> {
    let steps: Vec<_> = path.split('.').collect();
    if steps.len() > MAX_DEPTH || steps.iter().any(|step| step.is_empty()) {
        return Err(format!(
            "'{path}' is no path; write names with dots between, such as pacing.maxInFlight"
        ));
    }
    let mut at = root;
    for (depth, step) in steps.iter().enumerate() {
        let before = || steps[..depth].join(".");
        at = match at {
            Value::Object(members) => members.entry((*step).to_owned()).or_insert(Value::Null),
            Value::Null => {
                *at = Value::Object(serde_json::Map::new());
                let Value::Object(members) = at else { return Err(format!("'{path}' cannot be set")) };
                members.entry((*step).to_owned()).or_insert(Value::Null)
            }
            Value::Array(list) => {
                let named =
                    list.iter().position(|element| element.get("name").is_some_and(|name| name == *step));
                let number = named.or_else(|| step.parse().ok()).filter(|number| *number < list.len());
                let number = number.ok_or_else(|| {
                    format!("'{}' has no element '{step}'; write its name, or its number from 0 on", before())
                })?;
                &mut list[number]
            }
            _ => return Err(format!("'{}' is one value and has no member '{step}'", before())),
        };
    }
    *at = new;
    Ok(())
}

/// The message, with the known name that is nearest to an unknown one.
fn with_suggestion(message: &str) -> String {
    let message = &message
        .replace("expected u32", "expected a whole number")
        .replace("expected f64", "expected a number");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.contains("unknown field") || message.contains("unknown variant");
    let near = quoted.next().filter(|_| unknown).and_then(|wrong| nearest(wrong, quoted));
    match near {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message.clone(),
    }
}
