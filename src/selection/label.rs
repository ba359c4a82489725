//! The rules of Kubernetes for labels ("Labels and Selectors", syntax and character set).

/// Maximum length of a value and of the name in a key, characters.
const MAX_NAME: usize = 63;
/// Maximum length of the domain in a key, characters.
const MAX_DOMAIN: usize = 253;

/// Whether a text is `NAME` or `DOMAIN/NAME`.
pub fn is_key(text: &str) -> bool {
    let (domain, name) = text.rsplit_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    let is_domain =
        |text: &str| text.len() <= MAX_DOMAIN && text.split('.').all(|part| is_dns_label(part, MAX_NAME));
    is_name(name) && domain.is_none_or(is_domain)
}

/// Whether a text is the value of a label, which may be empty.
pub fn is_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

fn is_name(text: &str) -> bool {
    let end = |c: char| c.is_ascii_alphanumeric();
    is_of(text, MAX_NAME, end, |c| end(c) || "-_.".contains(c))
}

/// The message for a text that [`is_key`] refuses.
pub fn not_a_key(text: &str) -> String {
    format!(
        "'{text}' is not the key of a label: at most {MAX_NAME} letters, digits, '-', '_' and '.', such as rack or \
         example.com/rack"
    )
}

/// The message for a text that [`is_value`] refuses.
pub fn not_a_value(text: &str) -> String {
    format!(
        "'{text}' is not the value of a label: at most {MAX_NAME} letters, digits, '-', '_' and '.', with a letter or digit \
         at both ends"
    )
}

/// Whether a text is a DNS label (RFC 1123) of at most `max` characters.
pub fn is_dns_label(text: &str, max: usize) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    is_of(text, max, end, |c| end(c) || c == '-')
}

/// Whether a text has 1 to `max` characters, with an `end` first and last.
fn is_of(text: &str, max: usize, end: impl Fn(char) -> bool + Copy, any: impl Fn(char) -> bool) -> bool {
    (1..=max).contains(&text.len()) && text.starts_with(end) && text.ends_with(end) && text.chars().all(any)
}
