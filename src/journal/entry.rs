//! The entries of the journal, as they are read, and in JSON.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::time::SimTime;

/// One entry. Equal entries that follow each other are one entry with a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Entry {
    /// The number of the entry in the journal of its node. It stays when the entry is repeated.
    pub id: u64,
    /// Grows with each new entry of the node and with each repetition. A reader asks for what is newer than the largest that
    /// it has seen.
    pub revision: u64,
    /// Simulated time of the first occurrence; in JSON RFC 3339.
    #[serde(rename = "time", with = "rfc3339")]
    #[cfg_attr(feature = "cli", schema(value_type = String, format = DateTime))]
    pub first: SimTime,
    /// Simulated time of the last occurrence.
    #[serde(rename = "lastTime", with = "rfc3339")]
    #[cfg_attr(feature = "cli", schema(value_type = String, format = DateTime))]
    pub last: SimTime,
    pub count: u32,
    /// The occurrence itself; its kind is `kind` in JSON.
    #[serde(flatten)]
    pub what: What,
}

/// The kinds of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum What {
    /// A request of a client to the BMC, to the agent or to the control API.
    Request(Request),
    /// A call of the BMC, the firmware or the agent to a server.
    Call(Call),
    /// A change of the node's state.
    State(Change),
}

/// The API that a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Face {
    Redfish,
    Agent,
    /// The control API of fauxmetal.
    Control,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Request {
    pub face: Face,
    /// The address of the client; `None` for a request from within the process.
    #[cfg_attr(feature = "cli", schema(value_type = Option<String>))]
    pub client: Option<IpAddr>,
    /// The header `User-Agent`, at most [`Request::MAX_USER_AGENT`] bytes.
    pub user_agent: Option<Box<str>>,
    pub method: Box<str>,
    /// Path and query, without the values of secrets, at most [`Request::MAX_URI`] bytes.
    pub uri: Box<str>,
    /// The names of the properties that the body sets, such as `Boot.BootSourceOverrideTarget`; none for an action, and for
    /// an agent the name of the command. Never a value.
    pub changed: Vec<Box<str>>,
    /// The HTTP status of the answer; `None` if the connection was closed in its place.
    pub status: Option<u16>,
    /// `MessageId` of the first message of a refusal (DMTF's registry).
    #[serde(rename = "messageId")]
    pub message: Option<Box<str>>,
}

impl Request {
    /// Longest URI, bytes. A longer one is cut.
    pub const MAX_URI: usize = 512;
    /// Longest text of names, bytes. Further names are left out.
    pub const MAX_NAMES: usize = 256;
    /// Longest `User-Agent`, bytes. A longer one is cut.
    pub const MAX_USER_AGENT: usize = 128;
}

/// A request to be recorded, with the fields of [`Request`].
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Simulated time at which it came, or at which its node was looked at.
    pub at: SimTime,
    pub face: Face,
    /// The address of the client.
    pub client: Option<IpAddr>,
    pub user_agent: Option<&'a [u8]>,
    pub method: &'a str,
    /// The path of the URI.
    pub path: &'a str,
    /// The query of the URI. Values of secrets are hidden.
    pub query: Option<&'a str>,
    /// The names, each with a space behind it. The names in an object stand between [`Asked::BEGIN`] and [`Asked::END`]
    /// behind the object's name. That costs less than a path for each name.
    pub changed: &'a str,
    /// The HTTP status of the answer; `None` if the connection was closed in its place.
    pub status: Option<u16>,
    /// Registry and key of the message, such as `Base.1.22` and `PropertyUnknown`.
    pub message: Option<(&'static str, &'static str)>,
}

impl Asked<'_> {
    /// The names in an object begin.
    pub const BEGIN: char = '\u{2}';
    /// The names in an object end.
    pub const END: char = '\u{3}';
}

/// The kinds of outgoing calls.
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallKind {
    /// The firmware reads a boot source.
    Boot,
    /// The BMC opens the image in a media slot.
    Media,
    /// The agent sends its inspection data.
    Inspection,
    /// The agent looks its node up in Ironic.
    Lookup,
    Heartbeat,
    /// The agent downloads an image.
    Image,
    /// The BMC fetches the image of a firmware update.
    Firmware,
    /// The BMC fetches a license.
    License,
    /// The BMC sends events to a subscriber.
    Event,
}

impl CallKind {
    pub const ALL: [Self; 9] = [
        Self::Boot,
        Self::Media,
        Self::Inspection,
        Self::Lookup,
        Self::Heartbeat,
        Self::Image,
        Self::Firmware,
        Self::License,
        Self::Event,
    ];

    /// The name of the kind in text, JSON, and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::Media => "media",
            Self::Inspection => "inspection",
            Self::Lookup => "lookup",
            Self::Heartbeat => "heartbeat",
            Self::Image => "image",
            Self::Firmware => "firmware",
            Self::License => "license",
            Self::Event => "event",
        }
    }

    /// Whether the node repeats such a call all the time.
    pub(super) const fn is_poll(self) -> bool {
        matches!(self, Self::Inspection | Self::Lookup | Self::Heartbeat)
    }
}

/// How a call ended.
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ok,
    Refused,
    /// There was no usable answer.
    Failed,
    /// Nothing was sent, because the circuit breaker of the server is open.
    Held,
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Refused, Self::Failed, Self::Held];
}

/// An outgoing call and its result.
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The kind of the call.
    pub call: CallKind,
    /// Where it went, without credentials; empty if that is not known.
    pub url: Box<str>,
    #[serde(rename = "result")]
    pub outcome: Outcome,
    /// The HTTP status, if the server answered.
    pub status: Option<u16>,
    /// Why it failed, without secrets and control characters, at most 400 bytes.
    pub error: Option<Box<str>>,
}

impl Call {
    /// Longest URL, bytes. A longer one is cut.
    pub const MAX_URL: usize = 512;
    /// Longest text of an error, bytes. A longer one is cut.
    pub const MAX_ERROR: usize = 400;
}

/// A change of the node's state.
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub event: Event,
    /// What the event says about it; empty for most events.
    pub detail: Box<str>,
}

impl Change {
    /// Longest detail, bytes. A longer one is cut.
    pub const MAX_DETAIL: usize = 128;
}

/// The form of RFC 3339, in UTC.
mod rfc3339 {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::time::SimTime;

    pub(super) fn serialize<S: Serializer>(at: &SimTime, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(&super::stamp(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SimTime, D::Error> {
        let text = String::deserialize(input)?;
        let stamp: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        u64::try_from(stamp.as_millisecond()).map(SimTime::from_ms).map_err(D::Error::custom)
    }
}

/// The moment as a timestamp, which displays itself in the form of RFC 3339.
pub(crate) fn stamp(at: SimTime) -> jiff::Timestamp {
    let ms = i64::try_from(at.ms()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}
