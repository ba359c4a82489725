//! The simulated time of the fleet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The clock of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clock {
    /// The present simulated time, RFC 3339.
    pub now: String,
    /// Whether the clock is held: no node moves by time, and requests are answered.
    pub held: bool,
    /// Simulated seconds per real second, while the clock is not held.
    pub speed: f64,
    /// Simulated time minus the system's date, seconds. A clock that was held is behind, and one that has jumped is ahead.
    pub ahead_seconds: f64,
    /// The next thing that will happen by time; missing if nothing will. A call that is under way can bring something earlier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Occasion>,
}

/// Something that happens by time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Occasion {
    /// The moment in simulated time, RFC 3339.
    pub at: String,
    /// The name of the node to which it happens. It is missing for what happens to the service root that all nodes share: the end of a
    /// session or of a lockout, a delivery that is repeated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "generic-3")]
    pub node: Option<String>,
}

/// A request that needs no member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoMembers {}

/// Moves a clock that is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockStep {
    /// Simulated seconds, from 0.001 to 31,622,400 (366 days); rounded to milliseconds.
    #[schema(example = 90)]
    pub seconds: f64,
}

/// Changes the speed of simulated time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockSpeed {
    /// Simulated seconds per real second, from 0.001 to 10,000. While the clock is held, it takes effect when the clock is released.
    #[schema(example = 60)]
    pub speed: f64,
}

/// Moves the clock forward at once: exactly one of `seconds` and `to`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockJump {
    /// Simulated seconds from now on, at least 0.001; rounded to milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = 86400)]
    pub seconds: Option<f64>,
    /// A moment that has not passed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "2031-01-01T00:00:00Z")]
    pub to: Option<String>,
}

/// A clock that was stepped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stepped {
    /// The moment before the step, RFC 3339.
    pub from: String,
    /// Number of moments at which something was due. The clock has stood still at each until all outgoing calls were answered.
    pub deadlines: u64,
    /// Whether the clock is at the wanted moment.
    pub complete: bool,
    /// Why the step has ended earlier; missing if it is complete.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What has happened; of the step to the next occasion only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub happened: Option<Occasion>,
    /// The clock after the step.
    pub clock: Clock,
}
