//! Reads the fields of a stored certificate that decide whether it can be used again.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::names::CertificateNames;

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) names: CertificateNames,
    /// The object identifiers and values of the subject.
    pub(super) subject: Vec<(String, String)>,
    pub(super) is_ca: bool,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    /// The public key as DER.
    pub(super) public_key: Vec<u8>,
}

impl Facts {
    /// Reads a certificate. The error is the reason why it cannot be used.
    pub(super) fn of(der: &CertificateDer<'_>) -> Result<Facts, String> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        Ok(Facts {
            names: names_of(&certificate)?,
            subject: subject_of(&certificate),
            is_ca: certificate.is_ca(),
            not_before: at(validity.not_before.timestamp()),
            not_after: at(validity.not_after.timestamp()),
            public_key: certificate.public_key().raw.to_vec(),
        })
    }

    /// Whether the certificate is valid at `now` and for at least `margin` afterwards.
    pub(super) fn valid(&self, now: SystemTime, margin: Duration) -> bool {
        self.not_before <= now && now + margin < self.not_after
    }
}

/// Whether `der` names `issuer` as its issuer and carries its signature.
pub(super) fn signed_by(der: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok(certificate), Ok(issuer)) = (parse(der), parse(issuer)) else {
        return false;
    };
    certificate.issuer() == issuer.subject()
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

pub(super) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err("bytes follow after its certificate".to_owned()),
        Err(error) => Err(format!("it contains no X.509 certificate ({error})")),
    }
}

fn subject_of(certificate: &X509Certificate<'_>) -> Vec<(String, String)> {
    let attributes = certificate.subject().iter_attributes();
    attributes
        .map(|one| (one.attr_type().to_id_string(), one.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn names_of(certificate: &X509Certificate<'_>) -> Result<CertificateNames, String> {
    let mut names = CertificateNames::new();
    let san =
        certificate.subject_alternative_name().map_err(|error| format!("its names are invalid ({error})"))?;
    for name in san.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(host) => names.insert_dns(host),
            GeneralName::IPAddress(bytes) if names.insert_ip_bytes(bytes) => {}
            // fauxmetal writes no names of other kinds, and no client asks for one.
            _ => {}
        }
    }
    Ok(names)
}

fn at(unix_s: i64) -> SystemTime {
    let distance = Duration::from_secs(unix_s.unsigned_abs());
    if unix_s < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
}
