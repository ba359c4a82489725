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
            let (pages, own) = crawl_own(&redfish, NodeId(0));
            problems.extend(own);
            problems.extend(unlinked(profile, &pages));
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
    let mut todo = VecDeque::from([("/redfish/v1".to_owned(), String::new())]);
    while let Some((uri, linked_by)) = todo.pop_front() {
        let (status, body) = get(&uri);
        if status != StatusCode::OK {
            problems.push(format!("{uri}: linked by {linked_by}, and answers {status}"));
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
                todo.push_back((link.to_owned(), uri.clone()));
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

/// The OEM resources that no document links to. `pages` are those below a BMC's own root. The list of all resources does not count.
fn unlinked(profile: &Profile, pages: &[Page]) -> Vec<String> {
    let (ids, oem) = (&profile.ids, &profile.oem);
    let directory = oem.directory.as_ref().map(|directory| format!("/redfish/v1/{}", directory.of));
    let mut linked = BTreeSet::from(["/redfish/v1".to_owned()]);
    for (uri, document) in pages.iter().filter(|(uri, _)| Some(uri) != directory.as_ref()) {
        links(document, &mut |link| {
            let link = link.split('#').next().unwrap_or(link).trim_end_matches('/');
            if link != uri {
                linked.insert(link.to_owned());
            }
        });
    }
    let uris = oem.resources.iter().map(|one| (one, one.uri(&ids.system, &ids.manager, &ids.chassis)));
    let lost = uris.filter(|(_, uri)| !linked.contains(uri));
    lost.map(|(one, uri)| {
        format!("{}: no document links to '{uri}'; link to it, or remove the file", one.file)
    })
    .collect()
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
    let words = |path: &str| path.split('/').filter(|word| *word != "{}").collect::<Vec<_>>().join("+");
    let known: BTreeSet<_> = rows.iter().map(|path| words(path)).collect();
    let paths = profile.path_overlays.keys().filter(|path| !known.contains(path.as_str()));
    let paths = paths.map(|path| format!("overlay {path}.json: no resource has a path of these words"));
    let versions = profile.schemas.keys().filter(|kind| !types.contains(kind.as_str()));
    let versions = versions.map(|kind| format!("schemas.{kind}: no resource has that type"));
    let actions = tree.action_names();
    let unknown = profile.action_info.iter().filter(|name| !actions.contains(name.as_str()));
    let unknown = unknown.map(|name| format!("action_info: no resource has the action '{name}'"));
    let own = paths.chain(versions).chain(properties(redfish, profile));
    overlays.chain(absent).chain(unknown).chain(own).collect()
}

/// The declared properties of resources that do not exist or cannot be changed, and those that documents do not have.
fn properties(redfish: &Redfish, profile: &Profile) -> Vec<String> {
    let mut problems = Vec::new();
    let standard = profile.oem.properties.iter().filter(|property| profile.oem.named(&property.of).is_none());
    for property in standard {
        let named = format!("oem.property '{}' of '{}'", property.name, property.of);
        let Some(row) = redfish.tree.nodes.iter().find(|row| row.generic == property.of) else {
            problems.push(format!("{named}: no resource of a machine has this path"));
            continue;
        };
        if row.resource.patch.is_none() && !property.read_only {
            problems.push(format!("{named}: the resource has no properties that a client can change"));
        }
        let overlay = profile.overlay(&row.generic, row.resource.type_name());
        if overlay.is_none_or(|overlay| !overlay.has(property.names())) {
            problems.push(format!(
                "{named}: no overlay has this property; add it with the value of a new machine"
            ));
        }
    }
    problems
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
