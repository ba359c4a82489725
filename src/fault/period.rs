//! Durations in rules, in the words of people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration such as `90s`, `1h30m` or `2 days`, whole milliseconds, at most [`Period::MAX_MS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u64);

impl Period {
    /// The longest duration: a hundred years.
    pub const MAX_MS: u64 = 100 * 365 * 24 * 3600 * 1000;

    /// The duration of so many milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Checks the parameter `name` of a rule.
    ///
    /// # Errors
    /// If it is longer than 24 hours.
    pub(super) fn check_at_most_a_day(self, name: &str) -> Result<(), String> {
        if self.0 > 24 * 3600 * 1000 {
            return Err(format!("'{name}' is {self}; at most 24h are allowed"));
        }
        Ok(())
    }

    /// The duration in milliseconds.
    pub const fn ms(self) -> u64 {
        self.0
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is not a duration: write numbers with ms, s, m, h or d, such as 500ms, 1m30s or 2h"
            )
        };
        if text.trim() == "0" {
            return Ok(Self(0));
        }
        let parser = jiff::fmt::friendly::SpanParser::new();
        let span = parser.parse_span(text.trim()).map_err(|_| wrong())?;
        let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
        match u64::try_from(length.as_millis()) {
            Ok(ms) if ms <= Self::MAX_MS => Ok(Self(ms)),
            Ok(_) => Err(format!("'{text}' is longer than 36500 days, the longest duration that is allowed")),
            Err(_) => Err(wrong()),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if left >= ms {
                write!(f, "{}{unit}", left / ms)?;
                left %= ms;
            }
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "cli")]
mod schema {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

    impl utoipa::PartialSchema for super::Period {
        fn schema() -> RefOr<Schema> {
            let text = "A duration such as `90s`, `1h30m` or `2d`";
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(text))
                .pattern(Some("^([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,4}s)?([0-9]{1,4}ms)?$"))
                .min_length(Some(2))
                .examples(["90s"])
                .into()
        }
    }

    impl utoipa::ToSchema for super::Period {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_as_it_is_read() {
        for (text, ms) in
            [("90s", 90_000), ("1h30m", 5_400_000), ("2 days", 172_800_000), ("0", 0), ("250ms", 250)]
        {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.ms(), ms, "{text}");
            assert_eq!(period.to_string().parse(), Ok(period), "{text}");
        }
        for text in ["", "5", "-5s", "soon", "1x", "101y", "36501d"] {
            let error = text.parse::<Period>().unwrap_err();
            assert!(error.contains(&format!("'{text}'")), "{error}");
        }
    }
}
