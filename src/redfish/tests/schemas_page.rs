//! `docs/reference/schemas.md`: DMTF's schemas with the properties that documents show, and those that no resource has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::origins::{Site, resources};
use super::reference::{TREE, compare};
use super::{Bench, check};
use crate::node::NodeId;
use crate::profile::{built_in, built_in_names};
use crate::schema::Schemas;

const SCHEMAS_PAGE: &str = "docs/reference/schemas.md";
/// DMTF's schemas that no resource has, with the reasons: data of the page.
const NOT_SERVED: &str = include_str!("not-served.txt");

const SCHEMAS_HEAD: &str = "\
# DMTF's schemas

The newest schemas are those of DSP8010 2026.1. [Redfish resources](resources.md) has the URIs and methods.

## Schemas of the resources

The second column counts the properties that a document of a built-in model shows, of those of the schema; the third names the others. A
property is left out because the standard deprecates it, because no built-in model has such a part, or because nothing in the simulation
would change its value; `Actions` is left out where there are none. The [overlay of a model](../models.md) can add each of them.

| Type | Shown | Not shown |
| --- | --- | --- |
";

const NOT_SERVED_HEAD: &str = "
## Schemas without a resource

| Reason | Schemas |
| --- | --- |
";

/// The properties that documents show, by type. The machine runs, and has a session, a subscription and a task.
fn shown_properties() -> BTreeMap<String, BTreeSet<String>> {
    let mut shown = BTreeMap::<_, BTreeSet<_>>::new();
    for model in built_in_names() {
        let profile = built_in(model).unwrap();
        let mut bench = Bench::new();
        bench.add_model(Arc::clone(&profile));
        bench.reset("On");
        bench.wait(600_000);
        resources(&profile, &Site { bench: &bench, node: NodeId(3), own_root: false });
        for (_, document) in check::crawl(&bench.redfish).0 {
            let kind = document["@odata.type"].as_str().unwrap().trim_start_matches('#').to_owned();
            let names = document.as_object().unwrap().keys().filter(|name| !name.contains('@'));
            shown.entry(kind.rsplit_once('.').unwrap().0.to_owned()).or_default().extend(names.cloned());
        }
    }
    shown
}

fn schemas_page() -> String {
    let shown = shown_properties();
    let mut text = SCHEMAS_HEAD.to_owned();
    for kind in TREE.schemas.iter().filter(|kind| kind.contains(".v")).collect::<BTreeSet<_>>() {
        let all = Schemas::get().properties(kind);
        let shown = shown.get(kind.as_str());
        let (shown, others): (Vec<&str>, Vec<&str>) =
            all.iter().partition(|name| shown.is_some_and(|shown| shown.contains(**name)));
        writeln!(text, "| {kind} | {} of {} | {} |", shown.len(), all.len(), others.join(", ")).unwrap();
    }
    text.push_str(NOT_SERVED_HEAD);
    for (reason, schemas) in not_served() {
        writeln!(text, "| {reason} | {} |", schemas.join(", ")).unwrap();
    }
    text
}

/// The reasons with their schemas.
fn not_served() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let rows = NOT_SERVED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| {
        let (reason, schemas) =
            row.split_once(" | ").unwrap_or_else(|| panic!("{row} is not REASON | SCHEMAS"));
        (reason, schemas.split(' ').collect())
    })
}

#[test]
fn a_schema_without_a_resource_has_one_reason() {
    // `Validation` is a vocabulary of OData in the same bundle.
    let served = [TREE.type_names(), vec!["ActionInfo", "Validation"]].concat();
    let mut seen = BTreeSet::new();
    for (reason, schemas) in not_served() {
        for schema in schemas {
            assert!(
                !served.contains(&schema),
                "{schema} is served: remove it from not-served.txt ({reason})"
            );
            assert!(seen.insert(schema), "{schema} is listed twice");
        }
    }
    let missing: Vec<_> =
        Schemas::get().names().filter(|name| !served.contains(name) && !seen.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "not-served.txt needs a reason for each of these");
}

#[test]
fn the_page_of_schemas_is_that_of_the_documents() {
    compare(SCHEMAS_PAGE, &schemas_page());
}
