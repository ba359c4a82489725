//! The events that a subscriber wants.

use super::words::Shown;
use crate::dmtf::EventType;
use crate::node::bmc::subscriptions::Filter;
use crate::node::event::What;

/// The facts of an event that filters compare. A test event has those that the client has given it.
pub(super) struct Facts<'a> {
    pub(super) message_id: String,
    pub(super) severity: &'a str,
    pub(super) origin: &'a str,
    pub(super) event_type: EventType,
}

impl<'a> Facts<'a> {
    pub(super) fn of(what: &'a What, shown: &'a Shown) -> Self {
        let entry = shown.message.entry;
        let own = Facts {
            message_id: format!("{}.{}", entry.registry, entry.key),
            severity: entry.severity,
            origin: &shown.origin,
            event_type: shown.event_type,
        };
        let What::Test(test) = what else { return own };
        Facts {
            message_id: test.message_id.as_deref().map_or(own.message_id, str::to_owned),
            severity: test.severity.as_deref().unwrap_or(own.severity),
            origin: test.origin.as_deref().unwrap_or(own.origin),
            event_type: test.event_type.as_deref().and_then(EventType::parse).unwrap_or(own.event_type),
        }
    }

    /// The prefix of the registry: `ResourceEvent`.
    pub(super) fn registry(&self) -> &str {
        self.message_id.split('.').next().unwrap_or_default()
    }

    /// The key of the message in its registry: `ResourceChanged`.
    pub(super) fn key(&self) -> &str {
        self.message_id.rsplit('.').next().unwrap_or_default()
    }
}

/// Whether a subscriber wants an event (the schema `EventDestination`). An empty list of the filter stands for all.
pub(super) fn wants(filter: &Filter, what: &What, shown: &Shown) -> bool {
    let facts = Facts::of(what, shown);
    let is_report = matches!(what, What::Report(_));
    if is_report || filter.wants_reports {
        let named = |uri: &str| uri.trim_end_matches('/').eq_ignore_ascii_case(facts.origin);
        return is_report && filter.wants_reports && any(&filter.reports, named);
    }
    let (registry, key) = (facts.registry(), facts.key());
    let below = |uri: &str| {
        let rest = facts.origin.strip_prefix(uri.trim_end_matches('/'));
        // An object in a resource belongs to it: `Thermal#/Temperatures/0`.
        let inside = |rest: &str| rest.is_empty() || rest.starts_with('#');
        rest.is_some_and(|rest| inside(rest) || (filter.below_origins && rest.starts_with('/')))
    };
    any(&filter.registries, |prefix| prefix == registry)
        && !filter.exclude_registries.iter().any(|prefix| &**prefix == registry)
        && any(&filter.message_ids, |id| is_message(id, registry, key))
        && !filter.exclude_message_ids.iter().any(|id| is_message(id, registry, key))
        && any(&filter.resource_types, |kind| kind == shown.resource_type)
        && any(&filter.origins, below)
        && any(&filter.severities, |wanted| wanted == facts.severity)
        && (filter.event_types.is_empty() || filter.event_types.contains(&facts.event_type))
}

fn any(list: &[Box<str>], is: impl Fn(&str) -> bool) -> bool {
    list.is_empty() || list.iter().any(|text| is(text))
}

/// Whether a message is the one that a filter names: by its key, or by its registry and its key. The filter leaves the version
/// out (`EventDestination.MessageIds`), and a client that names it means the same message.
fn is_message(id: &str, registry: &str, key: &str) -> bool {
    match id.rsplit_once('.') {
        None => id == key,
        Some((prefix, last)) => last == key && prefix.split('.').next() == Some(registry),
    }
}
