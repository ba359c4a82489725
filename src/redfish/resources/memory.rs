//! `Memory`: the memory modules of the host, and their metrics.

use super::common;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().dimms.iter().for_each(|dimm| each(&dimm.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, dimm) = common::part(&cx.profile().dimms, |dimm| &dimm.id, cx.id());
    d.put("Id", &dimm.id);
    d.join("Name", &["Memory module in ", &dimm.id]);
    d.put("CapacityMiB", dimm.capacity_mib);
    d.put("MemoryType", "DRAM");
    d.put("MemoryDeviceType", &dimm.device_type);
    d.put("OperatingSpeedMhz", dimm.speed_mhz);
    d.put("ErrorCorrection", "MultiBitECC");
    d.put("BusWidthBits", 72);
    d.put("DataWidthBits", 64);
    d.put("Manufacturer", &dimm.manufacturer);
    d.put("PartNumber", &dimm.part_number);
    d.put("SerialNumber", cx.spec().part_serial('M', number));
    d.object("Location", |d| {
        d.object("PartLocation", |d| {
            d.put("ServiceLabel", &dimm.id);
            d.put("LocationType", "Slot");
        });
    });
    d.object("Status", common::ok);
    d.object("Links", |d| d.link("Chassis", &cx.model.chassis()));
}

/// `MemoryMetrics`. No error is simulated.
pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, dimm) = common::part(&cx.profile().dimms, |dimm| &dimm.id, cx.id());
    d.put("Id", "MemoryMetrics");
    d.join("Name", &["Metrics of the memory module in ", &dimm.id]);
    d.put("OperatingSpeedMHz", dimm.speed_mhz);
    d.moving(|d| d.put("BandwidthPercent", cx.node.load_percent()));
    for period in ["CurrentPeriod", "LifeTime"] {
        d.object(period, |d| {
            d.put("CorrectableECCErrorCount", 0);
            d.put("UncorrectableECCErrorCount", 0);
        });
    }
    d.object("HealthData", |d| {
        d.put("DataLossDetected", false);
        d.put("PerformanceDegraded", false);
    });
}
