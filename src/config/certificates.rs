//! The certificates that listeners present, and the verification of the certificates of servers that are called.

use std::path::PathBuf;

use super::error::ConfigError;
use super::raw::RawSettings;
use super::setting::{CA_NAME, INSECURE, IRONIC_CA, Setting, TLS_CERT, TLS_KEY, TLS_RSA_KEY};
use super::value::{path, switch};

/// How the certificates of servers that are called are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// With the system's CA certificates.
    System,
    /// With the system's CA certificates and the ones in a PEM file.
    Ca(PathBuf),
    /// The certificates are not verified.
    Insecure,
}

/// The source of the BMCs' certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// The development CA in [`Config::certs`](super::Config::certs), created with this name if it does not exist. A second
    /// certificate is for the RSA key in a file.
    Development { ca_name: Option<String>, rsa_key: Option<PathBuf> },
    /// Files of the user, PEM.
    Own { certificate: PathBuf, key: PathBuf },
}

impl Trust {
    pub(super) fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let ca = raw.optional(&IRONIC_CA, path)?;
        let insecure = raw.optional(&INSECURE, switch)?.unwrap_or(false);
        Ok(match (ca, insecure) {
            (None, false) => Self::System,
            (Some(ca), false) => Self::Ca(ca),
            (None, true) => Self::Insecure,
            (Some(ca), true) if raw.overrides(&IRONIC_CA, &INSECURE)? => Self::Ca(ca),
            (Some(_), true) => Self::Insecure,
        })
    }
}

impl Certificates {
    pub(super) fn new(raw: &RawSettings) -> Result<Self, ConfigError> {
        let needs = |setting: &Setting, other: &Setting| {
            let problem = format!("needs {}, too; give both or none", other.flag());
            Err(ConfigError::at(setting, &raw.origin(setting), problem))
        };
        let ca_name = raw.optional(&CA_NAME, common_name)?;
        let rsa_key = raw.optional(&TLS_RSA_KEY, path)?;
        match (raw.optional(&TLS_CERT, path)?, raw.optional(&TLS_KEY, path)?) {
            (None, None) => Ok(Self::Development { ca_name, rsa_key }),
            (Some(_), Some(_)) if rsa_key.is_some() => {
                let problem =
                    format!("has no use with {}, whose certificate all clients get", TLS_CERT.flag());
                Err(ConfigError::at(&TLS_RSA_KEY, &raw.origin(&TLS_RSA_KEY), problem))
            }
            (Some(certificate), Some(key)) => Ok(Self::Own { certificate, key }),
            (Some(_), None) => needs(&TLS_CERT, &TLS_KEY),
            (None, Some(_)) => needs(&TLS_KEY, &TLS_CERT),
        }
    }
}

/// The name of a CA: 1 to 64 characters (RFC 5280, appendix A.1).
fn common_name(text: &str) -> Result<String, String> {
    let right = (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control);
    let wrong = || format!("'{text}' must have 1 to 64 characters, and no control characters");
    right.then(|| text.to_owned()).ok_or_else(wrong)
}
