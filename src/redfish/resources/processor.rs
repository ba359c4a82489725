//! `Processor`: the processors of the host.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

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
