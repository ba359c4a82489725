//! The properties in which two crawls of the same documents differ, as text for a snapshot.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fauxmetal::redfish::check::Page;
use serde_json::Value;

/// Properties that a sensor reads. They move by themselves, and the ETag does not cover them.
pub(crate) const READINGS: [&str; 11] = [
    "Reading",
    "SpeedRPM",
    "ReadingCelsius",
    "PowerConsumedWatts",
    "LastPowerOutputWatts",
    "LineInputVoltage",
    "BandwidthPercent",
    "UserPercent",
    "KernelPercent",
    "MetricValue",
    "Timestamp",
];

/// One line for each property that differs, below the URI of its document: `/Boot/HttpBootUri: null -> "http://x"`.
///
/// A document or property that is on one side only shows `absent` on the other. Readings and ETags are left out.
pub(crate) fn changes(before: &[Page], after: &[Page]) -> String {
    let (before, after) = (by_uri(before), by_uri(after));
    let mut text = String::new();
    for uri in before.keys().chain(after.keys().filter(|uri| !before.contains_key(*uri))) {
        let (old, new) = (properties(before.get(uri).copied()), properties(after.get(uri).copied()));
        let pointers = old.keys().chain(new.keys().filter(|pointer| !old.contains_key(*pointer)));
        let mut lines: Vec<String> = pointers
            .filter(|pointer| old.get(*pointer) != new.get(*pointer))
            .map(|pointer| {
                format!("    {pointer}: {} -> {}\n", shown(old.get(pointer)), shown(new.get(pointer)))
            })
            .collect();
        lines.sort_unstable();
        if !lines.is_empty() {
            let _ = write!(text, "{uri}\n{}", lines.concat());
        }
    }
    text
}

fn by_uri(pages: &[Page]) -> BTreeMap<&str, &Value> {
    pages.iter().map(|(uri, document)| (uri.as_str(), document)).collect()
}

fn shown(value: Option<&String>) -> &str {
    value.map_or("absent", String::as_str)
}

/// The leaves of a document, as JSON text by JSON pointer.
fn properties(document: Option<&Value>) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    if let Some(document) = document {
        collect(String::new(), document, &mut leaves);
    }
    leaves
}

fn collect(pointer: String, value: &Value, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let moves = |key: &str| READINGS.contains(&key) || key == "@odata.etag";
            let still = map.iter().filter(|(key, _)| !moves(key));
            still.for_each(|(key, inner)| collect(format!("{pointer}/{key}"), inner, leaves));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(n, inner)| collect(format!("{pointer}/{n}"), inner, leaves));
        }
        leaf => {
            leaves.insert(pointer, leaf.to_string());
        }
    }
}
