//! Every document of every built-in model: its content, its links, its schema and its ETag.

pub(crate) mod changes;
mod hardware_lives;
mod ironic_profile;
mod json_schema;
mod lived;
mod lives;
mod privileges;
mod requests;
mod reviewed;
mod schemas;

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use fauxmetal::clock::Clock;
use fauxmetal::fleet::Fleet;
use fauxmetal::profile::{Profile, built_in, built_in_names};
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{Page, crawl, sample};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use serde_json::Value;

/// All documents of a service with one new node of that model.
fn documents(model: &str) -> Vec<Page> {
    let (pages, problems) = crawl(&sample(&built_in(model).unwrap()).unwrap());
    assert!(problems.is_empty(), "{model}: {problems:#?}");
    pages
}

/// All documents of a service without nodes.
fn documents_of_service() -> Vec<Page> {
    let (fleet, _) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    let (pages, problems) = crawl(&Redfish::new(Arc::new(fleet), Account::new("admin", "password")));
    assert!(problems.is_empty(), "{problems:#?}");
    pages
}

/// `ComputerSystem` of `#ComputerSystem.v1_28_0.ComputerSystem`.
fn type_of(document: &Value) -> &str {
    document["@odata.type"].as_str().unwrap().rsplit('.').next().unwrap()
}

/// Whether a document is that of a maker's resource, of which DMTF has no schema.
fn is_oem(document: &Value) -> bool {
    static MODELS: LazyLock<Vec<Arc<Profile>>> =
        LazyLock::new(|| built_in_names().into_iter().map(|model| built_in(model).unwrap()).collect());
    MODELS.iter().flat_map(|model| &model.oem.resources).any(|one| one.is_of(&document["@odata.type"]))
}

/// A message for people that the test runner shows although the test passes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
