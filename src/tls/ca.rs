//! The development CA. It is created once in a directory; later starts use the same CA.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::CertificateDer;

use super::error::TlsError;
use super::files::{CertificateFiles, PUBLIC};
use super::identity::parse_chain;
use super::inspect::Facts;
use crate::file::PRIVATE;

/// The lifetime of a new CA, in days.
pub const CA_LIFETIME_DAYS: u32 = 3650;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// New certificates are valid from this long ago, for clients whose clock is slow. The real agent also allows an hour
/// (`ironic_python_agent/tls_utils.py`).
pub(super) const SKEW: Duration = Duration::from_secs(3600);

const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca-key.pem";
/// The files to delete to replace the CA, as text for an error message.
const BOTH: &str = "both ca.pem and ca-key.pem";

/// A certificate authority in a directory. Clients must be configured to trust it.
#[derive(Debug)]
pub struct DevelopmentCa {
    files: CertificateFiles,
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    not_after: SystemTime,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentCa {
    /// As [`open_named`](Self::open_named), with a name that says that it is for development.
    ///
    /// # Errors
    /// As [`open_named`](Self::open_named).
    pub fn open(dir: &Path, now: SystemTime) -> Result<DevelopmentCa, TlsError> {
        Self::open_named(dir, None, now)
    }

    /// Opens the CA in `dir`: `ca.pem` and `ca-key.pem`. Creates them if `ca.pem` does not exist, with `name` as the name of
    /// the CA. Existing files are never replaced and keep their name.
    ///
    /// # Errors
    /// If a file is damaged, `ca-key.pem` is missing, the certificate is not a CA, or it is not valid at `now`. The
    /// error names the file.
    pub fn open_named(dir: &Path, name: Option<&str>, now: SystemTime) -> Result<DevelopmentCa, TlsError> {
        let files = CertificateFiles::open(dir)?;
        if let Some(ca) = DevelopmentCa::load(&files, now)? {
            return Ok(ca);
        }
        let _lock = files.lock()?;
        // Another process may have created it while this process waited for the lock.
        if let Some(ca) = DevelopmentCa::load(&files, now)? {
            return Ok(ca);
        }
        make(&files, name, now)?;
        let ca = DevelopmentCa::load(&files, now)?;
        ca.ok_or_else(|| {
            TlsError::unusable(&files.path(CA_FILE), "it was removed while it was created", BOTH)
        })
    }

    /// A new CA that is stored nowhere, and so are the certificates that it signs.
    ///
    /// # Errors
    /// If the system has no randomness for the key.
    pub fn in_memory(now: SystemTime) -> Result<DevelopmentCa, TlsError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let made = ca_params(&key, None, now)?.self_signed(&key)?;
        let certificate = made.der().clone();
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let not_after = now + CA_LIFETIME_DAYS * DAY;
        Ok(DevelopmentCa {
            files: CertificateFiles::in_memory(),
            certificate,
            certificate_pem: made.pem(),
            not_after,
            issuer,
        })
    }

    /// The file with which a client trusts the listeners, if there is a CA in `dir`.
    pub fn certificate_in(dir: &Path) -> PathBuf {
        dir.join(CA_FILE)
    }

    /// The file with which a client trusts the listeners, as in `curl --cacert`.
    pub fn certificate_path(&self) -> PathBuf {
        self.files.path(CA_FILE)
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(super) fn files(&self) -> &CertificateFiles {
        &self.files
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

    /// Reads the CA from the directory. `None` if it has no certificate yet.
    fn load(files: &CertificateFiles, now: SystemTime) -> Result<Option<DevelopmentCa>, TlsError> {
        let Some(certificate_pem) = files.read(CA_FILE)? else {
            return Ok(None);
        };
        let (path, key_path) = (files.path(CA_FILE), files.path(CA_KEY_FILE));
        let unusable = |reason: String| TlsError::unusable(&path, reason, BOTH);
        let certificate = parse_chain(&certificate_pem).map_err(unusable)?.swap_remove(0);
        let facts = Facts::of(&certificate).map_err(unusable)?;
        if !facts.is_ca {
            return Err(unusable("its certificate is not a CA certificate".to_owned()));
        }
        if !facts.valid(now, Duration::ZERO) {
            return Err(unusable(
                "its certificate is not valid today (is the system clock right?)".to_owned(),
            ));
        }
        // The key is written before the certificate, so a crash cannot leave a certificate without a key.
        let Some(key) = load_key(files)? else {
            return Err(TlsError::unusable(&key_path, "it is missing, but ca.pem exists", CA_FILE));
        };
        if rcgen::PublicKeyData::subject_public_key_info(&key) != facts.public_key {
            return Err(TlsError::unusable(&key_path, "it is not the key of ca.pem", BOTH));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let not_after = facts.not_after;
        Ok(Some(DevelopmentCa { files: files.clone(), certificate, certificate_pem, not_after, issuer }))
    }
}

/// The CA's key, or `None` if the file does not exist.
fn load_key(files: &CertificateFiles) -> Result<Option<KeyPair>, TlsError> {
    let Some(pem) = files.read(CA_KEY_FILE)? else {
        return Ok(None);
    };
    files.warn_if_loose(CA_KEY_FILE);
    let key = KeyPair::from_pem(&pem).map_err(|error| {
        TlsError::unusable(&files.path(CA_KEY_FILE), format!("it contains no private key ({error})"), BOTH)
    })?;
    Ok(Some(key))
}

/// Creates the CA's files. The caller holds the lock and has found no certificate.
fn make(files: &CertificateFiles, name: Option<&str>, now: SystemTime) -> Result<(), TlsError> {
    // A crash or a full disk can leave a key without a certificate; reuse it.
    let key = match load_key(files)? {
        Some(key) => key,
        None => {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            files.write(CA_KEY_FILE, &key.serialize_pem(), PRIVATE)?;
            key
        }
    };
    let certificate = ca_params(&key, name, now)?.self_signed(&key)?;
    files.write(CA_FILE, &certificate.pem(), PUBLIC)
}

fn ca_params(key: &KeyPair, name: Option<&str>, now: SystemTime) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.not_before = (now - SKEW).into();
    params.not_after = (now + CA_LIFETIME_DAYS * DAY).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // If a trust store contains two CAs with the same name, clients may try the wrong key. The start of the key
    // identifier makes the default name unique.
    let id: String = params.key_identifier(key).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = name.map_or_else(|| format!("BMC Development CA {id}"), str::to_owned);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls::CertificateNames;
    use crate::tls::testing::{later, now};

    fn read(dir: &Path, file: &str) -> String {
        fs::read_to_string(dir.join(file)).unwrap()
    }

    #[test]
    fn the_ca_is_created_once_and_then_reused() {
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
    fn a_ca_has_the_name_with_which_it_was_created() {
        let name = |pem: &str| Facts::of(&parse_chain(pem).unwrap()[0]).unwrap().subject[0].1.clone();
        let dir = tempfile::tempdir().unwrap();
        let open = |name| DevelopmentCa::open_named(dir.path(), name, now()).unwrap();
        assert_eq!(name(open(Some("Lab Root")).certificate_pem()), "Lab Root");
        assert_eq!(name(open(Some("Another")).certificate_pem()), "Lab Root", "clients trust it");
        let other = tempfile::tempdir().unwrap();
        let plain = name(DevelopmentCa::open(other.path(), now()).unwrap().certificate_pem());
        assert!(plain.starts_with("BMC Development CA ") && plain.len() == 27, "{plain}");
    }

    #[test]
    fn concurrent_starts_create_one_ca() {
        let dir = tempfile::tempdir().unwrap();
        let open = || DevelopmentCa::open(dir.path(), now()).unwrap().certificate_pem().to_owned();
        let all: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(all.iter().all(|pem| *pem == all[0]));
    }

    #[test]
    fn a_key_that_a_crash_left_is_reused() {
        let dir = tempfile::tempdir().unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        let key = read(dir.path(), CA_KEY_FILE);
        fs::remove_file(dir.path().join(CA_FILE)).unwrap();
        DevelopmentCa::open(dir.path(), now()).unwrap();
        assert_eq!(read(dir.path(), CA_KEY_FILE), key);
    }

    /// Damages the directory of a CA and opens it. Checks that no file was replaced, and returns the error.
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
    fn the_error_names_a_damaged_file_and_no_file_is_replaced() {
        let cut = |dir: &Path, file: &str| fs::write(dir.join(file), &read(dir, file)[..100]).unwrap();
        let error = refused(|dir| cut(dir, CA_FILE));
        assert!(error.contains("ca.pem cannot be used: it ends in the middle"), "{error}");
        assert!(error.contains("delete both ca.pem and ca-key.pem"), "{error}");
        let error = refused(|dir| cut(dir, CA_KEY_FILE));
        assert!(error.contains("ca-key.pem cannot be used: it contains no private key"), "{error}");
        let error = refused(|dir| fs::write(dir.join(CA_FILE), "").unwrap());
        assert!(error.contains("ca.pem cannot be used: it contains no certificate"), "{error}");
        let error = refused(|dir| fs::remove_file(dir.join(CA_KEY_FILE)).unwrap());
        assert!(error.contains("ca-key.pem cannot be used: it is missing"), "{error}");
        let other = KeyPair::generate().unwrap().serialize_pem();
        let error = refused(|dir| fs::write(dir.join(CA_KEY_FILE), &other).unwrap());
        assert!(error.contains("ca-key.pem cannot be used: it is not the key of ca.pem"), "{error}");
    }

    #[test]
    fn a_certificate_that_is_not_a_ca_or_not_valid_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(dir.path(), now()).unwrap();
        let error = DevelopmentCa::open(dir.path(), later(CA_LIFETIME_DAYS)).unwrap_err().to_string();
        assert!(error.contains("ca.pem cannot be used: its certificate is not valid today"), "{error}");
        let leaf = ca
            .redfish_identity(&crate::tls::Subject::named("bmc"), &CertificateNames::of_this_host(), now())
            .unwrap();
        fs::write(dir.path().join(CA_FILE), leaf.certificate_pem()).unwrap();
        let error = DevelopmentCa::open(dir.path(), now()).unwrap_err().to_string();
        assert!(error.contains("its certificate is not a CA certificate"), "{error}");
    }
}
