//! The databases of UEFI secure boot, and the keys that the firmware has ex works.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::dmtf::{SecureBootDatabase, SignatureType};

/// The databases of secure boot and their keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecureBootKeys {
    /// The databases, in the order of their collection.
    pub databases: Vec<SecureBootDatabase>,
    /// Certificates ex works. They are made for the simulation: nothing is signed with their keys.
    #[serde(rename = "certificate")]
    pub certificates: Vec<FactoryCertificate>,
    /// Hashes that databases have ex works.
    #[serde(rename = "signature")]
    pub signatures: Vec<FactorySignature>,
}

/// A certificate that a database has ex works.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FactoryCertificate {
    pub database: SecureBootDatabase,
    /// The common name of its subject.
    pub common_name: String,
    /// The organization of its subject.
    #[serde(default)]
    pub organization: Option<String>,
    /// The two letters of ISO 3166-1 (RFC 5280, appendix A.1).
    #[serde(default)]
    pub country: Option<String>,
    /// `UefiSignatureOwner`: the GUID of whoever has enrolled it.
    #[serde(default)]
    pub owner: Option<Uuid>,
}

/// A signature that a database has ex works.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FactorySignature {
    pub database: SecureBootDatabase,
    #[serde(rename = "type")]
    pub kind: SignatureType,
    /// Hex digits, as many as the type has.
    pub value: String,
    /// `UefiSignatureOwner`: the GUID of whoever has enrolled it.
    #[serde(default)]
    pub owner: Option<Uuid>,
}

/// What a key in a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Certificate,
    Signature,
}

impl SecureBootDatabase {
    /// The database whose content ex works this one shows. `None`: it is no `Default` database.
    pub fn default_of(self) -> Option<Self> {
        match self {
            Self::PkDefault => Some(Self::Pk),
            Self::KekDefault => Some(Self::Kek),
            Self::DbDefault => Some(Self::Db),
            Self::DbxDefault => Some(Self::Dbx),
            Self::DbrDefault => Some(Self::Dbr),
            Self::DbtDefault => Some(Self::Dbt),
            Self::Pk | Self::Kek | Self::Db | Self::Dbx | Self::Dbr | Self::Dbt => None,
        }
    }

    /// Whether it can have signatures. The platform key and the key exchange keys are certificates (UEFI specification 2.10, 32.3).
    pub fn has_signatures(self) -> bool {
        !matches!(self.default_of().unwrap_or(self), Self::Pk | Self::Kek)
    }

    /// The most certificates that it can have. A platform has one owner.
    pub fn max_certificates(self) -> usize {
        if self.default_of().unwrap_or(self) == Self::Pk { 1 } else { 16 }
    }

    /// Its name in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pk => "Platform Key",
            Self::Kek => "Key Exchange Key Database",
            Self::Db => "Authorized Signature Database",
            Self::Dbx => "Forbidden Signature Database",
            Self::Dbr => "Authorized Recovery Signature Database",
            Self::Dbt => "Authorized Timestamp Signature Database",
            Self::PkDefault => "Default Platform Key",
            Self::KekDefault => "Default Key Exchange Key Database",
            Self::DbDefault => "Default Authorized Signature Database",
            Self::DbxDefault => "Default Forbidden Signature Database",
            Self::DbrDefault => "Default Authorized Recovery Signature Database",
            Self::DbtDefault => "Default Authorized Timestamp Signature Database",
        }
    }
}

impl SignatureType {
    /// The length of a signature, bytes. Of a certificate's hash, the last 16 are the time of its revocation (UEFI specification 2.10,
    /// 32.4.1).
    pub fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 | Self::X509Sha256 => 48,
            Self::Sha512 | Self::X509Sha384 => 64,
            Self::X509Sha512 => 80,
        }
    }

    /// Whether a text is a signature of the type: hex digits, two for each byte.
    pub fn fits(self, value: &str) -> bool {
        value.len() == 2 * self.bytes() && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl Default for SecureBootKeys {
    fn default() -> Self {
        use SecureBootDatabase as Of;
        let certificate = |database, common_name: &str| FactoryCertificate {
            database,
            common_name: common_name.to_owned(),
            organization: None,
            country: None,
            owner: None,
        };
        Self {
            databases: vec![
                Of::Pk,
                Of::Kek,
                Of::Db,
                Of::Dbx,
                Of::PkDefault,
                Of::KekDefault,
                Of::DbDefault,
                Of::DbxDefault,
            ],
            certificates: vec![
                certificate(Of::Pk, "Platform Key"),
                certificate(Of::Kek, "Key Exchange Key"),
                certificate(Of::Db, "Signing CA"),
            ],
            signatures: Vec::new(),
        }
    }
}

impl SecureBootKeys {
    /// The most signatures of a database.
    pub const MAX_SIGNATURES: usize = 128;

    /// The certificates that a database has ex works.
    pub fn certificates_of(&self, database: SecureBootDatabase) -> impl Iterator<Item = &FactoryCertificate> {
        let of = database.default_of().unwrap_or(database);
        self.certificates.iter().filter(move |certificate| certificate.database == of)
    }

    /// The signatures that a database has ex works.
    pub fn signatures_of(&self, database: SecureBootDatabase) -> impl Iterator<Item = &FactorySignature> {
        let of = database.default_of().unwrap_or(database);
        self.signatures.iter().filter(move |signature| signature.database == of)
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.databases.iter().find(|database| !seen.insert(**database)) {
            return Err(format!("secure_boot.databases: '{}' is there twice; remove one", twice.as_str()));
        }
        if !seen.contains(&SecureBootDatabase::Pk) {
            return Err("secure_boot.databases: 'PK' must be there, because secure boot needs it".to_owned());
        }
        if let Some((shown, of)) = seen.iter().find_map(|of| {
            of.default_of().filter(|real| !seen.contains(real)).map(|real| (of.as_str(), real.as_str()))
        }) {
            return Err(format!("secure_boot.databases: '{shown}' needs '{of}'; add it or remove '{shown}'"));
        }
        for certificate in &self.certificates {
            self.check_certificate(certificate)?;
        }
        for signature in &self.signatures {
            self.check_database("signature", signature.database)?;
            if !signature.database.has_signatures() {
                let name = signature.database.as_str();
                return Err(format!("secure_boot.signature: '{name}' can have certificates only"));
            }
            if !signature.kind.fits(&signature.value) {
                let (kind, digits) = (signature.kind.as_str(), 2 * signature.kind.bytes());
                return Err(format!(
                    "secure_boot.signature.value: '{}' must be {digits} hex digits, as {kind} has",
                    signature.value
                ));
            }
        }
        for database in &self.databases {
            let counts = [
                ("certificates", self.certificates_of(*database).count(), database.max_certificates()),
                ("signatures", self.signatures_of(*database).count(), Self::MAX_SIGNATURES / 2),
            ];
            if let Some((what, count, most)) = counts.into_iter().find(|(_, count, most)| count > most) {
                let name = database.as_str();
                return Err(format!("secure_boot: '{name}' has {count} {what}; at most {most} are allowed"));
            }
        }
        Ok(())
    }

    fn check_database(&self, key: &str, database: SecureBootDatabase) -> Result<(), String> {
        if self.databases.contains(&database) && database.default_of().is_none() {
            return Ok(());
        }
        let of: Vec<_> = self.databases.iter().filter(|of| of.default_of().is_none()).collect();
        let of: Vec<_> = of.into_iter().map(|of| of.as_str()).collect();
        let name = database.as_str();
        Err(format!("secure_boot.{key}.database: '{name}' must be one of {}", of.join(", ")))
    }

    fn check_certificate(&self, certificate: &FactoryCertificate) -> Result<(), String> {
        self.check_database("certificate", certificate.database)?;
        let FactoryCertificate { common_name, organization, country, .. } = certificate;
        for (key, value) in [("common_name", Some(common_name)), ("organization", organization.as_ref())] {
            // RFC 5280, appendix A.1.
            if let Some(value) = value.filter(|value| !(1..=64).contains(&value.chars().count())) {
                return Err(format!("secure_boot.certificate.{key}: '{value}' must have 1 to 64 characters"));
            }
        }
        match country {
            Some(two) if two.len() != 2 || !two.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Err(format!("secure_boot.certificate.country: '{two}' must be two capital letters"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_fit_their_databases() {
        let usual = SecureBootKeys::default();
        assert_eq!(usual.check(), Ok(()));
        let of_default = usual.certificates_of(SecureBootDatabase::PkDefault).next();
        assert_eq!(of_default.unwrap().common_name, "Platform Key");
        let wrong = |change: fn(&mut SecureBootKeys), text: &str| {
            let mut keys = SecureBootKeys::default();
            change(&mut keys);
            let error = keys.check().unwrap_err();
            assert!(error.starts_with(text), "{error}");
        };
        wrong(
            |keys| keys.databases.push(SecureBootDatabase::Db),
            "secure_boot.databases: 'db' is there twice",
        );
        wrong(
            |keys| keys.databases.push(SecureBootDatabase::DbtDefault),
            "secure_boot.databases: 'dbtDefault' needs 'dbt'",
        );
        wrong(|keys| keys.databases.clear(), "secure_boot.databases: 'PK' must be there");
        let second = |keys: &mut SecureBootKeys| keys.certificates.push(keys.certificates[0].clone());
        wrong(second, "secure_boot: 'PK' has 2 certificates; at most 1");
        wrong(
            |keys| keys.certificates[1].database = SecureBootDatabase::Dbt,
            "secure_boot.certificate.database: 'dbt' must be one of PK, KEK, db, dbx",
        );
        wrong(
            |keys| keys.certificates[1].organization = Some("x".repeat(65)),
            "secure_boot.certificate.organization: 'xx",
        );
        wrong(
            |keys| keys.certificates[1].country = Some("us".to_owned()),
            "secure_boot.certificate.country: 'us'",
        );
        let signature = |database, value: &str| FactorySignature {
            database,
            kind: SignatureType::Sha256,
            value: value.to_owned(),
            owner: None,
        };
        let mut keys = SecureBootKeys::default();
        keys.signatures.push(signature(SecureBootDatabase::Kek, &"0".repeat(64)));
        assert_eq!(keys.check().unwrap_err(), "secure_boot.signature: 'KEK' can have certificates only");
        keys.signatures[0] = signature(SecureBootDatabase::Dbx, "00");
        assert!(keys.check().unwrap_err().contains("must be 64 hex digits, as EFI_CERT_SHA256_GUID has"));
        keys.signatures[0].value = "aF".repeat(32);
        assert_eq!(keys.check(), Ok(()));
    }
}
