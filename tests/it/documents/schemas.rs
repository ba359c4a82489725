//! Documents obey DMTF's schemas: in CSDL on every clone, and in JSON Schema too where DMTF's archive is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use fauxmetal::node::NodeId;
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::check::{crawl_own, get, sample};
use serde_json::{Value, json};

use super::{documents, documents_of_service, is_oem, json_schema, lives, say, type_of};
use fauxmetal::schema::Schemas;

/// Types of the table of resources of which no document exists.
const WITHOUT_DOCUMENT: [&str; 0] = [];

/// Every document that these tests know, with the place where it was found: of a service without nodes, and of every
/// model both new and at each moment of each life. A document that is found twice is there once.
fn all_documents() -> &'static [(String, Value)] {
    static ALL: OnceLock<Vec<(String, Value)>> = OnceLock::new();
    ALL.get_or_init(find_documents)
}

fn find_documents() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut texts = BTreeSet::new();
    let mut add = |place: String, document: &Value| {
        if !is_oem(document) && texts.insert(document.to_string()) {
            found.push((place, document.clone()));
        }
    };
    documents_of_service().iter().for_each(|(uri, document)| add(uri.clone(), document));
    for model in built_in_names() {
        let own = crawl_own(&sample(&built_in(model).unwrap()).unwrap(), NodeId(0)).0;
        for (uri, document) in documents(model).iter().chain(&own) {
            add(format!("{model} {uri}"), document);
        }
    }
    for lived in lives::all() {
        for moment in &lived.moments {
            for ((root, uri), seen) in moment.first.iter().chain(&moment.later) {
                add(
                    format!("{} {} '{}' {root:?} {uri}", lived.model, lived.name, moment.name),
                    &seen.document,
                );
            }
        }
    }
    found
}

#[test]
fn documents_obey_dmtfs_schemas_in_csdl() {
    let schemas = Schemas::get();
    let mistakes: Vec<_> = all_documents()
        .iter()
        .flat_map(|(place, document)| {
            schemas.mistakes(document).into_iter().map(move |m| format!("{place}{m}"))
        })
        .collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn documents_obey_dmtfs_json_schemas_where_they_are_there() {
    let Some(mut schemas) = json_schema::load() else {
        return say(&format!("skipped: no archive of JSON Schema in {}", json_schema::folder().display()));
    };
    let mut mistakes = Vec::new();
    for (place, document) in all_documents() {
        mistakes.extend(schemas.mistakes(document).into_iter().map(|m| format!("{place}{m}")));
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// `$metadata` follows from the table of resources, so it names every type and version that the service can serve.
#[test]
fn every_type_of_the_table_has_a_schema_and_a_document_that_was_checked() {
    let schemas = Schemas::get();
    // A model can have older versions.
    let mut namespaces = BTreeSet::<String>::new();
    for model in built_in_names() {
        let (_, metadata) = get(&sample(&built_in(model).unwrap()).unwrap(), "/redfish/v1/$metadata");
        let metadata = String::from_utf8(metadata.to_vec()).unwrap();
        let included = metadata.split("Include Namespace=\"").skip(1);
        namespaces.extend(included.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    let unknown: Vec<_> = namespaces.iter().filter(|namespace| !schemas.has(namespace)).collect();
    assert!(unknown.is_empty(), "DMTF has no schema of these versions: {unknown:?}");
    // These are parts of documents, and the names without a version are abstract types.
    let helpers = ["Message.", "Resource.", "Settings.", "RedfishExtensions."];
    let wanted = namespaces.into_iter().filter(|namespace| {
        let is_resource = namespace.contains(".v") || namespace.ends_with("Collection");
        is_resource && !helpers.iter().any(|helper| namespace.starts_with(helper))
    });
    let wanted: BTreeSet<String> =
        wanted.map(|namespace| format!("{namespace}.{}", namespace.split('.').next().unwrap())).collect();
    let mut checked = BTreeMap::<String, usize>::new();
    for (_, document) in all_documents() {
        let kind = document["@odata.type"].as_str().unwrap().trim_start_matches('#').to_owned();
        *checked.entry(kind).or_default() += 1;
    }
    println!("documents checked by type: {checked:#?}");
    let missing: Vec<_> = wanted.iter().filter(|kind| !checked.contains_key(*kind)).collect();
    assert_eq!(missing, WITHOUT_DOCUMENT, "types of the table without a document that was checked");
    let strange: Vec<_> = checked.keys().filter(|kind| !wanted.contains(*kind)).collect();
    assert!(strange.is_empty(), "documents of types that $metadata does not name: {strange:?}");
}

#[test]
fn every_reviewed_document_is_checked() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let reviewed = |name: &str| {
        let files = std::fs::read_dir(folder.join(name));
        let files = files.unwrap_or_else(|_| panic!("there are no snapshots of {name}; accept them first"));
        let files = files.map(|entry| entry.unwrap().path());
        let snapshots = files.filter(|path| path.extension().is_some_and(|extension| extension == "snap"));
        let text: String = snapshots.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        text.lines().filter(|line| line.starts_with("/redfish/v1")).map(str::to_owned).collect::<Vec<_>>()
    };
    let pages = built_in_names().into_iter().flat_map(documents);
    let of_makers: BTreeSet<_> = pages.filter(|(_, document)| is_oem(document)).map(|(uri, _)| uri).collect();
    let is_checked = |uri: &String| {
        of_makers.contains(uri) || all_documents().iter().any(|(place, _)| place.ends_with(uri.as_str()))
    };
    let all = std::iter::once("service").chain(built_in_names()).flat_map(reviewed);
    let missing: Vec<_> = all.filter(|uri| !is_checked(uri)).collect();
    assert!(missing.is_empty(), "documents with a snapshot that no schema was checked for: {missing:#?}");
}

/// The checks above find every kind of mistake in a document that has it.
#[test]
fn a_wrong_document_is_noticed() {
    let schemas = Schemas::get();
    let all = all_documents();
    let document = |kind: &str| all.iter().find(|(_, d)| type_of(d) == kind).map(|(_, d)| d.clone()).unwrap();
    let version = |document: &Value, version: &str| {
        let kind = type_of(document);
        json!(format!("#{kind}.{version}.{kind}"))
    };
    let system = document("ComputerSystem");
    let collection = document("ComputerSystemCollection");
    let absent = &Value::Null;
    let removed = json!("removed");
    for (of, pointer, wrong) in [
        // Versions: one that does not exist, one that is older than a property, none, and a type that does not exist.
        (&system, "/@odata.type", version(&system, "v1_99_0")),
        (&system, "/@odata.type", version(&system, "v1_0_0")),
        (&system, "/@odata.type", json!("#ComputerSystem.ComputerSystem")),
        (&system, "/@odata.type", json!("#Computer.v1_0_0.Computer")),
        (&system, "/@odata.type", removed.clone()),
        (&document("Bios"), "/@Redfish.Settings/@odata.type", json!("#Settings.v1_99_0.Settings")),
        (&document("Bios"), "/@Redfish.Settings/@odata.type", json!("#Message.v1_3_0.Message")),
        // Names: a misspelt property, also in a nested object, in an action, and as the target of an annotation.
        (&system, "/Powerstate", json!("On")),
        (&system, "/Boot/BootSource", json!("Cd")),
        (&system, "/Status/Healthy", json!("OK")),
        (&system, "/Boot/BootSource@Redfish.AllowableValues", json!(["Cd"])),
        (&system, "/Boot/BootSourceOverrideMode@Redfish.Allowable", json!(["UEFI"])),
        (&system, "/Actions/#ComputerSystem.Restart", json!({"target": "/x"})),
        (&system, "/Actions/#ComputerSystem.Reset/ResetTypes@Redfish.AllowableValues", json!(["On"])),
        (&system, "/Actions/#Chassis.Reset", json!({"target": "/x"})),
        // Values: words, types, null, numbers, formats.
        (&system, "/PowerState", json!("Sleepy")),
        (&system, "/Boot/BootSourceOverrideEnabled", json!("Twice")),
        (&system, "/Boot/BootSourceOverrideEnabled@Redfish.AllowableValues", json!(["Twice"])),
        (&system, "/Actions/#ComputerSystem.Reset/ResetType@Redfish.AllowableValues", json!(["Sometimes"])),
        (&system, "/Id", json!(1)),
        (&system, "/LocationIndicatorActive", json!("true")),
        (&system, "/Status", absent.clone()),
        (&system, "/Status", json!("OK")),
        (&system, "/Links/Chassis", json!({"@odata.id": "/redfish/v1/Chassis/1"})),
        (&system, "/Links/Chassis/0", json!({"@odata.id": 1})),
        (&system, "/Links/Chassis/0", json!({"@odata.id": "/redfish/v1/Chassis/1", "Name": "x"})),
        (&system, "/UUID", json!("not-a-uuid")),
        (&system, "/ProcessorSummary/Count", json!(-1)),
        (&system, "/ProcessorSummary/Count", json!(1.5)),
        (&document("Manager"), "/DateTime", json!("yesterday")),
        (&document("EthernetInterface"), "/MACAddress", json!("52-54")),
        (&document("Processor"), "/ProcessorArchitecture", json!("x87")),
        (&collection, "/Members@odata.count", json!("1")),
        // Required properties, also of a collection, of a nested object and of an action.
        (&system, "/Id", removed.clone()),
        (&system, "/@odata.id", removed.clone()),
        (&collection, "/Members", removed.clone()),
        (&document("Thermal"), "/Fans/0/MemberId", removed.clone()),
        (&system, "/Actions/#ComputerSystem.Reset/target", removed.clone()),
        // A copy of a sensor shows some of the sensor's properties only.
        (&document("ThermalMetrics"), "/TemperatureReadingsCelsius/0/ReadingRangeMin", json!(1)),
    ] {
        assert_eq!(schemas.mistakes(of), [], "{pointer}: it is right before the change");
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut changed = of.clone();
        let parent =
            changed.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}: there is no such place"));
        match (parent, key.parse::<usize>()) {
            (Value::Object(map), _) if wrong == removed => {
                assert!(map.remove(key).is_some(), "{pointer}: there is nothing to remove");
            }
            (Value::Object(map), _) => {
                map.insert(key.to_owned(), wrong.clone());
            }
            (Value::Array(items), Ok(n)) => items[n] = wrong.clone(),
            (other, _) => panic!("{pointer}: {other} has no parts"),
        }
        assert!(!schemas.mistakes(&changed).is_empty(), "{pointer}: {wrong} was not noticed");
    }
}

#[test]
fn an_error_obeys_its_schema() {
    let redfish = sample(&built_in(built_in_names()[0]).unwrap()).unwrap();
    let (status, body) = get(&redfish, "/redfish/v1/Tapes");
    assert_eq!(status.as_u16(), 404);
    let mut error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(Schemas::get().mistakes_of_error(&error), []);
    if let Some(mut schemas) = json_schema::load() {
        assert_eq!(schemas.mistakes_of("redfish-error.v1_0_2.RedfishError", &error), Vec::<String>::new());
    }
    error["error"]["@Message.ExtendedInfo"][0]["MessageSeverity"] = json!("Fatal");
    assert!(!Schemas::get().mistakes_of_error(&error).is_empty());
}
