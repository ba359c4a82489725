//! `excerpt`: the properties that DMTF's schema of a resource marks as its excerpt (DSP0266, "Query parameters").

use serde_json::Value;

/// The types whose schemas mark properties with `Redfish.Excerpt`, with these properties.
///
/// Source: DMTF's schemas, release 2026.1.
const EXCERPTS: &[(&str, &[&str])] = &[
    (
        "Control",
        &[
            "AllowableMax",
            "AllowableMin",
            "AllowableNumericValues",
            "ControlLoop",
            "ControlMode",
            "DefaultSetPoint",
            "SetPoint",
            "SetPointUnits",
            "SettingMax",
            "SettingMin",
        ],
    ),
    ("Job", &["EstimatedCompletionTime", "JobState", "PercentComplete"]),
    ("LeakDetector", &["DetectorState", "PhysicalContext", "PhysicalSubContext"]),
    (
        "Sensor",
        &[
            "ApparentVA",
            "ApparentkVAh",
            "CrestFactor",
            "LifetimeReading",
            "PhaseAngleDegrees",
            "PhysicalContext",
            "PhysicalSubContext",
            "PowerFactor",
            "ReactiveVAR",
            "ReactivekVARh",
            "Reading",
            "SensorResetTime",
            "SpeedRPM",
            "THDPercent",
            "Thresholds",
        ],
    ),
];

/// Reduces a resource, and each one expanded within it, to its excerpt. A resource without one stays whole.
pub(super) fn excerpt(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let kind = map.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
            let name = kind.trim_start_matches('#').split('.').next().unwrap_or_default();
            let names = EXCERPTS.iter().find(|(known, _)| *known == name).map(|(_, names)| *names);
            if let Some(names) = names.filter(|_| map.contains_key("@odata.id")) {
                map.retain(|key, _| {
                    let (name, term) = key.split_once('@').unwrap_or((key, ""));
                    names.contains(&name) || (name.is_empty() && term.starts_with("odata."))
                });
            }
            map.values_mut().for_each(excerpt);
        }
        Value::Array(items) => items.iter_mut().for_each(excerpt),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_resource_keeps_its_excerpt_and_one_without_stays_whole() {
        let sensor = json!({"@odata.id": "/s", "@odata.type": "#Sensor.v1_11_1.Sensor", "Id": "s", "Reading": 1,
            "Reading@x.y": 2, "Status": {}});
        let mut chassis = json!({"@odata.id": "/c", "@odata.type": "#Chassis.v1_0_0.Chassis", "Id": "c",
            "Sensors": {"Members": [sensor]}});
        excerpt(&mut chassis);
        let left = json!({"@odata.id": "/s", "@odata.type": "#Sensor.v1_11_1.Sensor", "Reading": 1, "Reading@x.y": 2});
        assert_eq!((&chassis["Id"], &chassis["Sensors"]["Members"][0]), (&json!("c"), &left));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn the_excerpts_are_those_of_the_schemas() {
        let wanted = crate::schema::Schemas::get().excerpts();
        let listed = EXCERPTS.iter().map(|(kind, names)| {
            ((*kind).to_owned(), names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(listed.collect::<Vec<_>>(), wanted);
    }
}
