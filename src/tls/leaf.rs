//! The listeners' certificates. Each is stored in one file, reused while it is good and replaced otherwise.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
    SubjectPublicKeyInfo,
};
use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use sha2::{Digest as _, Sha256};

use super::ca::{DAY, DevelopmentCa, SKEW};
use super::error::TlsError;
use super::files::CertificateFiles;
use super::identity::Identity;
use super::inspect::{Facts, signed_by};
use super::names::CertificateNames;
use super::subject::Subject;
use crate::file::PRIVATE;

/// The lifetime of a Redfish certificate, in days. Some clients refuse server certificates with more than 825 days.
pub const LEAF_LIFETIME_DAYS: u32 = 800;

/// The lifetime of the agents' certificate, in days. It should change as rarely as possible, and only Ironic sees it.
pub const AGENT_LIFETIME_DAYS: u32 = 3650;

/// At a start, a certificate is replaced if it expires within this many days.
pub const RENEW_BEFORE_DAYS: u32 = 90;

/// The host name of a ramdisk, which the real agent puts into its certificate (`ironic_python_agent/tls_utils.py`).
const AGENT_HOST: &str = "localhost.localdomain";

/// A file contains both certificate and key, so that a crash or a second process cannot mix two pairs.
const REDFISH_FILE: &str = "redfish.pem";
const AGENT_FILE: &str = "agent.pem";

/// The identity of the agents' listener, stored in `agent.pem` in `dir`. Like the real agent's certificate, it is
/// self-signed and not a CA.
///
/// Ironic pins the certificate of a heartbeat and refuses any other until the next heartbeat. So the certificate stays
/// the same over restarts while it covers `names` and is not about to expire. The key is P-256, while the real agent
/// uses P-384: one process signs here for all agents, and Ironic does not check the curve.
pub fn agent_identity(dir: &Path, names: &CertificateNames, now: SystemTime) -> Result<Identity, TlsError> {
    agent_identity_in(&CertificateFiles::open(dir)?, names, now)
}

/// A new identity of the agents' listener that is stored nowhere.
///
/// # Errors
/// If the system has no randomness for the key, or there are too many names.
pub fn agent_identity_in_memory(names: &CertificateNames, now: SystemTime) -> Result<Identity, TlsError> {
    agent_identity_in(&CertificateFiles::in_memory(), names, now)
}

fn agent_identity_in(
    files: &CertificateFiles,
    names: &CertificateNames,
    now: SystemTime,
) -> Result<Identity, TlsError> {
    let good =
        |found: &Found| found.facts.names.covers(names) && found.facts.valid(now, RENEW_BEFORE_DAYS * DAY);
    let make = |key: &KeyPair| {
        let until = now + AGENT_LIFETIME_DAYS * DAY;
        Ok(leaf_params(&Subject::named(AGENT_HOST), names, now, until)?.self_signed(key)?)
    };
    reuse_or_make(files, AGENT_FILE, good, make)
}

impl DevelopmentCa {
    /// The identity of the Redfish listeners: a certificate signed by this CA, stored in `redfish.pem`.
    ///
    /// The stored certificate is reused if this CA signed it, it has exactly these names and this subject, and it is not about
    /// to expire. Otherwise it is replaced. Clients trust the CA, so they need no change.
    pub fn redfish_identity(
        &self,
        subject: &Subject,
        names: &CertificateNames,
        now: SystemTime,
    ) -> Result<Identity, TlsError> {
        let good = |found: &Found| {
            found.facts.names == *names
                && found.facts.subject == subject.pairs()
                && found.facts.valid(now, RENEW_BEFORE_DAYS * DAY)
                && signed_by(found.identity.leaf(), self.certificate())
        };
        let make = |key: &KeyPair| {
            let until = (now + LEAF_LIFETIME_DAYS * DAY).min(self.not_after());
            Ok(leaf_params(subject, names, now, until)?.signed_by(key, self.issuer())?)
        };
        reuse_or_make(self.files(), REDFISH_FILE, good, make)
    }
}

/// Signs a certificate for an existing key, with the given serial number.
pub(super) fn for_key(
    ca: &DevelopmentCa,
    subject: &Subject,
    names: &CertificateNames,
    now: SystemTime,
    public_key: &[u8],
    serial: &[u8],
) -> Result<CertificateDer<'static>, TlsError> {
    let until = (now + LEAF_LIFETIME_DAYS * DAY).min(ca.not_after());
    let mut params = leaf_params(subject, names, now, until)?;
    params.serial_number = Some(SerialNumber::from_slice(serial));
    let public_key = SubjectPublicKeyInfo::from_der(public_key)?;
    Ok(params.signed_by(&public_key, ca.issuer())?.der().clone())
}

/// Signs a certificate for a key. Serial numbers of a CA must be unique (RFC 5280, section 4.1.2.2), so they are made from the
/// key and a text that is unique among the certificates of that key.
pub(super) fn certify(
    ca: &DevelopmentCa,
    subject: &Subject,
    names: &CertificateNames,
    now: SystemTime,
    key: &Arc<dyn SigningKey>,
    unique: &str,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let public_key = key.public_key().ok_or(rcgen::Error::CouldNotParseKeyPair)?;
    let mut serial = Sha256::new_with_prefix(public_key.as_ref());
    serial.update(unique);
    let leaf = for_key(ca, subject, names, now, public_key.as_ref(), &serial.finalize()[..16])?;
    Ok(Arc::new(CertifiedKey::new(vec![leaf], Arc::clone(key))))
}

/// Makes another self-signed certificate for the key of an agents' listener.
pub(super) fn self_certify(
    key: &Arc<dyn SigningKey>,
    names: &CertificateNames,
    now: SystemTime,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let until = now + AGENT_LIFETIME_DAYS * DAY;
    let params = leaf_params(&Subject::named(AGENT_HOST), names, now, until)?;
    let leaf = params.self_signed(&OwnKey::of(key)?)?.der().clone();
    Ok(Arc::new(CertifiedKey::new(vec![leaf], Arc::clone(key))))
}

/// A key with which TLS is spoken, as the signer of a certificate. The keys that this room makes are on P-256.
struct OwnKey<'k> {
    key: &'k Arc<dyn SigningKey>,
    public: SubjectPublicKeyInfo,
}

impl<'k> OwnKey<'k> {
    fn of(key: &'k Arc<dyn SigningKey>) -> Result<Self, TlsError> {
        let public = key.public_key().ok_or(rcgen::Error::CouldNotParseKeyPair)?;
        Ok(Self { key, public: SubjectPublicKeyInfo::from_der(public.as_ref())? })
    }
}

impl PublicKeyData for OwnKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.public.algorithm()
    }
}

impl rcgen::SigningKey for OwnKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[SignatureScheme::ECDSA_NISTP256_SHA256]);
        let signer = signer.ok_or(rcgen::Error::UnsupportedSignatureAlgorithm)?;
        signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A certificate that the directory already contains.
struct Found {
    identity: Identity,
    facts: Facts,
}

/// Reuses the stored certificate if it is good. Otherwise creates and stores a new one.
fn reuse_or_make(
    files: &CertificateFiles,
    file: &str,
    good: impl Fn(&Found) -> bool,
    make: impl Fn(&KeyPair) -> Result<rcgen::Certificate, TlsError>,
) -> Result<Identity, TlsError> {
    if let Some(found) = load(files, file)?.filter(&good) {
        return Ok(found.identity);
    }
    let _lock = files.lock()?;
    // Another process may have created it while this process waited for the lock.
    if let Some(found) = load(files, file)?.filter(&good) {
        return Ok(found.identity);
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = make(&key)?;
    let text = format!("{}{}", certificate.pem(), key.serialize_pem());
    files.write(file, &text, PRIVATE)?;
    tracing::debug!(file = %files.path(file).display(), "created a certificate");
    let made = Identity::from_pem(&text);
    Ok(made.expect("the certificate was made for this key"))
}

fn load(files: &CertificateFiles, file: &str) -> Result<Option<Found>, TlsError> {
    let Some(text) = files.read(file)? else {
        return Ok(None);
    };
    files.warn_if_loose(file);
    let unusable = |reason: String| TlsError::unusable(&files.path(file), reason, "it");
    let identity = Identity::from_pem(&text).map_err(unusable)?;
    let facts = Facts::of(identity.leaf()).map_err(unusable)?;
    Ok(Some(Found { identity, facts }))
}

/// The parameters that all listener certificates share. Strict clients (Python 3.13's `VERIFY_X509_STRICT`) require the
/// key identifiers.
fn leaf_params(
    subject: &Subject,
    names: &CertificateNames,
    now: SystemTime,
    until: SystemTime,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.not_before = (now - SKEW).into();
    params.not_after = until.into();
    params.subject_alt_names = names.to_san()?;
    params.distinguished_name = subject.to_name()?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tls::testing::{later, names, now, verify};

    #[test]
    fn a_client_that_trusts_the_ca_accepts_the_names_of_the_certificate_only() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let leaf = ca
            .redfish_identity(&Subject::named("bmc"), &names(&["bmc.example", "10.0.0.7", "fd00::7"]), now())
            .unwrap();
        for name in ["bmc.example", "10.0.0.7", "fd00::7"] {
            assert_eq!(verify(ca.certificate_pem(), &leaf, name, now()), Ok(()));
        }
        assert!(verify(ca.certificate_pem(), &leaf, "10.0.0.8", now()).is_err());
    }

    #[test]
    fn the_redfish_certificate_changes_only_with_its_names_its_age_or_its_ca() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let (one, other) = (names(&["localhost", "10.0.0.1"]), names(&["localhost", "10.0.0.2"]));
        let pem = |ca: &DevelopmentCa, names, now| {
            ca.redfish_identity(&Subject::named("bmc"), names, now).unwrap().certificate_pem().to_owned()
        };

        let first = pem(&ca, &one, now());
        assert_eq!(pem(&ca, &one, later(LEAF_LIFETIME_DAYS - RENEW_BEFORE_DAYS - 1)), first);
        let second = pem(&ca, &other, now());
        assert_ne!(second, first);
        let third = pem(&ca, &other, later(LEAF_LIFETIME_DAYS - RENEW_BEFORE_DAYS));
        assert_ne!(third, second);

        fs::remove_file(dir.path().join("ca.pem")).unwrap();
        fs::remove_file(dir.path().join("ca-key.pem")).unwrap();
        let new_ca = DevelopmentCa::open(dir.path(), later(720)).unwrap();
        let leaf = new_ca.redfish_identity(&Subject::named("bmc"), &other, later(720)).unwrap();
        assert_ne!(leaf.certificate_pem(), third);
        assert_eq!(verify(new_ca.certificate_pem(), &leaf, "10.0.0.2", later(720)), Ok(()));
    }

    #[test]
    fn a_certificate_never_outlives_its_ca() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let leaf = ca.redfish_identity(&Subject::named("bmc"), &names(&["localhost"]), later(3600)).unwrap();
        assert_eq!(Facts::of(leaf.leaf()).unwrap().not_after, ca.not_after());
    }

    #[test]
    fn the_agents_certificate_is_its_own_trust_anchor_and_survives_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let first = agent_identity(dir.path(), &names(&["127.0.0.1", "192.0.2.7"]), now()).unwrap();
        let pem = first.certificate_pem();
        assert_eq!(verify(pem, &first, "192.0.2.7", now()), Ok(()));
        assert!(!pem.contains("PRIVATE"));
        // A subset of the names is still covered, so Ironic's copy stays valid.
        let again = agent_identity(dir.path(), &names(&["192.0.2.7"]), later(3000)).unwrap();
        assert_eq!(again.certificate_pem(), pem);
        let moved = agent_identity(dir.path(), &names(&["192.0.2.8"]), later(3000)).unwrap();
        assert_eq!(verify(moved.certificate_pem(), &moved, "192.0.2.8", later(3000)), Ok(()));
    }

    #[test]
    fn a_damaged_certificate_is_an_error_and_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        agent_identity(dir.path(), &names(&["127.0.0.1"]), now()).unwrap();
        let path = dir.path().join(AGENT_FILE);
        let text = fs::read_to_string(&path).unwrap();
        let certificate = &text[..text.find("-----BEGIN PRIVATE KEY").unwrap()];
        let other = KeyPair::generate().unwrap().serialize_pem();
        for (damaged, reason) in [
            (String::new(), "it contains no certificate"),
            (text[..text.len() - 40].to_owned(), "it ends in the middle of a PEM section"),
            (certificate.to_owned(), "it contains no private key"),
            (format!("{certificate}{other}"), "its certificate and its key do not match"),
        ] {
            fs::write(&path, &damaged).unwrap();
            let error = agent_identity(dir.path(), &names(&["127.0.0.1"]), now()).unwrap_err().to_string();
            assert!(error.contains(&format!("agent.pem cannot be used: {reason}")), "{error}");
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_certificate_has_the_subject_and_is_made_anew_for_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let some = |text: &str| Some(text.to_owned());
        let subject = Subject {
            country: some("US"),
            state: some("Texas"),
            locality: some("Houston"),
            organization: some("Maker"),
            organizational_unit: some("BMCs"),
            common_name: "bmc-1".to_owned(),
        };
        let names = names(&["localhost"]);
        let made = |subject| ca.redfish_identity(subject, &names, now()).unwrap();
        let first = made(&subject);
        assert_eq!(Facts::of(first.leaf()).unwrap().subject, subject.pairs());
        assert_eq!(made(&subject).certificate_pem(), first.certificate_pem());
        assert_ne!(made(&Subject::named("other")).certificate_pem(), first.certificate_pem());
    }
}
