//! The licenses that a model has ex works.

use serde::{Deserialize, Serialize};

/// A license that the BMC has ex works.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct License {
    /// `Id` of its `License`.
    pub id: String,
    pub name: String,
    /// `LicenseType`: `Production`, `Prototype` or `Trial`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a client can delete it.
    #[serde(default)]
    pub removable: bool,
    /// `EntitlementId`, such as a part of the key.
    #[serde(default)]
    pub entitlement_id: Option<String>,
    #[serde(default)]
    pub part_number: Option<String>,
    #[serde(default)]
    pub sku: Option<String>,
}

impl License {
    /// The most licenses of a model.
    pub(super) const MAX: usize = 16;
    /// The beginning of the ids of licenses that clients install.
    pub const INSTALLED: &str = "Installed";
    const TYPES: [&str; 3] = ["Production", "Prototype", "Trial"];

    pub(super) fn check(&self) -> Result<(), String> {
        if !Self::TYPES.contains(&&*self.kind) {
            return Err(format!("license.type: '{}' must be one of {}", self.kind, Self::TYPES.join(", ")));
        }
        if self.id.starts_with(Self::INSTALLED) {
            let (id, reserved) = (&self.id, Self::INSTALLED);
            return Err(format!("license.id: '{id}' may not begin with {reserved}, as those of clients do"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_ids_are_checked() {
        let text = "id = \"1\"\nname = \"Advanced\"\ntype = \"Production\"";
        let license: License = toml::from_str(text).unwrap();
        assert!(license.check().is_ok() && !license.removable);
        let wrong = License { kind: "Paid".to_owned(), ..license.clone() };
        assert_eq!(
            wrong.check().unwrap_err(),
            "license.type: 'Paid' must be one of Production, Prototype, Trial"
        );
        let wrong = License { id: "Installed1".to_owned(), ..license };
        assert!(
            wrong.check().unwrap_err().starts_with("license.id: 'Installed1' may not begin with Installed")
        );
    }
}
