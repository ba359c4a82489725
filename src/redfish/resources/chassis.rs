//! `Chassis`: the enclosure of the server.

use super::common;
use crate::dmtf::{IndicatorLed, ResetType};
use crate::node::command::Command;
use crate::node::health::Scope;
use crate::node::host::{self, ChassisChange, SystemChange};
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};

/// Height of a rack unit, mm.
const RACK_UNIT_MM: f64 = 44.45;

pub(super) static ACTIONS: &[Action<OfNode>] = &[Action {
    key: "#Chassis.Reset",
    parameters: &[Parameter::word("ResetType", |model: &Model<'_>, key, d| {
        d.put(key, model.profile.chassis.reset_types.as_slice());
    })
    .required()],
    apply_times: &[],
    run: reset,
}];

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (profile, spec, led) = (cx.profile(), cx.spec(), cx.node.bmc().leds.chassis);
    let chassis = &profile.chassis;
    d.put("Id", cx.model.chassis_id());
    d.join("Name", &["Chassis of ", &spec.name()]);
    d.put("ChassisType", &chassis.kind);
    d.put("Manufacturer", &profile.manufacturer);
    d.put("Model", &profile.model);
    d.put("SKU", &profile.sku);
    d.put("PartNumber", &profile.part_number);
    d.put("SerialNumber", spec.serial());
    d.put("AssetTag", &*cx.node.bmc().extras.chassis_asset_tag);
    d.put("UUID", cx.model.uuid);
    d.put("PowerState", cx.node.host().power_state());
    d.put("IndicatorLED", led);
    d.put("LocationIndicatorActive", led != IndicatorLed::Off);
    d.put("HeightMm", chassis.height_mm);
    d.put("WidthMm", chassis.width_mm);
    d.put("DepthMm", chassis.depth_mm);
    d.put("WeightKg", chassis.weight_kg);
    d.put("HeightRackUnits", (chassis.height_mm / RACK_UNIT_MM).ceil());
    d.put("MinPowerWatts", chassis.standby_watts);
    d.put("MaxPowerWatts", chassis.max_watts);
    d.object("Location", |d| d.object("Placement", |d| d.put("Rack", format!("rack-{:03}", spec.rack()))));
    common::container_status(cx, Scope::Machine, d);
    d.object("Links", |d| {
        d.one_link("ComputerSystems", &cx.model.system());
        d.one_link("ManagedBy", &cx.model.manager());
        d.one_link("ManagersInChassis", &cx.model.manager());
        common::links_to_supplies("PowerSupplies", &cx.model, d);
        let [base, key] = cx.model.system();
        d.array("Storage", |d| {
            for storage in &profile.storage {
                d.item_link(&[base, key, "/Storage/", &storage.id]);
            }
        });
        d.array("Drives", |d| {
            for (_, _, drive) in cx.node.drives() {
                d.item_link(&[cx.uri(), "/Drives/", &drive.id]);
            }
        });
    });
}

pub(super) fn patch(_: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let asset_tag = body.text("AssetTag", SystemChange::MAX_ASSET_TAG);
    let change = ChassisChange { asset_tag, led: common::led(body) };
    Ok(Some(Command::Host(host::Command::ChangeChassis(change))))
}

/// The host is all that a reset of this chassis can reset, except for the BMC, which loses its power with `FullPowerCycle`.
fn reset(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    body.require("ResetType");
    let kind = body.word("ResetType", ResetType::parse, &cx.profile().chassis.reset_types);
    Ok(kind.map(|kind| {
        Command::Host(match kind {
            ResetType::FullPowerCycle => host::Command::CycleChassis,
            kind => host::Command::Reset(kind),
        })
    }))
}
