//! The subject of a certificate (RFC 5280, section 4.1.2.6).

use rcgen::{DistinguishedName, DnType, DnValue};

/// The object identifiers of the attributes (RFC 5280, appendix A.1; `EMAIL`: RFC 2985).
pub const COUNTRY: &str = "2.5.4.6";
pub const STATE: &str = "2.5.4.8";
pub const LOCALITY: &str = "2.5.4.7";
pub const ORGANIZATION: &str = "2.5.4.10";
pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
pub const COMMON_NAME: &str = "2.5.4.3";
pub const EMAIL: &str = "1.2.840.113549.1.9.1";

/// The subject of a certificate. A BMC's comes from its profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The two letters of ISO 3166-1 (RFC 5280, appendix A.1).
    pub country: Option<String>,
    pub state: Option<String>,
    pub locality: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    pub common_name: String,
}

impl Subject {
    /// A subject with nothing but a name.
    pub fn named(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), ..Self::default() }
    }

    /// The attributes that the subject has, in the order of X.500, each with its object identifier.
    fn attributes(&self) -> impl Iterator<Item = (&'static str, DnType, &str)> {
        let Self { country, state, locality, organization, organizational_unit, common_name } = self;
        let all = [
            (COUNTRY, DnType::CountryName, country.as_deref()),
            (STATE, DnType::StateOrProvinceName, state.as_deref()),
            (LOCALITY, DnType::LocalityName, locality.as_deref()),
            (ORGANIZATION, DnType::OrganizationName, organization.as_deref()),
            (ORGANIZATIONAL_UNIT, DnType::OrganizationalUnitName, organizational_unit.as_deref()),
            (COMMON_NAME, DnType::CommonName, Some(common_name.as_str())),
        ];
        all.into_iter().filter_map(|(id, kind, value)| Some((id, kind, value?)))
    }

    pub(super) fn to_name(&self) -> Result<DistinguishedName, rcgen::Error> {
        let mut name = DistinguishedName::new();
        for (_, kind, value) in self.attributes() {
            // RFC 5280, appendix A.1: the country is a PrintableString.
            let value = match kind {
                DnType::CountryName => DnValue::PrintableString(value.try_into()?),
                _ => DnValue::Utf8String(value.to_owned()),
            };
            name.push(kind, value);
        }
        Ok(name)
    }

    /// The object identifiers and values, as a certificate has them.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        self.attributes().map(|(id, _, value)| (id.to_owned(), value.to_owned())).collect()
    }
}
