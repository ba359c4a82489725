//! `docs/reference/resources.md`: every URI of the table of resources, with its methods, privileges and events.
//!
//! The page is compared with the table, so a new row fails this test. `INSTA_UPDATE=always` writes the page again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use http::Method;

use super::Bench;
use super::origins::{Site, events, resources};
use crate::node::event::{Of, What};
use crate::node::{Node, NodeId};
use crate::profile::{built_in, built_in_names};
use crate::redfish::access::Need;
use crate::redfish::action::ACTION_INFO_SCHEMA;
use crate::redfish::event::{Place, shown};
use crate::redfish::resource::{Entry, Owner, Resource};
use crate::redfish::resources::RESOURCES;
use crate::redfish::row::{Fixed, ROOT, Target, parent};
use crate::redfish::tree::{Route, Tree};

const PAGE: &str = "docs/reference/resources.md";

const HEAD: &str = "\
# Redfish resources

Every URI below `/redfish/v1`, with its methods, the privileges that they need, DMTF's type, and the messages of the events about it. HEAD
is allowed wherever GET is. A client must log in, by Basic authentication or with a session, except for {public}.

- `{System}`, `{Manager}` and `{Chassis}` are the UUID of a server. At a BMC with [an address of its own](../addresses.md) they are the
  ids of its [model](../models.md), such as `1`. `{Node-Software}` begins with the UUID of a server, except at such a BMC.
- A model can leave resources out (`absent` in its profile). The links of the documents say what a server has.
- Every document lists the allowable values of the parameters of its actions, and links to an `ActionInfo` with all parameters.
- Privileges follow DMTF's registry (DSP8011, 1.8.0). The first ones are those of GET; one of several is enough.
- Everything that PATCH, POST, DELETE and actions change is kept: with `--state`, it is stored before the answer is sent
  ([state](../state.md)). `EventService.SubmitTestEvent` changes nothing.
- [Redfish protocol](../protocol.md) has the query parameters and headers that the service understands.
";

/// A line of the page.
struct Line {
    uri: String,
    methods: String,
    privileges: String,
    kind: String,
    events: String,
}

pub(super) static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(&RESOURCES));

/// What the service has at a path of the table.
fn target(path: &str) -> Target {
    // The service has tasks of its own at the root that all servers share only.
    TREE.find(path, !path.contains("{Service-")).unwrap_or_else(|| panic!("{path} leads nowhere")).target
}

fn line(path: &str, kind: &str) -> Line {
    let methods = target(path).allow().to_str().unwrap().replace("GET, HEAD", "GET");
    Line {
        uri: path.strip_prefix(ROOT).unwrap_or(path).to_owned(),
        privileges: privileges(target(path), &methods),
        methods,
        kind: kind.to_owned(),
        events: MESSAGES
            .get(path)
            .map_or_else(String::new, |keys| keys.iter().copied().collect::<Vec<_>>().join(", ")),
    }
}

/// The privileges for the methods, as `Login; PATCH: ConfigureComponents`.
fn privileges(target: Target, methods: &str) -> String {
    let mut needs: Vec<(String, Vec<&str>)> = Vec::new();
    let mut methods: Vec<&str> = methods.split(", ").collect();
    methods.sort_by_key(|method| *method != "GET");
    for method in methods {
        let need = match target.need(&method.parse().unwrap()) {
            Need::Nothing => "none".to_owned(),
            Need::OneOf(privileges) => {
                privileges.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" or ")
            }
        };
        match needs.iter_mut().find(|(known, _)| *known == need) {
            Some((_, methods)) => methods.push(method),
            None => needs.push((need, vec![method])),
        }
    }
    let text = |(need, methods): (String, Vec<&str>)| match methods[0] {
        "GET" => need,
        _ => format!("{}: {need}", methods.join(", ")),
    };
    needs.into_iter().map(text).collect::<Vec<_>>().join("; ")
}

/// The keys of the messages of events, by the path of the row that they are about.
static MESSAGES: LazyLock<BTreeMap<&str, BTreeSet<&str>>> = LazyLock::new(|| {
    let mut messages = BTreeMap::<_, BTreeSet<_>>::new();
    for model in built_in_names() {
        let mut bench = Bench::new();
        bench.add_model(built_in(model).unwrap());
        let profile = built_in(model).unwrap();
        let site = Site { bench: &bench, node: NodeId(3), own_root: true };
        let all = events(&profile, &resources(&profile, &site));
        let tell = |node: &Node, _| {
            for what in all.iter().filter(|what| happens(what)) {
                let shown = shown(what, &Place::of(node, "", true));
                let uri = shown.origin.split('#').next().unwrap_or_default();
                let path = match target(uri) {
                    Target::Service(row, _) => row.resource.path,
                    Target::Node(row, _) | Target::OverNodes(row, _) => row.resource.path,
                    Target::Fixed(_) => panic!("{uri} has no events"),
                };
                messages.entry(path).or_default().insert(shown.message.entry.key);
            }
        };
        bench.redfish.fleet.look(site.node, tell).unwrap();
        // Some resources are at the root that all servers share only.
        let of_root = events(&profile, &[Of::Aggregate(1), Of::Task(1)]);
        for what in of_root.iter().filter(|what| happens(what)) {
            let shown = shown(what, &Place { model: None });
            if let Some(Route { target: Target::Service(row, _), .. }) = TREE.find(&shown.origin, false)
                && matches!(row.resource.type_name(), "Aggregate" | "Task")
            {
                messages.entry(row.resource.path).or_default().insert(shown.message.entry.key);
            }
        }
    }
    messages
});

/// Whether such a resource comes, changes or goes. The others of an event are changed by other events only.
fn happens(what: &What) -> bool {
    match what {
        What::Created(of) | What::Removed(of) => matches!(
            of,
            Of::Account(_)
                | Of::Role(_)
                | Of::Session(_)
                | Of::Subscription(_)
                | Of::Aggregate(_)
                | Of::Volume(..)
                | Of::LogEntry(..)
                | Of::ReportDefinition(_)
                | Of::License(_)
                | Of::SecureBootKey(..)
                | Of::MediaCertificate(..)
        ),
        What::Changed(of) => !matches!(
            of,
            Of::Session(_)
                | Of::Task(_)
                | Of::Log(_)
                | Of::LogEntry(..)
                | Of::Sensor(_)
                | Of::License(_)
                | Of::SecureBootKey(..)
                | Of::MediaCertificate(..)
        ),
        _ => true,
    }
}

/// A collection, a document, and its actions.
fn lines_of<O: Owner>(resource: &Resource<O>) -> Vec<Line> {
    let mut lines = Vec::new();
    if resource.collection.as_ref().is_some_and(|own| !own.is_among_those_of_nodes) {
        lines.push(line(parent(resource.path), &format!("{}Collection", resource.type_name())));
    }
    lines.push(line(resource.path, resource.schema()));
    for action in resource.actions {
        lines.push(line(&format!("{}/Actions/{}", resource.path, action.name()), "action"));
        if let Some(info) = action.info() {
            lines.push(line(&format!("{}/{info}", resource.path), ACTION_INFO_SCHEMA));
        }
    }
    lines
}

/// The requests that need no login, as a list in a sentence.
fn public(paths: &[String]) -> String {
    let mut requests = Vec::new();
    for path in paths {
        let full = format!("{ROOT}{path}");
        let whole = if Fixed::PATHS.iter().any(|(fixed, _)| fixed == path) { path } else { &full };
        for method in [Method::GET, Method::POST] {
            let target = target(whole);
            if target.allow().to_str().unwrap().contains(method.as_str())
                && target.need(&method) == Need::Nothing
            {
                requests.push(format!("{method} of `{whole}`"));
            }
        }
    }
    let last = requests.pop().unwrap();
    format!("{} and {last}", requests.join(", "))
}

fn page() -> String {
    let mut parts: BTreeMap<(usize, &str), Vec<Line>> = BTreeMap::new();
    let mut paths: Vec<String> = Fixed::PATHS.map(|(path, _)| path.to_owned()).into();
    for entry in RESOURCES.iter() {
        let lines = match entry {
            Entry::Service(resource) => lines_of(resource),
            Entry::Node(resource) => lines_of(resource),
        };
        paths.extend(lines.iter().map(|line| line.uri.clone()));
        let first = entry.path_and_property().0.split('/').nth(3).unwrap_or_default();
        let part = ["Systems", "Managers", "Chassis"].iter().position(|part| *part == first);
        parts.entry(part.map_or((0, "Service"), |n| (n + 1, first))).or_default().extend(lines);
    }
    let mut text = HEAD.replace("{public}", &public(&paths));
    for ((_, part), lines) in parts {
        let columns = "| URI | Methods | Type | Privileges | Messages |\n| --- | --- | --- | --- | --- |";
        write!(text, "\n## {part}\n\n{columns}\n").unwrap();
        for Line { uri, methods, privileges, kind, events } in lines {
            let uri = if uri.is_empty() { "/" } else { &uri };
            writeln!(text, "| `{uri}` | {methods} | {kind} | {privileges} | {events} |").unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_resources_is_that_of_the_table() {
    compare(PAGE, &page());
}

pub(super) fn compare(page: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines().chain([""])).find(|(wanted, found)| wanted != found);
    assert!(
        found == wanted,
        "{page} is not that of the table, first at {differs:?}: write it with INSTA_UPDATE=always cargo test the_page_of"
    );
}
