//! The certificates of the listeners: kept in one file each, used again while they are good, made anew when not.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;

use super::inspect::{Facts, signed_by};
use super::store::{PRIVATE, Store};
use super::{CertificateNames, DevelopmentCa, Identity, TlsError};

/// How long a Redfish leaf is valid, in days. Some clients take no server certificate beyond 825 days.
pub const LEAF_LIFETIME_DAYS: u32 = 800;

/// How long the agents' certificate is valid, in days. Only Ironic sees it, and it should change as rarely as possible.
pub const AGENT_LIFETIME_DAYS: u32 = 3650;

/// A certificate with less than this left is made anew at the next start, in days.
pub const RENEW_BEFORE_DAYS: u32 = 90;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// New certificates are valid from this long ago, for clients whose clock is behind. The real agent allows an hour
/// too (`ironic_python_agent/tls_utils.py`).
pub(super) const SKEW: Duration = Duration::from_secs(3600);

/// Certificate and key in one file, so that no crash and no second process can mix two pairs.
const REDFISH_FILE: &str = "redfish.pem";
const AGENT_FILE: &str = "agent.pem";

/// The identity of the agents' listener: self-signed and not a CA, as the real agent's, kept in `agent.pem` in `dir`.
///
/// Ironic remembers the certificate from the heartbeat and refuses every other one until the next, so it stays the
/// same over restarts while it covers `names` and is not near its end. P-256, where the real agent takes P-384: one
/// process signs here for all agents, and Ironic does not look at the curve.
pub fn agent_identity(dir: &Path, names: &CertificateNames, now: SystemTime) -> Result<Identity, TlsError> {
    let store = Store::open(dir)?;
    let good = |kept: &Kept| kept.facts.names.covers(names) && kept.facts.valid(now, RENEW_BEFORE_DAYS * DAY);
    let make = |key: &KeyPair| {
        let until = now + AGENT_LIFETIME_DAYS * DAY;
        Ok(leaf_params("fauxmetal agents", names, now, until)?.self_signed(key)?)
    };
    keep(&store, AGENT_FILE, good, make)
}

/// See [`DevelopmentCa::redfish_identity`].
pub(super) fn redfish_identity(
    ca: &DevelopmentCa,
    names: &CertificateNames,
    now: SystemTime,
) -> Result<Identity, TlsError> {
    let good = |kept: &Kept| {
        kept.facts.names == *names
            && kept.facts.valid(now, RENEW_BEFORE_DAYS * DAY)
            && signed_by(kept.identity.leaf(), ca.certificate())
    };
    let make = |key: &KeyPair| {
        let until = (now + LEAF_LIFETIME_DAYS * DAY).min(ca.not_after());
        Ok(leaf_params("fauxmetal", names, now, until)?.signed_by(key, ca.issuer())?)
    };
    keep(ca.store(), REDFISH_FILE, good, make)
}

/// A leaf of the CA for a key that is there already, under that number.
pub(super) fn for_key(
    ca: &DevelopmentCa,
    names: &CertificateNames,
    now: SystemTime,
    public_key: &[u8],
    serial: &[u8],
) -> Result<CertificateDer<'static>, TlsError> {
    let until = (now + LEAF_LIFETIME_DAYS * DAY).min(ca.not_after());
    let mut params = leaf_params("fauxmetal", names, now, until)?;
    params.serial_number = Some(SerialNumber::from_slice(serial));
    let public_key = SubjectPublicKeyInfo::from_der(public_key)?;
    Ok(params.signed_by(&public_key, ca.issuer())?.der().clone())
}

/// A certificate found in the directory.
struct Kept {
    identity: Identity,
    facts: Facts,
}

/// Uses the kept certificate again if it is good, and makes and keeps a new one if not.
fn keep(
    store: &Store,
    file: &str,
    good: impl Fn(&Kept) -> bool,
    make: impl Fn(&KeyPair) -> Result<rcgen::Certificate, TlsError>,
) -> Result<Identity, TlsError> {
    if let Some(kept) = load(store, file)?.filter(&good) {
        return Ok(kept.identity);
    }
    let _lock = store.lock()?;
    if let Some(kept) = load(store, file)?.filter(&good) {
        return Ok(kept.identity);
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = make(&key)?;
    let text = format!("{}{}", certificate.pem(), key.serialize_pem());
    store.write(file, &text, PRIVATE)?;
    tracing::debug!(file = %store.path(file).display(), "made a certificate");
    let made = Identity::from_pem(&text);
    Ok(made.expect("the certificate was made for this key"))
}

fn load(store: &Store, file: &str) -> Result<Option<Kept>, TlsError> {
    let Some(text) = store.read(file)? else {
        return Ok(None);
    };
    let unusable = |reason: String| TlsError::unusable(&store.path(file), reason, "it");
    let identity = Identity::from_pem(&text).map_err(unusable)?;
    let facts = Facts::of(identity.leaf()).map_err(unusable)?;
    Ok(Some(Kept { identity, facts }))
}

/// What both leaves have in common. Strict clients (Python 3.13's `VERIFY_X509_STRICT`) want the key identifiers.
fn leaf_params(
    common_name: &str,
    names: &CertificateNames,
    now: SystemTime,
    until: SystemTime,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.not_before = (now - SKEW).into();
    params.not_after = until.into();
    params.subject_alt_names = names.to_san()?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
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
    use crate::tls::tests::{accepted, later, names, now};

    #[test]
    fn a_client_that_trusts_the_ca_accepts_every_name_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let leaf = ca.redfish_identity(&names(&["bmc.example", "10.0.0.7", "fd00::7"]), now()).unwrap();
        for name in ["bmc.example", "10.0.0.7", "fd00::7"] {
            assert_eq!(accepted(ca.certificate_pem(), &leaf, name, now()), Ok(()));
        }
        assert!(accepted(ca.certificate_pem(), &leaf, "10.0.0.8", now()).is_err());
    }

    #[test]
    fn the_redfish_leaf_changes_only_with_its_names_its_age_or_its_ca() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let (one, other) = (names(&["localhost", "10.0.0.1"]), names(&["localhost", "10.0.0.2"]));
        let pem = |ca: &DevelopmentCa, names, now| {
            ca.redfish_identity(names, now).unwrap().certificate_pem().to_owned()
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
        let leaf = new_ca.redfish_identity(&other, later(720)).unwrap();
        assert_ne!(leaf.certificate_pem(), third);
        assert_eq!(accepted(new_ca.certificate_pem(), &leaf, "10.0.0.2", later(720)), Ok(()));
    }

    #[test]
    fn a_leaf_never_outlives_its_ca() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let leaf = ca.redfish_identity(&names(&["localhost"]), later(3600)).unwrap();
        assert_eq!(Facts::of(leaf.leaf()).unwrap().not_after, ca.not_after());
    }

    #[test]
    fn the_agents_certificate_is_its_own_trust_anchor_and_survives_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let first = agent_identity(dir.path(), &names(&["127.0.0.1", "192.0.2.7"]), now()).unwrap();
        let pem = first.certificate_pem();
        assert_eq!(accepted(pem, &first, "192.0.2.7", now()), Ok(()));
        assert!(!pem.contains("PRIVATE"));
        // Fewer names are still covered, so Ironic's copy stays good.
        let again = agent_identity(dir.path(), &names(&["192.0.2.7"]), later(3000)).unwrap();
        assert_eq!(again.certificate_pem(), pem);
        let moved = agent_identity(dir.path(), &names(&["192.0.2.8"]), later(3000)).unwrap();
        assert_eq!(accepted(moved.certificate_pem(), &moved, "192.0.2.8", later(3000)), Ok(()));
    }

    #[test]
    fn a_damaged_leaf_is_told_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        agent_identity(dir.path(), &names(&["127.0.0.1"]), now()).unwrap();
        let path = dir.path().join(AGENT_FILE);
        let text = fs::read_to_string(&path).unwrap();
        let certificate = &text[..text.find("-----BEGIN PRIVATE KEY").unwrap()];
        let other = KeyPair::generate().unwrap().serialize_pem();
        for (damaged, reason) in [
            (String::new(), "there is no certificate in it"),
            (text[..text.len() - 40].to_owned(), "it ends in the middle of a PEM section"),
            (certificate.to_owned(), "there is no private key in it"),
            (format!("{certificate}{other}"), "its certificate and its key do not match"),
        ] {
            fs::write(&path, &damaged).unwrap();
            let error = agent_identity(dir.path(), &names(&["127.0.0.1"]), now()).unwrap_err().to_string();
            assert!(error.contains(&format!("agent.pem cannot be used: {reason}")), "{error}");
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
