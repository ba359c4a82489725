//! `fauxmetal fault schema`.

use std::io::Write as _;

use clap::Parser;
use serde_json::{Value, json};
use utoipa::ToSchema as _;

use crate::cli::exit_code::ExitCode;
use crate::cli::out;
use crate::fault::Rule;

/// Print the JSON Schema of a file with rules
///
/// An editor that knows it completes and checks the file.
#[derive(Parser)]
#[command(after_help = "Example:\n  fauxmetal fault schema > faults.schema.json")]
pub(super) struct Args {}

pub(super) fn command(_: &Args) -> anyhow::Result<ExitCode> {
    let mut out = out::stdout();
    out::json(&mut out, &document()?)?;
    out.flush()?;
    Ok(ExitCode::Ok)
}

/// The schema, in JSON Schema 2020-12.
fn document() -> anyhow::Result<Value> {
    let mut parts = Vec::new();
    Rule::schemas(&mut parts);
    let mut definitions = serde_json::Map::new();
    for (name, schema) in parts {
        definitions.insert(name, serde_json::to_value(schema)?);
    }
    definitions.insert("Rule".to_owned(), serde_json::to_value(<Rule as utoipa::PartialSchema>::schema())?);
    let text = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fauxmetal rules of faults",
        "type": "object",
        "required": ["faults"],
        "additionalProperties": false,
        "properties": {"faults": {"type": "array", "items": {"$ref": "#/components/schemas/Rule"}}},
        "$defs": definitions,
    });
    // utoipa writes references into an OpenAPI document.
    Ok(serde_json::from_str(&text.to_string().replace("#/components/schemas/", "#/$defs/"))?)
}
