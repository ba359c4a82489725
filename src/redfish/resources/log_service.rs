//! `LogService` and its entries.

use super::common;
use crate::dmtf::LogEntryType;
use crate::node::bmc::logs::{Command as LogCommand, Logs, past_what};
use crate::node::command::Command;
use crate::node::event::{Event, What};
use crate::profile::logs::{Below, LogService};
use crate::redfish::access::Access;
use crate::redfish::action::Action;
use crate::redfish::body::Body;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::event::{Place, shown};
use crate::redfish::resource::{Asked, Members, OfNode, Resource};

static ACTIONS: &[Action<OfNode>] =
    &[Action { key: "#LogService.ClearLog", parameters: &[], apply_times: &[], run: clear }];

/// The row of the log services at a place. `members` are those there.
pub(super) const fn service(path: &'static str, members: Members<OfNode>) -> Resource<OfNode> {
    Resource::of_node(path, "LogService.v1_9_0.LogService", get)
        .many("Log Service Collection", members)
        .with_actions(ACTIONS)
        .allowed_by(Access::MANAGER)
}

/// The row of the entries of log services.
pub(super) const fn entry(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "LogEntry.v1_21_0.LogEntry", get_entry)
        .many("Log Entry Collection", entries)
        .expanded()
        .deleted_by(delete_entry)
        .allowed_by(Access::MANAGER)
}

fn below(cx: &NodeCx<'_>) -> Below {
    if cx.uri().starts_with("/redfish/v1/Systems/") { Below::System } else { Below::Manager }
}

pub(super) fn has_of_system(model: &Model<'_>) -> bool {
    model.profile.logs.iter().any(|service| service.below == Below::System)
}

pub(super) fn has_of_manager(model: &Model<'_>) -> bool {
    model.profile.logs.iter().any(|service| service.below == Below::Manager)
}

pub(super) fn of_system(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    members(cx, Below::System, each);
}

pub(super) fn of_manager(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    members(cx, Below::Manager, each);
}

fn members(cx: &NodeCx<'_>, below: Below, each: &mut dyn FnMut(&str)) {
    cx.profile().logs.iter().filter(|service| service.below == below).for_each(|service| each(&service.id));
}

/// The log service in the URI, with its number.
fn asked<'a>(cx: &NodeCx<'a>) -> (u8, &'a LogService) {
    let id = cx.ids.first().copied().unwrap_or_default();
    let mut all = (0u8..=u8::MAX).zip(&cx.profile().logs);
    let of = below(cx);
    let found = all.find(|(_, service)| service.below == of && service.id == id);
    found.expect("the log service exists, or the request was refused")
}

fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, service) = asked(cx);
    d.put("Id", &service.id);
    d.put("Name", &service.name);
    d.put("ServiceEnabled", true);
    d.put("MaxNumberOfRecords", u32::from(service.entries));
    d.put("OverWritePolicy", service.overwrite);
    d.put(
        "LogEntryType",
        match service.entry_type {
            LogEntryType::Event => "Event",
            LogEntryType::Sel => "SEL",
            LogEntryType::Oem => "OEM",
        },
    );
    d.moving(|d| d.put("DateTime", cx.shown(cx.now)));
    d.object("Status", common::ok);
}

/// The entries of a log service, the oldest first: those of the past, and those that are kept.
fn all_entries(cx: &NodeCx<'_>, service: &LogService, mut each: impl FnMut(&Event)) {
    let logs = &cx.node.bmc().logs;
    for number in (1..=Logs::PAST).filter(|number| logs.has_past(*number)) {
        let what = past_what(number);
        if what.is_in(service) {
            each(&Event { number, at: cx.node.past_moment(number).min(cx.now), what });
        }
    }
    logs.of(service).for_each(each);
}

fn entries(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    let mut digits = itoa::Buffer::new();
    all_entries(cx, asked(cx).1, |event| each(digits.format(event.number)));
}

fn get_entry(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, service) = asked(cx);
    let mut found = None;
    all_entries(cx, service, |event| {
        if event.number.to_string() == cx.id() {
            found = Some(event.clone());
        }
    });
    let Some(Event { number, at, what }) = found else { return };
    let place = Place { model: Some(cx.model) };
    let shown = shown(&what, &place);
    let (message, entry) = (&shown.message, shown.message.entry);
    d.put("Id", cx.id());
    d.join("Name", &["Log Entry ", cx.id()]);
    d.put("EntryType", service.entry_type);
    d.put_some("OemRecordFormat", service.oem_format.as_deref());
    if service.entry_type == LogEntryType::Sel {
        d.put("EntryCode", code(&what));
        d.put("SensorType", "System Event");
        d.put("SensorNumber", 0);
    }
    d.put("Created", cx.shown(at));
    d.put("EventTimestamp", cx.shown(at));
    d.put("EventId", number.to_string());
    d.put("Severity", entry.severity);
    d.put("Message", message.text());
    d.join("MessageId", &[entry.registry, ".", entry.key]);
    d.array("MessageArgs", |d| message.args.iter().for_each(|arg| d.item(arg)));
    d.put("Resolution", entry.resolution);
    if !is_gone(&what) {
        d.object("Links", |d| d.link("OriginOfCondition", &[&shown.origin]));
    }
}

/// Whether the resource of an event may be gone, so that a link to it may lead nowhere.
fn is_gone(what: &What) -> bool {
    use crate::node::event::Of;
    match what {
        What::Removed(_) | What::Task(..) | What::VolumeHealth(..) => true,
        What::Created(of) | What::Changed(of) => {
            matches!(
                of,
                Of::Volume(..)
                    | Of::Task(_)
                    | Of::Session(_)
                    | Of::Account(_)
                    | Of::Role(_)
                    | Of::Subscription(_)
                    | Of::ReportDefinition(_)
            )
        }
        What::DriveRemoved(_) | What::DriveInserted(_) => true,
        _ => false,
    }
}

/// `EntryCode` of an entry of a system event log.
fn code(what: &What) -> &'static str {
    match what {
        What::DriveRemoved(_) | What::CableRemoved(_) | What::PoweredOff => "Deassert",
        _ => "Assert",
    }
}

fn delete_entry(cx: &NodeCx<'_>) -> Result<Command, Problem> {
    let number = cx.id().parse().map_err(|_| Problem::not_found(cx.uri()))?;
    Ok(Command::Log(LogCommand::DeleteEntry { service: asked(cx).0, number }))
}

fn clear(cx: &NodeCx<'_>, _: &mut Body) -> Asked<OfNode> {
    Ok(Some(Command::Log(LogCommand::Clear(asked(cx).0))))
}
