//! `EventService` and its subscriptions.

use super::common;
use crate::dmtf::{DeliveryRetryPolicy, EventFormatType, EventType, Health};
use crate::node::bmc::subscriptions::{Change, Command, Filter, Settings, Subscription, Wanted};
use crate::node::event::TestEvent;
use crate::redfish::action::{Action, Parameter};
use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::error::Problem;
use crate::redfish::event::message::REGISTRIES;
use crate::redfish::message::{Message, PROPERTY_VALUE_CONFLICT};
use crate::redfish::resource::{Asked, OfService, ServiceChange};
use crate::time::{SimTime, milliseconds};

/// The path of the stream: `EventService.ServerSentEventUri`.
pub(in crate::redfish) const STREAM: &str = "/redfish/v1/EventService/SSE";
/// [`STREAM`] as a profile's `absent` writes it.
pub(in crate::redfish) const STREAM_GENERIC: &str = "EventService/SSE";
/// The types of events that a service sends. `MessageId` has replaced them.
const EVENT_TYPES: [EventType; 6] = [
    EventType::Alert,
    EventType::Other,
    EventType::ResourceAdded,
    EventType::ResourceRemoved,
    EventType::ResourceUpdated,
    EventType::StatusChange,
];
/// The types of resources that events are about.
const RESOURCE_TYPES: [&str; 30] = [
    "AccountService",
    "Bios",
    "Chassis",
    "ComputerSystem",
    "Drive",
    "EventDestination",
    "EventService",
    "Fan",
    "LogEntry",
    "LogService",
    "Manager",
    "ManagerAccount",
    "MetricReportDefinition",
    "NetworkAdapter",
    "Port",
    "Power",
    "PowerSupply",
    "Role",
    "SecureBoot",
    "Sensor",
    "Session",
    "SessionService",
    "SoftwareInventory",
    "Storage",
    "Task",
    "TaskService",
    "Thermal",
    "ThermalMetrics",
    "VirtualMedia",
    "Volume",
];
/// The longest text of a test event and of a filter's entry, characters.
const MAX_TEXT: usize = 1024;
/// The longest `DeliverBufferedEventDuration`, characters.
const MAX_DURATION: usize = 40;

pub(super) static ACTIONS: &[Action<OfService>] =
    &[Action { key: "#EventService.SubmitTestEvent", parameters: TEST, apply_times: &[], run: submit }];

const TEST: &[Parameter<OfService>] = &[
    Parameter::text("MessageId").required(),
    Parameter::text("Message"),
    Parameter::texts("MessageArgs", Wanted::MAX_ENTRIES),
    Parameter::word("MessageSeverity", |_, key, d| d.put(key, Health::ALL)),
    Parameter::word("Severity", |_, key, d| d.put(key, Health::ALL)),
    Parameter::word("EventType", |_, key, d| d.put(key, &EVENT_TYPES[..])),
    Parameter::text("EventId"),
    Parameter::text("EventGroupId"),
    Parameter::text("EventTimestamp"),
    Parameter::text("OriginOfCondition"),
];

pub(super) static SUBSCRIPTION_ACTIONS: &[Action<OfService>] = &[
    Action {
        key: "#EventDestination.ResumeSubscription",
        parameters: &[Parameter::text("DeliverBufferedEventDuration")],
        apply_times: &[],
        run: resume,
    },
    Action { key: "#EventDestination.SuspendSubscription", parameters: &[], apply_times: &[], run: suspend },
];

fn words(all: &[EventType]) -> Vec<&'static str> {
    all.iter().map(|word| word.as_str()).collect()
}

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    let settings = cx.with_subscriptions(|all| all.settings);
    d.put("Id", "EventService");
    d.put("Name", "Event Service");
    d.put("ServiceEnabled", settings.enabled);
    d.put("DeliveryRetryAttempts", u32::from(settings.attempts));
    d.put("DeliveryRetryIntervalSeconds", settings.interval_s);
    d.put("EventFormatTypes", EventFormatType::ALL);
    d.put("EventTypesForSubscription", words(&EVENT_TYPES).as_slice());
    let registries: Vec<&str> = REGISTRIES.iter().map(|registry| registry.prefix).collect();
    d.put("RegistryPrefixes", registries.as_slice());
    d.put("ResourceTypes", RESOURCE_TYPES.as_slice());
    d.put("Severities", Health::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().as_slice());
    d.put("SubordinateResourcesSupported", true);
    d.put("IncludeOriginOfConditionSupported", false);
    d.put("ExcludeRegistryPrefix", true);
    d.put("ExcludeMessageId", true);
    if cx.own.is_none_or(|node| !node.profile().lacks(STREAM_GENERIC)) {
        d.put("ServerSentEventUri", STREAM);
        d.object("SSEFilterPropertiesSupported", |d| {
            d.put("EventFormatType", true);
            d.put("EventType", true);
            d.put("MessageId", true);
            d.put("MetricReportDefinition", true);
            d.put("OriginResource", true);
            d.put("RegistryPrefix", true);
            d.put("ResourceType", true);
            d.put("SubordinateResources", true);
        });
    }
    d.object("Status", |d| {
        d.put("State", if settings.enabled { "Enabled" } else { "Disabled" });
        d.put("Health", "OK");
    });
}

pub(super) fn patch(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let enabled = body.flag("ServiceEnabled");
    let (attempts, interval) = (Settings::ATTEMPTS, Settings::INTERVAL_S);
    let attempts = body.number("DeliveryRetryAttempts", *attempts.start(), *attempts.end());
    let interval = body.number("DeliveryRetryIntervalSeconds", *interval.start(), *interval.end());
    Ok(Some(ServiceChange::Events(Command::Set {
        enabled,
        attempts: attempts.and_then(|n| u16::try_from(n).ok()),
        interval_s: interval.and_then(|n| u32::try_from(n).ok()),
    })))
}

pub(super) fn members(cx: &ServiceCx<'_>, each: &mut dyn FnMut(&str)) {
    let ids: Vec<u32> = cx.with_subscriptions(|all| all.iter().map(|subscription| subscription.id).collect());
    ids.iter().for_each(|id| each(&id.to_string()));
}

fn id(cx: &ServiceCx<'_>) -> u32 {
    // The subscription may have ended since its id was looked up. No subscription has this number.
    cx.id().parse().unwrap_or(0)
}

pub(super) fn get_subscription(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", cx.id());
    d.put("Name", "Event Subscription");
    if let Some(found) = cx.with_subscriptions(|all| all.get(id(cx)).cloned()) {
        show(&found, d);
    }
}

fn show(subscription: &Subscription, d: &mut Doc<'_>) {
    let Wanted {
        destination,
        context,
        headers: _,
        filter,
        policy,
        verify_certificate,
        account: _,
        is_stream,
    } = &subscription.wanted;
    match context {
        Some(context) => d.put("Context", &**context),
        None => d.null("Context"),
    }
    d.put("Protocol", "Redfish");
    let format = if filter.wants_reports { EventFormatType::MetricReport } else { EventFormatType::Event };
    d.put("EventFormatType", format);
    if *is_stream {
        d.put("SubscriptionType", "SSE");
        return d.object("Status", common::ok);
    }
    d.put("Destination", &**destination);
    d.put("SubscriptionType", "RedfishEvent");
    d.put("DeliveryRetryPolicy", policy.unwrap_or(DeliveryRetryPolicy::SuspendRetries));
    d.put("VerifyCertificate", *verify_certificate);
    // The values are secrets (`HttpHeaders` in the schema).
    d.array("HttpHeaders", |_| ());
    let types = if filter.event_types.is_empty() { &EVENT_TYPES[..] } else { &filter.event_types };
    d.put("EventTypes", words(types).as_slice());
    for (key, list) in [
        ("RegistryPrefixes", &filter.registries),
        ("ExcludeRegistryPrefixes", &filter.exclude_registries),
        ("MessageIds", &filter.message_ids),
        ("ExcludeMessageIds", &filter.exclude_message_ids),
        ("ResourceTypes", &filter.resource_types),
        ("Severities", &filter.severities),
    ] {
        d.array(key, |d| list.iter().for_each(|entry| d.item(&**entry)));
    }
    d.array("OriginResources", |d| filter.origins.iter().for_each(|uri| d.item_link(&[uri])));
    d.put("OriginResources@odata.count", filter.origins.len());
    d.put("SubordinateResources", filter.below_origins);
    if filter.wants_reports {
        d.array("MetricReportDefinitions", |d| filter.reports.iter().for_each(|uri| d.item_link(&[uri])));
        d.put("MetricReportDefinitions@odata.count", filter.reports.len());
    }
    d.object("Status", |d| {
        d.put("State", if subscription.suspended { "Disabled" } else { "Enabled" });
        d.put("Health", if subscription.has_failed() { "Warning" } else { "OK" });
    });
}

pub(super) fn create(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    body.require("Destination");
    let destination = body.text("Destination", Wanted::MAX_DESTINATION);
    if let Some(wrong) = destination.as_deref().filter(|uri| !common::is_http_uri(uri)) {
        body.wrong_format("Destination", &common::shown_uri(wrong));
    }
    one_of(body, "Protocol", &["Redfish"]);
    one_of(body, "SubscriptionType", &["RedfishEvent"]);
    if body.flag("IncludeOriginOfCondition") == Some(true) {
        body.not_in_list("IncludeOriginOfCondition", "true");
    }
    let wanted = Wanted {
        destination: destination.unwrap_or_default(),
        context: body.text_or_null("Context", Wanted::MAX_CONTEXT).flatten(),
        headers: headers(body).unwrap_or_default(),
        filter: filter(body),
        policy: policy(body),
        verify_certificate: body.flag("VerifyCertificate").unwrap_or(false),
        account: 0,
        is_stream: false,
    };
    // The limit and the account are filled in where the command is executed.
    Ok(Some(ServiceChange::Events(Command::Subscribe { asked: Box::new(wanted), most: 0 })))
}

/// Takes a text that can only have these values.
fn one_of(body: &mut Body, key: &str, allowed: &[&str]) {
    if let Some(text) = body.text(key, MAX_TEXT).filter(|text| !allowed.contains(&&**text)) {
        body.not_in_list(key, &text);
    }
}

fn policy(body: &mut Body) -> Option<DeliveryRetryPolicy> {
    body.word("DeliveryRetryPolicy", DeliveryRetryPolicy::parse, DeliveryRetryPolicy::ALL)
}

fn list(body: &mut Body, key: &str) -> Vec<Box<str>> {
    if body.take_null(key) {
        return Vec::new();
    }
    let texts = body.texts(key, Wanted::MAX_ENTRIES).unwrap_or_default();
    if let Some(long) = texts.iter().find(|text| text.chars().count() > MAX_TEXT) {
        body.wrong_format(key, &long.chars().take(40).collect::<String>());
    }
    texts.into_iter().map(Into::into).collect()
}

/// A list whose entries have one of some values.
fn known(body: &mut Body, key: &str, is_known: impl Fn(&str) -> bool) -> Vec<Box<str>> {
    let texts = list(body, key);
    if let Some(wrong) = texts.iter().find(|text| !is_known(text)) {
        body.not_in_list(key, wrong);
    }
    texts
}

fn filter(body: &mut Body) -> Filter {
    let is_registry =
        |text: &str| REGISTRIES.iter().any(|registry| registry.prefix == text) || text == "Base";
    let type_name = |text: Box<str>| Box::from(text.rsplit('.').next().unwrap_or_default());
    let types = known(body, "EventTypes", |text| EventType::parse(text).is_some());
    let format = body.word("EventFormatType", EventFormatType::parse, EventFormatType::ALL);
    let reports = body.links("MetricReportDefinitions", Wanted::MAX_ENTRIES).unwrap_or_default();
    // The older way to ask for reports: the property that `EventFormatType` has replaced.
    let is_old = format.is_none() && !types.is_empty() && types.iter().all(|text| &**text == "MetricReport");
    let wants_reports = is_old || format == Some(EventFormatType::MetricReport);
    if !wants_reports && !reports.is_empty() {
        let args = ["MetricReportDefinitions", "EventFormatType"];
        body.mistake("MetricReportDefinitions", Message::new(&PROPERTY_VALUE_CONFLICT, args));
    }
    Filter {
        wants_reports,
        reports,
        registries: known(body, "RegistryPrefixes", is_registry),
        exclude_registries: known(body, "ExcludeRegistryPrefixes", is_registry),
        message_ids: list(body, "MessageIds"),
        exclude_message_ids: list(body, "ExcludeMessageIds"),
        resource_types: known(body, "ResourceTypes", |text| {
            RESOURCE_TYPES.contains(&text.rsplit('.').next().unwrap_or(text))
        })
        .into_iter()
        .map(type_name)
        .collect(),
        origins: body.links("OriginResources", Wanted::MAX_ENTRIES).unwrap_or_default(),
        below_origins: body.flag("SubordinateResources").unwrap_or(false),
        severities: known(body, "Severities", |text| Health::parse(text).is_some()),
        event_types: types.iter().filter_map(|text| EventType::parse(text)).collect(),
    }
}

/// `HttpHeaders`: objects with one header each, and a list of objects in some clients.
fn headers(body: &mut Body) -> Option<Vec<(Box<str>, Box<str>)>> {
    if body.take_null("HttpHeaders") {
        return Some(Vec::new());
    }
    let pairs = body.pairs("HttpHeaders", Wanted::MAX_ENTRIES)?;
    let is_header = |(name, value): &(Box<str>, Box<str>)| {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        let own = |name: &http::HeaderName| [http::header::HOST, http::header::CONTENT_LENGTH].contains(name);
        name.is_ok_and(|name| !own(&name)) && http::HeaderValue::from_str(value).is_ok()
    };
    if let Some((name, _)) = pairs.iter().find(|pair| !is_header(pair)) {
        let name = name.to_string();
        body.wrong_format("HttpHeaders", &name);
    }
    Some(pairs)
}

pub(super) fn patch_subscription(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    let change = Change {
        context: body.text_or_null("Context", Wanted::MAX_CONTEXT),
        headers: headers(body),
        policy: policy(body),
        verify_certificate: body.flag("VerifyCertificate"),
    };
    Ok(Some(ServiceChange::Events(Command::Change(id(cx), change))))
}

pub(super) fn delete(cx: &ServiceCx<'_>) -> Result<ServiceChange, Problem> {
    Ok(ServiceChange::Events(Command::Delete(id(cx))))
}

fn suspend(cx: &ServiceCx<'_>, _: &mut Body) -> Asked<OfService> {
    Ok(Some(ServiceChange::Events(Command::Suspend(id(cx)))))
}

fn resume(cx: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    const KEY: &str = "DeliverBufferedEventDuration";
    let text = body.text(KEY, MAX_DURATION);
    let since = match text.as_deref().map(|text| (text, milliseconds(text))) {
        None => None,
        Some((_, Some(ms))) => Some(SimTime::from_ms(cx.now.ms().saturating_sub(ms))),
        Some((text, None)) => {
            body.wrong_format(KEY, text);
            None
        }
    };
    Ok(Some(ServiceChange::Events(Command::Resume { id: id(cx), since })))
}

fn submit(_: &ServiceCx<'_>, body: &mut Body) -> Asked<OfService> {
    body.require("MessageId");
    let mut text = |key: &str| body.text(key, MAX_TEXT);
    let (message_id, message, event_id) = (text("MessageId"), text("Message"), text("EventId"));
    let (origin, timestamp) = (text("OriginOfCondition"), text("EventTimestamp"));
    if let Some(wrong) = timestamp.as_deref().filter(|t| crate::time::parse_redfish(t).is_none()) {
        body.wrong_format("EventTimestamp", wrong);
    }
    let severity = body.word("MessageSeverity", Health::parse, Health::ALL);
    let old = body.word("Severity", Health::parse, Health::ALL);
    let event_type = body.word("EventType", EventType::parse, EventType::ALL);
    let group = body.number("EventGroupId", 0, i64::MAX);
    let args = list(body, "MessageArgs");
    Ok(Some(ServiceChange::Events(Command::Submit(Box::new(TestEvent {
        message_id,
        message,
        args,
        severity: severity.or(old).map(|word| word.as_str().into()),
        event_id,
        event_type: event_type.map(|word| word.as_str().into()),
        group,
        origin,
        timestamp,
    })))))
}
