//! OpenStack's interoperability profile: the resources, properties and actions that Ironic's driver needs.
//!
//! The test reads the profile where the project's shared folder is, and checks presence only. DMTF's validator checks all of
//! it (`Redfish-Interop-Validator`).

use fauxmetal::profile::built_in_names;
use serde_json::{Map, Value};

use super::{documents, say, type_of};

#[test]
fn documents_have_what_openstacks_profile_requires_where_it_is_there() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/redfish-profiles");
    let name = "OpenStackIronicProfile.v1_2_0.json";
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
        return say(&format!("skipped: no {name} in {}", folder.display()));
    };
    let profile: Value = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for model in built_in_names() {
        let mut documents = documents(model);
        // The pending settings of a resource have its type, but they are not that resource.
        let pending: Vec<Value> = documents
            .iter()
            .filter_map(|(_, document)| {
                document.pointer("/@Redfish.Settings/SettingsObject/@odata.id").cloned()
            })
            .collect();
        documents.retain(|(uri, _)| !pending.contains(&uri.as_str().into()));
        for (kind, wanted) in profile["Resources"].as_object().unwrap() {
            let of_kind = documents.iter().filter(|(_, document)| type_of(document) == kind);
            let of_kind: Vec<_> = of_kind.filter(|(uri, _)| is_meant(wanted, uri)).collect();
            if of_kind.is_empty() && is_mandatory(wanted) {
                wrong.push(format!("{model}: there is no {kind}"));
            }
            for (uri, document) in of_kind {
                let place = format!("{model} {uri}");
                missing(&place, &wanted["PropertyRequirements"], document, &mut wrong);
                for (action, wanted) in wanted["ActionRequirements"].as_object().into_iter().flatten() {
                    if is_mandatory(wanted) && document["Actions"][format!("#{kind}.{action}")].is_null() {
                        wrong.push(format!("{place}: it has no action {action}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    missing("", &profile["Resources"]["ComputerSystem"]["PropertyRequirements"], &Value::Null, &mut wrong);
    assert!(
        wrong.contains(&"/PowerState: the property is missing".to_owned()),
        "the check finds nothing: {wrong:?}"
    );
}

/// A requirement is mandatory unless it says otherwise (DSP0272, "ReadRequirement").
fn is_mandatory(wanted: &Value) -> bool {
    wanted["ReadRequirement"].as_str().is_none_or(|requirement| requirement == "Mandatory")
}

/// Whether a requirement for certain URIs is for this one: `{…}` stands for any id.
fn is_meant(wanted: &Value, uri: &str) -> bool {
    let Some(patterns) = wanted["URIs"].as_array() else { return true };
    patterns.iter().filter_map(Value::as_str).any(|pattern| {
        let (pattern, uri): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), uri.split('/').collect());
        pattern.len() == uri.len() && pattern.iter().zip(uri).all(|(p, u)| p.starts_with('{') || *p == u)
    })
}

/// Adds the mandatory properties that an object, or an object of an array, does not have.
fn missing(place: &str, wanted: &Value, value: &Value, wrong: &mut Vec<String>) {
    let none = Map::new();
    for (key, wanted) in wanted.as_object().unwrap_or(&none) {
        let place = format!("{place}/{key}");
        match &value[key] {
            Value::Null if value.get(key).is_none() && is_mandatory(wanted) => {
                wrong.push(format!("{place}: the property is missing"));
            }
            Value::Array(items) => {
                if (items.len() as u64) < wanted["MinCount"].as_u64().unwrap_or(0) {
                    wrong.push(format!(
                        "{place}: it has {} elements, and {} are required",
                        items.len(),
                        wanted["MinCount"]
                    ));
                }
                items.iter().for_each(|item| missing(&place, &wanted["PropertyRequirements"], item, wrong));
            }
            Value::Null => {}
            inner => missing(&place, &wanted["PropertyRequirements"], inner, wrong),
        }
    }
}
