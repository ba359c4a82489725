//! Numbers as people read them, the same in the terminal, in HTML and in Markdown.

use indicatif::HumanCount;

/// A number with three significant digits.
pub(crate) fn short(value: f64) -> String {
    let places = match value.abs() {
        0.0 => 0,
        ..0.1 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Seconds as people write them, such as `350 ms`, `12.5 s` and `2 min 5 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round();
    let pair = |large: f64, name: &str, small: f64, rest: &str| match small {
        0.0 => format!("{large} {name}"),
        small => format!("{large} {name} {small} {rest}"),
    };
    match seconds {
        0.0 => "0 s".to_owned(),
        ..1.0 => format!("{} ms", short(seconds * 1000.0)),
        ..120.0 => format!("{} s", short(seconds)),
        ..7200.0 => pair((whole / 60.0).floor(), "min", whole % 60.0, "s"),
        _ => pair((whole / 3600.0).floor(), "h", ((whole % 3600.0) / 60.0).floor(), "min"),
    }
}

/// Bytes as a number of MiB.
pub(crate) fn bytes(bytes: u64) -> String {
    format!("{} MiB", short(bytes as f64 / 1_048_576.0))
}

/// A number with a comma before each three digits.
pub(crate) fn count(value: u64) -> String {
    HumanCount(value).to_string()
}

/// A value, or a dash if there is none.
pub(crate) fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short_and_have_units() {
        let written: Vec<_> =
            [0.0, 0.0123, 0.5, 12.345, 119.9, 125.0, 3600.0, 7325.0, 90_000.0].map(duration).into();
        assert_eq!(
            written,
            ["0 s", "12.3 ms", "500 ms", "12.3 s", "120 s", "2 min 5 s", "60 min", "2 h 2 min", "25 h"]
        );
        assert_eq!([0.0, 0.05, 1.25, 33.33, 1234.0].map(short), ["0", "0.05", "1.25", "33.3", "1234"]);
        assert_eq!(
            (bytes(52_428_800), count(12_000), or_dash(None, duration)),
            ("50 MiB".into(), "12,000".into(), "–".into())
        );
    }
}
