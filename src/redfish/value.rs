//! The values in documents: how each type is written as JSON.

use std::fmt;

use uuid::Uuid;

use crate::dmtf;
use crate::node::spec::Mac;
use crate::profile::boot_source::BootSource;

/// The number of hexadecimal digits of an ETag.
pub(super) const ETAG_DIGITS: usize = 16;

/// The hexadecimal digits of an ETag.
pub(super) fn digits(hash: u64) -> [u8; ETAG_DIGITS] {
    let mut digits = [b'0'; ETAG_DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash.to_be_bytes()) {
        for (place, digit) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
            *place = b"0123456789ABCDEF"[usize::from(digit)];
        }
    }
    digits
}

/// A value that can be written as JSON.
pub(super) trait Value {
    fn write(&self, out: &mut Vec<u8>);
}

/// A text in several parts.
pub(super) struct Joined<'a>(pub &'a [&'a str]);

impl Value for Joined<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        for part in self.0 {
            escape(part, out);
        }
        out.push(b'"');
    }
}

/// A text that never needs escaping, such as an id.
pub(super) struct Plain<'a>(pub &'a str);

impl Value for Plain<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(is_plain(self.0), "{}", self.0);
        plain(self.0, out);
    }
}

impl Value for &str {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        escape(self, out);
        out.push(b'"');
    }
}

impl Value for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

impl Value for &String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

/// A formatted text, without a `String` for it.
impl Value for fmt::Arguments<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        struct Escaped<'a>(&'a mut Vec<u8>);
        impl fmt::Write for Escaped<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                escape(text, self.0);
                Ok(())
            }
        }
        out.push(b'"');
        fmt::write(&mut Escaped(out), *self).expect("writing to memory does not fail");
        out.push(b'"');
    }
}

impl Value for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl<T: Value> Value for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

impl<T: Value> Value for &[T] {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (n, value) in self.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            value.write(out);
        }
        out.push(b']');
    }
}

impl Value for Uuid {
    fn write(&self, out: &mut Vec<u8>) {
        let mut buffer = Uuid::encode_buffer();
        plain(self.hyphenated().encode_lower(&mut buffer), out);
    }
}

impl Value for Mac {
    fn write(&self, out: &mut Vec<u8>) {
        format_args!("{self}").write(out);
    }
}

impl Value for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        // A sensor is not more exact than two decimal places. JSON has no NaN, and no reading is one.
        let rounded = (self * 100.0).round() / 100.0;
        out.extend_from_slice(rounded.to_string().as_bytes());
    }
}

impl Value for crate::profile::bios::Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(value) => value.write(out),
            Self::Integer(value) => value.write(out),
            Self::Text(value) => (&**value).write(out),
        }
    }
}

macro_rules! whole_numbers {
    ($($number:ty),+) => {$(
        impl Value for $number {
            fn write(&self, out: &mut Vec<u8>) {
                let mut digits = itoa::Buffer::new();
                out.extend_from_slice(digits.format(*self).as_bytes());
            }
        }
    )+};
}
whole_numbers!(u8, u16, u32, u64, i16, i32, i64, usize);

macro_rules! dmtf_words {
    ($($word:ident),+) => {$(
        impl Value for dmtf::$word {
            fn write(&self, out: &mut Vec<u8>) {
                plain(self.as_str(), out);
            }
        }
    )+};
}
dmtf_words!(
    PowerState,
    ResetType,
    Health,
    PowerLimitException,
    ControlMode,
    BootTarget,
    BootOverride,
    BootMode,
    IndicatorLed,
    MediaType,
    ResetKeysType,
    BootProgress,
    RaidType,
    TransferMethod,
    TransferProtocol,
    Role,
    TaskState,
    ResetToDefaultsType,
    InitializeMethod,
    InitializeType,
    EventType,
    EventFormatType,
    ReportType,
    ReportAction,
    ReportUpdates,
    CollectionFunction,
    DeliveryRetryPolicy,
    OverWritePolicy,
    LogEntryType,
    DiagnosticDataType
);

impl Value for BootSource {
    fn write(&self, out: &mut Vec<u8>) {
        plain(self.as_str(), out);
    }
}

/// Writes a text that needs no escaping.
fn plain(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes text between quotes, and escapes the characters that JSON forbids there (RFC 8259, clause 7).
fn escape(text: &str, out: &mut Vec<u8>) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

/// Whether the text needs no escaping. It tests eight bytes at a time: most texts of a document are short, and a test of
/// each byte would cost more than the rest of the rendering.
fn is_plain(text: &str) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word;
    let bad = |word: u64| {
        below(word, 0x20)
            | below(word ^ (EACH * u64::from(b'"')), 1)
            | below(word ^ (EACH * u64::from(b'\\')), 1)
    };
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\'));
    };
    // The last word overlaps the one before it, unless the length is a multiple of eight.
    let (words, _) = bytes.as_chunks();
    let found = words
        .iter()
        .fold(bad(u64::from_le_bytes(*last)), |found, word| found | bad(u64::from_le_bytes(*word)));
    found & (EACH << 7) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_escaped_is_found_wherever_it_stands() {
        for length in 0..40 {
            let text = "aé~ \u{7f}\u{20ac}!#[]".chars().cycle().take(length).collect::<String>();
            assert!(is_plain(&text), "{text:?}");
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                for bad in ['"', '\\', '\0', '\n', '\u{1f}'] {
                    let mut text = text.clone();
                    text.insert(at, bad);
                    assert!(!is_plain(&text), "{text:?}");
                }
            }
        }
    }
}
