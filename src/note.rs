//! Short texts about failures, for the log and for `Status.Conditions`.
//!
//! They repeat text from outside: response bodies, paths in boot scripts, labels of images. Such text can contain line
//! breaks that forge a line of the log, escape sequences that control a terminal, or a password.

use std::borrow::Cow;
use std::fmt;

/// Characters of a note.
const MAX_CHARS: usize = 1000;
/// Bytes of the source that are read. The rest cannot get into the note, unless most of the source is hidden.
const MAX_SOURCE_BYTES: usize = 16 << 10;
/// What stands for a secret.
const HIDDEN: &str = "***";

/// Parts of the names of values that are hidden, in lower case.
const SECRET_NAMES: [&str; 8] =
    ["token", "passw", "secret", "authorization", "credential", "signature", "apikey", "api_key"];
/// The schemes of an `Authorization` header. The secret follows after a space.
const SCHEMES: [&str; 4] = ["bearer", "basic", "digest", "token"];

/// One line of at most 1,000 characters. Control characters are escaped; the values of `password=x`,
/// `"agent_token": "x"` and the like, and the user of a URL are hidden.
#[derive(Clone, PartialEq, Eq)]
pub struct Note(Box<str>);

impl Note {
    /// Hides `secret`, too, wherever `text` contains it.
    pub fn hiding(secret: Option<&str>, text: &str) -> Self {
        match secret.filter(|secret| !secret.is_empty()) {
            Some(secret) => Self::from(text.replace(secret, HIDDEN)),
            None => Self::from(text),
        }
    }

    /// The text of the note.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Note {
    fn from(text: &str) -> Self {
        Self(shown(&without_secrets(start(text))).into())
    }
}

impl From<String> for Note {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn start(text: &str) -> &str {
    let mut end = text.len().min(MAX_SOURCE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Escapes what is no visible character, and cuts the text.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            shown.push_str("...");
            break;
        }
        if changes_lines(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character ends a line, controls a terminal, or reorders or hides the characters beside it (Unicode's
/// `Bidi_Control`, line and paragraph separator, zero width and byte order mark).
fn changes_lines(c: char) -> bool {
    let invisible =
        matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_control() || invisible || c == '\u{feff}'
}

/// The text with [`HIDDEN`] in place of each secret value and of the user of each URL.
fn without_secrets(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = rest.split_at(at);
        clean.push_str(before);
        let secret = if let Some(authority) = after.strip_prefix("://") {
            let end = authority.find(ends_authority).unwrap_or(authority.len());
            let user = authority[..end].rfind('@').unwrap_or(0);
            3..3 + user
        } else if is_secret(name(before)) {
            value(after)
        } else {
            1..1
        };
        clean.push_str(&after[..secret.start]);
        if !secret.is_empty() {
            clean.push_str(HIDDEN);
        }
        rest = &after[secret.end..];
    }
    clean.push_str(rest);
    clean
}

fn ends_authority(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '"' | '\'' | '\\' | '<' | '>' | ',') || c.is_whitespace() || c.is_control()
}

fn is_quote(c: char) -> bool {
    // A quote in JSON that is itself a string of JSON has backslashes in front.
    matches!(c, '"' | '\'' | '\\')
}

/// The name at the end of `before`, without its quotes.
fn name(before: &str) -> &str {
    let before = before.trim_end().trim_end_matches(is_quote);
    let begin = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
    &before[begin.map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))..]
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "sig" || name.ends_with("_sig") || SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// The value after the `:` or `=` with which `after` begins, without its quotes.
fn value(after: &str) -> std::ops::Range<usize> {
    let text = &after[1..];
    let inner = text.trim_start_matches([' ', '\t']).trim_start_matches('\\');
    let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = quote.map_or(inner, |quote| &inner[quote.len_utf8()..]);
    let begin = after.len() - inner.len();
    let ends = |text: &str| {
        text.find(|c: char| match quote {
            Some(quote) => c == quote || c == '\\',
            None => is_quote(c) || c.is_whitespace() || matches!(c, ',' | ';' | '&' | ')' | ']' | '}' | '<'),
        })
        .unwrap_or(text.len())
    };
    let mut end = ends(inner);
    if quote.is_none() && SCHEMES.contains(&&*inner[..end].to_ascii_lowercase()) {
        let credentials = inner[end..].trim_start_matches(' ');
        end = inner.len() - credentials.len() + ends(credentials);
    }
    begin..begin + end
}

/// A URI as clients see it: without a password in its authority, which no client may see in clear text (RFC 3986, 3.2.1).
pub fn shown_uri(uri: &str) -> Cow<'_, str> {
    let start = uri.find("://").map_or(0, |scheme| scheme + 3);
    let end = uri[start..].find(['/', '?', '#']).map_or(uri.len(), |length| start + length);
    let user = uri[start..end].rfind('@').map(|at| &uri[start..start + at]);
    match user.and_then(|user| user.split_once(':')) {
        Some((name, password)) => {
            let after = start + name.len() + 1 + password.len();
            [&uri[..start], name, &uri[after..]].concat().into()
        }
        None => uri.into(),
    }
}

/// The known word that is most like a wrong one, if one is near.
#[cfg(feature = "cli")]
pub(crate) fn nearest<W: AsRef<str> + Ord>(wrong: &str, known: impl Iterator<Item = W>) -> Option<W> {
    // One typing error in three letters, at most three; a more distant guess would mislead.
    let reach = (wrong.len() / 3).clamp(1, 3);
    let distances = known.map(|word| (strsim::damerau_levenshtein(wrong, word.as_ref()), word));
    distances.filter(|(distance, _)| *distance <= reach).min().map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note(text: &str) -> String {
        Note::from(text).to_string()
    }

    #[test]
    fn a_note_is_one_line_that_controls_no_terminal() {
        let forged =
            "/a\nWARN forged \u{1b}[31mred\u{7}\r\u{85}\u{9b}2J\u{2028}\u{202e}x\u{200b}y\u{feff}\u{0}";
        let shown =
            r"/a\nWARN forged \u{1b}[31mred\u{7}\r\u{85}\u{9b}2J\u{2028}\u{202e}x\u{200b}y\u{feff}\u{0}";
        assert_eq!(note(forged), shown);
        assert_eq!(note("Größe «x»: 名前 \\n"), "Größe «x»: 名前 \\n", "other text stays");
    }

    #[test]
    fn a_note_is_bounded() {
        assert_eq!(note(&"ü".repeat(MAX_CHARS)), "ü".repeat(MAX_CHARS));
        assert_eq!(note(&"ü".repeat(100_000)), "ü".repeat(MAX_CHARS) + "...");
    }

    #[test]
    fn secrets_are_hidden() {
        for (text, shown) in [
            (r#"{"agent_token": "abc", "x": 1}"#, r#"{"agent_token": "***", "x": 1}"#),
            (r#"{"agent_token":"a b","x":1}"#, r#"{"agent_token":"***","x":1}"#),
            (
                r#"{"error_message": "{\"faultstring\": \"no\", \"agent_token\": \"abc\"}"}"#,
                r#"{"error_message": "{\"faultstring\": \"no\", \"agent_token\": \"***\"}"}"#,
            ),
            ("{'password': 'a b', 'y': 2}", "{'password': '***', 'y': 2}"),
            ("linux k ipa-agent-token=abc quiet", "linux k ipa-agent-token=*** quiet"),
            ("Authorization: Bearer abc.def, more", "Authorization: ***, more"),
            ("GET http://a/b?token=abc&x=1: 403", "GET http://a/b?token=***&x=1: 403"),
            (
                "http://a/b?temp_url_sig=abc&temp_url_expires=1",
                "http://a/b?temp_url_sig=***&temp_url_expires=1",
            ),
            ("http://a?X-Amz-Signature=abc", "http://a?X-Amz-Signature=***"),
            ("http://me:pass@host/a b@c", "http://***@host/a b@c"),
            ("proxy https://me@host: refused", "proxy https://***@host: refused"),
            ("admin_password : abc", "admin_password : ***"),
            ("X-Auth-Token: abc", "X-Auth-Token: ***"),
            ("the token is wrong: abc", "the token is wrong: abc"),
            ("http://host:80/x", "http://host:80/x"),
            ("größe_token=ü", "größe_token=***"),
            ("token=", "token="),
            ("token", "token"),
            ("=:=", "=:="),
        ] {
            assert_eq!(note(text), shown, "{text}");
        }
        assert_eq!(Note::hiding(Some("abc"), "no token abc here").as_str(), "no token *** here");
        assert_eq!(Note::hiding(None, "abc").as_str(), "abc");
    }

    proptest! {
        #[test]
        fn a_secret_never_shows_and_a_note_is_always_short_and_one_line(
            text in r#"[ -~üß\n\x1b]{0,40}"#, secret in "[A-Za-z0-9]{16,40}", after in r#"[ ,;&"'\n].{0,20}"#,
            key in prop::sample::select(&["token=", "\"agent_token\": \"", "password: ", "X-Auth-Token:", "a_secret='"][..]),
        ) {
            let shown = note(&format!("{text} {key}{secret}{after}"));
            prop_assert!(!shown.contains(&secret), "{}", shown);
            prop_assert!(!shown.chars().any(changes_lines));
            prop_assert!(shown.len() < 10 * (MAX_CHARS + 3));
        }
    }
}
