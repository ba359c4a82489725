//! Conditional requests: `If-Match` and `If-None-Match` (RFC 9110, 13).

use http::{HeaderMap, HeaderName, header};

use super::coding::without_coding;
use super::error::Problem;
use super::headers::Head;
use super::message::PRECONDITION_FAILED;

/// The longest text of an ETag in a body, characters.
pub(super) const MAX_TAG: usize = 256;

/// What the conditions of a request say about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// All are true, or there are none.
    Met,
    /// `If-Match` is false: the client means another document.
    OtherDocument,
    /// `If-None-Match` is false: the client has this document.
    SameDocument,
}

/// Refuses a change of a document that the client does not mean (RFC 9110, 13.1). `tag` is the ETag of that document.
pub(super) fn check(head: &Head<'_>, tag: impl FnOnce() -> [u8; 18]) -> Result<(), Problem> {
    match head.conditions.map(|conditions| evaluate(conditions, &tag())) {
        None | Some(Condition::Met) => Ok(()),
        Some(Condition::OtherDocument | Condition::SameDocument) => Err((&PRECONDITION_FAILED).into()),
    }
}

/// Evaluates the conditions of a request for a document that exists. `tag` is its strong ETag, quoted.
///
/// `If-Match` comes first (RFC 9110, 13.2.2). It needs the strong comparison and `If-None-Match` the weak one (13.1.1,
/// 13.1.2), so a weak tag never lets a change through, and avoids a transfer.
pub(super) fn evaluate(headers: &HeaderMap, tag: &[u8]) -> Condition {
    let is_it = |named: &[u8]| means(named, tag);
    let strong = |weak: bool, named: &[u8]| !weak && is_it(named);
    if names(headers, &header::IF_MATCH, strong) == Some(false) {
        return Condition::OtherDocument;
    }
    if names(headers, &header::IF_NONE_MATCH, |_, named| is_it(named)) == Some(true) {
        return Condition::SameDocument;
    }
    Condition::Met
}

/// Whether a text is a strong ETag that means the document with the strong ETag `tag`.
pub(super) fn is_tag_of(text: &str, tag: &[u8]) -> bool {
    Tags(text.as_bytes()).any(|(weak, named)| !weak && means(named, tag))
}

/// Whether two strong tags mean the same document. The tag of a compressed one does.
fn means(named: &[u8], tag: &[u8]) -> bool {
    without_coding(named).map_or(named == tag, |open| tag.strip_suffix(b"\"") == Some(open))
}

/// Whether a header is `*` or has a tag that `is_it`. `None` without the header. Several lines of a header are one list
/// (RFC 9110, 5.3).
fn names(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(bool, &[u8]) -> bool) -> Option<bool> {
    headers.get(name)?;
    let mut lines = headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii());
    Some(lines.any(|line| line == b"*" || Tags(line).any(|(weak, tag)| is_it(weak, tag))))
}

/// The tags of a list, each with whether it is weak. A tag keeps its quotes, and may contain a comma. Text that is no tag
/// is skipped up to the next comma, so that it matches nothing.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = (bool, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.0.trim_ascii_start();
            if rest.is_empty() {
                return None;
            }
            let (weak, quoted) = rest.strip_prefix(b"W/").map_or((false, rest), |tag| (true, tag));
            let end = quoted.strip_prefix(b"\"").and_then(|tag| tag.iter().position(|b| *b == b'"'));
            let (tag, after) = quoted.split_at(end.map_or(0, |end| end + 2));
            let comma = after.iter().position(|b| *b == b',').unwrap_or(after.len());
            let (between, after) = after.split_at(comma);
            self.0 = after.get(1..).unwrap_or_default();
            if !tag.is_empty() && between.trim_ascii().is_empty() {
                return Some((weak, tag));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(HeaderName, &'static str)]) -> Condition {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        evaluate(&headers, b"\"A\"")
    }

    #[test]
    fn if_none_match_compares_weakly_within_a_list() {
        for same in [
            "\"A\"",
            "W/\"A\"",
            "*",
            " * ",
            "\"B\", W/\"A\"",
            ",,\"B\",\"A\",",
            "\"x,y\",\"A\"",
            "\"A-gzip\"",
        ] {
            assert_eq!(of(&[(header::IF_NONE_MATCH, same)]), Condition::SameDocument, "{same}");
        }
        for other in ["\"B\"", "A", "w/\"A\"", "\"A", "\"A\"x", "\"x,\"A\",y\"", "", "\"a\"", "*, \"B\""] {
            assert_eq!(of(&[(header::IF_NONE_MATCH, other)]), Condition::Met, "{other}");
        }
        let lines = [(header::IF_NONE_MATCH, "\"B\""), (header::IF_NONE_MATCH, "\"A\"")];
        assert_eq!(of(&lines), Condition::SameDocument);
    }

    #[test]
    fn if_match_compares_strongly_within_a_list() {
        for same in ["\"A\"", "*", "\"A-zstd\"", "\"B\" , \"A\"", "W/\"A\",\"A\""] {
            assert_eq!(of(&[(header::IF_MATCH, same)]), Condition::Met, "{same}");
        }
        for other in ["W/\"A\"", "\"B\"", "\"A-br\"", "\"B-gzip\"", "W/\"A-gzip\"", "A", "", "\"B\",\"C\""] {
            assert_eq!(of(&[(header::IF_MATCH, other)]), Condition::OtherDocument, "{other}");
        }
    }

    #[test]
    fn if_match_comes_first() {
        let both = |of_match| [(header::IF_MATCH, of_match), (header::IF_NONE_MATCH, "*")];
        assert_eq!(of(&both("\"B\"")), Condition::OtherDocument);
        assert_eq!(of(&both("\"A\"")), Condition::SameDocument);
        assert_eq!(of(&[]), Condition::Met);
    }
}
