//! Moments and durations in words.

use jiff::Timestamp;

use super::terminal::shown;

/// A duration of whole seconds, such as `2d 3h`, with two units.
pub(in crate::cli) fn span(seconds: u64) -> String {
    let units =
        [("d", seconds / 86_400), ("h", seconds / 3600 % 24), ("m", seconds / 60 % 60), ("s", seconds % 60)];
    let from = units.iter().position(|(_, count)| *count > 0).unwrap_or(3);
    let words = units[from..].iter().take(2).filter(|(_, count)| *count > 0 || from == 3);
    words.map(|(unit, count)| format!("{count}{unit}")).collect::<Vec<_>>().join(" ")
}

/// The time of day (UTC) of a moment in the form of RFC 3339. Another text stays as it is.
pub(in crate::cli) fn time_of_day(moment: &str) -> String {
    moment.parse().map_or_else(
        |_| shown(moment.to_owned()),
        |moment: Timestamp| moment.strftime("%H:%M:%S").to_string(),
    )
}

/// The time of day of a moment, and how far it is from `now`; both in the form of RFC 3339. The date is written if it is another day.
pub(in crate::cli) fn moment(moment: &str, now: &str) -> String {
    let (Ok(at), Ok(now)) = (moment.parse::<Timestamp>(), now.parse::<Timestamp>()) else {
        return moment.to_owned();
    };
    let date = |at: Timestamp| at.strftime("%F").to_string();
    let format = if date(at) == date(now) { "%H:%M:%S" } else { "%F %H:%M:%S" };
    let seconds = at.as_second() - now.as_second();
    let far = span(seconds.unsigned_abs());
    let far = match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {far}"),
        _ => format!("{far} ago"),
    };
    format!("{}, {far}", at.strftime(format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (61, "1m 1s"), (7200, "2h"), (90_061, "1d 1h")] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_moment_is_told_from_now() {
        let now = "2026-01-02T00:00:30.500Z";
        for (at, text) in [
            ("2026-01-02T00:00:00Z", "00:00:00, 30s ago"),
            ("2026-01-02T00:00:30Z", "00:00:30, now"),
            ("2026-01-02T00:02:00.900Z", "00:02:00, in 1m 30s"),
            ("2026-01-01T23:00:30Z", "2026-01-01 23:00:30, 1h ago"),
            ("soon", "soon"),
        ] {
            assert_eq!(moment(at, now), text);
        }
        assert_eq!(time_of_day(now), "00:00:30");
    }
}
