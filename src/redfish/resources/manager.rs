//! `Manager`: the controller itself.

use crate::dmtf::ResetType;
use crate::node::bmc;
use crate::node::command::Command;
use crate::redfish::body::Body;
use crate::redfish::doc::Doc;
use crate::redfish::resource::{Action, Change, Cx, Effect};
use crate::time::{SimTime, parse_offset, parse_redfish};

/// How a controller can be reset.
const RESET_TYPES: &[ResetType] = &[ResetType::GracefulRestart, ResetType::ForceRestart];
/// Longest `DateTime` taken, characters.
const MAX_DATE_TIME: usize = 40;

pub(super) static ACTIONS: &[Action] = &[Action {
    key: "#Manager.Reset",
    describe: |_, d| d.put("ResetType@Redfish.AllowableValues", RESET_TYPES),
    run: |_, body| {
        // The specification lets `ResetType` be left out; the service then chooses.
        body.word("ResetType", ResetType::parse, RESET_TYPES);
        Ok(Some(Effect::Node(Command::Bmc(bmc::Command::Reset))))
    },
}];

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    let (profile, bmc) = (cx.profile(), cx.node().bmc());
    let offset = i32::from(bmc.clock.offset_minutes);
    d.put("Id", cx.manager_id());
    d.put("Name", "Manager");
    d.put("ManagerType", &profile.manager.kind);
    d.put("Manufacturer", &profile.manufacturer);
    d.put("Model", &profile.manager.model);
    d.put("FirmwareVersion", profile.manager_version());
    d.put("UUID", cx.node_key);
    // DMTF's protocol validator stops at a manager whose ServiceEntryPointUUID is null.
    d.put("ServiceEntryPointUUID", cx.service_uuid());
    d.moving(|d| d.put("DateTime", clock(cx).redfish(offset)));
    d.put("DateTimeLocalOffset", written_offset(bmc.clock.offset_minutes));
    d.put("PowerState", "On");
    d.object("Status", super::ok);
    d.object("Links", |d| {
        d.one_link("ManagerForServers", &cx.system());
        d.one_link("ManagerForChassis", &cx.chassis());
        d.link("ManagerInChassis", &cx.chassis());
        if let Some(id) = super::software_inventory::of_manager(profile) {
            let parts = super::software_inventory::at(cx, id);
            d.link("ActiveSoftwareImage", &parts);
            d.one_link("SoftwareImages", &parts);
        }
    });
}

/// What the controller's clock shows.
fn clock(cx: &Cx<'_>) -> SimTime {
    SimTime::from_ms(cx.now.ms().saturating_add_signed(cx.node().bmc().clock.ahead_ms))
}

fn written_offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60)
}

/// A `DateTime` with another offset brings its offset with it, so that it is read back as it was written: Ironic
/// compares the texts (`ironic/drivers/modules/redfish/management.py`, `set_bmc_clock`).
pub(super) fn patch(cx: &Cx<'_>, body: &mut Body) -> Change {
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
    Ok(Some(Effect::Node(Command::Bmc(bmc::Command::SetClock {
        ahead_ms: time.map(|(time, _)| time.ms().cast_signed().wrapping_sub(cx.now.ms().cast_signed())),
        offset_minutes: offset.or(time.map(|(_, offset)| offset)),
    }))))
}
