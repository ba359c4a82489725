//! MAC addresses.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The address with `separator` between the bytes. File names of network boot use `-`.
    pub fn with(self, separator: char) -> String {
        let mut text = String::with_capacity(17);
        for (i, byte) in self.0.iter().enumerate() {
            if i > 0 {
                text.push(separator);
            }
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Twelve upper-case hex digits, as in UEFI device paths.
    pub fn bare(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Whether an interface can have it: it belongs to no group (its first byte is even), and is not zero.
    pub fn is_of_interface(self) -> bool {
        self.0[0] & 1 == 0 && self.0 != [0; 6]
    }

    /// Parses six pairs of hex digits with `:` or `-` between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split([':', '-']);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2)?;
            *byte = u8::from_str_radix(part, 16).ok()?;
        }
        parts.next().is_none().then_some(Self(bytes))
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.with(':'))
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("'{text}' is no MAC address, such as 02:00:00:ab:cd:ef"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_parsed_from_its_own_text() {
        let mac = Mac([2, 0xab, 0, 1, 2, 0xff]);
        assert_eq!(Mac::parse(&mac.to_string()), Some(mac));
        assert_eq!(Mac::parse(&mac.with('-')), Some(mac));
        assert_eq!(Mac::parse("02:ab:00:01:02"), None);
    }
}
