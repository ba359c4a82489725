//! The occasions of a rule.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::commands::Commands;
use super::period::Period;
use super::requests::Requests;
use crate::selection::words;
use crate::time::SimTime;

/// When a rule fires. Without members it fires at every occasion of its fault, until it is cleared.
///
/// A rule is in effect from its beginning (`after`; at once by default) for a time (`for`), inside of its `window`. While it is in effect, its occasions are counted: the first ones can be skipped, and so on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct When {
    /// The requests that are occasions; for faults of requests.
    #[serde(skip_serializing_if = "Requests::is_all")]
    pub requests: Requests,
    /// The commands of the agent that are occasions; for faults of commands.
    #[serde(skip_serializing_if = "Commands::is_all")]
    pub commands: Commands,
    /// The beginning of the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
    /// The length of the effect after its beginning, simulated time; until the rule is cleared by default.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub for_time: Option<Period>,
    /// The part of simulated time in which the rule can fire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The first occasions that pass without a fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip: Option<u32>,
    /// The number of occasions, after the skipped ones, that can fire, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
    /// Every so many occasions one can fire, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Whether occasions are counted for each node, or for each operation of a node.
    #[serde(skip_serializing_if = "Per::is_node")]
    pub per: Per,
    /// The probability with which an occasion fires, above 0 and at most 1. The seed, the rule, the node and the number of the
    /// occasion decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How often the rule fires at most on all nodes together. Which nodes get it depends on their order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How often the rule fires at most on each node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_per_node: Option<u32>,
}

/// The occasions that are counted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Per {
    /// All occasions of a node together.
    #[default]
    Node,
    /// The occasions of each operation of a node: each method with each path.
    Operation,
}

impl Per {
    fn is_node(&self) -> bool {
        *self == Self::Node
    }
}

/// The beginning of a rule's effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct After {
    /// The state that the node enters, a value of the fields `state` or `agent` of selections. Each time it is entered, the
    /// effect begins again. Without it, the effect begins once, when the rule is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schema(example = "off"))]
    pub state: Option<String>,
    /// The time from then until the effect begins.
    #[serde(skip_serializing_if = "is_zero")]
    pub from: Period,
}

fn is_zero(period: &Period) -> bool {
    period.ms() == 0
}

/// A part of simulated time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Window {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// A moment of simulated time: a time such as `2027-01-01T00:00:00Z`, or a duration since the rule was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(SimTime),
    Later(Period),
}

impl Moment {
    /// The moment, for a rule that was added at `added`.
    pub fn since(self, added: SimTime) -> SimTime {
        match self {
            Self::At(at) => at,
            Self::Later(period) => added.after_ms(period.ms()),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(at) => serializer.serialize_str(&at.rfc3339()),
            Self::Later(period) => period.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        if let Some((at, _)) = crate::time::parse_redfish(&text) {
            return Ok(Self::At(at));
        }
        text.parse().map(Self::Later).map_err(|_| {
            serde::de::Error::custom(format!(
                "'{text}' is no moment; write a time such as 2027-01-01T00:00:00Z, or a duration since the rule was added, such as 10m"
            ))
        })
    }
}

#[cfg(feature = "cli")]
mod schema {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

    impl utoipa::PartialSchema for super::Moment {
        fn schema() -> RefOr<Schema> {
            let text = "A time such as `2027-01-01T00:00:00Z`, or a duration since the rule was added, such as `10m`";
            ObjectBuilder::new().schema_type(Type::String).description(Some(text)).examples(["10m"]).into()
        }
    }

    impl utoipa::ToSchema for super::Moment {}
}

impl When {
    /// # Errors
    /// The field, its value, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        self.requests.check()?;
        self.commands.check()?;
        let zero = |name: &str| Err(format!("'when.{name}' is 0; at least 1 is allowed"));
        if self.first == Some(0) {
            return zero("first");
        }
        if self.every == Some(0) {
            return zero("every");
        }
        if self.limit == Some(0) {
            return zero("limit");
        }
        if self.limit_per_node == Some(0) {
            return zero("limitPerNode");
        }
        if let Some(p) = self.probability
            && !(p > 0.0 && p <= 1.0)
        {
            return Err(format!("'when.probability' is {p}; a number above 0 and at most 1 is allowed"));
        }
        if let Some(state) = self.after.as_ref().and_then(|after| after.state.as_deref())
            && !is_state(state)
        {
            let known: Vec<_> = states().collect();
            return Err(format!("'when.after.state' is '{state}'; allowed are {}", known.join(", ")));
        }
        if let Some(Window { from: Some(from), until: Some(until) }) = self.window {
            let epoch = SimTime::from_ms(0);
            let backwards = match (from, until) {
                (Moment::At(from), Moment::At(until)) => until <= from,
                (Moment::Later(_), Moment::Later(_)) => until.since(epoch) <= from.since(epoch),
                (Moment::At(_), Moment::Later(_)) | (Moment::Later(_), Moment::At(_)) => false,
            };
            if backwards {
                return Err(
                    "'when.window' ends before it begins; 'until' must be later than 'from'".to_owned()
                );
            }
        }
        Ok(())
    }

    /// Whether a moment is inside of the window, for a rule that was added at `added`.
    pub(super) fn has(&self, now: SimTime, added: SimTime) -> bool {
        let Some(Window { from, until }) = self.window else { return true };
        from.is_none_or(|from| from.since(added) <= now) && until.is_none_or(|until| now < until.since(added))
    }

    /// The end of the window; [`SimTime::NEVER`] without one.
    pub(super) fn window_end(&self, added: SimTime) -> SimTime {
        self.window.and_then(|window| window.until).map_or(SimTime::NEVER, |until| until.since(added))
    }

    /// The beginning of the window.
    pub(super) fn window_begin(&self, added: SimTime) -> SimTime {
        self.window.and_then(|window| window.from).map_or(SimTime::from_ms(0), |from| from.since(added))
    }
}

/// The states that a node can enter.
fn states() -> impl Iterator<Item = &'static str> {
    words::STATE.iter().chain(words::AGENT).copied().filter(|word| *word != "none")
}

fn is_state(word: &str) -> bool {
    states().any(|state| state == word)
}
