//! What is read from a certificate to show it and to judge it, and certificates that a client installs.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::x509::{X509Name, X509Version};

use super::identity::{Identity, parse_chain, parse_key, to_pem};
use super::inspect::parse;

/// The longest text of a certificate that a client sends, bytes. The newest BMCs take chains of about this length.
pub const MAX_PEM: usize = 32 << 10;
/// The most certificates in such a text.
pub const MAX_CHAIN: usize = 8;

/// The properties of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub subject: Name,
    pub issuer: Name,
    /// Seconds since 1970, UTC; so is the next.
    pub not_before: i64,
    pub not_after: i64,
    /// Hexadecimal digits, two for each byte, with colons between them.
    pub serial: String,
    /// Words of `Certificate.KeyUsage`, in the order of the schema.
    pub usages: Vec<&'static str>,
    /// The object identifier of the algorithm.
    pub signature_algorithm: String,
    /// The SHA-256 of the certificate, written as the serial number.
    pub fingerprint: String,
    /// The public key with its algorithm (`SubjectPublicKeyInfo`), DER.
    pub public_key: Vec<u8>,
}

/// A subject or an issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Object identifiers and values, in their order.
    pub attributes: Vec<(String, String)>,
    /// Of a subject: hosts and addresses, each with its kind before it, such as `DNS:`.
    pub alternative: Vec<String>,
}

impl Name {
    /// The first value of an attribute.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == id).map(|(_, value)| value.as_str())
    }
}

/// Certificates that a client has sent, and its private key, if the client has sent that too.
#[derive(Clone)]
pub struct Sent {
    /// The certificates as PEM, the first one being the certificate itself.
    pub chain: Box<str>,
    pub count: usize,
    pub key: Option<Box<str>>,
    /// The properties of the first certificate.
    pub shown: Shown,
}

impl Sent {
    /// Reads a PEM text.
    ///
    /// # Errors
    /// The reason why it cannot be used: it is longer than [`MAX_PEM`], has more certificates than [`MAX_CHAIN`], or is damaged.
    pub fn read(pem: &str) -> Result<Self, String> {
        if pem.len() > MAX_PEM {
            return Err(format!("it has more than {MAX_PEM} bytes"));
        }
        let chain = parse_chain(pem)?;
        if chain.len() > MAX_CHAIN {
            return Err(format!("it has more than {MAX_CHAIN} certificates"));
        }
        for certificate in &chain {
            // TLS libraries refuse older versions (RFC 5280, 4.1.2.1).
            if parse(certificate)?.version() != X509Version::V3 {
                return Err("it has a certificate of another version than 3".to_owned());
            }
        }
        let key =
            pem.contains("PRIVATE KEY-----").then(|| parse_key(pem).map(|_| key_of(pem))).transpose()?;
        Ok(Self {
            shown: Shown::of(&chain[0])?,
            count: chain.len(),
            chain: chain.iter().map(to_pem).collect::<String>().into(),
            key,
        })
    }
}

/// The first private key of a text that has one, as the text has it.
fn key_of(pem: &str) -> Box<str> {
    let start = pem.find("PRIVATE KEY-----").and_then(|at| pem[..at].rfind("-----BEGIN")).unwrap_or(0);
    let rest = &pem[start..];
    let end = rest.find("-----END").and_then(|at| Some(at + rest[at + 8..].find("-----")? + 13));
    rest[..end.unwrap_or(rest.len())].into()
}

impl Shown {
    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    pub fn of_pem(pem: &str) -> Result<Self, String> {
        Self::of(&parse_chain(pem)?[0])
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    pub fn of(der: &CertificateDer<'_>) -> Result<Self, String> {
        let certificate = parse(der)?;
        let validity = certificate.validity();
        let alternative = alternative(&certificate);
        Ok(Self {
            subject: Name { alternative, ..name(certificate.subject()) },
            issuer: name(certificate.issuer()),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            serial: hex(certificate.raw_serial()),
            usages: usages(&certificate),
            signature_algorithm: certificate.signature_algorithm.algorithm.to_id_string(),
            fingerprint: hex(&Sha256::digest(der.as_ref())),
            public_key: certificate.public_key().raw.to_vec(),
        })
    }
}

/// The certificates and the key with which a listener proves who it is.
///
/// # Errors
/// The reason why they cannot be used, such as a key that belongs to another certificate.
pub fn certified(chain: &str, key: &str) -> Result<Arc<CertifiedKey>, String> {
    let identity = Identity::from_pem(&[chain, "\n", key].concat())?;
    Ok(Arc::clone(identity.certified()))
}

/// A chain as PEM.
pub fn chain_pem(chain: &[CertificateDer<'_>]) -> String {
    chain.iter().map(to_pem).collect()
}

fn name(name: &X509Name<'_>) -> Name {
    let attributes = name.iter_attributes();
    let pair = |one: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        (one.attr_type().to_id_string(), one.as_str().unwrap_or_default().to_owned())
    };
    Name { attributes: attributes.map(pair).collect(), alternative: Vec::new() }
}

fn alternative(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(host) => Some(format!("DNS:{host}")),
        GeneralName::RFC822Name(address) => Some(format!("email:{address}")),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok()?;
            Some(format!("IP:{ip}"))
        }
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}

fn usages(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let mut words = Vec::new();
    if let Ok(Some(usage)) = certificate.key_usage() {
        let usage = usage.value;
        for (is, word) in [
            (usage.digital_signature(), "DigitalSignature"),
            (usage.non_repudiation(), "NonRepudiation"),
            (usage.key_encipherment(), "KeyEncipherment"),
            (usage.data_encipherment(), "DataEncipherment"),
            (usage.key_agreement(), "KeyAgreement"),
            (usage.key_cert_sign(), "KeyCertSign"),
            (usage.crl_sign(), "CRLSigning"),
            (usage.encipher_only(), "EncipherOnly"),
            (usage.decipher_only(), "DecipherOnly"),
        ] {
            words.extend(is.then_some(word));
        }
    }
    if let Ok(Some(usage)) = certificate.extended_key_usage() {
        let usage = usage.value;
        for (is, word) in [
            (usage.server_auth, "ServerAuthentication"),
            (usage.client_auth, "ClientAuthentication"),
            (usage.code_signing, "CodeSigning"),
            (usage.email_protection, "EmailProtection"),
            (usage.time_stamping, "Timestamping"),
            (usage.ocsp_signing, "OCSPSigning"),
        ] {
            words.extend(is.then_some(word));
        }
    }
    words
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    digits.join(":")
}
