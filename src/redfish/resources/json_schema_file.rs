//! `JsonSchemaFile`: the URL at which DMTF publishes the schema of each type.

use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::schemas::schemas_of;

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    schemas_of(cx.schemas, cx.models).iter().for_each(|schema| each(schema));
}

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
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
