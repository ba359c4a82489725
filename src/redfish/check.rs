//! Whether a model's documents are in order: every resource is rendered, every link followed, every overlay meets a type.
//! Run before the daemon listens, by `fauxmetal profile check`, and by the tests.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;

use super::Redfish;
use super::auth::Account;
use super::tree::TREE;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::profile::Profile;
use crate::seed::Seed;
use crate::time::SimTime;

/// A document with the URI at which it stands.
pub type Page = (String, Value);

/// What is wrong with a model's documents; empty when nothing is.
pub fn profile(profile: &Arc<Profile>) -> Vec<String> {
    let mut problems = names(profile);
    match sample(profile) {
        Ok(redfish) => {
            problems.extend(crawl(&redfish).1);
            problems.extend(crawl_own(&redfish, NodeId(0)).1);
        }
        Err(problem) => problems.push(problem),
    }
    problems
}

/// A service with one node of that model, its clock standing still.
///
/// # Errors
/// Never for a model that loads.
pub fn sample(profile: &Arc<Profile>) -> Result<Redfish, String> {
    let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    fleet.add(profile, 1).map_err(|e| e.to_string())?;
    Ok(Redfish::new(Arc::new(fleet), Account::new("admin", "password")))
}

/// Follows every link from the root: all documents, and what is wrong with them.
pub fn crawl(redfish: &Redfish) -> (Vec<Page>, Vec<String>) {
    crawl_by(|uri| get(redfish, uri))
}

/// The same from a node's own root.
pub fn crawl_own(redfish: &Redfish, id: NodeId) -> (Vec<Page>, Vec<String>) {
    crawl_by(|uri| {
        let answer = asked(uri).and_then(|request| redfish.call_own(id, |_| true, &request));
        answer.map_or((StatusCode::BAD_REQUEST, Bytes::new()), |r| (r.status(), r.into_body()))
    })
}

fn crawl_by(get: impl Fn(&str) -> (StatusCode, Bytes)) -> (Vec<Page>, Vec<String>) {
    let (mut pages, mut problems) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::from(["/redfish/v1".to_owned()]);
    let mut todo = VecDeque::from(["/redfish/v1".to_owned()]);
    while let Some(uri) = todo.pop_front() {
        let (status, body) = get(&uri);
        if status != StatusCode::OK {
            problems.push(format!("{uri}: linked, and answers {status}"));
            continue;
        }
        let Ok(document) = serde_json::from_slice::<Value>(&body) else {
            problems.push(format!("{uri}: not JSON"));
            continue;
        };
        if document["@odata.id"] != uri.as_str() {
            problems.push(format!("{uri}: its @odata.id is {}", document["@odata.id"]));
        }
        links(&document, &mut |link| {
            // A fragment names a part of a document that is reached by the rest.
            let link = link.split('#').next().unwrap_or(link).trim_end_matches('/');
            if link.starts_with("/redfish/") && seen.insert(link.to_owned()) {
                todo.push_back(link.to_owned());
            }
        });
        pages.push((uri, document));
    }
    (pages, problems)
}

/// A GET with the sample's credentials.
pub fn get(redfish: &Redfish, uri: &str) -> (StatusCode, Bytes) {
    let Some(request) = asked(uri) else { return (StatusCode::BAD_REQUEST, Bytes::new()) };
    let response = redfish.call(&request);
    (response.status(), response.into_body())
}

fn asked(uri: &str) -> Option<Request<Bytes>> {
    Request::get(uri).header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=").body(Bytes::new()).ok()
}

fn links(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner {
                    Value::String(link) if key == "@odata.id" || key == "Uri" => each(link),
                    inner => links(inner, each),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| links(item, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Names that a profile uses and the table does not know.
fn names(profile: &Profile) -> Vec<String> {
    let types: BTreeSet<String> = TREE
        .rows
        .iter()
        .flat_map(|r| [r.resource.type_name().to_owned(), format!("{}Collection", r.resource.type_name())])
        .collect();
    let overlays = profile.overlays.keys().filter(|kind| !types.contains(*kind));
    let overlays = overlays.map(|kind| format!("overlay {kind}.json: no resource has that type"));
    let collections = TREE.rows.iter().filter_map(|r| r.generic.strip_suffix("/{}").map(str::to_owned));
    let places: BTreeSet<String> = TREE.rows.iter().map(|r| r.generic.clone()).chain(collections).collect();
    let absent = profile.absent.iter().filter(|path| !places.contains(*path));
    let absent = absent.map(|path| format!("absent: nothing stands at '{path}'"));
    overlays.chain(absent).collect()
}
