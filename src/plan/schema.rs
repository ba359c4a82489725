//! The JSON Schema of a plan.

use serde_json::{Value, json};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::document::Plan;

/// The schema, in JSON Schema 2020-12.
///
/// # Errors
/// If a part cannot be written as JSON.
pub fn schema() -> serde_json::Result<Value> {
    let mut parts = Vec::new();
    Plan::schemas(&mut parts);
    let mut definitions = serde_json::Map::new();
    for (name, schema) in parts {
        definitions.insert(name, serde_json::to_value(schema)?);
    }
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fauxmetal plan of a load run",
    });
    if let (Value::Object(document), Value::Object(plan)) =
        (&mut document, serde_json::to_value(Plan::schema())?)
    {
        document.extend(plan);
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    // utoipa writes references into an OpenAPI document.
    serde_json::from_str(&document.to_string().replace("#/components/schemas/", "#/$defs/"))
}
