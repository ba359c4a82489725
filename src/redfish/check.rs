//! Checks a model's documents: renders every resource, follows every link, and finds the type of every overlay. It runs
//! before the daemon listens, in `fauxmetal profile check`, and in the tests.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;

use super::auth::Account;
use super::resources::STREAM_GENERIC;
use super::service::Redfish;
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::profile::Profile;
use crate::seed::Seed;
use crate::time::SimTime;

/// A document with its URI.
pub type Page = (String, Value);

/// The problems of a model's documents.
pub fn profile(profile: &Arc<Profile>) -> Vec<String> {
    let mut problems = Vec::new();
    match sample(profile) {
        Ok(redfish) => {
            problems.extend(names(&redfish, profile));
            problems.extend(crawl(&redfish).1);
            problems.extend(crawl_own(&redfish, NodeId(0)).1);
        }
        Err(problem) => problems.push(problem),
    }
    problems
}

/// A service with one node of the model, and a clock that stands still.
///
/// # Errors
/// Never for a model that loads.
pub fn sample(profile: &Arc<Profile>) -> Result<Redfish, String> {
    let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    fleet.add(profile, 1).map_err(|e| e.to_string())?;
    Ok(Redfish::new(Arc::new(fleet), Account::new("admin", "password")))
}

/// Follows every link from the shared root. Returns all documents, and their problems.
pub fn crawl(redfish: &Redfish) -> (Vec<Page>, Vec<String>) {
    crawl_by(|uri| get(redfish, uri))
}

/// Follows every link from the root of a node.
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
            // A fragment is a part of the document at the URI before it.
            let link = link.split('#').next().unwrap_or(link).trim_end_matches('/');
            if link.starts_with("/redfish/") && seen.insert(link.to_owned()) {
                todo.push_back(link.to_owned());
            }
        });
        pages.push((uri, document));
    }
    (pages, problems)
}

/// A GET with the credentials of the sample.
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
                    Value::String(link)
                        if ["@odata.id", "Uri", "@Redfish.ActionInfo"].contains(&key.as_str()) =>
                    {
                        each(link);
                    }
                    inner => links(inner, each),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| links(item, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Names in a profile that the table of resources does not have.
fn names(redfish: &Redfish, profile: &Profile) -> Vec<String> {
    let tree = redfish.tree;
    let types: BTreeSet<_> = tree.schemas.iter().filter_map(|schema| schema.split('.').next()).collect();
    let overlays = profile.overlays.keys().filter(|kind| !types.contains(kind.as_str()));
    let overlays = overlays.map(|kind| format!("overlay {kind}.json: no resource has that type"));
    let rows: Vec<_> = tree.generic_paths().collect();
    let collections = rows.iter().filter_map(|path| path.strip_suffix("/{}"));
    let places: BTreeSet<_> = rows.iter().copied().chain(collections).chain([STREAM_GENERIC]).collect();
    let absent = profile.absent.iter().filter(|path| !places.contains(path.as_str()));
    let absent = absent.map(|path| format!("absent: nothing stands at '{path}'"));
    let actions = tree.action_names();
    let unknown = profile.action_info.iter().filter(|name| !actions.contains(name.as_str()));
    let unknown = unknown.map(|name| format!("action_info: no resource has the action '{name}'"));
    overlays.chain(absent).chain(unknown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;

    #[test]
    fn no_link_leads_to_a_resource_that_a_model_lacks() {
        let generic = built_in("generic").unwrap();
        for path in [
            "EventService",
            "EventService/SSE",
            "TaskService",
            "TelemetryService",
            "JobService",
            "Cables",
            "ComponentIntegrity",
            "Chassis/{}/PCIeDevices",
            "Chassis/{}/PCIeDevices/{}/PCIeFunctions",
            "Chassis/{}/TrustedComponents",
            "Chassis/{}/NetworkAdapters",
            "Chassis/{}/NetworkAdapters/{}/NetworkDeviceFunctions",
        ] {
            let lacking = Profile { absent: vec![path.to_owned()], ..Profile::clone(&generic) };
            assert_eq!(super::profile(&Arc::new(lacking)), Vec::<String>::new(), "{path}");
        }
    }
}
