//! A second opinion beside `schema`: DMTF's JSON Schema, read from an archive beside the project where there is one.
//!
//! The archive holds the newest version of each type only. Schemas refer to each other through files without a version,
//! which list all versions of a type and define the types that have none. Such a file is made here, with the one version
//! that is there. A type without a version may be anything, except for the few types that nearly every document has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Cursor, Read as _};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::{Value, json};

/// The URL below which DMTF's schemas refer to each other.
const BASE: &str = "http://redfish.dmtf.org/schemas/v1/";

/// The content of the archive.
struct Files {
    /// Schemas by name: `Chassis.v1_28_0.json`.
    schemas: BTreeMap<String, Value>,
    /// Names of definitions that the schemas refer to, by the file without a version that must hold them.
    wanted: BTreeMap<String, BTreeSet<String>>,
}

/// The folder of the archive. The environment variable `REDFISH_SCHEMAS` names another one.
pub(super) fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/redfish-schemas");
    std::env::var_os("REDFISH_SCHEMAS").map_or_else(beside, PathBuf::from)
}

/// The schemas, if the archive is there.
pub(super) fn load() -> Option<Schemas> {
    static FILES: OnceLock<Option<Arc<Files>>> = OnceLock::new();
    let files = FILES.get_or_init(unpack).clone()?;
    Some(Schemas { files, validators: HashMap::new() })
}

fn unpack() -> Option<Arc<Files>> {
    let archives = std::fs::read_dir(folder()).ok()?.map(|entry| entry.unwrap().path());
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("json-schema-") && name.ends_with(".tar.xz")
    };
    let packed = std::fs::read(archives.filter(is_wanted).max()?).unwrap();
    let mut unpacked = Vec::new();
    lzma_rs::xz_decompress(&mut Cursor::new(packed), &mut unpacked).unwrap();
    let mut files = Files { schemas: BTreeMap::new(), wanted: BTreeMap::new() };
    for entry in tar::Archive::new(Cursor::new(unpacked)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|n| n.ends_with(".json")) else {
            continue;
        };
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        // DMTF's dialect is draft 7 with more keywords.
        schema.as_object_mut().unwrap().remove("$schema");
        schema.as_object_mut().unwrap().remove("$id");
        note_references(&schema, &mut files.wanted);
        files.schemas.insert(name.to_owned(), schema);
    }
    Some(Arc::new(files))
}

fn note_references(schema: &Value, wanted: &mut BTreeMap<String, BTreeSet<String>>) {
    match schema {
        Value::Object(map) => {
            let reference =
                map.get("$ref").and_then(Value::as_str).and_then(|r| r.split_once("#/definitions/"));
            if let Some((file, name)) = reference {
                let file = file.rsplit('/').next().unwrap().to_owned();
                wanted.entry(file).or_default().insert(name.to_owned());
            }
            map.values().for_each(|inner| note_references(inner, wanted));
        }
        Value::Array(items) => items.iter().for_each(|inner| note_references(inner, wanted)),
        _ => {}
    }
}

/// Schemas that are compiled when a document of their type is first checked.
pub(super) struct Schemas {
    files: Arc<Files>,
    validators: HashMap<String, Validator>,
}

impl Schemas {
    /// The mistakes of a document.
    pub(super) fn mistakes(&mut self, document: &Value) -> Vec<String> {
        let kind = document["@odata.type"].as_str().unwrap_or_default();
        self.mistakes_of(kind.trim_start_matches('#'), document)
    }

    /// The mistakes of a document of the type `kind`, as `Chassis.v1_28_0.Chassis`.
    pub(super) fn mistakes_of(&mut self, kind: &str, document: &Value) -> Vec<String> {
        let (schema, name) = kind.rsplit_once('.').unwrap_or(("", kind));
        let mut file = format!("{schema}.json");
        // The newest version has everything that an older one has. `schema` knows what an older one lacks.
        let versions = format!("{}.v", schema.split('.').next().unwrap());
        if schema.contains(".v")
            && !self.files.schemas.contains_key(&file)
            && let Some(newest) = self.files.schemas.keys().find(|other| other.starts_with(&versions))
        {
            file.clone_from(newest);
        }
        if !self.files.schemas.contains_key(&file) {
            return vec![format!("there is no schema {file}")];
        }
        let validator = self.validators.entry(kind.to_owned()).or_insert_with(|| {
            let root = json!({"$ref": format!("{BASE}{file}#/definitions/{name}")});
            let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
            options.with_retriever(Archive(Arc::clone(&self.files))).build(&root).unwrap()
        });
        validator.iter_errors(document).map(|e| format!("{} {e}", e.instance_path())).collect()
    }
}

/// Finds the schemas that other schemas refer to.
struct Archive(Arc<Files>);

impl Retrieve for Archive {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().rsplit('/').next().unwrap_or_default();
        if let Some(schema) = self.0.schemas.get(name) {
            return Ok(schema.clone());
        }
        let kind = name.split('.').next().unwrap_or_default();
        let is_version = |file: &str| file.strip_prefix(kind).is_some_and(|rest| rest.starts_with(".v"));
        let newest = self.0.schemas.iter().find(|(file, _)| is_version(file));
        let wanted = self.0.wanted.get(name).into_iter().flatten();
        let definitions = wanted.map(|definition| {
            let found =
                newest.and_then(|(file, schema)| Some((file, schema["definitions"].get(definition)?)));
            let schema = match found {
                // The members of this collection are whole documents (`autoExpand`).
                Some((file, _)) if definition == "LogEntry" => {
                    json!({"$ref": format!("{BASE}{file}#/definitions/{definition}")})
                }
                // A document holds a link in place of another resource. The schema of a registry does not list `@odata.id`.
                Some((_, schema)) if is_resource(schema) => {
                    json!({"$ref": format!("{BASE}odata-v4.json#/definitions/idRef")})
                }
                Some((file, _)) => json!({"$ref": format!("{BASE}{file}#/definitions/{definition}")}),
                None => unversioned(kind, definition),
            };
            (definition.clone(), schema)
        });
        Ok(json!({"definitions": definitions.collect::<serde_json::Map<_, _>>()}))
    }
}

fn is_resource(schema: &Value) -> bool {
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    // A member of an array that has a URI of its own, such as `Redundancy`, is written whole.
    !required.contains(&json!("MemberId"))
        && (schema["properties"].get("@odata.id").is_some()
            || (required.contains(&json!("Id")) && required.contains(&json!("Name"))))
}

/// The definitions of `Resource` that have no version and that nearly every document uses; any other is open.
fn unversioned(kind: &str, definition: &str) -> Value {
    let health = json!({"enum": ["OK", "Warning", "Critical", null]});
    match (kind, definition) {
        ("Resource", "Id" | "Name" | "Description") => json!({"type": "string", "minLength": 1}),
        ("Resource", "UUID") => {
            json!({"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})
        }
        ("Resource", "Health") => health,
        ("Resource", "PowerState") => json!({"enum": ["On", "Off", "PoweringOn", "PoweringOff", "Paused"]}),
        ("Resource", "IndicatorLED") => json!({"enum": ["Lit", "Blinking", "Off"]}),
        ("Resource", "Status") => json!({
            "properties": {
                "State": {"enum": ["Enabled", "Disabled", "StandbyOffline", "Starting", "Absent", "UnavailableOffline", "Updating"]},
                "Health": health,
                "HealthRollup": health,
                "Conditions": {"type": "array"},
            },
            "required": ["State"],
            "additionalProperties": false,
        }),
        _ => json!({}),
    }
}
