//! `LogService` and its entries.

use super::common;
use crate::dmtf::{DiagnosticDataType, LogEntryType};
use crate::node::bmc::logs::{Command as LogCommand, Logs, past_what};
use crate::node::bmc::post_codes::Reported;
use crate::node::command::Command;
use crate::node::event::{Collection, Event, What};
use crate::profile::logs::{Below, LogService};
use crate::redfish::access::Access;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::attachment::{Attachment, Content, SEGMENT};
use crate::redfish::body::Body;
use crate::redfish::context::{Model, NodeCx};
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::event::message::BIOS_POST_CODE;
use crate::redfish::event::{Place, shown};
use crate::redfish::message::{ACTION_PARAMETER_NOT_SUPPORTED, ACTION_PARAMETER_VALUE_CONFLICT, Message};
use crate::redfish::resource::{Asked, Members, OfNode, Resource};

const COLLECT: &str = "#LogService.CollectDiagnosticData";

static ACTIONS: &[Action<OfNode>] = &[
    Action {
        key: "#LogService.ClearLog",
        parameters: &[Parameter::etag_of("LogEntriesETag", "Entries")],
        apply_times: &[],
        run: clear,
    },
    Action {
        key: COLLECT,
        parameters: &[
            Parameter::word(KIND, |model, key, d| {
                d.put(key, of(model).map_or(&[][..], |service| &service.diagnostics));
            })
            .required(),
            Parameter::word(OEM_KIND, |model, key, d| d.put(key, oem_kinds(model).as_slice()))
                .taken_if(|model| !oem_kinds(model).is_empty()),
        ],
        apply_times: &[],
        run: collect,
    },
];

const KIND: &str = "DiagnosticDataType";
const OEM_KIND: &str = "OEMDiagnosticDataType";
/// The longest `OEMDiagnosticDataType` of a request, characters.
const MAX_OEM_KIND: usize = 64;
/// The parameters of the schema that no simulated BMC has: it sends diagnostic data to no other server.
const UNSUPPORTED: [&str; 5] = ["TargetURI", "TransferProtocol", "UserName", "Password", "TargetDevice"];

/// The row of the log services at a place. `members` are those there.
pub(super) const fn service(path: &'static str, members: Members<OfNode>) -> Resource<OfNode> {
    Resource::of_node(path, "LogService.v1_9_0.LogService", get)
        .many("Log Service Collection", members)
        .with_actions(ACTIONS)
        .offering(|model, action| {
            action.key != COLLECT || of(model).is_some_and(|service| !service.diagnostics.is_empty())
        })
        .allowed_by(Access::MANAGER)
}

/// The row of the entries of log services.
pub(super) const fn entry(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "LogEntry.v1_21_0.LogEntry", get_entry)
        .many("Log Entry Collection", entries)
        .expanded()
        .deleted_by(delete_entry)
        .with_attachment(attachment)
        .allowed_by(Access::MANAGER)
}

fn below(uri: &str) -> Below {
    if uri.starts_with("/redfish/v1/Systems/") { Below::System } else { Below::Manager }
}

/// The log service in the URI of an action.
fn of<'a>(model: &Model<'a>) -> Option<&'a LogService> {
    let id = model.uri.split("/LogServices/").nth(1)?.split('/').next()?;
    let below = below(model.uri);
    model.profile.logs.iter().find(|service| service.below == below && service.id == id)
}

/// The allowable values of `OEMDiagnosticDataType` of the log service in the URI of an action.
fn oem_kinds<'a>(model: &Model<'a>) -> Vec<&'a str> {
    of(model).into_iter().flat_map(|service| &service.oem_diagnostics).map(String::as_str).collect()
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
    let of = below(cx.uri());
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

/// The entries of a log service that are events, the oldest first: those of the past, and those that are kept.
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
    let (_, service) = asked(cx);
    if service.holds_post_codes() {
        let reported = cx.node.bmc().post_codes.reported(cx.profile(), cx.now);
        return reported.for_each(|code| each(&service.entry_id(code.number)));
    }
    let mut digits = itoa::Buffer::new();
    all_entries(cx, service, |event| each(digits.format(event.number)));
}

/// The number of the entry in the URI.
fn number(cx: &NodeCx<'_>, service: &LogService) -> Option<u32> {
    service.entry_number(cx.ids.get(1)?)
}

/// The data of the entry in the URI.
fn attachment(cx: &NodeCx<'_>) -> Option<Attachment> {
    let (_, service) = asked(cx);
    let entry = number(cx, service)?;
    let event = cx.node.bmc().logs.of(service).find(|event| event.number == entry)?;
    let What::Collected(collection) = &event.what else { return None };
    let collected = cx.node.bmc().diagnostics.of(entry)?;
    Some(Attachment {
        node: cx.node.at_collection(collected),
        at: collected.at,
        own_root: cx.model.own_root,
        content: match collection.kind {
            DiagnosticDataType::Manager => Content::Manager,
            DiagnosticDataType::PreOs => Content::Machine,
            DiagnosticDataType::Oem => Content::Everything,
        },
        entry,
    })
}

/// A POST code, with the message of OpenBMC's registry. The number of a start never changes, so a URI never leads to another entry;
/// OpenBMC counts the starts from the newest one.
fn get_post_code(cx: &NodeCx<'_>, service: &LogService, d: &mut Doc<'_>) {
    let wanted = number(cx, service);
    let mut reported = cx.node.bmc().post_codes.reported(cx.profile(), cx.now);
    let Some(found) = reported.find(|reported| Some(reported.number) == wanted) else { return };
    let Reported { number: _, start, at, after_ms, code } = found;
    let offset = format!("{}.{:03}0", after_ms / 1000, after_ms % 1000);
    let args = [&*start.to_string(), &*offset, &*format!("0x{:02x}", code.code)];
    let message = Message::new(&BIOS_POST_CODE, args);
    d.put("Id", cx.id());
    d.put("Name", "POST Code Log Entry");
    d.put("Description", &code.text);
    d.put("EntryType", service.entry_type);
    d.put("Created", cx.shown(at));
    put_message(&message, d);
}

/// Severity, text and id of a message.
fn put_message(message: &Message, d: &mut Doc<'_>) {
    let entry = message.entry;
    d.put("Severity", entry.severity);
    d.put("Message", message.text());
    d.join("MessageId", &[entry.registry, ".", entry.key]);
    d.array("MessageArgs", |d| message.args.iter().for_each(|arg| d.item(arg)));
    d.put("Resolution", entry.resolution);
}

fn get_entry(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let (_, service) = asked(cx);
    if service.holds_post_codes() {
        return get_post_code(cx, service, d);
    }
    let (mut found, wanted) = (None, number(cx, service));
    all_entries(cx, service, |event| {
        if Some(event.number) == wanted {
            found = Some(event.clone());
        }
    });
    let Some(Event { number, at, what }) = found else { return };
    let place = Place { model: Some(cx.model) };
    let shown = shown(&what, &place);
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
    put_message(&shown.message, d);
    if let What::Collected(collection) = &what {
        d.put(KIND, collection.kind);
        d.put_some(OEM_KIND, collection.oem.as_deref());
    }
    if let Some(attachment) = attachment(cx) {
        d.join("AdditionalDataURI", &[cx.uri(), "/", SEGMENT]);
        d.put("AdditionalDataSizeBytes", cx.measure.bytes_of(&attachment));
    }
    if !is_gone(&what) {
        d.object("Links", |d| d.link("OriginOfCondition", &[&shown.origin]));
    }
}

/// Whether the resource of an event may be gone, so that a link to it may lead nowhere.
fn is_gone(what: &What) -> bool {
    use crate::node::event::Of;
    match what {
        What::Removed(_) | What::Task(..) | What::VolumeHealth(..) | What::Account(..) => true,
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
                    | Of::SecureBootKey(..)
                    | Of::MediaCertificate(..)
                    | Of::License(_)
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
    let (of, service) = asked(cx);
    let number = number(cx, service).ok_or_else(|| Problem::not_found(cx.uri()))?;
    Ok(Command::Log(LogCommand::DeleteEntry { service: of, number }))
}

fn clear(cx: &NodeCx<'_>, _: &mut Body) -> Asked<OfNode> {
    Ok(Some(Command::Log(LogCommand::Clear(asked(cx).0))))
}

/// `CollectDiagnosticData`. The service allows it, or the request was refused.
fn collect(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let (_, service) = asked(cx);
    let name = COLLECT.trim_start_matches('#');
    body.require(KIND);
    let kind = body.word(KIND, DiagnosticDataType::parse, &service.diagnostics);
    if kind == Some(DiagnosticDataType::Oem) {
        body.require(OEM_KIND);
    }
    let takes_oem = !service.oem_diagnostics.is_empty();
    let oem = if takes_oem { body.text(OEM_KIND, MAX_OEM_KIND) } else { None };
    if let Some(given) = &oem {
        if !service.oem_diagnostics.iter().any(|allowed| **allowed == **given) {
            body.not_in_list(OEM_KIND, given);
        } else if kind.is_some_and(|kind| kind != DiagnosticDataType::Oem) {
            body.mistake(OEM_KIND, Message::new(&ACTION_PARAMETER_VALUE_CONFLICT, [OEM_KIND, given]));
        }
    }
    for key in UNSUPPORTED.into_iter().chain((!takes_oem).then_some(OEM_KIND)) {
        if body.take(key).is_some() {
            body.mistake(key, Message::new(&ACTION_PARAMETER_NOT_SUPPORTED, [key, name]));
        }
    }
    let log = service.holds.first().copied();
    Ok(kind.zip(log).map(|(kind, log)| {
        let collection = Box::new(Collection { log, kind, oem });
        Command::Log(LogCommand::Collect { collection, start: Box::default() })
    }))
}
