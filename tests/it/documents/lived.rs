//! Links and ETags of nodes that have lived.

use std::collections::BTreeSet;

use serde_json::Value;

use super::changes::{READINGS, changes};
use super::lives::{self, Look};

/// Properties that follow a clock. They move by themselves, and the ETag does not cover them.
const CLOCKS: [&str; 3] = ["DateTime", "PercentComplete", "PercentageComplete"];

#[test]
fn every_link_of_a_lived_node_leads_to_a_document() {
    let mut wrong = Vec::new();
    for lived in lives::all() {
        for moment in &lived.moments {
            // During a restart of the controller the shared root answers 503 for every resource of the node, and the
            // node's own root answers 503 for every request.
            let is_restarting = moment.name == "controller restarting";
            let is_away = |problem: &String| problem.ends_with(", and answers 503 Service Unavailable");
            if moment.problems.is_empty() == is_restarting || !moment.problems.iter().all(is_away) {
                wrong.push(format!(
                    "{} {} '{}': {:#?}",
                    lived.model, lived.name, moment.name, moment.problems
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The document without clocks and readings.
fn still(document: &Value) -> Value {
    match document {
        Value::Object(map) => {
            let still_keys = map
                .iter()
                .filter(|(key, _)| !CLOCKS.contains(&key.as_str()) && !READINGS.contains(&key.as_str()));
            still_keys
                .map(|(key, value)| (key.clone(), still(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(still).collect(),
        other => other.clone(),
    }
}

/// Compares the documents of two looks. `check` is given whether the ETags and the contents are the same, and returns the
/// mistake, if that is one.
fn pairs(one: &Look, other: &Look, check: impl Fn(bool, bool) -> Option<&'static str>) -> Vec<String> {
    let both = one.iter().filter_map(|(key, first)| Some((key, first, other.get(key)?)));
    both.filter_map(|((root, uri), first, second)| {
        let same_content = still(&first.document) == still(&second.document);
        let what = check(first.etag == second.etag, same_content)?;
        let pages = |seen: &lives::Seen| [(uri.clone(), seen.document.clone())];
        Some(format!("{root:?} {uri}: {what}\n{}", changes(&pages(first), &pages(second))))
    })
    .collect()
}

#[test]
fn an_etag_stays_the_same_while_only_time_passes() {
    let mut wrong = BTreeSet::new();
    for lived in lives::all() {
        for moment in &lived.moments {
            assert!(moment.first.keys().eq(moment.later.keys()), "{} '{}'", lived.name, moment.name);
            let mistakes = pairs(&moment.first, &moment.later, |same_etag, same_content| {
                match (same_etag, same_content) {
                    (true, true) => None,
                    (false, true) => {
                        Some("the ETag covers a clock or a reading: it changed while nothing happened")
                    }
                    (_, false) => Some("a property changed while nothing happened"),
                }
            });
            wrong.extend(
                mistakes
                    .into_iter()
                    .map(|m| format!("{} {} '{}': {m}", lived.model, lived.name, moment.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn an_etag_changes_exactly_when_its_document_changes() {
    let mut wrong = Vec::new();
    for lived in lives::all() {
        for two in lived.moments.windows(2) {
            let mistakes = pairs(&two[0].later, &two[1].first, |same_etag, same_content| {
                match (same_etag, same_content) {
                    (true, false) => Some("the document changed and its ETag did not"),
                    (false, true) => Some("the ETag changed and its document did not"),
                    (true, true) | (false, false) => None,
                }
            });
            wrong.extend(
                mistakes
                    .into_iter()
                    .map(|m| format!("{} {} '{}': {m}", lived.model, lived.name, two[1].name)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
