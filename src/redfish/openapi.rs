//! The OpenAPI document (DSP0266, "OpenAPI"): every path and method of the table, with references to DMTF's schemas.
//!
//! The document is made when a client asks for it first, and kept then. It says nothing about one model or one node.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::action::ACTION_INFO_SCHEMA;
use super::attachment::SEGMENT;
use super::headers::GZIP;
use super::resource::{Owner, Resource};
use super::row::{Fixed, Row, parent};
use super::tree::Tree;

/// Where DMTF publishes its schemas.
const SCHEMAS: &str = "http://redfish.dmtf.org/schemas/v1";
/// The version of DMTF's schema of an error.
const ERROR: &str = "redfish-error.v1_0_2.RedfishError";
/// The version of DMTF's bundle of schemas that the table has its types from.
const BUNDLE: &str = "2026.1";

/// The paths, each with its operations.
type Paths = BTreeMap<String, Map<String, Value>>;

/// The document as YAML.
pub(super) fn text(tree: &Tree) -> Vec<u8> {
    let mut out = String::new();
    write(&document(tree), 0, &mut out);
    out.into()
}

fn document(tree: &Tree) -> Value {
    let mut paths = Paths::new();
    for (path, fixed) in Fixed::PATHS {
        let media_type = fixed.media_type().split(';').next().unwrap_or_default();
        let content = json!({(media_type): {}});
        add(
            &mut paths,
            path,
            "get",
            json!({"200": {"description": "The document.", "content": content}}),
            None,
        );
    }
    let names = names(tree);
    tree.services.iter().for_each(|row| add_row(&mut paths, row, &names));
    tree.nodes.iter().for_each(|row| add_row(&mut paths, row, &names));
    // Without a login a client reads these documents and creates a session (DSP0266, "Authentication requirements").
    let open = Fixed::PATHS.map(|(path, _)| (path, "get"));
    for (path, method) in open.into_iter().chain([("/redfish/v1", "get"), (SESSIONS, "post")]) {
        if let Some(operation) = paths.get_mut(path).and_then(|operations| operations.get_mut(method)) {
            operation["security"] = json!([]);
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Redfish service of fauxmetal",
            "version": BUNDLE,
            "description": "The resources of all models. A model may lack some of them: the links in its documents are what it has.",
        },
        "servers": [{"url": "/"}],
        "security": [{"BasicAuth": []}, {"SessionAuth": []}],
        "components": {
            "securitySchemes": {
                "BasicAuth": {"type": "http", "scheme": "basic"},
                "SessionAuth": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
            },
            "responses": {
                "Error": {"description": "The request failed.", "content": content(&reference(ERROR))},
            },
        },
        "paths": paths,
    })
}

/// Where a client creates a session.
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";

/// The type of the resource at each path of the table.
fn names(tree: &Tree) -> BTreeMap<&'static str, &'static str> {
    let of_service = tree.services.iter().map(|row| (row.resource.path, row.resource.type_name()));
    of_service.chain(tree.nodes.iter().map(|row| (row.resource.path, row.resource.type_name()))).collect()
}

/// Adds a document, its collection, its actions and its task monitor.
fn add_row<O: Owner>(paths: &mut Paths, row: &Row<O>, names: &BTreeMap<&str, &str>) {
    let resource: &Resource<O> = row.resource;
    let kind = reference(resource.kind);
    let at = |path: &str| with_parameters(path, names);
    let path = at(resource.path);
    add(paths, &path, "get", shown(&kind), None);
    if resource.patch.is_some() {
        add(paths, &path, "patch", done(&kind), Some(&kind));
    }
    if resource.delete.is_some() {
        add(paths, &path, "delete", done(&kind), None);
    }
    if let Some(collection) = &resource.collection {
        let path = at(parent(resource.path));
        let name = format!("{}Collection", resource.type_name());
        let whole = reference(&format!("{name}.{name}"));
        add(paths, &path, "get", shown(&whole), None);
        if resource.patch.is_some() {
            add(paths, &path, "patch", done(&whole), Some(&whole));
        }
        if collection.create.is_some() {
            for path in [format!("{path}/Members"), path] {
                add(paths, &path, "post", created(&kind), Some(&kind));
            }
        }
    }
    for action in resource.actions {
        let path = at(&format!("{}/Actions/{}", resource.path, action.name()));
        // DMTF's schema of the parameters stands in the file of the resource.
        let body = reference(&format!("{}.{}RequestBody", resource.schema(), action.word()));
        add(paths, &path, "post", done(&kind), Some(&body));
        if let Some(info) = action.info() {
            let info_kind = reference(&format!("{ACTION_INFO_SCHEMA}.ActionInfo"));
            add(paths, &at(&format!("{}/{info}", resource.path)), "get", shown(&info_kind), None);
        }
    }
    if resource.attachment.is_some() {
        add(paths, &at(&format!("{}/{SEGMENT}", resource.path)), "get", data(), None);
    }
    if let Some(monitor) = resource.monitor {
        let path = at(monitor.path);
        add(paths, &path, "get", done(&kind), None);
        add(paths, &path, "delete", done(&kind), None);
    }
}

/// Adds an operation. `body` is the reference to the schema of the request's body.
fn add(paths: &mut Paths, path: &str, method: &str, responses: Value, body: Option<&str>) {
    let mut operation = json!({"responses": responses});
    operation["responses"]["default"] = json!({"$ref": "#/components/responses/Error"});
    if let Some(body) = body {
        operation["requestBody"] = json!({"content": content(body)});
    }
    let operations = paths.entry(path.to_owned()).or_insert_with(|| {
        let parameters: Vec<_> = path.split('/').filter_map(parameter).collect();
        let parameters = (!parameters.is_empty()).then(|| ("parameters".to_owned(), parameters.into()));
        parameters.into_iter().collect()
    });
    operations.insert(method.to_owned(), operation);
}

/// The parameter that a segment of a path stands for.
fn parameter(segment: &str) -> Option<Value> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
}

/// The path with the names of DMTF for its ids: `{ComputerSystemId}`. A second id of the same type gets a number.
fn with_parameters(path: &str, names: &BTreeMap<&str, &str>) -> String {
    let (mut out, mut above, mut used) = (String::new(), String::new(), Vec::new());
    for segment in path.split('/').skip(1) {
        above = format!("{above}/{segment}");
        if !segment.starts_with('{') {
            let _ = write!(out, "/{segment}");
            continue;
        }
        // The path of a task monitor belongs to no row.
        let name = names.get(above.as_str()).copied().unwrap_or("Task");
        used.push(name);
        let _ = match used.iter().filter(|other| **other == name).count() {
            1 => write!(out, "/{{{name}Id}}"),
            number => write!(out, "/{{{name}Id{number}}}"),
        };
    }
    out
}

/// The URI of a type's schema: `ComputerSystem.v1_28_0.ComputerSystem` is in the file `ComputerSystem.v1_28_0.yaml`.
fn reference(kind: &str) -> String {
    let (file, _) = kind.rsplit_once('.').unwrap_or((kind, kind));
    format!("{SCHEMAS}/{file}.yaml#/components/schemas/{}", kind.replace('.', "_"))
}

fn content(schema: &str) -> Value {
    json!({"application/json": {"schema": {"$ref": schema}}})
}

fn shown(schema: &str) -> Value {
    json!({"200": {"description": "The document.", "content": content(schema)}})
}

fn data() -> Value {
    json!({"200": {"description": "The data.", "content": {GZIP: {}}}})
}

fn created(schema: &str) -> Value {
    json!({
        "201": {"description": "The new member.", "content": content(schema)},
        "202": {"description": "A task creates the member. Location is its task monitor."},
    })
}

fn done(schema: &str) -> Value {
    json!({
        "200": {"description": "The document.", "content": content(schema)},
        "202": {"description": "A task does the work. Location is its task monitor."},
        "204": {"description": "The change is done."},
    })
}

/// Writes a value as YAML in block style. A text is written in quotes as in JSON, which YAML has too.
fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = |out: &mut String| out.extend(std::iter::repeat_n("  ", depth));
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                indent(out);
                let _ = write!(out, "{}:", Value::from(key.as_str()));
                write_inside(value, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(out);
                out.push('-');
                write_inside(item, depth, out);
            }
        }
        other => {
            indent(out);
            let _ = writeln!(out, "{other}");
        }
    }
}

/// Writes what follows a key or a dash: a short value on the same line, a long one below.
fn write_inside(value: &Value, depth: usize, out: &mut String) {
    let is_block = value.as_object().is_some_and(|map| !map.is_empty())
        || value.as_array().is_some_and(|items| !items.is_empty());
    if is_block {
        out.push('\n');
        write(value, depth + 1, out);
    } else {
        let _ = writeln!(out, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::redfish::resources::RESOURCES;

    static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::of(&RESOURCES));

    #[test]
    fn a_value_is_written_as_a_block() {
        let value = json!({"a": {"b": ["x: y", {"c": 1, "d": []}]}, "e": {}, "f": true});
        let mut out = String::new();
        write(&value, 0, &mut out);
        let expected = "\"a\":\n  \"b\":\n    - \"x: y\"\n    -\n      \"c\": 1\n      \"d\": []\n\"e\": {}\n\"f\": true\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn every_path_has_the_methods_of_its_resource_and_names_its_parameters() {
        let document = document(&TREE);
        let paths = document["paths"].as_object().unwrap();
        for (path, operations) in paths {
            let example: Vec<_> =
                path.split('/').map(|word| if word.starts_with('{') { "1" } else { word }).collect();
            let example = example.join("/");
            let route = TREE.find(&example, true).unwrap_or_else(|| panic!("{path} leads nowhere"));
            let mut allowed = ["DELETE", "GET", "PATCH", "POST"].to_vec();
            allowed.retain(|method| route.target.has(&method.parse().unwrap()));
            let operations = operations.as_object().unwrap();
            let mut listed: Vec<_> = operations.keys().filter(|key| *key != "parameters").collect();
            listed.sort_unstable();
            assert_eq!(listed.iter().map(|m| m.to_uppercase()).collect::<Vec<_>>(), allowed, "{path}");
            let named = operations.get("parameters").and_then(Value::as_array).map_or(0, Vec::len);
            assert_eq!(named, path.matches('{').count(), "{path}");
        }
        let system = &paths["/redfish/v1/Systems/{ComputerSystemId}"];
        assert_eq!(
            system["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"],
            "http://redfish.dmtf.org/schemas/v1/ComputerSystem.v1_28_0.yaml#/components/schemas/ComputerSystem_v1_28_0_ComputerSystem"
        );
        assert!(paths.contains_key("/redfish/v1/TaskService/Tasks/{TaskId}/SubTasks/{TaskId2}"));
        assert_eq!(paths[SESSIONS]["post"]["security"], json!([]));
        assert!(paths[SESSIONS]["get"].get("security").is_none());
        // The tasks of the service stand among those of the nodes, and so do their monitors.
        assert_eq!(paths.len(), TREE.paths() - 2, "every path is listed");
    }
}
