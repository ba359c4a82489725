//! `Manager`: the BMC.

use super::{common, console};
use crate::dmtf::{ResetToDefaultsType, ResetType};
use crate::node::bmc;
use crate::node::command::Command;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::constants::Part;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Asked, OfNode};
use crate::time::{parse_offset, parse_redfish};

/// The limit of a `DateTime`, characters.
const MAX_DATE_TIME: usize = 40;

pub(super) static ACTIONS: &[Action<OfNode>] = &[
    Action {
        key: "#Manager.Reset",
        parameters: &[Parameter::word("ResetType", |model: &Model<'_>, key, d| {
            d.put(key, model.profile.manager.reset_types.as_slice());
        })],
        apply_times: &[],
        run: |cx, body| {
            // The specification allows a request without `ResetType`. The service then chooses.
            body.word("ResetType", ResetType::parse, &cx.profile().manager.reset_types);
            Ok(Some(Command::Bmc(bmc::Command::Reset)))
        },
    },
    Action {
        key: "#Manager.ResetToDefaults",
        parameters: &[
            Parameter::word("ResetType", |_, key, d| d.put(key, ResetToDefaultsType::ALL)).required()
        ],
        apply_times: &[],
        run: |_, body| {
            body.require("ResetType");
            let kind = body.word("ResetType", ResetToDefaultsType::parse, ResetToDefaultsType::ALL);
            let start = Box::default();
            Ok(kind.map(|kind| Command::Bmc(bmc::Command::ResetToDefaults { kind, start })))
        },
    },
];

pub(super) fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (profile, bmc) = (cx.profile(), cx.node.bmc());
    d.put("Id", cx.model.manager_id());
    d.put("Name", "Manager");
    d.put("ManagerType", &profile.manager.kind);
    d.put("Manufacturer", &profile.manufacturer);
    d.put("Model", &profile.manager.model);
    d.put("FirmwareVersion", cx.node.manager_version());
    d.put("UUID", cx.model.uuid);
    // DMTF's protocol validator stops at a manager whose ServiceEntryPointUUID is null.
    d.put("ServiceEntryPointUUID", cx.service_uuid());
    d.moving(|d| d.put("DateTime", cx.shown(cx.now)));
    d.put("DateTimeLocalOffset", written_offset(bmc.clock.offset_minutes));
    d.put_some("LastResetTime", bmc.manager_reset.map(|at| cx.shown(at)));
    d.put("PowerState", "On");
    d.object("Status", common::ok);
    d.constant(Part::Description, &cx.model, |model, d| console::of_manager(model.profile, d));
    d.object("Links", |d| {
        d.one_link("ManagerForServers", &cx.model.system());
        d.one_link("ManagerForChassis", &cx.model.chassis());
        d.link("ManagerInChassis", &cx.model.chassis());
        if let Some(id) = super::software_inventory::of_manager(profile) {
            let parts = super::software_inventory::at(cx, id);
            d.link("ActiveSoftwareImage", &parts);
            d.one_link("SoftwareImages", &parts);
        }
    });
}

fn written_offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60)
}

/// A `DateTime` with another offset sets the offset too, so that a client reads back the text that it wrote: Ironic
/// compares the two texts (`ironic/drivers/modules/redfish/management.py`, `set_bmc_clock`).
pub(super) fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let time = body.text("DateTime", MAX_DATE_TIME).and_then(|text| {
        let time = parse_redfish(&text);
        if time.is_none() {
            body.wrong_format("DateTime", &text);
        }
        time
    });
    let offset = body.text("DateTimeLocalOffset", MAX_DATE_TIME).and_then(|text| {
        let offset = parse_offset(&text);
        if offset.is_none() {
            body.wrong_format("DateTimeLocalOffset", &text);
        }
        offset
    });
    Ok(Some(Command::Bmc(bmc::Command::SetClock {
        ahead_ms: time.map(|(time, _)| time.ms().cast_signed().wrapping_sub(cx.now.ms().cast_signed())),
        offset_minutes: offset.or(time.map(|(_, offset)| offset)),
    })))
}
