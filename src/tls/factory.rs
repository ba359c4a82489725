//! Certificates that follow from a text: the same text gives the same bytes, in every process.

use std::time::SystemTime;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, SerialNumber};
use rustls::pki_types::PrivatePkcs8KeyDer;
use sha2::{Digest as _, Sha256};

use super::ca::DAY;
use super::error::TlsError;
use super::subject::Subject;

/// 2024-01-01, the beginning of their validity, seconds since 1970.
const SINCE_S: u64 = 1_704_067_200;
/// The length of their validity, days.
const LIFETIME_DAYS: u32 = 7305;

/// The beginning of an Ed25519 key in PKCS#8 (RFC 8410, section 7). The 32 bytes of the key follow.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A self-signed certificate as PEM, whose key follows from `seed`. Its key is for nothing: whoever knows the seed has it.
///
/// Signatures of Ed25519 need no randomness (RFC 8032, section 5.1.6), so that the same seed gives the same certificate.
///
/// # Errors
/// If a value cannot stand in a certificate.
pub fn factory_certificate(subject: &Subject, seed: &str, is_ca: bool) -> Result<String, TlsError> {
    let digest = Sha256::digest(seed);
    let der = [&PKCS8[..], &digest].concat();
    let der = PrivatePkcs8KeyDer::from(der);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519)?;
    let since = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(SINCE_S);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject.to_name()?;
    params.not_before = since.into();
    params.not_after = (since + LIFETIME_DAYS * DAY).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if is_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    }
    let serial = Sha256::new_with_prefix(digest).chain_update(b"serial").finalize();
    params.serial_number = Some(SerialNumber::from_slice(&serial[..16]));
    Ok(params.self_signed(&key)?.pem())
}
