//! Boot sources: DMTF's words, and the words that quirks add.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::quirk::Quirk;
use crate::dmtf::BootTarget;

/// A source that firmware can boot from, as clients and profiles write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootSource {
    /// A value of DMTF's `ComputerSystem.BootSource`.
    Standard(BootTarget),
    /// The virtual CD under the name that [`Quirk::UsbCd`] gives it.
    UsbCd,
}

impl BootSource {
    /// `BootSourceOverrideTarget` without an override.
    pub const NONE: Self = Self::Standard(BootTarget::None);

    /// The text in Redfish documents and in `profile.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard(target) => target.as_str(),
            Self::UsbCd => "UsbCd",
        }
    }

    /// The boot source with exactly this text; the case matters.
    pub fn parse(text: &str) -> Option<Self> {
        BootTarget::parse(text).map(Self::Standard).or((text == Self::UsbCd.as_str()).then_some(Self::UsbCd))
    }

    /// The DMTF value; `None` for a word that a quirk adds.
    pub const fn standard(self) -> Option<BootTarget> {
        match self {
            Self::Standard(target) => Some(target),
            Self::UsbCd => None,
        }
    }

    /// The quirk that a profile needs to use this word.
    pub const fn quirk(self) -> Option<Quirk> {
        match self {
            Self::Standard(_) => None,
            Self::UsbCd => Some(Quirk::UsbCd),
        }
    }
}

impl From<BootTarget> for BootSource {
    fn from(target: BootTarget) -> Self {
        Self::Standard(target)
    }
}

impl Serialize for BootSource {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for BootSource {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        Self::parse(&text).ok_or_else(|| {
            let known = BootTarget::ALL.iter().map(|t| t.as_str()).collect::<Vec<_>>().join(", ");
            serde::de::Error::custom(format!(
                "'{text}' is not a boot source; allowed are {known}, and UsbCd with quirks = [\"usb-cd\"]"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boot_source_is_parsed_from_its_own_text() {
        let all = BootTarget::ALL.iter().map(|t| BootSource::Standard(*t)).chain([BootSource::UsbCd]);
        for source in all {
            assert_eq!(BootSource::parse(source.as_str()), Some(source));
            let json = serde_json::to_string(&source).unwrap();
            assert_eq!(json, format!("\"{}\"", source.as_str()));
            assert_eq!(serde_json::from_str::<BootSource>(&json).unwrap(), source);
        }
        let error = serde_json::from_str::<BootSource>("\"Tape\"").unwrap_err().to_string();
        assert!(error.contains("'Tape' is not a boot source") && error.contains("Pxe"), "{error}");
    }
}
