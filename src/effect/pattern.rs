//! Patterns of `--agent-iso`.

use std::fmt;

use wildmatch::WildMatch;

/// A text in which `*` stands for any characters and `?` for one. It matches a whole text, whatever the case.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(WildMatch);

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
        Ok(Self(WildMatch::new_case_insensitive(text)))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_whole_text() {
        let matches = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
        for (pattern, text) in
            [("*", ""), ("a*b*c", "aXbYbZc"), ("RHCOS-?*", "rhcos-9"), ("ä?", "Äx"), ("a", "A")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("?", ""), ("a", "aa"), ("rhcos-?*", "rhcos-"), ("*x*y", "yx")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        // Many stars take time in proportion to both lengths.
        assert!(!matches(&format!("{}b", "*a".repeat(60)), &"a".repeat(4000)));
    }

    #[test]
    fn a_wrong_pattern_is_refused() {
        for text in ["", "a\nb", &"x".repeat(129)] {
            assert!(Pattern::parse(text).unwrap_err().contains("is not a pattern"));
        }
    }
}
