//! Phases of a machine that take other times than those of its profile.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};
use crate::time::timing::Timing;
use crate::time::{Span, SpanError};

/// Other times for phases of a machine than those of its profile, at least one. Each is a duration such as `2m`, or a range such as
/// `5m..10m` from which the machine draws, at most 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OtherTiming(BTreeMap<String, Span>);

impl OtherTiming {
    /// Replaces the times that the rule names. The others stay.
    pub fn apply(&self, timing: &mut Timing) {
        for (name, span) in &self.0 {
            // A rule has the names of timings only (`check`).
            _ = timing.set(name, *span);
        }
    }
}

impl<'de> Deserialize<'de> for OtherTiming {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Ranges)
    }
}

/// Reads ranges by name. An error says to which name it belongs.
struct Ranges;

impl<'de> Visitor<'de> for Ranges {
    type Value = OtherTiming;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with timings, such as {\"post\": \"5m..10m\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OtherTiming, A::Error> {
        let mut all = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let wrong =
                |problem: &dyn fmt::Display| A::Error::custom(format!("'what.timing.{name}': {problem}"));
            let text: String = map.next_value().map_err(|error| wrong(&error))?;
            let range: Span = text.parse().map_err(|error: SpanError| wrong(&error))?;
            if all.contains_key(&name) {
                return Err(wrong(&"it is there twice; write it once"));
            }
            all.insert(name, range);
        }
        Ok(OtherTiming(all))
    }
}

impl Fault for OtherTiming {
    const NAME: &'static str = "timing";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "each phase that begins takes the time of the rule, with the same random draw as that of the profile; of several rules, the first one that names the phase decides, and before them power-on-hangs and post-hangs";
    const ENDS: &'static str = "phases that begin later take the times of the profile again";
    const STAYS: &'static str = "a phase that is under way ends when it would have ended";
    const TEST: &'static str = "src/node/tests/timings.rs, every_phase_takes_the_time_of_a_rule";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Timing)
    }

    #[cfg(test)]
    fn example() -> serde_json::Value {
        serde_json::json!({"power_on": "10m", "post": "1s..2h", "manager_reset": "3m", "volume": "1h", "command": "0s"})
    }

    fn check(&self) -> Result<(), String> {
        if self.0.is_empty() {
            let known: Vec<_> = Timing::default().list().into_iter().map(|(name, ..)| name).collect();
            return Err(format!("no timing is named; allowed are {}", known.join(", ")));
        }
        let mut timing = Timing::default();
        self.0.iter().try_for_each(|(name, span)| timing.set(name, *span).map_err(|error| error.to_string()))
    }
}

#[cfg(feature = "cli")]
mod schema {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};

    use crate::time::timing::Timing;

    impl utoipa::PartialSchema for super::OtherTiming {
        fn schema() -> RefOr<Schema> {
            let text = "Other times for phases of a machine than those of its profile, at least one. Each is a duration such as `2m`, \
                        or a range such as `5m..10m` from which the machine draws, at most 24 hours.";
            let mut all = ObjectBuilder::new().description(Some(text)).min_properties(Some(1));
            for (name, default, means) in Timing::default().list() {
                let range = ObjectBuilder::new().schema_type(Type::String).description(Some(means));
                let range = range.pattern(Some(RANGE)).examples([default.to_string()]);
                all = all.property(name, range);
            }
            all.additional_properties(Some(AdditionalProperties::FreeForm(false))).into()
        }
    }

    /// A duration, or two as a range. No pattern says that a range ends after it begins, and that 24 hours are the most.
    const RANGE: &str = r"^([0-9]{1,8}(ms|s|m|h)){1,4}(\.\.([0-9]{1,8}(ms|s|m|h)){1,4})?$";

    impl utoipa::ToSchema for super::OtherTiming {}
}
