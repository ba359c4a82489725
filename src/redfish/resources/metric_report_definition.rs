//! `MetricReportDefinition`: which values a report has, and when it is made.

use crate::dmtf::{CollectionFunction, ReportAction, ReportType, ReportUpdates};
use crate::node::bmc::telemetry::{Command as Change, Definition, Group, Measured, Settings};
use crate::node::command::Command;
use crate::profile::telemetry::Telemetry;
use crate::redfish::access::Access;
use crate::redfish::body::Body;
use crate::redfish::context::NodeCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::message::{
    ARRAY_SIZE_TOO_LONG, Message, PROPERTY_MISSING, PROPERTY_VALUE_CONFLICT, PROPERTY_VALUE_OUT_OF_RANGE,
    RESOURCE_CANNOT_BE_DELETED,
};
use crate::redfish::report::{self, Of};
use crate::redfish::resource::{Asked, OfNode, Resource};
use crate::time::{iso8601, milliseconds};

/// The longest `Id`, `Name` and `MetricId`, characters.
const MAX_TEXT: usize = 64;
/// The longest URI in `MetricProperties`, characters.
const MAX_URI: usize = 512;
/// The longest duration, characters.
const MAX_DURATION: usize = 40;
/// The values of `CollectionTimeScope`.
const SCOPES: &[&str] = &["Point", "Interval"];

/// The row of the definitions of reports.
pub(super) const fn row(path: &'static str) -> Resource<OfNode> {
    Resource::of_node(path, "MetricReportDefinition.v1_4_7.MetricReportDefinition", get)
        .many("Metric Report Definition Collection", members)
        .created_by(create)
        .patched_by(patch)
        .deleted_by(delete)
        .allowed_by(Access::MANAGER)
}

fn members(cx: &NodeCx<'_>, each: &mut dyn FnMut(&str)) {
    cx.node.bmc().telemetry.ids(&cx.profile().telemetry).for_each(each);
}

fn get(cx: &NodeCx<'_>, d: &mut Doc<'_>) {
    let found = cx.node.bmc().telemetry.get(cx.id(), cx.profile());
    let definition: &Definition = &found.expect("the definition exists, or the request was refused");
    let settings = &definition.settings;
    let Settings { enabled, kind, interval_s, logged, sent, updates, groups, .. } = settings;
    d.put("Id", cx.model.full_id(&definition.id));
    d.put("Name", report::name(definition));
    d.put("MetricReportDefinitionType", *kind);
    d.put("MetricReportDefinitionEnabled", *enabled);
    if *kind == ReportType::Periodic {
        d.object("Schedule", |d| d.put("RecurrenceInterval", iso8601(*interval_s)));
    }
    d.array("ReportActions", |d| {
        let all = [(logged, ReportAction::LogToMetricReportsCollection), (sent, ReportAction::RedfishEvent)];
        all.into_iter().filter(|(is, _)| **is).for_each(|(_, action)| d.item(action));
    });
    d.put("ReportUpdates", *updates);
    d.put("AppendLimit", Definition::APPEND_LIMIT);
    d.put("SuppressRepeatedMetricValue", settings.suppressed);
    for (key, seconds) in
        [("MetricReportHeartbeatInterval", settings.heartbeat_s), ("ReportTimespan", settings.timespan_s)]
    {
        d.put_some(key, (seconds > 0).then(|| iso8601(seconds)));
    }
    let of_metrics = groups.iter().filter(|group| !group.is_plain);
    d.array("Metrics", |d| of_metrics.for_each(|group| d.item_object(|d| show(cx, group, d))));
    if let Some(group) = groups.iter().find(|group| group.is_plain) {
        properties(cx, group, d);
    }
    if settings.is_in_collection() {
        d.link("MetricReport", &[&report::uri(Of::Reports, &definition.id, &cx.model)]);
    }
    d.object("Status", |d| {
        d.put("State", if *enabled { "Enabled" } else { "Disabled" });
        d.put("Health", "OK");
    });
}

fn properties(cx: &NodeCx<'_>, group: &Group, d: &mut Doc<'_>) {
    d.array("MetricProperties", |d| {
        let uris = group.measured.iter().filter_map(|measured| report::property(*measured, &cx.model));
        uris.for_each(|uri| d.item(uri));
    });
}

/// An entry of `Metrics`.
fn show(cx: &NodeCx<'_>, group: &Group, d: &mut Doc<'_>) {
    let Group { label, measured: _, function, duration_s, is_plain: _ } = group;
    d.put_some("MetricId", label.as_deref().map(|label| report::metric_id(label, &cx.model)));
    properties(cx, group, d);
    d.put("CollectionTimeScope", if function.is_some() { "Interval" } else { "Point" });
    if let Some(function) = function {
        d.put("CollectionFunction", *function);
        d.put("CollectionDuration", iso8601(*duration_s));
    }
}

fn create(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    for key in ["Id", "MetricReportDefinitionType"] {
        body.require(key);
    }
    let id = body.text("Id", MAX_TEXT + cx.model.uuid.len() + 1);
    let id = id.map(|id| own_id(cx, &id).to_owned());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if let Some(wrong) = id.as_deref().filter(|id| id.is_empty() || !id.chars().all(is_plain)) {
        body.wrong_format("Id", wrong);
    }
    let name = body.text("Name", MAX_TEXT);
    let settings = Box::new(settings(cx, Settings::new(ReportType::OnRequest), body));
    let id = id.unwrap_or_default().into();
    // The limit is filled in where the command is executed.
    Ok(Some(Command::Telemetry(Change::Create { id, name, settings, most: 0 })))
}

fn patch(cx: &NodeCx<'_>, body: &mut Body) -> Asked<OfNode> {
    let found = cx.node.bmc().telemetry.get(cx.id(), cx.profile());
    let Some(found) = found else { return Err(Problem::not_found(cx.uri())) };
    let settings = Box::new(settings(cx, found.settings.clone(), body));
    Ok(Some(Command::Telemetry(Change::Change { id: cx.id().into(), settings })))
}

fn delete(cx: &NodeCx<'_>) -> Result<Command, Problem> {
    if cx.profile().telemetry.reports.iter().any(|report| report.id == cx.id()) {
        return Err((&RESOURCE_CANNOT_BE_DELETED).into());
    }
    Ok(Command::Telemetry(Change::Delete(cx.id().into())))
}

/// An id without the UUID that it begins with below the shared root.
fn own_id<'t>(cx: &NodeCx<'_>, id: &'t str) -> &'t str {
    let own = if cx.model.own_root { None } else { id.strip_prefix(cx.model.uuid) };
    own.and_then(|rest| rest.strip_prefix('-')).unwrap_or(id)
}

/// Reads the settings that a body asks for. What it does not name stays as in `settings`.
fn settings(cx: &NodeCx<'_>, mut settings: Settings, body: &mut Body) -> Settings {
    let (is_new, names_kind) = (settings.groups.is_empty(), body.contains("MetricReportDefinitionType"));
    let kind = body.word("MetricReportDefinitionType", ReportType::parse, ReportType::ALL);
    let is_known = kind.is_some() || !(is_new || names_kind);
    let enabled = body.flag("MetricReportDefinitionEnabled");
    let (least, longest) = (cx.profile().telemetry.min_interval_s, Telemetry::LONGEST_S);
    let names_schedule = body.contains("Schedule");
    let interval = body.object("Schedule", |body| seconds(body, "RecurrenceInterval", least, longest));
    let updates = body.word("ReportUpdates", ReportUpdates::parse, ReportUpdates::ALL);
    if let Some(actions) = body.texts("ReportActions", ReportAction::ALL.len()) {
        let known: Vec<_> = actions.iter().map(|text| (text, ReportAction::parse(text))).collect();
        if let Some((wrong, _)) = known.iter().find(|(_, action)| action.is_none()) {
            body.not_in_list("ReportActions", wrong);
        }
        let has = |action| known.iter().any(|(_, is)| *is == Some(action));
        settings.logged = has(ReportAction::LogToMetricReportsCollection);
        settings.sent = has(ReportAction::RedfishEvent);
    }
    // The lists are properties of their own: a PATCH of one leaves the other.
    if let Some(entries) = body.objects("Metrics", Settings::MAX_GROUPS, |body, _| group(cx, body)) {
        settings.groups.retain(|group| group.is_plain);
        settings.groups.splice(0..0, entries);
    }
    if let Some(properties) = body.texts("MetricProperties", Settings::MAX_VALUES) {
        let measured = all_measured(cx, "MetricProperties", &properties, body);
        settings.groups.retain(|group| !group.is_plain);
        if !measured.is_empty() {
            let plain = Group { label: None, measured, function: None, duration_s: 0, is_plain: true };
            settings.groups.push(plain);
        }
    }
    settings.suppressed = body.flag("SuppressRepeatedMetricValue").unwrap_or(settings.suppressed);
    let heartbeat = seconds_or_null(body, "MetricReportHeartbeatInterval", least, longest);
    settings.heartbeat_s = heartbeat.unwrap_or(settings.heartbeat_s);
    settings.timespan_s = seconds_or_null(body, "ReportTimespan", 1, longest).unwrap_or(settings.timespan_s);
    settings.kind = kind.unwrap_or(settings.kind);
    settings.enabled = enabled.unwrap_or(settings.enabled);
    settings.interval_s = interval.flatten().unwrap_or(settings.interval_s);
    settings.updates = updates.unwrap_or(settings.updates);
    if settings.kind != ReportType::Periodic {
        settings.interval_s = 0;
        if is_known && interval.flatten().is_some() {
            conflict("Schedule", "MetricReportDefinitionType", body);
        }
    }
    if settings.kind == ReportType::Periodic && settings.interval_s == 0 && !names_schedule {
        body.require("Schedule");
    }
    check_repeats(&settings, body);
    check(&mut settings, least, body);
    settings
}

/// Adds the mistake that two properties contradict each other.
fn conflict(key: &str, other: &str, body: &mut Body) {
    body.mistake(key, Message::new(&PROPERTY_VALUE_CONFLICT, [key, other]));
}

/// Checks the properties about repeated values. A report that is made on request has no report before it.
fn check_repeats(settings: &Settings, body: &mut Body) {
    let Settings { kind, suppressed, heartbeat_s, interval_s, .. } = *settings;
    if kind == ReportType::OnRequest && suppressed {
        conflict("SuppressRepeatedMetricValue", "MetricReportDefinitionType", body);
    }
    if heartbeat_s > 0 && (kind == ReportType::OnRequest || heartbeat_s <= interval_s) {
        let other = if kind == ReportType::OnRequest { "MetricReportDefinitionType" } else { "Schedule" };
        conflict("MetricReportHeartbeatInterval", other, body);
    }
}

/// Checks what the settings say together, and completes them.
fn check(settings: &mut Settings, least: u32, body: &mut Body) {
    let missing = |key: &str| Message::new(&PROPERTY_MISSING, [key]);
    if settings.groups.iter().all(|group| group.measured.is_empty()) {
        body.mistake("Metrics", missing("Metrics"));
    }
    if settings.values() > Settings::MAX_VALUES {
        let most = Settings::MAX_VALUES.to_string();
        body.mistake("Metrics", Message::new(&ARRAY_SIZE_TOO_LONG, ["Metrics", &most]));
    }
    let periodic = settings.kind == ReportType::Periodic;
    if periodic && settings.interval_s == 0 {
        // It is missing or wrong, which has been reported.
        return;
    }
    let most = settings.interval_s.min(Telemetry::LONGEST_DURATION_S);
    for group in settings.groups.iter_mut().filter(|group| group.function.is_some()) {
        if !periodic {
            let args = ["CollectionFunction", "MetricReportDefinitionType"];
            return body.mistake("Metrics", Message::new(&PROPERTY_VALUE_CONFLICT, args));
        }
        if group.duration_s == 0 {
            group.duration_s = most;
        }
        if !(least..=most).contains(&group.duration_s) {
            let duration = iso8601(group.duration_s);
            let args = [&*duration, "CollectionDuration"];
            return body.mistake("Metrics", Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, args));
        }
    }
}

/// Reads an entry of `Metrics`.
fn group(cx: &NodeCx<'_>, body: &mut Body) -> Group {
    let label = body.text_or_null("MetricId", MAX_TEXT + cx.model.uuid.len() + 1).flatten();
    let properties = body.texts("MetricProperties", Settings::MAX_VALUES).unwrap_or_default();
    let functions = &cx.profile().telemetry.functions;
    let function = match body.take_null("CollectionFunction") {
        true => None,
        false => body.word("CollectionFunction", CollectionFunction::parse, functions),
    };
    let (least, longest) = (cx.profile().telemetry.min_interval_s, Telemetry::LONGEST_DURATION_S);
    let duration = seconds_or_null(body, "CollectionDuration", least, longest);
    let scope = body.text("CollectionTimeScope", MAX_TEXT);
    match scope.as_deref() {
        Some(word) if !SCOPES.contains(&word) => body.not_in_list("CollectionTimeScope", word),
        Some("Point") if function.is_some() => {
            conflict("CollectionTimeScope", "CollectionFunction", body);
        }
        Some(_) | None => {}
    }
    let measured = match &label {
        _ if !properties.is_empty() => all_measured(cx, "MetricProperties", &properties, body),
        None => {
            body.mistake("MetricProperties", Message::new(&PROPERTY_MISSING, ["MetricProperties"]));
            Vec::new()
        }
        Some(label) => match cx.profile().telemetry.metric(own_id(cx, label)) {
            Some(metric) => metric.measured(cx.profile()),
            None => {
                body.not_in_list("MetricId", label);
                Vec::new()
            }
        },
    };
    let label = label.map(|label| own_id(cx, &label).into());
    Group { label, measured, function, duration_s: duration.unwrap_or(0), is_plain: false }
}

/// The values at URIs, which must be values of a metric of the model.
fn all_measured(cx: &NodeCx<'_>, key: &str, uris: &[String], body: &mut Body) -> Vec<Measured> {
    let profile = cx.profile();
    let values = profile.metric_values();
    let known: Vec<_> = values.filter_map(|(m, _)| Some((report::property(m, &cx.model)?, m))).collect();
    let find = |uri: &String| known.iter().find(|(own, _)| own.eq_ignore_ascii_case(uri)).map(|(_, m)| *m);
    if let Some(wrong) = uris.iter().find(|uri| find(uri).is_none()) {
        let shown: String = wrong.chars().take(MAX_URI).collect();
        body.not_in_list(key, &shown);
    }
    uris.iter().filter_map(find).collect()
}

/// As [`seconds`]; `null` stands for 0.
fn seconds_or_null(body: &mut Body, key: &str, least: u32, most: u32) -> Option<u32> {
    if body.take_null(key) { Some(0) } else { seconds(body, key, least, most) }
}

/// A duration of ISO 8601 in whole seconds, within bounds.
fn seconds(body: &mut Body, key: &str, least: u32, most: u32) -> Option<u32> {
    let text = body.text(key, MAX_DURATION)?;
    let Some(ms) = milliseconds(&text).filter(|ms| ms % 1000 == 0) else {
        body.wrong_format(key, &text);
        return None;
    };
    let seconds = u32::try_from(ms / 1000).ok().filter(|seconds| (least..=most).contains(seconds));
    if seconds.is_none() {
        body.mistake(key, Message::new(&PROPERTY_VALUE_OUT_OF_RANGE, [&*text, key]));
    }
    seconds
}
