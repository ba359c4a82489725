//! `JsonSchemaFile`: where DMTF publishes the schema of each type of the table.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::RESOURCES;
use crate::redfish::doc::Doc;
use crate::redfish::resource::Cx;

/// Schemas in use, such as `Chassis.v1_28_0` and `ChassisCollection`.
static SCHEMAS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut schemas = BTreeSet::new();
    for resource in RESOURCES {
        schemas.insert(resource.schema().to_owned());
        if resource.collection.is_some() {
            schemas.insert(format!("{}Collection", resource.type_name()));
        }
    }
    schemas
});

pub(super) fn members(_: &Cx<'_>, each: &mut dyn FnMut(&str)) {
    SCHEMAS.iter().for_each(|schema| each(schema));
}

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let schema = cx.id();
    let kind = schema.split('.').next().unwrap_or(schema);
    d.put("Id", schema);
    d.join("Name", &[kind, " Schema File"]);
    d.join("Schema", &["#", schema, ".", kind]);
    d.put("Languages", ["en"].as_slice());
    d.array("Location", |d| {
        d.item_object(|d| {
            d.put("Language", "en");
            d.join("PublicationUri", &["http://redfish.dmtf.org/schemas/v1/", schema, ".json"]);
        });
    });
}
