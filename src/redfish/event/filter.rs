//! The events that a subscriber wants.

use super::words::Shown;
use crate::node::bmc::subscriptions::Filter;
use crate::node::event::What;

/// Whether a subscriber wants an event (the schema `EventDestination`). An empty list of the filter stands for all.
pub(super) fn wants(filter: &Filter, what: &What, shown: &Shown) -> bool {
    let registry = shown.message.entry.registry.split('.').next().unwrap_or_default();
    let (key, severity) = (shown.message.entry.key, shown.message.entry.severity);
    let (registry, key, severity) = match what {
        // A test event has the words that the client has given it.
        What::Test(test) => {
            let id = test.message_id.as_deref().unwrap_or_default();
            let severity = test.severity.as_deref().unwrap_or(severity);
            (id.split('.').next().unwrap_or_default(), id.rsplit('.').next().unwrap_or_default(), severity)
        }
        _ => (registry, key, severity),
    };
    let origin = match what {
        What::Test(test) => test.origin.as_deref().unwrap_or(&shown.origin),
        _ => &shown.origin,
    };
    let below = |uri: &str| {
        let uri = uri.trim_end_matches('/');
        let rest = origin.strip_prefix(uri);
        rest.is_some_and(|rest| rest.is_empty() || (filter.below_origins && rest.starts_with('/')))
    };
    any(&filter.registries, |prefix| prefix == registry)
        && !filter.exclude_registries.iter().any(|prefix| &**prefix == registry)
        && any(&filter.message_ids, |id| is_message(id, registry, key))
        && !filter.exclude_message_ids.iter().any(|id| is_message(id, registry, key))
        && any(&filter.resource_types, |kind| kind == shown.resource_type)
        && any(&filter.origins, below)
        && any(&filter.severities, |wanted| wanted == severity)
        && (filter.event_types.is_empty() || filter.event_types.contains(&event_type(what, shown)))
}

/// `EventType` of an event.
pub(super) fn event_type(what: &What, shown: &Shown) -> crate::dmtf::EventType {
    let own = match what {
        What::Test(test) => test.event_type.as_deref().and_then(crate::dmtf::EventType::parse),
        _ => None,
    };
    own.unwrap_or(shown.event_type)
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
