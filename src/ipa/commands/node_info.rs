//! The node that Ironic sends with a command.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::command::Params;
use crate::ipa::python;

/// The fields of the node that the agent uses. A field of the wrong type counts as missing.
pub(super) struct NodeInfo {
    pub(super) uuid: String,
    pub(super) properties: Map<String, Value>,
    pub(super) instance_info: Map<String, Value>,
    pub(super) driver_internal_info: Map<String, Value>,
    pub(super) target_raid_config: Value,
}

impl NodeInfo {
    /// Reads the parameter `node`. `None` if it has no UUID.
    pub(super) fn of(params: &Params<'_>) -> Option<Self> {
        let raw = params.get("node")?;
        let mut node: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get()).ok()?;
        let mut take = |name: &str| {
            node.remove(name)
                .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
                .unwrap_or(Value::Null)
        };
        let map = |value: Value| if let Value::Object(map) = value { map } else { Map::new() };
        let Value::String(uuid) = take("uuid") else { return None };
        Some(Self {
            uuid,
            properties: map(take("properties")),
            instance_info: map(take("instance_info")),
            driver_internal_info: map(take("driver_internal_info")),
            target_raid_config: take("target_raid_config"),
        })
    }

    /// For a command that has no parameter `node`.
    pub(super) fn unknown() -> Self {
        Self {
            uuid: "local".to_owned(),
            properties: Map::new(),
            instance_info: Map::new(),
            driver_internal_info: Map::new(),
            target_raid_config: Value::Null,
        }
    }

    /// A capability. Those of the instance have precedence over those of the node (`utils.py`, `parse_capabilities`).
    pub(super) fn capability(&self, name: &str) -> Option<String> {
        [&self.instance_info, &self.properties]
            .into_iter()
            .find_map(|map| capability(map.get("capabilities")?, name))
    }
}

/// Capabilities are an object, the JSON text of an object, or a text such as `boot_mode:uefi,secure_boot:true`.
fn capability(capabilities: &Value, name: &str) -> Option<String> {
    match capabilities {
        Value::Object(map) => map.get(name).map(python::str),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => map.get(name).map(python::str),
            _ => text
                .split(',')
                .filter_map(|pair| pair.split_once(':'))
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v.into()),
        },
        _ => None,
    }
}
