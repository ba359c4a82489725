//! Certificate signing requests (RFC 2986), and the keys that they are for.

use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    SanType,
};

use super::names::dns_name;

/// A curve of a new key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    #[default]
    P256,
    P384,
}

impl Curve {
    pub const ALL: &[Self] = &[Self::P256, Self::P384];

    /// The name of TCG's algorithm registry.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "TPM_ECC_NIST_P256",
            Self::P384 => "TPM_ECC_NIST_P384",
        }
    }

    /// The length of the key, bits.
    pub fn bits(self) -> i64 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
        }
    }
}

/// A use of a key: its name as Redfish spells it.
#[derive(Clone, Debug)]
enum Purpose {
    Key(KeyUsagePurpose),
    Extended(ExtendedKeyUsagePurpose),
}

/// The uses that a request may name, spelt as in `Certificate.KeyUsage`.
const PURPOSES: [(&str, Purpose); 15] = [
    ("DigitalSignature", Purpose::Key(KeyUsagePurpose::DigitalSignature)),
    ("NonRepudiation", Purpose::Key(KeyUsagePurpose::ContentCommitment)),
    ("KeyEncipherment", Purpose::Key(KeyUsagePurpose::KeyEncipherment)),
    ("DataEncipherment", Purpose::Key(KeyUsagePurpose::DataEncipherment)),
    ("KeyAgreement", Purpose::Key(KeyUsagePurpose::KeyAgreement)),
    ("KeyCertSign", Purpose::Key(KeyUsagePurpose::KeyCertSign)),
    ("CRLSigning", Purpose::Key(KeyUsagePurpose::CrlSign)),
    ("EncipherOnly", Purpose::Key(KeyUsagePurpose::EncipherOnly)),
    ("DecipherOnly", Purpose::Key(KeyUsagePurpose::DecipherOnly)),
    ("ServerAuthentication", Purpose::Extended(ExtendedKeyUsagePurpose::ServerAuth)),
    ("ClientAuthentication", Purpose::Extended(ExtendedKeyUsagePurpose::ClientAuth)),
    ("CodeSigning", Purpose::Extended(ExtendedKeyUsagePurpose::CodeSigning)),
    ("EmailProtection", Purpose::Extended(ExtendedKeyUsagePurpose::EmailProtection)),
    ("Timestamping", Purpose::Extended(ExtendedKeyUsagePurpose::TimeStamping)),
    ("OCSPSigning", Purpose::Extended(ExtendedKeyUsagePurpose::OcspSigning)),
];

/// The words of `Certificate.KeyUsage` that a request may name.
pub fn usages() -> impl Iterator<Item = &'static str> {
    PURPOSES.iter().map(|(name, _)| *name)
}

/// What a request asks a CA for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Object identifiers and values of the subject, in their order.
    pub subject: Vec<(Box<str>, Box<str>)>,
    /// Names and addresses beside the subject, as [`alternative_name`] accepts them.
    pub names: Vec<Box<str>>,
    /// Words that [`usages`] lists.
    pub usages: Vec<Box<str>>,
}

/// A new key as PEM.
///
/// # Errors
/// If the system has no randomness.
pub fn new_key(curve: Curve) -> Result<Box<str>, rcgen::Error> {
    let algorithm = match curve {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    };
    Ok(KeyPair::generate_for(algorithm)?.serialize_pem().into())
}

/// A request as PEM, signed with the key.
///
/// # Errors
/// If the key cannot sign, or a value cannot stand in a request.
pub fn request(wanted: &Wanted, key_pem: &str) -> Result<Box<str>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (id, value) in &wanted.subject {
        let arcs: Vec<u64> = id.split('.').filter_map(|arc| arc.parse().ok()).collect();
        let value = match &**id {
            // RFC 5280, appendix A.1: the country is a PrintableString, and an e-mail address an IA5String.
            super::subject::COUNTRY => DnValue::PrintableString((&**value).try_into()?),
            super::subject::EMAIL => DnValue::Ia5String((&**value).try_into()?),
            _ => DnValue::Utf8String(value.to_string()),
        };
        params.distinguished_name.push(DnType::from_oid(&arcs), value);
    }
    for name in &wanted.names {
        params.subject_alt_names.extend(alternative_name(name));
    }
    for usage in &wanted.usages {
        match PURPOSES.iter().find(|(name, _)| *name == &**usage) {
            Some((_, Purpose::Key(purpose))) => params.key_usages.push(*purpose),
            Some((_, Purpose::Extended(purpose))) => params.extended_key_usages.push(purpose.clone()),
            None => {}
        }
    }
    let key = KeyPair::from_pem(key_pem)?;
    Ok(params.serialize_request(&key)?.pem()?.into())
}

/// A name of `AlternativeNames`: an IP address, an e-mail address or a host, with or without `IP:`, `email:` or `DNS:` before it.
/// `None` if it is none of them.
pub fn alternative_name(text: &str) -> Option<SanType> {
    let after = |kind: &str| {
        text.get(..kind.len()).filter(|start| start.eq_ignore_ascii_case(kind)).map(|_| &text[kind.len()..])
    };
    let host = |text: &str| {
        let name = dns_name(text)?;
        Some(SanType::DnsName(Ia5String::try_from(name).ok()?))
    };
    let email = |text: &str| Some(SanType::Rfc822Name(Ia5String::try_from(text).ok()?));
    if let Some(ip) = after("IP:") {
        return ip.parse().ok().map(SanType::IpAddress);
    }
    if let Some(name) = after("DNS:") {
        return host(name);
    }
    if let Some(address) = after("email:") {
        return email(address).filter(|_| address.contains('@'));
    }
    match text.parse() {
        Ok(ip) => Some(SanType::IpAddress(ip)),
        Err(_) if text.contains('@') => email(text),
        Err(_) => host(text),
    }
}
