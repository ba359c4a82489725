//! What a subscriber asks for.

use serde::{Deserialize, Serialize};

use crate::dmtf::{DeliveryRetryPolicy, EventType};

/// The subscription that a client asks for. The fields are properties of `EventDestination`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub destination: Box<str>,
    pub context: Option<Box<str>>,
    /// `HttpHeaders`, which are never shown.
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub filter: Filter,
    pub policy: Option<DeliveryRetryPolicy>,
    pub verify_certificate: bool,
    /// The id of the account that has subscribed.
    pub account: u32,
    /// `SubscriptionType` is `SSE`: a client reads the stream of events. The subscription ends with the connection.
    pub is_stream: bool,
}

/// The events that a subscriber wants. An empty list stands for all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// The subscriber gets metric reports, and no events.
    pub wants_reports: bool,
    /// `MetricReportDefinitions`: the URIs of the definitions whose reports it gets.
    pub reports: Vec<Box<str>>,
    pub registries: Vec<Box<str>>,
    pub exclude_registries: Vec<Box<str>>,
    pub message_ids: Vec<Box<str>>,
    pub exclude_message_ids: Vec<Box<str>>,
    pub resource_types: Vec<Box<str>>,
    pub origins: Vec<Box<str>>,
    /// `SubordinateResources`: also events of resources below `origins`.
    pub below_origins: bool,
    pub severities: Vec<Box<str>>,
    pub event_types: Vec<EventType>,
}

/// Changes of a subscription; `None` leaves a property unchanged.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// `Some(None)` removes the context.
    pub context: Option<Option<Box<str>>>,
    pub headers: Option<Vec<(Box<str>, Box<str>)>>,
    pub policy: Option<DeliveryRetryPolicy>,
    pub verify_certificate: Option<bool>,
}

impl Wanted {
    /// The longest `Destination`, bytes.
    pub const MAX_DESTINATION: usize = 2048;
    /// The longest `Context`, bytes.
    pub const MAX_CONTEXT: usize = 256;
    /// The most entries of `HttpHeaders` and of each filter.
    pub const MAX_ENTRIES: usize = 32;
}
