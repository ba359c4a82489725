//! Metrics and metric reports as documents show them: at their URIs, and for subscribers.

use std::cell::LazyCell;

use uuid::Uuid;

use super::context::Model;
use super::doc::Doc;
use super::tree::UUID_LENGTH;
use super::value::Value as _;
use crate::node::bmc::environment::SensorId;
use crate::node::bmc::telemetry::{Definition, Measured, Report};
use crate::profile::sensors::FanUnits;
use crate::time::SimTime;

/// URIs and ids in a body that are looked at to find the machine that it means.
const MAX_URIS: usize = 16;

/// The collections of the `TelemetryService`.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Definitions,
    Reports,
}

/// The URI of a member of a collection. Below the shared root an id begins with the node's UUID, because all nodes share the
/// collection.
pub(super) fn uri(of: Of, id: &str, model: &Model<'_>) -> String {
    let collection = match of {
        Of::Definitions => "MetricReportDefinitions",
        Of::Reports => "MetricReports",
    };
    format!("/redfish/v1/TelemetryService/{collection}/{}", model.full_id(id))
}

/// Whether the model shows the speed of a fan as percentage.
pub(super) fn shows_percent(model: &Model<'_>) -> bool {
    !model.has(SENSORS) && model.profile.sensors.fan_units == FanUnits::Percent
}

/// The sensors of a model, as its `absent` writes them.
const SENSORS: &str = "Chassis/{}/Sensors/{}";

/// The URI of a value with the JSON pointer of its property. `None` if the model shows it nowhere.
pub(super) fn property(measured: Measured, model: &Model<'_>) -> Option<String> {
    let [base, chassis] = model.chassis();
    let chassis = format!("{base}{chassis}");
    let of_sensor = |id: String, key: &str| format!("{chassis}/Sensors/{id}#/{key}");
    Some(match measured {
        Measured::Sensor(sensor) if model.has(SENSORS) => {
            let key = if matches!(sensor, SensorId::Fan(_)) { "SpeedRPM" } else { "Reading" };
            of_sensor(sensor.redfish_id(model.profile), key)
        }
        Measured::Power if model.has(SENSORS) => of_sensor("TotalPower".to_owned(), "Reading"),
        Measured::Sensor(SensorId::Temperature(_) | SensorId::Fan(_)) if !model.has("Chassis/{}/Thermal") => {
            return None;
        }
        Measured::Sensor(SensorId::Voltage(_) | SensorId::Output(_)) | Measured::Power
            if !model.has("Chassis/{}/Power") =>
        {
            return None;
        }
        Measured::Sensor(SensorId::Temperature(number)) => {
            format!("{chassis}/Thermal#/Temperatures/{number}/ReadingCelsius")
        }
        Measured::Sensor(SensorId::Fan(number)) => format!("{chassis}/Thermal#/Fans/{number}/Reading"),
        Measured::Sensor(SensorId::Voltage(number)) => {
            format!("{chassis}/Power#/PowerSupplies/{number}/LineInputVoltage")
        }
        Measured::Sensor(SensorId::Output(number)) => {
            format!("{chassis}/Power#/PowerSupplies/{number}/LastPowerOutputWatts")
        }
        Measured::Power => format!("{chassis}/Power#/PowerControl/0/PowerConsumedWatts"),
        Measured::Load => {
            if !model.has("Systems/{}/Processors/{}/ProcessorMetrics") {
                return None;
            }
            let [base, system] = model.system();
            let processor = &model.profile.processors.first()?.id;
            format!("{base}{system}/Processors/{processor}/ProcessorMetrics#/BandwidthPercent")
        }
    })
}

/// A value as text, in the unit of its property.
fn text(measured: Measured, milli: i64, model: &Model<'_>) -> String {
    let value = milli as f64 / 1000.0;
    let value = match measured {
        Measured::Sensor(SensorId::Fan(number)) if shows_percent(model) => {
            let fan = model.profile.fans.get(usize::from(number));
            fan.map_or(value, |fan| model.profile.sensors.percent(fan, value))
        }
        Measured::Sensor(_) | Measured::Power | Measured::Load => value,
    };
    // As the document with the property shows it.
    let mut text = Vec::new();
    value.write(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes the properties of the `MetricReport` with that id. A client may have deleted its definition. `time` shows a moment.
pub(super) fn write(
    id: &str,
    definition: Option<&Definition>,
    report: &Report,
    model: &Model<'_>,
    time: impl Fn(SimTime) -> String,
    d: &mut Doc<'_>,
) {
    d.put("Id", model.full_id(id));
    d.put("Name", format!("Report of {}", definition.map_or(id, name)));
    if definition.is_some() {
        d.link("MetricReportDefinition", &[&uri(Of::Definitions, id, model)]);
    }
    // A value whose group has no text of its own has that of the model's metric.
    let metrics = LazyCell::new(|| model.profile.metric_values().collect::<Vec<_>>());
    let groups = definition.map_or(&[][..], |definition| &definition.settings.groups);
    if let Some(at) = report.at {
        d.moving(|d| d.put("Timestamp", time(at)));
    }
    d.array("MetricValues", |d| {
        for value in &report.values {
            let group = groups.get(usize::from(value.group));
            d.item_object(|d| {
                let metric = || metrics.iter().find(|(measured, _)| *measured == value.measured);
                let label = group.and_then(|group| group.label.as_deref()).or_else(|| Some(&*metric()?.1.id));
                d.put_some("MetricId", label.map(|label| metric_id(label, model)));
                d.moving(|d| {
                    d.put("MetricValue", text(value.measured, value.milli, model));
                    d.put("Timestamp", time(value.at));
                });
                d.put_some("MetricProperty", property(value.measured, model));
            });
        }
    });
    d.put("MetricValues@odata.count", report.values.len());
}

/// `MetricId` of a group: the id of a `MetricDefinition`, or the text of a client.
pub(super) fn metric_id(label: &str, model: &Model<'_>) -> String {
    let is_metric = model.profile.telemetry.metric(label).is_some();
    if is_metric { model.full_id(label) } else { label.to_owned() }
}

/// `Name` of a definition.
pub(super) fn name(definition: &Definition) -> &str {
    definition.name.as_deref().unwrap_or(&definition.id)
}

/// The UUID of the machine that a new definition or license means, below the root that all machines share: that of its first URI, or the
/// beginning of its `Id`, or of a `MetricId`.
pub(super) fn machine_of(body: &serde_json::Value) -> Option<Uuid> {
    let key = |text: &str| text.get(..UUID_LENGTH)?.parse().ok();
    let in_uri = |text: &str| {
        let (_, id) = text.strip_prefix("/redfish/v1/")?.split_once('/')?;
        key(id)
    };
    let entries = || body.get("Metrics").and_then(serde_json::Value::as_array).into_iter().flatten();
    let lists = entries().chain([body]).filter_map(|entry| entry.get("MetricProperties")?.as_array());
    let links = ["TargetServices", "AuthorizedDevices"]
        .into_iter()
        .filter_map(|key| body.get("Links")?.get(key)?.as_array()?.first()?.get("@odata.id")?.as_str());
    let uris = lists.flatten().filter_map(serde_json::Value::as_str).chain(links);
    let ids = [body.get("Id")].into_iter().chain(entries().map(|entry| entry.get("MetricId"))).flatten();
    let ids = ids.filter_map(serde_json::Value::as_str);
    uris.take(MAX_URIS).find_map(in_uri).or_else(|| ids.take(MAX_URIS).find_map(key))
}
