//! `TelemetryService`, its metrics, and its reports. Below the shared root an id begins with the node's UUID, because all nodes
//! share the collections.

use super::common;
use crate::node::bmc::telemetry::Definition;
use crate::node::sensors::CELSIUS_RANGE;
use crate::profile::sensors::LINE_VOLTS;
use crate::profile::telemetry::{Source, Telemetry};
use crate::redfish::access::Access;
use crate::redfish::context::{NodeCx, ServiceCx};
use crate::redfish::doc::Doc;
use crate::redfish::report;
use crate::redfish::resource::{OfNode, OfService, Owner, Resource};
use crate::time::iso8601;

/// The row of the metrics of machines.
pub(super) const fn metric(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "MetricDefinition.v1_3_6.MetricDefinition", get_metric)
        .many("Metric Definition Collection", metrics)
        .allowed_by(Access::MANAGER)
}

/// The row of the reports of machines.
pub(super) const fn metric_report(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "MetricReport.v1_5_2.MetricReport", get_report)
        .many("Metric Report Collection", reports)
        .allowed_by(Access::MANAGER)
}

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "TelemetryService");
    d.put("Name", "Telemetry Service");
    d.put("ServiceEnabled", true);
    let model = OfService::overlaid_by(cx);
    let least = model.map_or(Telemetry::LEAST_S, |model| model.telemetry.min_interval_s);
    d.put("MinCollectionInterval", iso8601(least));
    if let Some(model) = model {
        d.put("SupportedCollectionFunctions", &*model.telemetry.functions);
    }
    d.object("Status", common::ok);
}

fn metrics(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().telemetry.metrics.iter().for_each(|metric| each(&metric.id));
}

fn get_metric(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, metric) = common::part(&cx.profile().telemetry.metrics, |metric| &metric.id, cx.id());
    let profile = cx.profile();
    let watts = profile.power_supplies.iter().map(|supply| supply.watts).sum::<u32>();
    let rpm = profile.fans.iter().map(|fan| fan.max_rpm).max().unwrap_or_default();
    let (low, high, units, context) = match metric.of {
        Source::Temperatures => (CELSIUS_RANGE.0, CELSIUS_RANGE.1, "Cel", "Chassis"),
        Source::Inlet => (CELSIUS_RANGE.0, CELSIUS_RANGE.1, "Cel", "Intake"),
        Source::Fans if report::shows_percent(&cx.model) => (0, 100, "%", "Fan"),
        Source::Fans => (0, rpm.cast_signed(), "{rev}/min", "Fan"),
        Source::InputVoltages => (0, if LINE_VOLTS > 200.0 { 264 } else { 132 }, "V", "PowerSupply"),
        Source::Outputs => (0, watts.cast_signed(), "W", "PowerSupply"),
        Source::Power => (0, watts.cast_signed(), "W", "Chassis"),
        Source::Load => (0, 100, "%", "CPU"),
    };
    d.put("Id", cx.model.full_id(&metric.id));
    d.put("Name", &metric.name);
    d.put("MetricType", "Gauge");
    d.put("MetricDataType", "Decimal");
    d.put("Units", units);
    d.put("PhysicalContext", context);
    d.put("Implementation", if metric.of == Source::Load { "DigitalMeter" } else { "PhysicalSensor" });
    d.put("IsLinear", true);
    d.put("Calculable", if units == "W" { "Summable" } else { "NonSummable" });
    d.put("MinReadingRange", low);
    d.put("MaxReadingRange", high);
    d.put("SensingInterval", iso8601(Telemetry::LEAST_S));
    d.array("MetricProperties", |d| {
        let properties = metric.measured(profile).into_iter();
        properties.filter_map(|measured| report::property(measured, &cx.model)).for_each(|uri| d.item(uri));
    });
}

/// The definitions whose reports are in the collection.
fn reports(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let (all, profile) = (&cx.node.bmc().telemetry, cx.profile());
    let is_there =
        |id: &&str| all.get(id, profile).is_some_and(|definition| definition.settings.is_in_collection());
    all.ids(&profile.telemetry).filter(is_there).for_each(each);
}

fn get_report(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let definition = cx.node.bmc().telemetry.get(cx.id(), cx.profile());
    let definition: &Definition = &definition.expect("the report exists, or the request was refused");
    let report = cx.node.report(definition, cx.now);
    report::write(&definition.id, Some(definition), &report, &cx.model, |moment| cx.shown(moment), d);
}
