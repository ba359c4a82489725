//! The checks of the step `inject_files`.
//!
//! Mirrors `_validate_files` of `ironic_python_agent/inject_files.py`. The contents of the files are discarded.

use serde_json::Value;

use super::command::Situation;
use super::node_info::NodeInfo;
use crate::ipa::{failure, python, root_disk};
use crate::node::ipa::IpaError;

const FIELDS: [&str; 8] = ["path", "partition", "content", "deleted", "mode", "dirmode", "owner", "group"];

/// Checks the files in the node's properties and in the step's argument.
///
/// # Errors
/// `InvalidCommandParamsError` with all mistakes, or `DeviceNotFound` if no operating system is installed.
pub(super) fn check(at: &Situation<'_>, node: &NodeInfo, given: &Value) -> Result<(), IpaError> {
    let own = node.properties.get("inject_files").unwrap_or(&Value::Null);
    let own = list(own, "The `inject_files` node property")?;
    let given = list(given, "The `files` argument")?;
    let wrong: Vec<_> = own.iter().chain(given).flat_map(mistakes).collect();
    if !wrong.is_empty() {
        return Err(failure::params(format!("Validation of files failed: {}", wrong.join("; "))));
    }
    if own.is_empty() && given.is_empty() {
        return Ok(());
    }
    root_disk::choose(at.node, &node.properties, &node.instance_info)?;
    if at.node.installed() {
        return Ok(());
    }
    let path = own.iter().chain(given).find_map(|f| f.get("path")).map(python::str).unwrap_or_default();
    Err(failure::no_device(format!("No partition found with path {path}, scanned: []")))
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a [Value], IpaError> {
    match value {
        Value::Array(items) => Ok(items),
        other if !python::truthy(other) => Ok(&[]),
        other => Err(failure::params(format!("{what} must be a list, got {}", python::repr(other)))),
    }
}

fn mistakes(file: &Value) -> Vec<String> {
    let shown = python::repr(file);
    let Value::Object(fields) = file else { return vec![format!("expected an object, got {shown}")] };
    let mut wrong = Vec::new();
    let unknown: Vec<_> =
        fields.keys().filter(|k| !FIELDS.contains(&k.as_str())).map(String::as_str).collect();
    if !unknown.is_empty() {
        wrong.push(format!("unexpected fields in {shown}: {}", unknown.join(", ")));
    }
    let given = |name: &str| fields.get(name).is_some_and(python::truthy);
    let path = fields.get("path").and_then(Value::as_str).unwrap_or_default();
    if path.is_empty() {
        wrong.push(format!("expected a path in {shown}"));
    } else if path.rfind('/') == Some(0) && !given("partition") {
        wrong.push(format!("{shown} in root directory requires \"partition\""));
    } else if path.ends_with('/') {
        wrong.push(format!("directories not supported for {shown}"));
    }
    if given("content") && given("deleted") {
        wrong.push(format!("content cannot be used with deleted in {shown}"));
    }
    for field in ["owner", "group", "mode", "dirmode"] {
        if fields.get(field).is_some_and(|v| !v.is_i64() && !v.is_u64()) {
            wrong.push(format!("{field} must be a number in {shown}"));
        }
    }
    wrong
}
