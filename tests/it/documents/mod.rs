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
use std::sync::Arc;

use fauxmetal::clock::Clock;
use fauxmetal::fleet::Fleet;
use fauxmetal::profile::built_in;
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

/// A message for people that the test runner shows although the test passes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
