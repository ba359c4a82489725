//! Documents as a person has reviewed them: the snapshots in `tests/it/snapshots/`.
//!
//! `service/` holds the documents of a service without nodes. The folder of a model holds the documents that a new node of
//! that model adds or changes, one file for each type with its collections; its folder `lives/` holds what changes when a
//! node lives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fauxmetal::clock::Clock;
use fauxmetal::fleet::Fleet;
use fauxmetal::node::NodeId;
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{Page, crawl, crawl_own};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::Method;
use serde_json::{Value, json};

use super::changes::changes;
use super::lives::{self, Look, Root};
use super::{documents, documents_of_service, type_of};

/// Tells a reviewer how to accept the differences that a test found.
pub(super) const ACCEPT: &str = "review the differences above; if they are intended, accept them with \
                      `INSTA_UPDATE=always cargo test --locked --test it documents` and commit the files";

/// A folder of snapshots.
pub(super) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(name)
}

/// Text of documents by the type that they belong to.
pub(super) type ByType = BTreeMap<String, String>;

/// The documents that are not among `known`.
fn by_type(pages: Vec<Page>, known: &BTreeSet<String>) -> (ByType, BTreeSet<String>) {
    let (mut types, mut texts) = (ByType::new(), BTreeSet::new());
    for (uri, mut document) in pages {
        // Its digits say nothing to a reviewer. `lives.rs` compares it with the header.
        document.as_object_mut().unwrap().remove("@odata.etag");
        let text = format!("{uri}\n{document:#}\n");
        if !known.contains(&text) {
            let kind = type_of(&document).trim_end_matches("Collection").to_owned();
            types.entry(kind).or_default().push_str(&text);
        }
        texts.insert(text);
    }
    (types, texts)
}

/// Compares every text with the snapshot of its name. It adds each snapshot that differs, and each one without a text, to
/// `wrong`, so that the caller reports all of them.
pub(super) fn compare(folder: &Path, texts: &ByType, wrong: &mut Vec<String>) {
    for (name, text) in texts {
        insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
            let same = catch_unwind(AssertUnwindSafe(|| insta::assert_snapshot!(name.as_str(), text)));
            if same.is_err() {
                wrong.push(format!("{}/{name}.snap differs", folder.display()));
            }
        });
    }
    let there = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let there = there.filter(|path| path.extension().is_some_and(|extension| extension == "snap"));
    let stale = there.filter(|path| !texts.contains_key(path.file_stem().unwrap().to_str().unwrap()));
    wrong.extend(stale.map(|path| format!("{} has no document any more: delete it", path.display())));
}

#[test]
fn documents_are_as_reviewed() {
    let mut wrong = Vec::new();
    let (types, of_service) = by_type(documents_of_service(), &BTreeSet::new());
    compare(&folder("service"), &types, &mut wrong);
    for model in built_in_names() {
        compare(&folder(model), &by_type(documents(model), &of_service).0, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}\n{ACCEPT}", wrong.join("\n"));
}

/// One file for each life: at each moment, the properties that differ from the moment before. The node's own root adds
/// its sessions only, because every other document is the same as at the shared root.
#[test]
fn documents_of_lived_nodes_are_as_reviewed() {
    let mut wrong = Vec::new();
    for model in built_in_names() {
        let mut texts = ByType::new();
        for lived in lives::all().iter().filter(|lived| lived.model == model) {
            let shown = |look| pages(look, lived.name);
            let (mut text, mut known) = (String::new(), shown(&lived.moments[0].later));
            for moment in &lived.moments[1..] {
                let now = shown(&moment.first);
                let _ = writeln!(text, "# {}", moment.name);
                // A document that is away for a while is compared with what it showed before.
                let (here, away): (Vec<Page>, Vec<Page>) =
                    known.into_iter().partition(|(uri, _)| now.iter().any(|(other, _)| other == uri));
                if !away.is_empty() {
                    let _ = writeln!(text, "{} documents are away", away.len());
                }
                text.push_str(&changes(&here, &now));
                known = shown(&moment.later);
                known.extend(away);
                text.push('\n');
            }
            if !text.is_empty() {
                texts.insert(lived.name.to_owned(), text);
            }
        }
        compare(&folder(model).join("lives"), &texts, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}\n{ACCEPT}", wrong.join("\n"));
}

fn pages(look: &Look, life: &str) -> Vec<Page> {
    // The POST codes of a start are the same in each life.
    let is_code = |uri: &str| uri.contains("/LogServices/PostCodes/Entries");
    let is_shown = |root: Root, uri: &str| {
        let is_codes = is_code(uri) && (life != "boot" || !uri.ends_with("/Entries"));
        !is_codes && (root == Root::Shared || uri.contains("/SessionService"))
    };
    let shown = look.iter().filter(|((root, uri), _)| is_shown(*root, uri));
    shown.map(|((root, uri), seen)| (format!("{root:?} {uri}"), without_sizes(&seen.document))).collect()
}

/// The document without the sizes of archives, which change with every document in them.
fn without_sizes(document: &Value) -> Value {
    match document {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "AdditionalDataSizeBytes")
            .map(|(key, value)| (key.clone(), without_sizes(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_sizes).collect(),
        other => other.clone(),
    }
}

/// A model stores the parts of a document that are the same for all of its nodes. Those parts must not hold anything of
/// the node for which they were first written.
#[test]
fn a_node_shows_the_same_whichever_node_of_its_model_was_shown_first() {
    for model in built_in_names() {
        let shown = |others_first: bool| {
            let profile = Arc::new((*built_in(model).unwrap()).clone());
            let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
            fleet.add(&profile, 2).unwrap();
            let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
            let system = format!("/redfish/v1/Systems/{}", profile.ids.system);
            let reset = format!("{system}/Actions/ComputerSystem.Reset");
            for (method, uri, body) in [
                (Method::POST, &reset, json!({"ResetType": "On"})),
                (Method::PATCH, &system, json!({"AssetTag": "rack \"7\""})),
            ] {
                let response =
                    redfish.call_own(NodeId(1), |_| true, &lives::request(method, uri, &body)).unwrap();
                assert!(response.status().is_success(), "{model}: {}", response.status());
            }
            if others_first {
                assert!(crawl(&redfish).1.is_empty());
                assert!(crawl_own(&redfish, NodeId(0)).1.is_empty());
            }
            redfish.fleet.remove(NodeId(0));
            (crawl_own(&redfish, NodeId(1)).0, crawl(&redfish).0)
        };
        assert_eq!(shown(true), shown(false), "{model}");
    }
}
