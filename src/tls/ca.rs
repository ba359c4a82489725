//! The development CA: made once in a directory, then the same for every later start.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;

use super::identity::parse_chain;
use super::inspect::Facts;
use super::leaf::{DAY, SKEW};
use super::store::{PRIVATE, PUBLIC, Store};
use super::{CertificateNames, Identity, TlsError, leaf};

/// How long a new CA is valid, in days.
pub const CA_LIFETIME_DAYS: u32 = 3650;

const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca-key.pem";
/// What to delete when the CA cannot be used any more.
const BOTH: &str = "both ca.pem and ca-key.pem";

/// A certificate authority for this one directory, trusted by nobody until told to.
#[derive(Debug)]
pub struct DevelopmentCa {
    store: Store,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    not_after: SystemTime,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentCa {
    /// Opens the CA in `dir`: `ca.pem` and `ca-key.pem`, made if they are not there.
    ///
    /// Files that are there are never replaced. Fails, naming the file, if one is damaged, missing its partner, not a
    /// CA, or not valid at `now`.
    pub fn open(dir: &Path, now: SystemTime) -> Result<DevelopmentCa, TlsError> {
        let store = Store::open(dir)?;
        if let Some(ca) = DevelopmentCa::load(&store, now)? {
            return Ok(ca);
        }
        let _lock = store.lock()?;
        // Somebody else may have made it while this process waited.
        if let Some(ca) = DevelopmentCa::load(&store, now)? {
            return Ok(ca);
        }
        make(&store, now)?;
        let ca = DevelopmentCa::load(&store, now)?;
        ca.ok_or_else(|| {
            TlsError::unusable(&store.path(CA_FILE), "somebody removed it while it was made", BOTH)
        })
    }

    /// The file a client is given to trust the listeners, as in `curl --cacert`.
    pub fn certificate_path(&self) -> PathBuf {
        self.store.path(CA_FILE)
    }

    /// The CA's certificate as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The identity of the Redfish listeners: a leaf of this CA, kept in `redfish.pem`.
    ///
    /// The kept one is used again as long as it is of this CA, has exactly these names and is not near its end.
    /// Otherwise a new one takes its place; clients trust the CA and do not notice.
    pub fn redfish_identity(&self, names: &CertificateNames, now: SystemTime) -> Result<Identity, TlsError> {
        leaf::redfish_identity(self, names, now)
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(super) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// The CA as it is in the directory, or `None` if there is no certificate yet.
    fn load(store: &Store, now: SystemTime) -> Result<Option<DevelopmentCa>, TlsError> {
        let Some(certificate_pem) = store.read(CA_FILE)? else {
            return Ok(None);
        };
        let (path, key_path) = (store.path(CA_FILE), store.path(CA_KEY_FILE));
        let unusable = |reason: String| TlsError::unusable(&path, reason, BOTH);
        let certificate = parse_chain(&certificate_pem).map_err(unusable)?.swap_remove(0);
        let facts = Facts::of(&certificate).map_err(unusable)?;
        if !facts.is_ca {
            return Err(unusable("its certificate is not a CA's".to_owned()));
        }
        if !facts.valid(now, Duration::ZERO) {
            return Err(unusable(
                "its certificate is not valid today (has the clock been changed?)".to_owned(),
            ));
        }
        // The key is written first, so a certificate without one was not left by a crash.
        let Some(key) = load_key(store)? else {
            let reason = "it is missing, though ca.pem is there".to_owned();
            return Err(TlsError::unusable(&key_path, reason, CA_FILE));
        };
        if rcgen::PublicKeyData::subject_public_key_info(&key) != facts.public_key {
            return Err(TlsError::unusable(&key_path, "it is not the key of ca.pem", BOTH));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let not_after = facts.not_after;
        Ok(Some(DevelopmentCa { store: store.clone(), certificate, certificate_pem, not_after, issuer }))
    }
}

/// The CA's key, or `None` if there is no such file.
fn load_key(store: &Store) -> Result<Option<KeyPair>, TlsError> {
    let Some(pem) = store.read(CA_KEY_FILE)? else {
        return Ok(None);
    };
    let key = KeyPair::from_pem(&pem).map_err(|error| {
        TlsError::unusable(&store.path(CA_KEY_FILE), format!("it holds no key ({error})"), BOTH)
    })?;
    Ok(Some(key))
}

/// Makes the CA's files. The caller holds the lock and has found no certificate.
fn make(store: &Store, now: SystemTime) -> Result<(), TlsError> {
    // A key alone is what a crash or a full disk leaves between the two files: it is as good as a new one.
    let key = match load_key(store)? {
        Some(key) => key,
        None => {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            store.write(CA_KEY_FILE, &key.serialize_pem(), PRIVATE)?;
            key
        }
    };
    let certificate = ca_params(&key, now)?.self_signed(&key)?;
    store.write(CA_FILE, &certificate.pem(), PUBLIC)
}

fn ca_params(key: &KeyPair, now: SystemTime) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + CA_LIFETIME_DAYS * DAY).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Two CAs of one name in one trust store make clients try the wrong key. The key's own mark keeps them apart.
    let mark: String = params.key_identifier(key).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("fauxmetal development CA {mark}"));
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls::tests::{later, now};

    fn read(dir: &Path, file: &str) -> String {
        fs::read_to_string(dir.join(file)).unwrap()
    }

    #[test]
    fn it_is_made_once_and_then_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let made = DevelopmentCa::open(dir.path(), now()).unwrap();
        let (pem, key) = (read(dir.path(), CA_FILE), read(dir.path(), CA_KEY_FILE));
        let opened = DevelopmentCa::open(dir.path(), later(365)).unwrap();
        assert_eq!(opened.certificate_pem(), made.certificate_pem());
        assert_eq!((read(dir.path(), CA_FILE), read(dir.path(), CA_KEY_FILE)), (pem, key));
        let mode = fs::metadata(dir.path().join(CA_KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn starts_at_the_same_moment_end_with_one_ca() {
        let dir = tempfile::tempdir().unwrap();
        let open = || DevelopmentCa::open(dir.path(), now()).unwrap().certificate_pem().to_owned();
        let all: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(all.iter().all(|pem| *pem == all[0]));
    }

    #[test]
    fn a_key_left_by_a_crash_is_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        let key = read(dir.path(), CA_KEY_FILE);
        fs::remove_file(dir.path().join(CA_FILE)).unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        assert_eq!(read(dir.path(), CA_KEY_FILE), key);
    }

    /// Opens a CA after `damage` was done to its directory; returns the error after checking that nothing was replaced.
    fn refused(damage: impl Fn(&Path)) -> String {
        let dir = tempfile::tempdir().unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        damage(dir.path());
        let all = || {
            [CA_FILE, CA_KEY_FILE].map(|file| fs::read_to_string(dir.path().join(file)).unwrap_or_default())
        };
        let before = all();
        let error = DevelopmentCa::open(dir.path(), now()).unwrap_err().to_string();
        assert_eq!(all(), before);
        error
    }

    #[test]
    fn damage_is_told_with_its_file_and_never_repaired_in_silence() {
        let cut = |dir: &Path, file: &str| fs::write(dir.join(file), &read(dir, file)[..100]).unwrap();
        let error = refused(|dir| cut(dir, CA_FILE));
        assert!(error.contains("ca.pem cannot be used: it ends in the middle"), "{error}");
        assert!(error.contains("delete both ca.pem and ca-key.pem"), "{error}");
        let error = refused(|dir| cut(dir, CA_KEY_FILE));
        assert!(error.contains("ca-key.pem cannot be used: it holds no key"), "{error}");
        let error = refused(|dir| fs::write(dir.join(CA_FILE), "").unwrap());
        assert!(error.contains("ca.pem cannot be used: there is no certificate in it"), "{error}");
        let error = refused(|dir| fs::remove_file(dir.join(CA_KEY_FILE)).unwrap());
        assert!(error.contains("ca-key.pem cannot be used: it is missing"), "{error}");
        let other = KeyPair::generate().unwrap().serialize_pem();
        let error = refused(|dir| fs::write(dir.join(CA_KEY_FILE), &other).unwrap());
        assert!(error.contains("ca-key.pem cannot be used: it is not the key of ca.pem"), "{error}");
    }

    #[test]
    fn a_certificate_that_is_no_ca_or_out_of_date_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let error = DevelopmentCa::open(dir.path(), later(CA_LIFETIME_DAYS)).unwrap_err().to_string();
        assert!(error.contains("ca.pem cannot be used: its certificate is not valid today"), "{error}");
        let leaf = ca.redfish_identity(&CertificateNames::of_this_host(), now()).unwrap();
        fs::write(dir.path().join(CA_FILE), leaf.certificate_pem()).unwrap();
        let error = DevelopmentCa::open(dir.path(), now()).unwrap_err().to_string();
        assert!(error.contains("its certificate is not a CA's"), "{error}");
    }
}
