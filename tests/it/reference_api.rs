//! `docs/reference/api.md`: the control API, rendered from the OpenAPI document that a daemon serves.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::load::{Daemon, ask, connect};
use super::reference::{code_list, is_page};

const HEAD: &str = "\
# Control API

Every operation and every type of the API on the admin listener. [Use the control API](../control.md) shows how to use it. The daemon serves
an OpenAPI 3.1 document that says the same at `/fauxmetal/v1/openapi.json`.

Bodies are JSON; a member that is not listed is refused. Members are added in later versions, never renamed or removed. An error is a
[Problem](#problem), of the media type `application/problem+json`, and has changed nothing.
";

/// The members of an object; none if there is no such object.
fn members<'d>(value: &'d Value, key: &str) -> impl Iterator<Item = (&'d String, &'d Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list<'d>(value: &'d Value, key: &str) -> impl Iterator<Item = &'d Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A description as one line, which a table can contain.
fn line(value: &Value) -> String {
    let text = value["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The type of a value in words, with what is allowed.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    let is_null = |schema: &&Value| schema["type"] == "null";
    let choices: Vec<_> = list(schema, "oneOf").chain(list(schema, "anyOf")).collect();
    if !choices.is_empty() && !schema["properties"].is_object() {
        return choices.into_iter().filter(|one| !is_null(one)).map(kind).collect::<Vec<_>>().join(" or ");
    }
    let values =
        list(schema, "enum").filter(|value| !value.is_null()).map(Value::to_string).collect::<Vec<_>>();
    if !values.is_empty() {
        return code_list(
            values.iter().map(|value| if value == "\"\"" { value } else { value.trim_matches('"') }),
        );
    }
    let types: Vec<_> = list(schema, "type").chain([&schema["type"]]).filter_map(Value::as_str).collect();
    let name = types.into_iter().find(|name| *name != "null").unwrap_or("value");
    let mut said = match name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object with values: {}", kind(&schema["additionalProperties"]))
        }
        _ => name.to_owned(),
    };
    for (key, before, after) in [
        ("format", "", ""),
        ("minimum", ", from ", ""),
        ("maximum", ", to ", ""),
        ("minItems", ", at least ", ""),
        ("maxItems", ", at most ", ""),
        ("maxProperties", "; at most ", " members"),
        ("maxLength", ", at most ", " characters"),
        ("default", ", default ", ""),
    ] {
        match &schema[key] {
            Value::String(format) => said = grammar(format).map_or(said, str::to_owned),
            Value::Number(number) => write!(said, "{before}{number}{after}").unwrap(),
            _ => {}
        }
    }
    said
}

/// The grammar of a text, by its name in the document. The others are sizes of numbers, which say nothing to a reader.
fn grammar(format: &str) -> Option<&'static str> {
    match format {
        "selection" => Some("[selection](../selections.md)"),
        "http-url" => Some("`http` or `https` URL"),
        "model" => Some("name of a [model](../models.md)"),
        _ => None,
    }
}

/// The description of a member, or that of its type.
fn meaning(member: &Value, schemas: &Value) -> String {
    let of_type = || {
        let path = [member].into_iter().chain(list(member, "oneOf")).find_map(|one| one["$ref"].as_str());
        let name = path.and_then(|path| path.rsplit('/').next());
        name.map_or_else(String::new, |name| line(&schemas[name]))
    };
    Some(line(member)).filter(|line| !line.is_empty()).unwrap_or_else(of_type)
}

/// The bodies of an answer: each type, with its media type if that is not JSON.
fn bodies(answer: &Value) -> String {
    let one = |(media_type, content): (&String, &Value)| match media_type.as_str() {
        "application/json" | "application/problem+json" => kind(&content["schema"]),
        other => format!("{} for each line of `{other}`", kind(&content["schema"])),
    };
    members(answer, "content").map(one).collect::<Vec<_>>().join(", or ")
}

/// The answers that all operations have, with the same words.
fn common(operations: &[&Value]) -> BTreeSet<String> {
    let has = |operation: &Value| members(operation, "responses").map(|(status, _)| status.clone()).collect();
    let mut all: BTreeSet<String> = has(operations[0]);
    for operation in operations {
        all.retain(|status| operation["responses"][status] == operations[0]["responses"][status]);
    }
    all
}

fn operation(page: &mut String, method: &str, path: &str, operation: &Value, common: &BTreeSet<String>) {
    write!(page, "\n### {} {path}\n\n{}.\n", method.to_uppercase(), operation["summary"].as_str().unwrap())
        .unwrap();
    let description = line(operation);
    if !description.is_empty() {
        write!(page, "\n{description}\n").unwrap();
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if body.is_object() {
        write!(page, "\nBody: {}\n", kind(body)).unwrap();
    }
    let mut parameters = list(operation, "parameters").peekable();
    if parameters.peek().is_some() {
        page.push_str("\n| Parameter | In | Value | Meaning |\n| --- | --- | --- | --- |\n");
    }
    for parameter in parameters {
        let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
        writeln!(page, "| `{name}` | {place} | {} | {} |", kind(&parameter["schema"]), line(parameter))
            .unwrap();
    }
    page.push_str("\n| Status | Body | Meaning |\n| --- | --- | --- |\n");
    for (status, answer) in members(operation, "responses").filter(|(status, _)| !common.contains(*status)) {
        writeln!(page, "| {status} | {} | {} |", bodies(answer), line(answer)).unwrap();
    }
}

fn component(page: &mut String, name: &str, schema: &Value, schemas: &Value) {
    write!(page, "\n### {name}\n").unwrap();
    let description = line(schema);
    if !description.is_empty() {
        write!(page, "\n{}\n", description.replace("\\|", "|")).unwrap();
    }
    let choices: Vec<_> =
        list(schema, "anyOf").flat_map(|one| list(one, "required")).filter_map(Value::as_str).collect();
    if !choices.is_empty() {
        write!(page, "\nIt has at least one of {}.\n", code_list(choices)).unwrap();
    }
    let parts: Vec<_> = list(schema, "oneOf").chain(list(schema, "allOf")).chain([schema]).collect();
    for base in parts.iter().filter(|part| part["$ref"].is_string()) {
        write!(page, "\nIt has the members of {}.\n", kind(base)).unwrap();
    }
    let values: Vec<_> = list(schema, "enum").filter_map(Value::as_str).collect();
    if !values.is_empty() {
        write!(page, "\nOne of {}.\n", code_list(values)).unwrap();
    }
    let is_choice = list(schema, "oneOf").count() > 0;
    let of_part = |part: &Value| {
        let required: Vec<_> = list(part, "required").filter_map(Value::as_str).collect();
        let row = |(name, member): (&String, &Value)| {
            // Each choice is an object with one member.
            let meaning = if is_choice { line(part) } else { meaning(member, schemas) };
            let needed = if !is_choice && required.contains(&name.as_str()) { "yes" } else { "no" };
            format!("| `{name}` | {} | {needed} | {meaning} |\n", kind(member))
        };
        members(part, "properties").map(row).collect::<String>()
    };
    let rows: String = parts.iter().map(|part| of_part(part)).collect();
    if !rows.is_empty() {
        write!(page, "\n| Member | Value | Always | Meaning |\n| --- | --- | --- | --- |\n{rows}").unwrap();
    }
}

#[test]
fn the_page_of_the_api_is_that_of_its_document() {
    let daemon = Daemon::start(":", &["--nodes", "1"]);
    let admin = &mut connect(daemon.address(&daemon.ready["admin"]));
    let (status, text) = ask(admin, "GET", "/fauxmetal/v1/openapi.json", "", "");
    assert_eq!(status, 200);
    let document: Value = serde_json::from_str(&text).unwrap();

    let found: Vec<_> = members(&document, "paths")
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, one)| (path, method, one))
        })
        .collect();
    let common = common(&found.iter().map(|(_, _, operation)| *operation).collect::<Vec<_>>());
    let mut page = HEAD.to_owned();
    page.push_str(
        "\nEvery operation can also answer with:\n\n| Status | Body | Meaning |\n| --- | --- | --- |\n",
    );
    for status in &common {
        let answer = &found[0].2["responses"][status];
        writeln!(page, "| {status} | {} | {} |", bodies(answer), line(answer)).unwrap();
    }
    let mut shown = 0;
    for tag in list(&document, "tags") {
        write!(page, "\n## Operations: {}\n\n{}.\n", tag["name"].as_str().unwrap(), line(tag)).unwrap();
        for (path, method, one) in found.iter().filter(|(_, _, one)| one["tags"][0] == tag["name"]) {
            operation(&mut page, method, path, one, &common);
            shown += 1;
        }
    }
    assert_eq!(shown, found.len(), "an operation has no tag of the document");
    page.push_str("\n## Types\n");
    for (name, schema) in members(&document["components"], "schemas") {
        component(&mut page, name, schema, &document["components"]["schemas"]);
    }
    is_page("api.md", &page);
}
