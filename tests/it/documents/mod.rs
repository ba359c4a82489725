//! Every document of every model: what a client sees, whether its links lead somewhere, whether it is what DMTF says.

mod schemas;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use fauxmetal::clock::Clock;
use fauxmetal::dmtf::ResetType;
use fauxmetal::fleet::Fleet;
use fauxmetal::node::NodeId;
use fauxmetal::node::command::Command;
use fauxmetal::node::host::{self, SystemChange};
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{Page, crawl, crawl_own, get, sample};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use serde_json::Value;

/// All documents of a service with one node of that model.
fn documents(profile: &str) -> Vec<Page> {
    let (pages, problems) = crawl(&sample(&built_in(profile).unwrap()).unwrap());
    assert!(problems.is_empty(), "{profile}: {problems:#?}");
    pages
}

/// `ComputerSystem` of `#ComputerSystem.v1_28_0.ComputerSystem`.
fn type_of(document: &Value) -> &str {
    document["@odata.type"].as_str().unwrap().rsplit('.').next().unwrap()
}

/// One snapshot a type (with its collections) and model. What one model shows exactly as another, such as the service's own documents, is in
/// the snapshots of the first only.
#[test]
fn documents_are_as_reviewed() {
    let mut shown = BTreeSet::new();
    for profile in built_in_names() {
        let mut types = BTreeMap::<String, String>::new();
        for (uri, document) in documents(profile) {
            let text = format!("{uri}\n{document:#}\n");
            if shown.insert(text.clone()) {
                types
                    .entry(type_of(&document).trim_end_matches("Collection").to_owned())
                    .or_default()
                    .push_str(&text);
            }
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(profile);
        for (kind, text) in &types {
            insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(kind.as_str(), text);
            });
        }
        let kept = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let stale: Vec<_> =
            kept.filter(|path| !types.contains_key(path.file_stem().unwrap().to_str().unwrap())).collect();
        assert!(stale.is_empty(), "no document is of these types any more: {stale:?}");
    }
}

#[test]
fn documents_obey_their_schemas() {
    let Some(mut schemas) = schemas::load() else {
        eprintln!("skipped: {} is not there", schemas::folder().display());
        return;
    };
    let mut mistakes = Vec::new();
    for profile in built_in_names() {
        let (own, _) = crawl_own(&sample(&built_in(profile).unwrap()).unwrap(), NodeId(0));
        for (uri, document) in documents(profile).into_iter().chain(own) {
            mistakes.extend(schemas.mistakes(&document).into_iter().map(|m| format!("{profile} {uri}: {m}")));
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

/// The schemas would find something if there were something to find.
#[test]
fn a_wrong_document_is_noticed() {
    let Some(mut schemas) = schemas::load() else {
        eprintln!("skipped: {} is not there", schemas::folder().display());
        return;
    };
    let (_, good) = documents("generic").into_iter().find(|(_, d)| type_of(d) == "ComputerSystem").unwrap();
    for (key, wrong) in [("PowerState", Value::from("Sleepy")), ("Powerstate", "On".into()), ("Id", 1.into())]
    {
        let mut document = good.clone();
        document[key] = wrong;
        assert!(!schemas.mistakes(&document).is_empty(), "{key}");
    }
    let mut document = good;
    document["Boot"]["BootSourceOverrideEnabled"] = "Twice".into();
    assert!(!schemas.mistakes(&document).is_empty());
}

#[test]
fn a_refusal_obeys_its_schema() {
    let Some(mut schemas) = schemas::load() else {
        eprintln!("skipped: {} is not there", schemas::folder().display());
        return;
    };
    let redfish = sample(&built_in("generic").unwrap()).unwrap();
    let (status, body) = get(&redfish, "/redfish/v1/Tapes");
    assert_eq!(status.as_u16(), 404);
    let refusal: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(schemas.mistakes_of("redfish-error.v1_0_2.RedfishError", &refusal), Vec::<String>::new());
}

/// What a model remembers of its documents was written for another node.
#[test]
fn a_node_shows_the_same_whichever_node_of_its_model_was_shown_first() {
    for name in built_in_names() {
        let shown = |others_first: bool| {
            let profile = Arc::new((*built_in(name).unwrap()).clone());
            let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
            fleet.add(&profile, 2).unwrap();
            fleet.apply(NodeId(1), Command::Host(host::Command::Reset(ResetType::On))).unwrap().unwrap();
            let tag = SystemChange { asset_tag: Some("rack \"7\"".into()), ..SystemChange::default() };
            fleet.apply(NodeId(1), Command::Host(host::Command::Change(tag))).unwrap().unwrap();
            let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
            if others_first {
                // Below the fleet's root, and at a root of its own.
                assert!(crawl(&redfish).1.is_empty());
                assert!(crawl_own(&redfish, NodeId(0)).1.is_empty());
            }
            redfish.fleet.remove(NodeId(0));
            (crawl_own(&redfish, NodeId(1)).0, crawl(&redfish).0)
        };
        assert_eq!(shown(true), shown(false), "{name}");
    }
}
