//! Patterns of `--agent-iso`.

use std::fmt;

/// A text in which `*` stands for any characters and `?` for one. It matches a whole text, whatever the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    /// The text in lower case, for comparisons.
    chars: Box<[char]>,
}

fn lower(text: &str) -> Box<[char]> {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Pattern {
    /// Maximum length of the text, bytes: a boot compares it with each word of a command line.
    const MAX_BYTES: usize = 128;

    /// # Errors
    /// A message for the operator, if `text` is empty, too long or not visible.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > Self::MAX_BYTES || text.chars().any(char::is_control) {
            let max = Self::MAX_BYTES;
            return Err(format!(
                "{text:?} is not a pattern; write 1 to {max} visible characters, such as 'fedora-coreos-*'"
            ));
        }
        Ok(Self { text: text.into(), chars: lower(text) })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (&self.chars, lower(text));
        let (mut p, mut t) = (0, 0);
        // The last `*`, and the text that is left if it stands for one character more.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match (pattern.get(p), star) {
                (Some('*'), _) => {
                    star = Some((p, t));
                    p += 1;
                }
                (Some(c), _) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
                (_, Some((at, from))) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                (_, None) => return false,
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_whole_text() {
        let matches = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
        for (pattern, text) in [
            ("*", ""),
            ("*", "x"),
            ("a*b*c", "aXbYbZc"),
            ("RHCOS-?*", "rhcos-9"),
            ("ä?", "Äx"),
            ("*.iso", "a.b.iso"),
            ("a", "A"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("?", ""), ("a*b", "ac"), ("a", "aa"), ("rhcos-?*", "rhcos-"), ("*x*y", "yx")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        // Many stars take time in proportion to both lengths.
        assert!(!matches(&"*a".repeat(60), &"a".repeat(59)));
        assert!(!matches(&format!("{}b", "*a".repeat(60)), &"a".repeat(4000)));
    }

    #[test]
    fn a_wrong_pattern_is_refused() {
        for text in ["", "a\nb", &"x".repeat(129)] {
            assert!(Pattern::parse(text).unwrap_err().contains("is not a pattern"));
        }
    }
}
