//! How fast items start.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::fault::Period;

/// How fast items start. Without a value, all start at once.
///
/// `maxInFlight` is a closed loop: an item starts when another one ends. `batchSize` with `delay`, and `arrivals`, are open loops: items
/// start at their times, however long the others take. With `maxInFlight` in addition, a start can be late; the report says how late.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pacing {
    /// The most items between start and end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Items that start together. Without `delay`, it has the meaning of `maxInFlight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    /// Time between the starts of two batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "5s")]
    pub delay: Option<Period>,
    /// Phases of arrival, one after the other. If items are left after the last one, they arrive at its last rate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<Arrivals>,
    /// The order in which items start; `listed` by default.
    #[serde(default, skip_serializing_if = "Order::is_listed")]
    pub order: Order,
}

impl Pacing {
    /// The most phases of arrival.
    pub const MAX_ARRIVALS: usize = 1000;

    /// Whether it has no value.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The most items between start and end.
    pub fn cap(&self) -> Option<u32> {
        let semaphore = self.batch_size.filter(|_| self.delay.is_none());
        [self.max_in_flight, semaphore].into_iter().flatten().min()
    }
}

/// A phase of arrival.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arrivals {
    /// Starts a second or a minute, such as `2/s` or `30/min`.
    #[schema(value_type = String, example = "2/s")]
    pub rate: Rate,
    /// The rate at the end of the phase; between, it grows or falls evenly. By default it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "10/s")]
    pub ramp: Option<Rate>,
    /// The length of the phase.
    #[schema(value_type = String, example = "60s")]
    pub duration: Period,
    /// How the starts are distributed; `even` by default.
    #[serde(default, skip_serializing_if = "Distribution::is_even")]
    pub distribution: Distribution,
}

/// How the starts of a phase of arrival are distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Distribution {
    /// The same time between two starts, at the same rate.
    #[default]
    Even,
    /// Starts that do not depend on each other: the times between them are exponentially distributed.
    Poisson,
}

impl Distribution {
    fn is_even(&self) -> bool {
        *self == Self::Even
    }
}

/// The order in which items start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// The order of the groups and of their items.
    #[default]
    Listed,
    /// A random order, which follows from `seed`.
    Shuffled,
}

impl Order {
    fn is_listed(&self) -> bool {
        *self == Self::Listed
    }
}

/// Starts a second, above 0 and at most [`Rate::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// The highest rate, starts a second.
    pub const MAX: f64 = 10_000.0;

    pub const fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no rate; write starts a second, a minute or an hour, such as 2/s, 30/min or 100/h"
            )
        };
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "min" | "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.trim().parse().map_err(|_| wrong())?;
        let rate = number / seconds;
        if rate > 0.0 && rate <= Self::MAX {
            return Ok(Self(rate));
        }
        Err(format!("'{text}' is not between 0 and {}/s", Self::MAX))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
