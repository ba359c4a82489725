//! JSON Schemas of the files that a user writes.

use serde_json::{Value, json};
use utoipa::ToSchema;

use super::document::Plan;

/// The schema of a plan, in JSON Schema 2020-12.
///
/// # Errors
/// If a part cannot be written as JSON.
pub fn schema() -> serde_json::Result<Value> {
    schema_of::<Plan>("fauxmetal plan of a load run")
}

/// The schema of a file with a type, in JSON Schema 2020-12.
///
/// # Errors
/// If a part cannot be written as JSON.
pub fn schema_of<T: ToSchema>(title: &str) -> serde_json::Result<Value> {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let mut definitions = serde_json::Map::new();
    for (name, schema) in parts {
        definitions.insert(name, serde_json::to_value(schema)?);
    }
    let mut document = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title});
    if let (Value::Object(document), Value::Object(root)) =
        (&mut document, serde_json::to_value(T::schema())?)
    {
        document.extend(root);
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    // utoipa writes references into an OpenAPI document.
    serde_json::from_str(&document.to_string().replace("#/components/schemas/", "#/$defs/"))
}
