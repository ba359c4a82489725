//! The documents that carry events: an `Event` for a subscriber, or for a client of the stream.

use bytes::Bytes;
use uuid::Uuid;

use super::filter::{Facts, wants};
use super::origin::entry_uri;
use super::words::{Place, Shown, shown};
use crate::fleet::Fleet;
use crate::node::bmc::subscriptions::{Filter, Queued, Wanted};
use crate::node::bmc::telemetry::Report;
use crate::node::event::{TestEvent, What};
use crate::node::{Node, NodeId};
use crate::redfish::doc::Doc;
use crate::redfish::message::Message;
use crate::redfish::report;

/// A request to a subscriber.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub destination: Box<str>,
    /// `HttpHeaders` of the subscription.
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub verify_certificate: bool,
    /// The document. `None` if the subscriber wants none of the events.
    pub body: Option<Bytes>,
    /// The number of the last event.
    pub through: u64,
}

/// Where the events of a queue have happened.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// At the BMC of this node, which has a root of its own.
    Node(&'a Node),
    /// At the nodes of this fleet, or at the root that they share.
    Shared(&'a Fleet),
}

/// The request that delivers events to a subscriber. `None` if there are no events.
pub fn delivery(wanted: &Wanted, events: &[&Queued], source: Source<'_>) -> Option<Delivery> {
    let (filter, context) = (&wanted.filter, wanted.context.as_deref());
    let (through, body) = if filter.wants_reports {
        // A request has one report.
        let reports =
            events.iter().find_map(|queued| Some((queued.number, report(queued, filter, context, source)?)));
        reports.map_or((events.last()?.number, None), |(number, body)| (number, Some(body)))
    } else {
        (events.last()?.number, document(events.iter().copied(), filter, context, source))
    };
    Some(Delivery {
        destination: wanted.destination.clone(),
        headers: wanted.headers.clone(),
        verify_certificate: wanted.verify_certificate,
        body,
        through,
    })
}

/// The document with those of the events that pass a filter. `None` if none does.
pub(super) fn document<'q>(
    events: impl Iterator<Item = &'q Queued>,
    filter: &Filter,
    context: Option<&str>,
    source: Source<'_>,
) -> Option<Bytes> {
    let mut d = Doc::new(None, None);
    d.put("@odata.type", "#Event.v1_13_0.Event");
    let (mut count, mut last) = (0, 0);
    d.array("Events", |d| {
        for queued in events {
            let passes = with_place(queued, source, |place, node| {
                let shown = shown(&queued.what, place);
                let passes = wants(filter, &queued.what, &shown);
                if passes {
                    let shown_at = |node: &Node| node.clock().shown(queued.at);
                    let time = node.map_or_else(|| queued.at.redfish(0), shown_at);
                    d.item_object(|d| record(queued, &shown, place, &time, count, d));
                }
                passes
            });
            if passes == Some(true) {
                (count, last) = (count + 1, queued.number);
            }
        }
    });
    d.put("Events@odata.count", count);
    d.put("Id", last.to_string());
    d.put("Name", "Event");
    d.put_some("Context", context);
    (count > 0).then(|| d.finish().0.into())
}

/// The `MetricReport` of an event, if it is one that passes a filter.
pub(super) fn report(
    queued: &Queued,
    filter: &Filter,
    context: Option<&str>,
    source: Source<'_>,
) -> Option<Bytes> {
    let What::Report(made) = &queued.what else { return None };
    let written = with_place(queued, source, |place, node| {
        let (model, node) = place.model.zip(node)?;
        if !wants(filter, &queued.what, &shown(&queued.what, place)) {
            return None;
        }
        // A client may have deleted the definition since then.
        let definition = node.bmc().telemetry.get(&made.definition, model.profile);
        let report = Report { at: Some(queued.at), values: made.values.clone() };
        let mut d = Doc::new(None, None);
        d.put("@odata.id", report::uri(report::Of::Reports, &made.definition, &model));
        d.put("@odata.type", "#MetricReport.v1_5_2.MetricReport");
        let time = |moment| node.clock().shown(moment);
        report::write(&made.definition, definition.as_deref(), &report, &model, time, &mut d);
        d.put_some("Context", context);
        Some(d.finish().0.into())
    });
    written.flatten()
}

/// Calls `see` with the place of an event and its node, if it is that of a node. `None` if the node is gone.
pub(super) fn with_place<R>(
    queued: &Queued,
    source: Source<'_>,
    see: impl FnOnce(&Place<'_>, Option<&Node>) -> R,
) -> Option<R> {
    let mut buffer = Uuid::encode_buffer();
    match (source, queued.node) {
        (Source::Node(node), _) => {
            let uuid = node.spec().uuid().hyphenated().encode_lower(&mut buffer);
            Some(see(&Place::of(node, uuid, true), Some(node)))
        }
        (Source::Shared(_), None) => Some(see(&Place { model: None }, None)),
        (Source::Shared(fleet), Some(id)) => fleet.identify(NodeId(id), |node, _| {
            let uuid = node.spec().uuid().hyphenated().encode_lower(&mut buffer);
            see(&Place::of(node, uuid, false), Some(node))
        }),
    }
}

/// An entry of `Events`.
fn record(queued: &Queued, shown: &Shown, place: &Place<'_>, time: &str, member: usize, d: &mut Doc<'_>) {
    let test = match &queued.what {
        What::Test(test) => Some(&**test),
        _ => None,
    };
    let own_id = test.and_then(|test| test.event_id.as_deref());
    d.put("EventId", own_id.map_or_else(|| queued.number.to_string(), str::to_owned));
    d.put("MemberId", member.to_string());
    d.put("EventType", Facts::of(&queued.what, shown).event_type);
    d.put("EventTimestamp", test.and_then(|test| test.timestamp.as_deref()).unwrap_or(time));
    match test {
        Some(test) => own_words(test, d),
        None => words(&shown.message, d),
    }
    if let Some(group) = test.and_then(|test| test.group) {
        d.put("EventGroupId", group);
    }
    let origin = test.map_or(Some(shown.origin.as_str()), |test| test.origin.as_deref());
    if let Some(origin) = origin {
        d.link("OriginOfCondition", &[origin]);
    }
    let entry = place.model.and_then(|model| entry_uri(&model, &queued.what, queued.number));
    if let Some(entry) = entry.filter(|_| queued.node.is_none()) {
        d.link("LogEntry", &[&entry]);
    }
}

fn words(message: &Message, d: &mut Doc<'_>) {
    d.join("MessageId", &[message.entry.registry, ".", message.entry.key]);
    d.put("Message", message.text());
    d.array("MessageArgs", |d| message.args.iter().for_each(|arg| d.item(arg)));
    d.put("MessageSeverity", message.entry.severity);
    d.put("Severity", message.entry.severity);
    d.put("Resolution", message.entry.resolution);
}

fn own_words(test: &TestEvent, d: &mut Doc<'_>) {
    let default = &super::message::TEST_MESSAGE;
    match &test.message_id {
        Some(id) => d.put("MessageId", &**id),
        None => d.join("MessageId", &[default.registry, ".", default.key]),
    }
    d.put("Message", test.message.as_deref().unwrap_or(default.text));
    d.array("MessageArgs", |d| test.args.iter().for_each(|arg| d.item(&**arg)));
    let severity = test.severity.as_deref().unwrap_or(default.severity);
    d.put("MessageSeverity", severity);
    d.put("Severity", severity);
}
