//! The certificates that listeners present, and the verification of the certificates of servers that are called.

use std::path::PathBuf;

use super::error::ConfigError;
use super::raw::RawSettings;
use super::setting::{INSECURE, IRONIC_CA, Setting, TLS_CERT, TLS_KEY};
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
    /// The development CA in [`Config::certs`](super::Config::certs), created if it does not exist.
    Development,
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
        match (raw.optional(&TLS_CERT, path)?, raw.optional(&TLS_KEY, path)?) {
            (None, None) => Ok(Self::Development),
            (Some(certificate), Some(key)) => Ok(Self::Own { certificate, key }),
            (Some(_), None) => needs(&TLS_CERT, &TLS_KEY),
            (None, Some(_)) => needs(&TLS_KEY, &TLS_CERT),
        }
    }
}
