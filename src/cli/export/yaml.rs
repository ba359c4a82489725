//! Texts in YAML.
//!
//! We print a fixed shape whose only variable parts are texts, and the one well-known YAML crate for serde is no longer
//! kept. So the shape is written out, and every text is quoted; a quoted scalar has one rule, and it is this one.

use std::fmt::{self, Write as _};

/// A text as a double-quoted scalar (YAML 1.2, 7.3.1), which YAML 1.1 reads the same.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                ' '..='~' => f.write_char(c)?,
                c if u32::from(c) <= 0xffff => write!(f, "\\u{:04X}", u32::from(c))?,
                c => write!(f, "\\U{:08X}", u32::from(c))?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_can_end_it() {
        let text = "a\"b\\c: #\n\u{2028}ü\u{1f525}";
        assert_eq!(Quoted(text).to_string(), r#""a\"b\\c: #\u000A\u2028\u00FC\U0001F525""#);
    }
}
