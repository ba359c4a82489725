//! The trusted platform module of a model.

use serde::{Deserialize, Serialize};

/// A trusted platform module.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tpm {
    pub name: String,
    /// Name of the firmware component that is its firmware, if it is one of `[[firmware]]`.
    #[serde(default)]
    pub firmware: Option<String>,
    pub manufacturer: String,
    /// `InterfaceType`: `TPM2_0` or `TPM1_2`.
    pub interface: String,
    /// Version of the firmware, unless a firmware component has it.
    pub firmware_version: String,
    /// PCI vendor id of its maker, such as `0x15D1`.
    pub vendor_id: String,
    /// The four letters of its maker in the registry of the Trusted Computing Group, such as `IFX`.
    pub capabilities: String,
}

impl Tpm {
    /// `Id` of its `TrustedComponent`.
    pub const ID: &str = "TPM";

    /// The version of the TPM library that it implements, as `ComponentIntegrityTypeVersion` has it.
    pub fn version(&self) -> &'static str {
        if self.interface == "TPM1_2" { "1.2" } else { "2.0" }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !["TPM2_0", "TPM1_2"].contains(&&*self.interface) {
            return Err(format!("tpm.interface: '{}' must be TPM2_0 or TPM1_2", self.interface));
        }
        let digits = self.vendor_id.strip_prefix("0x").unwrap_or_default();
        if digits.len() != 4 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(format!("tpm.vendor_id: '{}' must be 0x and four hex digits", self.vendor_id));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::built_in;

    #[test]
    fn words_and_numbers_are_checked() {
        let tpm = built_in("generic").unwrap().tpm.clone().unwrap();
        assert!(tpm.check().is_ok() && tpm.version() == "2.0");
        let wrong = super::Tpm { interface: "TPM3_0".to_owned(), ..tpm.clone() };
        assert_eq!(wrong.check().unwrap_err(), "tpm.interface: 'TPM3_0' must be TPM2_0 or TPM1_2");
        let wrong = super::Tpm { vendor_id: "15D1".to_owned(), ..tpm };
        assert_eq!(wrong.check().unwrap_err(), "tpm.vendor_id: '15D1' must be 0x and four hex digits");
    }
}
