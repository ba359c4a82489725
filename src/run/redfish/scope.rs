//! The documents of a service root that belong to one machine.

use std::collections::BTreeSet;

use serde_json::Value;

/// The path of the service root, and the beginning of all others.
pub(super) const ROOT: &str = "/redfish/v1/";

/// Lists of machines and their parts, by the property of the service root.
const LISTS: [&str; 3] = ["Systems", "Chassis", "Managers"];
/// Services whose lists have entries of all machines.
const SERVICES: [&str; 3] = ["UpdateService", "TelemetryService", "Tasks"];
/// Lists of what clients are doing, and not of what a machine has. Their entries come and go.
const PASSING: [&str; 2] = ["/Links/Sessions", "/Tasks"];

/// Which documents belong to a machine.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The paths of the system, its chassis and its managers.
    own: BTreeSet<String>,
    /// The names of these in paths.
    ids: BTreeSet<String>,
    /// Lists of all machines, if several share the service root.
    lists: Vec<String>,
    services: Vec<String>,
    passing: Vec<String>,
}

impl Scope {
    /// The scope of a system. `is_shared`: the service root has other systems, too.
    pub(super) fn new(path: &str, system: &Value, root: &Value, is_shared: bool) -> Self {
        let mut own: BTreeSet<_> = ["/Links/Chassis", "/Links/ManagedBy"]
            .into_iter()
            .flat_map(|pointer| links(system, pointer))
            .filter_map(normal)
            .collect();
        own.extend(normal(path));
        let ids = own.iter().filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect();
        let of = |names: &[&str]| -> Vec<String> {
            let names = names.iter().filter(|_| is_shared);
            names.filter_map(|name| normal(link(root, &format!("/{name}"))?)).collect()
        };
        let sessions = link(root, PASSING[0]).and_then(normal);
        let tasks = link(root, PASSING[1]).and_then(normal).map(|service| format!("{service}/Tasks"));
        let passing = [sessions, tasks].into_iter().flatten().collect();
        Self { own, ids, lists: of(&LISTS), services: of(&SERVICES), passing }
    }

    /// Whether a document belongs to the machine or to the service as a whole.
    pub(super) fn has(&self, path: &str) -> bool {
        let passes = self.passing.iter().any(|list| is_below(path, list, false));
        if self.own.iter().any(|own| is_below(path, own, true)) {
            return !passes;
        }
        let is_named = |part: &str, id: &String| {
            // The name of a part can begin with that of its machine: 4c4c4544-BIOS.
            let rest = part.strip_prefix(id.as_str());
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
        };
        let names_us = || path.split('/').any(|part| self.ids.iter().any(|id| is_named(part, id)));
        !self.lists.iter().any(|list| is_below(path, list, true))
            && !passes
            && !self.services.iter().any(|service| is_below(path, service, false) && !names_us())
    }
}

fn is_below(path: &str, above: &str, or_equal: bool) -> bool {
    match path.strip_prefix(above) {
        Some("") => or_equal,
        Some(rest) => rest.starts_with(['/', '?']),
        None => false,
    }
}

/// The `@odata.id` of a property that links to another resource.
pub(super) fn link<'d>(document: &'d Value, pointer: &str) -> Option<&'d str> {
    document.pointer(pointer)?.get("@odata.id")?.as_str()
}

/// The `@odata.id` of each link in a list.
pub(super) fn links<'d>(document: &'d Value, pointer: &str) -> impl Iterator<Item = &'d str> {
    let list = document.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|one| one.get("@odata.id")?.as_str())
}

/// The path of a document without fragment and last slash. `None`: it is not below the service root.
pub(super) fn normal(uri: &str) -> Option<String> {
    let path = uri.split('#').next().unwrap_or_default();
    let path = path.strip_suffix('/').unwrap_or(path);
    let is_inside = path.starts_with(ROOT) && !path.split('/').any(|part| matches!(part, "." | ".."));
    (is_inside || path == ROOT.trim_end_matches('/')).then(|| path.to_owned())
}

/// The paths that a document links to, each once: those of `@odata.id`, and the next page of a list.
pub(super) fn linked(document: &Value) -> BTreeSet<String> {
    let (mut found, mut waiting) = (BTreeSet::new(), vec![document]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(list) => waiting.extend(list),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(uri) if name == "@odata.id" || name.ends_with("@odata.nextLink") => {
                            found.extend(normal(uri));
                        }
                        value => waiting.push(value),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn root() -> Value {
        json!({
            "Systems": {"@odata.id": "/redfish/v1/Systems"},
            "Chassis": {"@odata.id": "/redfish/v1/Chassis/"},
            "Managers": {"@odata.id": "/redfish/v1/Managers"},
            "UpdateService": {"@odata.id": "/redfish/v1/UpdateService"},
            "Tasks": {"@odata.id": "/redfish/v1/TaskService"},
            "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
        })
    }

    fn scope(is_shared: bool) -> Scope {
        let system = json!({"Links": {
            "Chassis": [{"@odata.id": "/redfish/v1/Chassis/c7"}],
            "ManagedBy": [{"@odata.id": "/redfish/v1/Managers/m7/"}],
        }});
        Scope::new("/redfish/v1/Systems/s7", &system, &root(), is_shared)
    }

    #[test]
    fn documents_of_other_machines_are_left_out() {
        let of_all =
            ["Systems/s7", "Systems/s7/Bios", "Chassis/c7", "Managers/m7/VirtualMedia/Cd", "AccountService"];
        let of_others =
            ["Systems", "Systems?$skip=9", "Systems/s77", "Systems/s8/Bios", "Chassis", "Managers/m"];
        let in_lists = ["UpdateService/FirmwareInventory", "UpdateService/FirmwareInventory/s8-Bios"];
        let path = |path: &&str| format!("{ROOT}{path}");
        let (shared, alone) = (scope(true), scope(false));
        for own in
            of_all.iter().chain(&["UpdateService", "UpdateService/FirmwareInventory/s7-Bios"]).map(path)
        {
            assert!(shared.has(&own) && alone.has(&own), "{own}");
        }
        for other in of_others.iter().chain(&in_lists).map(path) {
            assert!(!shared.has(&other) && alone.has(&other), "{other}");
        }
        for passing in ["SessionService/Sessions/1", "TaskService/Tasks/s7-1"].iter().map(path) {
            assert!(!shared.has(&passing) && !alone.has(&passing), "{passing}");
        }
        assert!(alone.has("/redfish/v1/SessionService/Sessions"));
    }

    #[test]
    fn links_are_found_wherever_they_are() {
        let document = json!({
            "@odata.id": "/redfish/v1/Chassis/c7/",
            "Members": [{"@odata.id": "/redfish/v1/a"}, {"@odata.id": "/redfish/v1/a#/x"}, {"@odata.id": 7}],
            "Members@odata.nextLink": "/redfish/v1/b?$skip=2",
            "Oem": {"Maker": {"More": [[{"@odata.id": "/redfish/v1/c"}]]}},
            "Links": {"@odata.id": "https://elsewhere/redfish/v1/d", "Other": {"@odata.id": "/redfish/v1/../e"}},
            "Uri": "/redfish/v1/f",
            "Root": {"@odata.id": "/redfish/v1"},
        });
        let found: Vec<_> = linked(&document).into_iter().collect();
        assert_eq!(
            found,
            [
                "/redfish/v1",
                "/redfish/v1/Chassis/c7",
                "/redfish/v1/a",
                "/redfish/v1/b?$skip=2",
                "/redfish/v1/c"
            ]
        );
    }
}
