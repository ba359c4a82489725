//! `Processor`: the processors of the host, and their metrics.

use super::common;
use super::sensor::source;
use crate::profile::Profile;
use crate::profile::inventory::Temperature;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

/// The share of the load that is the work of programs, and not of the operating system.
const USER_SHARE: f64 = 0.8;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().processors.iter().for_each(|p| each(&p.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, processor) = common::part(&cx.profile().processors, |p| &p.id, cx.id());
    d.put("Id", &processor.id);
    d.join("Name", &["Processor in ", &processor.socket]);
    d.put("Socket", &processor.socket);
    d.put("ProcessorType", "CPU");
    d.put("ProcessorIndex", number);
    d.put("ProcessorArchitecture", &processor.architecture);
    d.put("InstructionSet", &processor.instruction_set);
    d.put("Manufacturer", &processor.manufacturer);
    d.put("Model", &processor.model);
    d.put("SerialNumber", cx.spec().part_serial('C', number));
    d.put("MaxSpeedMHz", processor.max_mhz);
    d.put("OperatingSpeedMHz", processor.mhz);
    d.put("TotalCores", processor.cores);
    d.put("TotalEnabledCores", processor.cores);
    d.put("TotalThreads", processor.threads);
    d.object("Status", common::ok);
    d.object("Links", |d| d.link("Chassis", &cx.model.chassis()));
}

/// `ProcessorMetrics`. No error is simulated.
pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, processor) = common::part(&cx.profile().processors, |p| &p.id, cx.id());
    let load = cx.node.load_percent();
    d.put("Id", "ProcessorMetrics");
    d.join("Name", &["Metrics of the processor in ", &processor.socket]);
    d.put("OperatingSpeedMHz", processor.mhz);
    d.moving(|d| {
        d.put("BandwidthPercent", load);
        d.put("UserPercent", load * USER_SHARE);
        d.put("KernelPercent", load * (1.0 - USER_SHARE));
    });
    d.put("CorrectableCoreErrorCount", 0);
    d.put("CorrectableOtherErrorCount", 0);
    d.put("UncorrectableCoreErrorCount", 0);
    d.put("UncorrectableOtherErrorCount", 0);
}

/// The temperature sensor of a processor: the sensors of processors are in the order of the processors.
fn sensor_of(profile: &Profile, processor: u8) -> Option<(u8, &Temperature)> {
    let mut all = (0u8..).zip(&profile.temperatures).filter(|(_, sensor)| sensor.context == "CPU");
    all.nth(processor.into())
}

/// Whether each processor of the model has a temperature sensor.
pub(super) fn has_sensors(model: &Model<'_>) -> bool {
    let sensors = model.profile.temperatures.iter().filter(|sensor| sensor.context == "CPU");
    sensors.count() == model.profile.processors.len()
}

/// `EnvironmentMetrics` of a processor: an excerpt of its temperature sensor.
pub(super) fn get_environment(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, processor) = common::part(&cx.profile().processors, |p| &p.id, cx.id());
    d.put("Id", "EnvironmentMetrics");
    d.join("Name", &["Environment of the processor in ", &processor.socket]);
    if let Some((sensor, found)) = sensor_of(cx.profile(), number) {
        d.object("TemperatureCelsius", |d| {
            source(cx, &found.id, d);
            d.moving(|d| d.put("Reading", cx.node.celsius(sensor, cx.now)));
        });
    }
}
