//! Simulated time: milliseconds since the Unix epoch, and spans of it.
//!
//! Plain numbers only: `clock/` reads the clock.

pub mod timing;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment of simulated time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SimTime(u64);

/// A duration as ISO 8601 writes it: `PT60S`.
pub fn iso8601(seconds: u32) -> String {
    format!("PT{seconds}S")
}

/// A duration of ISO 8601 such as `PT1H30M`, in milliseconds. `None` if the text is none, or a negative one.
pub fn milliseconds(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(duration.as_millis()).ok()
}

impl SimTime {
    /// The deadline of a node that waits for nothing.
    pub const NEVER: Self = Self(u64::MAX);

    /// The latest time at which a stored fleet may continue: the start of the year 9999. The years of Redfish have four digits.
    pub const LATEST: Self = Self(253_370_764_800_000);

    /// The moment `ms` milliseconds after the Unix epoch.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// The moment `ms` milliseconds later. The result stops at [`SimTime::NEVER`] instead of overflowing.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The moment `ms` milliseconds earlier; zero at the earliest.
    pub const fn before_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// Moves this moment `ms` milliseconds into the future. [`SimTime::NEVER`] stays.
    pub fn shift(&mut self, ms: u64) {
        *self = self.after_ms(ms);
    }

    /// Milliseconds since `earlier`; zero if `earlier` is later than this moment.
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment as RFC 3339 writes it, in UTC with milliseconds.
    pub fn rfc3339(self) -> String {
        let ms = i64::try_from(self.0).unwrap_or(i64::MAX);
        let stamp = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
        format!("{stamp:.3}")
    }

    /// The moment as a Redfish `DateTime` (ISO 8601, whole seconds) with an offset of `offset_minutes` east of UTC.
    ///
    /// Redfish (DSP0266, clause "Date-Time values") allows `Z` or an offset. UTC is written as `+00:00`, because
    /// Ironic's clock step writes that form and compares with it.
    pub fn redfish(self, offset_minutes: i32) -> String {
        let secs = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX / 2) + i64::from(offset_minutes) * 60;
        let stamp = jiff::Timestamp::from_second(secs).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let (sign, abs) = (if offset_minutes < 0 { '-' } else { '+' }, offset_minutes.unsigned_abs());
        format!("{}{sign}{:02}:{:02}", stamp.strftime("%Y-%m-%dT%H:%M:%S"), abs / 60, abs % 60)
    }
}

/// Parses a Redfish `DateTime`: the moment, and its offset in minutes east of UTC.
///
/// `None` if the text is not an ISO 8601 date and time with `Z` or an offset, or if the moment is before 1970.
pub fn parse_redfish(text: &str) -> Option<(SimTime, i16)> {
    let stamp: jiff::Timestamp = text.parse().ok()?;
    let ms = u64::try_from(stamp.as_millisecond()).ok()?;
    let offset =
        if text.ends_with(['Z', 'z']) { 0 } else { parse_offset(text.get(text.len().checked_sub(6)?..)?)? };
    Some((SimTime::from_ms(ms), offset))
}

/// Parses an offset such as `+05:30` (`Manager.DateTimeLocalOffset`) into minutes.
pub fn parse_offset(text: &str) -> Option<i16> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str, below: i16| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n: &i16| digits && *n < below)
    };
    Some(sign * (number(hours, 20)? * 60 + number(minutes, 60)?))
}

/// A range of durations in milliseconds, both ends included. Each use draws one duration from it. `min_ms` is at most
/// `max_ms`, which is at most [`Span::MAX_MS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub min_ms: u32,
    pub max_ms: u32,
}

impl Span {
    /// The longest duration that is accepted: one day.
    pub const MAX_MS: u32 = 24 * 3600 * 1000;

    /// A span that always draws `ms`.
    pub const fn exactly_ms(ms: u32) -> Self {
        Self { min_ms: ms, max_ms: ms }
    }

    /// The span from `min_ms` to `max_ms`.
    pub const fn ms(min_ms: u32, max_ms: u32) -> Self {
        Self { min_ms, max_ms }
    }

    /// The duration that 64 random bits select, uniformly.
    pub fn pick_ms(self, dice: u64) -> u64 {
        let width = u64::from(self.max_ms - self.min_ms) + 1;
        u64::from(self.min_ms) + dice % width
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |f: &mut fmt::Formatter<'_>, ms: u32| match ms {
            0 => f.write_str("0s"),
            ms if ms % 60_000 == 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        };
        one(f, self.min_ms)?;
        if self.max_ms != self.min_ms {
            f.write_str("..")?;
            one(f, self.max_ms)?;
        }
        Ok(())
    }
}

/// Why a text cannot be parsed as a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// One part is not a number with a unit.
    #[error("'{0}' is not a duration: write numbers with ms, s, m or h, such as 500ms or 1m30s")]
    NotADuration(String),
    /// The minimum is above the maximum.
    #[error("the range '{0}' ends before it begins; write the shorter duration first, such as 1s..3s")]
    Backwards(String),
    /// The duration is above [`Span::MAX_MS`].
    #[error("'{0}' is longer than 24h, the longest duration that is allowed")]
    TooLong(String),
}

impl FromStr for Span {
    type Err = SpanError;

    /// Parses `3s`, `500ms`, `1m30s`, `1h`, or a range such as `1s..3s`. The first part of a range can omit its unit and
    /// then takes the unit of the second part: `1..3s`.
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let Some((low, high)) = text.split_once("..") else {
            return duration_ms(text, None).map(Self::exactly_ms);
        };
        let unit = high.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let unit = unit.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
        let (min_ms, max_ms) = (duration_ms(low, Some(unit))?, duration_ms(high, None)?);
        if min_ms > max_ms {
            return Err(SpanError::Backwards(text.to_owned()));
        }
        Ok(Self { min_ms, max_ms })
    }
}

/// Parses a duration in the words of people: `90s`, `1m30s`, `1.5h`, `2 minutes`. A number alone has the default unit.
fn duration_ms(text: &str, default_unit: Option<&str>) -> Result<u32, SpanError> {
    let wrong = || SpanError::NotADuration(text.to_owned());
    let text = text.trim();
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    let with_unit = match (number, default_unit) {
        (None, _) => text.to_owned(),
        (Some(0.0), _) => return Ok(0),
        (Some(_), Some(unit)) => format!("{text}{unit}"),
        (Some(_), None) => return Err(wrong()),
    };
    let duration =
        jiff::fmt::friendly::SpanParser::new().parse_unsigned_duration(&with_unit).map_err(|_| wrong())?;
    u32::try_from(duration.as_millis())
        .ok()
        .filter(|ms| *ms <= Span::MAX_MS)
        .ok_or_else(|| SpanError::TooLong(text.to_owned()))
}

/// Written as text, the form that `from_str` parses.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_moment_is_later_and_never_stays() {
        let (mut moment, mut never) = (SimTime::from_ms(10), SimTime::NEVER);
        moment.shift(5);
        never.shift(5);
        assert_eq!((moment, never), (SimTime::from_ms(15), SimTime::NEVER));
    }

    #[test]
    fn a_span_is_parsed_from_its_own_text() {
        for text in ["3s", "500ms", "1s..3s", "2m", "1500ms..2s", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
            assert_eq!(serde_json::to_value(text.parse::<Span>().unwrap()).unwrap(), text);
        }
        for (text, expected) in [
            ("1..3s", Span::ms(1000, 3000)),
            ("0..90s", Span::ms(0, 90_000)),
            ("1m30s", Span::exactly_ms(90_000)),
            ("1h 30m", Span::exactly_ms(5_400_000)),
            ("1m30s..2m", Span::ms(90_000, 120_000)),
            ("1..1m30s", Span::ms(60_000, 90_000)),
            ("1.5s", Span::exactly_ms(1500)),
            ("2 minutes", Span::exactly_ms(120_000)),
            ("0", Span::exactly_ms(0)),
            ("24h", Span::exactly_ms(Span::MAX_MS)),
        ] {
            assert_eq!(text.parse::<Span>(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_wrong_span_is_refused_with_its_reason() {
        assert_eq!("3s..1s".parse::<Span>(), Err(SpanError::Backwards("3s..1s".into())));
        assert_eq!("soon".parse::<Span>(), Err(SpanError::NotADuration("soon".into())));
        assert_eq!("5".parse::<Span>(), Err(SpanError::NotADuration("5".into())));
        assert_eq!("25h".parse::<Span>(), Err(SpanError::TooLong("25h".into())));
        assert_eq!("9999999999h".parse::<Span>(), Err(SpanError::TooLong("9999999999h".into())));
        for text in ["", "..", "-5s", "1m30", "1x", "inf", "NaN", "s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_ends_of_a_span_can_be_drawn() {
        let span = Span::ms(10, 12);
        assert_eq!((0..3).map(|d| span.pick_ms(d)).collect::<Vec<_>>(), [10, 11, 12]);
    }

    #[test]
    fn a_redfish_time_is_parsed_with_its_offset() {
        let t = SimTime::from_ms(1_700_000_000_000);
        assert_eq!(t.redfish(0), "2023-11-14T22:13:20+00:00");
        assert_eq!(t.redfish(-330), "2023-11-14T16:43:20-05:30");
        assert_eq!(parse_redfish("2023-11-14T16:43:20-05:30"), Some((t, -330)));
        assert_eq!(parse_redfish("2023-11-14T22:13:20Z"), Some((t, 0)));
    }

    #[test]
    fn a_text_that_is_not_a_redfish_time_is_refused() {
        for text in
            ["", "now", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z", "1969-01-01T00:00:00Z"]
        {
            assert_eq!(parse_redfish(text), None, "{text}");
        }
        for text in ["", "Z", "05:30", "+5:30", "+05:60", "+20:00", "+0530", "+1é:00"] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }
}
