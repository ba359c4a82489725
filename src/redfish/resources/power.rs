//! `Power`: the older view of power. Ironic reads its sensor data from it, and needs `MemberId` and `Status` in every part.

use super::{common, control};
use crate::dmtf::PowerLimitException;
use crate::node::bmc::power_limit::{Change, PowerLimit};
use crate::node::health::Scope;
use crate::profile::sensors::LINE_VOLTS;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let read = |body: &mut Body, _| body.object("PowerLimit", |body| limit(cx, body));
    let mut changes = body.objects("PowerControl", 1, read).into_iter().flatten().flatten();
    let change = changes.next().unwrap_or_default();
    Ok(control::command(change))
}

fn limit(cx: &NodeCx<'_>, body: &mut Body) -> Change {
    let set_point = control::set_point(cx, "LimitInWatts", body);
    let most = i64::from(PowerLimit::MAX_CORRECTION_MS);
    let correction_ms = body.number("CorrectionInMs", 0, most).and_then(|ms| u32::try_from(ms).ok());
    let exception = body.word("LimitException", PowerLimitException::parse, PowerLimitException::ALL);
    // Without a number of watts, there is no limit.
    let enabled = (set_point == Some(None)).then_some(false);
    Change { set_point: set_point.flatten(), enabled, exception, correction_ms }
}

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (node, profile) = (cx.node, cx.profile());
    d.put("Id", "Power");
    d.put("Name", "Power");
    d.array("PowerControl", |d| {
        d.item_object(|d| {
            d.join("@odata.id", &[cx.uri(), "#/PowerControl/0"]);
            d.put("MemberId", "0");
            d.put("Name", "Server Power Control");
            d.moving(|d| d.put("PowerConsumedWatts", node.watts(cx.now)));
            d.put("PowerCapacityWatts", profile.power_supplies.iter().map(|p| p.watts).sum::<u32>());
            d.object("PowerLimit", |d| {
                let limit = &node.bmc().power_limit;
                d.put("LimitInWatts", limit.watts());
                d.put("LimitException", limit.exception);
                d.put("CorrectionInMs", limit.correction_ms);
            });
            d.object("Status", common::ok);
        });
    });
    d.array("PowerSupplies", |d| {
        for (number, supply) in (0u8..).zip(&profile.power_supplies) {
            d.item_object(|d| {
                let mut digits = itoa::Buffer::new();
                let member = digits.format(number);
                d.join("@odata.id", &[cx.uri(), "#/PowerSupplies/", member]);
                d.put("MemberId", member);
                d.put("Name", &supply.name);
                d.put("Manufacturer", &supply.manufacturer);
                d.put("Model", &supply.model);
                d.put("SerialNumber", cx.spec().part_serial('P', number));
                d.put("FirmwareVersion", &supply.firmware_version);
                d.put("PowerSupplyType", "AC");
                d.put("LineInputVoltageType", if LINE_VOLTS > 200.0 { "AC240V" } else { "AC120V" });
                d.put("PowerCapacityWatts", supply.watts);
                d.moving(|d| {
                    d.put("LineInputVoltage", node.volts(number, cx.now));
                    d.put("LastPowerOutputWatts", node.supply_watts(number, cx.now));
                });
                super::power_subsystem::status(cx, number, d);
            });
        }
    });
    let supplies = (0u8..).zip(&profile.power_supplies).map(|(number, _)| number);
    let set = ("Power Supply Redundancy", "#/PowerSupplies/", Scope::SupplyRedundancy);
    common::redundancy(cx, node.supply_redundancy(), set, supplies, d);
}
