//! The subject of the certificate that a BMC has ex works.

use serde::{Deserialize, Serialize};

/// The subject of the certificate of a BMC.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateSubject {
    /// The two letters of ISO 3166-1 (RFC 5280, appendix A.1).
    pub country: Option<String>,
    pub state: Option<String>,
    pub locality: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    /// `{serial}` stands for the serial number of the machine, `{host_name}` for the host name of its BMC.
    pub common_name: String,
}

impl Default for CertificateSubject {
    fn default() -> Self {
        Self {
            country: None,
            state: None,
            locality: None,
            organization: None,
            organizational_unit: None,
            common_name: "{host_name}".to_owned(),
        }
    }
}

impl CertificateSubject {
    /// The common name of a machine's BMC.
    pub fn common_name_of(&self, serial: &str, host_name: &str) -> String {
        self.common_name.replace("{serial}", serial).replace("{host_name}", host_name)
    }

    /// RFC 5280, appendix A.1: the lengths of the attributes.
    pub(super) fn check(&self, serial: &str, host_name: &str) -> Result<(), String> {
        let Self { country, state, locality, organization, organizational_unit, common_name: _ } = self;
        let name = Some(self.common_name_of(serial, host_name));
        if name.as_ref().is_some_and(|name| name.contains(['{', '}'])) {
            let name = &self.common_name;
            return Err(format!(
                "certificate.common_name: '{name}' may contain {{serial}} and {{host_name}} only"
            ));
        }
        for (key, value, most) in [
            ("common_name", &name, 64),
            ("organizational_unit", organizational_unit, 64),
            ("organization", organization, 64),
            ("locality", locality, 128),
            ("state", state, 128),
        ] {
            if let Some(value) = value.as_ref().filter(|value| !(1..=most).contains(&value.chars().count())) {
                return Err(format!("certificate.{key}: '{value}' must have 1 to {most} characters"));
            }
        }
        match country {
            Some(two) if two.len() != 2 || !two.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Err(format!("certificate.country: '{two}' must be two capital letters"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_keeps_within_the_lengths_of_x509() {
        let check = |subject: &CertificateSubject| subject.check("CZ2#######", "ilocz2#######");
        let mut subject =
            CertificateSubject { country: Some("US".to_owned()), ..CertificateSubject::default() };
        assert_eq!((check(&subject), subject.common_name_of("S1", "bmc-s1")), (Ok(()), "bmc-s1".to_owned()));
        subject.common_name = "ILO{serial}".to_owned();
        assert_eq!((check(&subject), subject.common_name_of("S1", "x")), (Ok(()), "ILOS1".to_owned()));
        let long = Some("x".repeat(65));
        for (wrong, text) in [
            (
                CertificateSubject { country: Some("usa".to_owned()), ..subject.clone() },
                "certificate.country: 'usa'",
            ),
            (CertificateSubject { organization: long, ..subject.clone() }, "certificate.organization: 'xx"),
            (
                CertificateSubject { common_name: "{uuid}".to_owned(), ..subject },
                "certificate.common_name: '{uuid}'",
            ),
        ] {
            let error = check(&wrong).unwrap_err();
            assert!(error.starts_with(text), "{error}");
        }
    }
}
