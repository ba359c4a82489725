//! `Memory`: the memory modules of the host, and their metrics.

use super::common;
use crate::node::bmc::failures::Part;
use crate::node::health::Scope;
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
    let state = match (cx.node.uses_memory(number), cx.node.has_failed(Part::Memory(number))) {
        // A module that fails is in use until the next self test.
        (true, _) => "Enabled",
        (false, true) => "UnavailableOffline",
        // It is repaired, and waits for the next self test.
        (false, false) => "StandbyOffline",
    };
    common::state_and_health(state, cx.node.health(Scope::Memory(number)), d);
    d.object("Links", |d| d.link("Chassis", &cx.model.chassis()));
}

/// `MemoryMetrics`. A module fails with one error that cannot be corrected; no other errors are simulated.
pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, dimm) = common::part(&cx.profile().dimms, |dimm| &dimm.id, cx.id());
    let failed = cx.node.has_failed(Part::Memory(number));
    d.put("Id", "MemoryMetrics");
    d.join("Name", &["Metrics of the memory module in ", &dimm.id]);
    d.put("OperatingSpeedMHz", dimm.speed_mhz);
    d.moving(|d| d.put("BandwidthPercent", cx.node.load_percent()));
    for period in ["CurrentPeriod", "LifeTime"] {
        d.object(period, |d| {
            d.put("CorrectableECCErrorCount", 0);
            d.put("UncorrectableECCErrorCount", u32::from(failed));
        });
    }
    d.object("HealthData", |d| {
        d.put("DataLossDetected", false);
        d.put("PerformanceDegraded", false);
    });
}
