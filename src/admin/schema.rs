//! What the document says beyond the types of Rust: the grammar of texts, the lengths, the members that belong together, and the
//! answers that every operation has.
//!
//! A grammar that is too rich for a regular expression is named by its `format`: `selection` (`docs/selections.md`), `http-url`,
//! `model`, which is the name of a model, and `system-uuid`, `system-name` and `mac` of an imported system.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::api::{MAX_SYSTEMS, NodeField};
use super::clock::{MAX_STEP_S, MIN_S};
use super::target::MAX_NAMES;
use crate::clock::Clock;
use crate::dmtf::{BootMode, BootTarget};
use crate::node::bmc::environment::Environment;
use crate::node::bmc::media::Insertion;
use crate::node::boot;
use crate::node::labels::Labels;
use crate::profile::Profile;
use crate::profile::boot_source::BootSource;
use crate::profile::identities::Identity;
use crate::time::SimTime;

/// The name in a key of a label, and a value that is not empty (`selection/label.rs`).
const NAME: &str = "[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?";
/// A part of the domain in a key of a label.
const DNS_LABEL: &str = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";

/// The whole document.
pub(super) fn complete(document: OpenApi) -> Value {
    // A document is text and numbers, which JSON can say.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    for (place, said) in constraints() {
        let found = document.pointer_mut(&place);
        debug_assert!(found.is_some(), "the document has no {place}");
        if let (Some(Value::Object(found)), Value::Object(said)) = (found, said) {
            found.extend(said);
        }
    }
    let schemas = &mut document["components"]["schemas"];
    schemas["Nodes"] = nodes();
    for schema in schemas.as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut()) {
        if let Some(Value::Object(dry_run)) = schema.pointer_mut("/properties/dryRun") {
            dry_run
                .entry("description")
                .or_insert("Whether to answer what would happen, and to change nothing.".into());
        }
    }
    let operations = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in operations.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut()) {
        for (status, description) in [
            ("401", "The token is missing or wrong; only with `--admin-token-file`"),
            ("403", "`Host` is no known name, or `Origin` is another site"),
        ] {
            let schema = json!({"$ref": "#/components/schemas/Problem"});
            operation["responses"][status] = json!({"description": description, "content": {"application/problem+json": {"schema": schema}}});
        }
        operation["responses"]["431"] =
            json!({"description": "The headers and the query have more bytes than the limit `header-bytes`"});
    }
    document
}

/// The places of schemas, and what they say in addition.
fn constraints() -> Vec<(String, Value)> {
    let texts = |all: Vec<&str>| all.into_iter().map(Value::from).chain([Value::Null]).collect::<Vec<_>>();
    let targets = BootTarget::ALL.iter().map(|target| target.as_str()).chain([BootSource::UsbCd.as_str()]);
    let modes = BootMode::ALL.iter().map(|mode| mode.as_str());
    let any_of = |schemas: Vec<Value>| json!({"anyOf": schemas});
    let given = |member: &str, schema: Value| json!({"required": [member], "properties": {member: schema}});
    let text = || json!({"type": "string"});
    let url = |most: usize| json!({"type": "string", "format": "http-url", "maxLength": most});
    let labels = || json!({"propertyNames": label_key(), "additionalProperties": label_value(), "maxProperties": Labels::MAX});
    let fields = NodeField::ALL.map(NodeField::as_str).join("|");
    let component = |place: &str, said: Value| (format!("/components/schemas/{place}"), said);
    vec![
        component("Add/properties/count", json!({"maximum": u32::MAX})),
        component("Add/properties/labels", labels()),
        component("Add/properties/profile", json!({"format": "model"})),
        component("Import/properties/labels", labels()),
        component("Import/properties/profile", json!({"format": "model"})),
        component("Import/properties/systems", json!({"minItems": 1, "maxItems": MAX_SYSTEMS})),
        component("ImportedSystem/properties/uuid", json!({"format": "system-uuid"})),
        component(
            "ImportedSystem/properties/name",
            json!({"pattern": "^[A-Za-z0-9._~-]+$", "maxLength": Identity::MAX_NAME, "format": "system-name"}),
        ),
        component("ImportedSystem/properties/macs", json!({"maxItems": Profile::MAX_NICS})),
        component("ImportedSystem/properties/macs/items", json!({"format": "mac"})),
        component(
            "Boot",
            any_of(["target", "enabled", "mode", "httpBootUri"].map(|m| given(m, text())).to_vec()),
        ),
        component(
            "Boot/properties/httpBootUri",
            any_of(vec![url(boot::Boot::MAX_URI_BYTES), json!({"enum": ["", null]})]),
        ),
        component("Boot/properties/mode", json!({"enum": texts(modes.collect())})),
        component("Boot/properties/target", json!({"enum": texts(targets.collect())})),
        component(
            "Heat/properties/inletCelsius",
            json!({"minimum": Environment::MIN_INLET, "maximum": Environment::MAX_INLET}),
        ),
        component("Insert/properties/image", url(Insertion::MAX_IMAGE)),
        component(
            "ClockJump",
            json!({"oneOf": [given("seconds", json!({"type": "number"})), given("to", text())]}),
        ),
        component(
            "ClockJump/properties/seconds",
            json!({"minimum": MIN_S, "maximum": SimTime::LATEST.ms() / 1000}),
        ),
        component("ClockJump/properties/to", json!({"format": "date-time"})),
        component(
            "Label",
            any_of(vec![given("set", json!({"minProperties": 1})), given("remove", json!({"minItems": 1}))]),
        ),
        component(
            "ClearFaults",
            json!({"oneOf": [
                given("names", json!({"type": "array", "minItems": 1, "maxItems": 1000})),
                given("all", json!({"enum": [true]})),
            ]}),
        ),
        component(
            "Who",
            json!({"oneOf": [
                given("selector", text()),
                given("names", json!({"type": "array", "minItems": 1, "maxItems": MAX_NAMES})),
                given("all", json!({"enum": [true]})),
            ]}),
        ),
        component("Label/properties/remove/items", label_key()),
        component(
            "Plug",
            json!({"oneOf": [given("nic", text()), given("disk", text()), given("psu", text())]}),
        ),
        component(
            "Fail",
            json!({"oneOf": [
                given("fan", text()), given("disk", text()), given("dimm", text()), given("psu", text()),
            ]}),
        ),
        component("Label/properties/set", labels()),
        component("NoMembers", json!({"additionalProperties": false})),
        component(
            "ClockSpeed/properties/speed",
            json!({"minimum": Clock::SPEED.start(), "maximum": Clock::SPEED.end()}),
        ),
        component("ClockStep/properties/seconds", json!({"minimum": MIN_S, "maximum": MAX_STEP_S})),
        (
            "/paths/~1fauxmetal~1v1~1nodes/get/parameters/1/schema".to_owned(),
            json!({"pattern": format!(r"^\s*(?:{fields})\s*(?:,\s*(?:{fields})\s*)*$")}),
        ),
    ]
}

/// The nodes of a verb.
fn nodes() -> Value {
    let selection =
        json!({"type": "string", "format": "selection", "maxLength": 65536, "example": "rack=r7,power!=off"});
    let names = json!({
        "type": "array", "items": {"type": "string", "example": "generic-3"}, "minItems": 1, "maxItems": MAX_NAMES,
    });
    let one = |member: &str, description: &str, schema: Value| {
        json!({
            "type": "object", "description": description,
            "required": [member], "properties": {member: schema}, "additionalProperties": false,
        })
    };
    json!({
        "description": "The nodes of the request: exactly one of the three.",
        "oneOf": [
            one("selector", "The nodes of a selection", selection),
            one("names", "Nodes by name or UUID. Each must exist", names),
            one("all", "All nodes of the fleet", json!({"type": "boolean", "enum": [true]})),
        ],
    })
}

/// A key of a label: 253 characters of a domain, a slash, and 63 of a name.
fn label_key() -> Value {
    json!({"type": "string", "pattern": format!(r"^(?:(?:{DNS_LABEL}\.)*{DNS_LABEL}/)?{NAME}$"), "maxLength": 317})
}

fn label_value() -> Value {
    json!({"type": "string", "pattern": format!("^(?:{NAME})?$"), "maxLength": 63})
}
