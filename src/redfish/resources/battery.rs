//! `Battery` and `BatteryMetrics`: the batteries of storage controllers. They are charged at any time.

use super::common;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;

pub(super) fn present(model: &Model<'_>) -> bool {
    !model.profile.batteries.is_empty()
}

pub(super) fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.profile().batteries.iter().for_each(|battery| each(&battery.id));
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (number, battery) = common::part(&cx.profile().batteries, |battery| &battery.id, cx.id());
    d.put("Id", &battery.id);
    d.put("Name", &battery.name);
    d.put("Manufacturer", &battery.manufacturer);
    d.put("Model", &battery.model);
    d.put("SerialNumber", cx.spec().part_serial('Y', number));
    let firmware = battery.firmware.as_deref().and_then(|name| cx.node.version_of_part(name));
    d.put("FirmwareVersion", firmware.unwrap_or(&battery.firmware_version));
    d.put("ChargeState", "Idle");
    d.put("CapacityRatedWattHours", battery.capacity_watt_hours);
    d.put("CapacityActualWattHours", battery.capacity_watt_hours);
    d.object("Status", common::ok);
    if cx.model.has("Systems/{}/Storage/{}/Controllers/{}") {
        let [base, system] = cx.model.system();
        let only = super::storage_controller::ONLY;
        d.object("Links", |d| {
            let parts = [base, system, "/Storage/", &battery.storage, "/Controllers/", only];
            d.one_link("StorageControllers", &parts);
        });
    }
}

pub(super) fn get_metrics(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, battery) = common::part(&cx.profile().batteries, |battery| &battery.id, cx.id());
    d.put("Id", "Metrics");
    d.join("Name", &["Metrics of ", &battery.name]);
    d.object("ChargePercent", |d| d.put("Reading", 100));
    d.object("StoredEnergyWattHours", |d| d.put("Reading", battery.capacity_watt_hours));
    d.put("DischargeCycles", 0);
}
