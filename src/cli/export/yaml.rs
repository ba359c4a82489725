//! Strings in YAML.
//!
//! The exported documents have a fixed structure whose only variable parts are strings, and the known YAML crate for serde
//! is no longer maintained. So `bmh.rs` writes the structure, and this file quotes each string.

use std::fmt::{self, Write as _};

/// A string as a double-quoted scalar (YAML 1.2, section 7.3.1). YAML 1.1 reads it in the same way.
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
    fn no_character_of_a_string_ends_the_quotes() {
        let text = "a\"b\\c: #\n\u{2028}ü\u{1f525}";
        assert_eq!(Quoted(text).to_string(), r#""a\"b\\c: #\u000A\u2028\u00FC\U0001F525""#);
    }
}
