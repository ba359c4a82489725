//! `docs/reference/resources.md`: every URI of the table of resources, with its methods.
//!
//! The page is compared with the table, so a new row fails this test. `INSTA_UPDATE=always` writes the page again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use http::Method;

use crate::redfish::access::Need;
use crate::redfish::action::ACTION_INFO_SCHEMA;
use crate::redfish::resource::{Entry, Owner, Resource};
use crate::redfish::resources::RESOURCES;
use crate::redfish::row::{Fixed, ROOT, Target, parent};
use crate::redfish::tree::Tree;

const PAGE: &str = "docs/reference/resources.md";

const HEAD: &str = "\
# Redfish resources

Every URI below `/redfish/v1`, with its methods and DMTF's type. HEAD is allowed wherever GET is. A client must log in, by Basic
authentication or with a session, except for {public}.

- `{System}`, `{Manager}` and `{Chassis}` are the UUID of a server. At a BMC with [an address of its own](../addresses.md) they are the
  ids of its [model](../models.md), such as `1`. `{Node-Software}` begins with the UUID of a server, except at such a BMC.
- A model can leave resources out (`absent` in its profile). The links of the documents say what a server has.
- Every document lists the allowable values of the parameters of its actions, and links to an `ActionInfo` with all parameters.
- [Redfish protocol](../protocol.md) has the query parameters and headers that the service understands.
";

/// A line of the page.
struct Line {
    uri: String,
    methods: String,
    kind: String,
}

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(&RESOURCES));

/// What the service has at a path of the table.
fn target(path: &str) -> Target {
    TREE.find(path, true).unwrap_or_else(|| panic!("{path} leads nowhere")).target
}

fn line(path: &str, kind: &str) -> Line {
    let methods = target(path).allow().to_str().unwrap().replace("GET, HEAD", "GET");
    Line { uri: path.strip_prefix(ROOT).unwrap_or(path).to_owned(), methods, kind: kind.to_owned() }
}

/// A collection, a document, and its actions.
fn lines_of<O: Owner>(resource: &Resource<O>) -> Vec<Line> {
    let mut lines = Vec::new();
    if resource.collection.is_some() {
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
        write!(text, "\n## {part}\n\n| URI | Methods | Type |\n| --- | --- | --- |\n").unwrap();
        for Line { uri, methods, kind } in lines {
            let uri = if uri.is_empty() { "/" } else { &uri };
            writeln!(text, "| `{uri}` | {methods} | {kind} |").unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_resources_is_that_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let wanted = page();
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines().chain([""])).find(|(wanted, found)| wanted != found);
    assert!(
        found == wanted,
        "{PAGE} is not that of the table, first at {differs:?}: write it with INSTA_UPDATE=always cargo test reference"
    );
}
