//! What equal failures have in common.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

use crate::note::Note;

/// Characters of a cause. The rest of a long error is the same for no two items.
const MAX_CHARS: usize = 240;

/// What differs from item to item, in order of precedence. Each group has the word that stands for it; `keep` stays.
static DIFFERENT: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the expression is constant, and a test runs it")]
    Regex::new(
        r#"(?xi)
        (?P<uuid> \b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b )
        | (?P<url> \b[a-z][a-z0-9+]*://[^\s'"<>()]+ )
        | (?P<time> \b\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d[.,\d]*(?:Z|[+-]\d\d:?\d\d)? )
        | (?P<mac> \b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b )
        | (?P<address> \[[0-9a-f]*:[0-9a-f:.%]+\](?::\d+)? | \b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b
            | (?:\b[0-9a-f]{1,4}:){3,7}:?[0-9a-f]{1,4}\b | (?:\b[0-9a-f]{1,4}:)*:(?::?[0-9a-f]{1,4})+\b )
        | (?P<keep> \b(?:http|https|status|code|errno|error)(?:\ code)?[\ :=]+\d{1,3}\b )
        | (?P<number> \b0x[0-9a-f]+\b | \d+(?:\.\d+)? )
        "#,
    )
    .expect("a constant expression")
});

/// The text of an error with a word in place of everything that differs from item to item, so that equal failures have equal
/// texts: `NAME` for each of `names` (the item, its node), `UUID`, `URL`, `TIME`, `MAC`, `ADDRESS`, and `N` for other numbers. A
/// status such as `HTTP 503` stays. The text is one line of at most 240 characters, without passwords.
pub fn cause(error: &str, names: &[&str]) -> String {
    let mut text = Note::from(error).to_string();
    for name in names.iter().filter(|name| name.len() > 2) {
        text = text.replace(name, "NAME");
    }
    let word = |found: &Captures<'_>| {
        let words = [
            ("uuid", "UUID"),
            ("url", "URL"),
            ("time", "TIME"),
            ("mac", "MAC"),
            ("address", "ADDRESS"),
            ("number", "N"),
        ];
        let word = words.iter().find(|(group, _)| found.name(group).is_some());
        word.map_or_else(|| found[0].to_owned(), |(_, word)| (*word).to_owned())
    };
    let text = DIFFERENT.replace_all(&text, word);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_failures_have_equal_causes() {
        for (error, expected) in [
            (
                "Failed to inspect node 1be26c0b-03f2-4d2e-ae87-c02d7f33c123: timeout after 1800.5 seconds",
                "Failed to inspect node UUID: timeout after N seconds",
            ),
            (
                "node small-0003: HTTP 503 from https://10.0.0.7:6385/v1/nodes?limit=3",
                "node NAME: HTTP 503 from URL",
            ),
            (
                "HTTPConnectionPool(host='10.1.2.3', port=8000): status: 404",
                "HTTPConnectionPool(host='ADDRESS', port=N): status: 404",
            ),
            (
                "connect [fd00::12]:443 and fe80:1:2:3::7 and 52:54:00:ab:cd:ef",
                "connect ADDRESS and ADDRESS and MAC",
            ),
            ("at 2026-11-28T18:33:19.123Z <object at 0x7f12ab>", "at TIME <object at N>"),
            ("req-1be26c0b-03f2-4d2e-ae87-c02d7f33c123 fails,\n  twice", "req-UUID fails,\\n twice"),
            (
                "step deploy.write_image failed: sha256 differs",
                "step deploy.write_image failed: shaN differs",
            ),
            ("agent_token=abc is wrong: errno 111", "agent_token=*** is wrong: errno 111"),
            ("", ""),
        ] {
            assert_eq!(cause(error, &["small-0003", "", "of"]), expected, "{error}");
        }
    }

    #[test]
    fn a_cause_is_bounded() {
        assert_eq!(cause(&"ü ".repeat(5000), &[]).chars().count(), MAX_CHARS + 3);
    }
}
