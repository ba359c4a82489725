//! A certificate for each address, created when a client first connects to the address and cached in memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::ca::DevelopmentCa;
use super::config::{MinVersion, server_config};
use super::error::TlsError;
use super::identity::Identity;
use super::leaf::certify;
use super::names::CertificateNames;
use super::rsa::{Either, RsaKey};
use super::subject::Subject;
use super::wrong;
use crate::wire::Certificate;

/// Certificates of the development CA, one for each address to which clients connect. All share one key, so a new
/// certificate costs a signature only.
pub struct Leaves {
    ca: DevelopmentCa,
    identity: Identity,
    rsa: Option<RsaKey>,
    subject_of: SubjectOf,
    /// The start of the validity of new certificates.
    now: SystemTime,
    /// The settings that all addresses share. They include the ticket keys, so that clients can resume sessions.
    base: Arc<ServerConfig>,
    cache: Mutex<Cache>,
}

/// The subject of the certificate of an address.
pub type SubjectOf = Box<dyn Fn(IpAddr) -> Subject + Send + Sync>;

/// A cache with two generations. A hit in the old generation moves the entry to the young one. When the young
/// generation is full, it becomes the old one, and the previous old one is dropped.
#[derive(Default)]
struct Cache {
    young: HashMap<Key, Cached>,
    old: HashMap<Key, Cached>,
}

/// The settings of an address, and the certificate in them.
type Cached = (Arc<ServerConfig>, Arc<CertifiedKey>);

/// The address, and what is wrong with its certificate.
type Key = (IpAddr, Option<Certificate>);

impl Leaves {
    /// The maximum number of cached certificates, about 2 KiB each. A new certificate takes a tenth of a millisecond.
    pub const CACHED: usize = 4096;

    /// Certificates with the key of `identity`, which `ca` has signed, and beside them with an RSA key if there is one.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(
        ca: DevelopmentCa,
        identity: Identity,
        rsa: Option<RsaKey>,
        subject_of: SubjectOf,
        now: SystemTime,
        min: MinVersion,
    ) -> Result<Self, TlsError> {
        let base = server_config(identity.resolver(), min)?;
        Ok(Self { ca, identity, rsa, subject_of, now, base, cache: Mutex::default() })
    }

    pub fn ca_pem(&self) -> &str {
        self.ca.certificate_pem()
    }

    /// The settings for connections to `address`, with a certificate for that address only.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn config(&self, address: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        Ok(self.cached((address, None), || (self.subject_of)(address))?.0)
    }

    /// The certificate for that address, which has this subject.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub(super) fn shown(
        &self,
        address: IpAddr,
        subject: Subject,
    ) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        Ok(self.cached((address, None), || subject)?.1.cert.clone())
    }

    pub(super) fn base(&self) -> &Arc<ServerConfig> {
        &self.base
    }

    /// The settings for connections to `address` whose certificate clients must refuse.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub(super) fn wrong(&self, address: IpAddr, which: Certificate) -> Result<Arc<ServerConfig>, TlsError> {
        Ok(self.cached((address, Some(which)), || (self.subject_of)(address))?.0)
    }

    fn cached(&self, key: Key, subject: impl FnOnce() -> Subject) -> Result<Cached, TlsError> {
        if let Some(cached) = self.cache.lock().get(key) {
            return Ok(cached);
        }
        // The lock is not held while signing. Of two that sign for an address at the same time, the first one stays, because it may
        // have been shown.
        let made = self.make(key, &subject())?;
        let mut cache = self.cache.lock();
        if let Some(cached) = cache.get(key) {
            return Ok(cached);
        }
        cache.put(key, made.clone());
        Ok(made)
    }

    fn make(&self, (address, wrong): Key, subject: &Subject) -> Result<Cached, TlsError> {
        let mut names = CertificateNames::new();
        names.add_listener(address);
        let mut now = self.now;
        // All these certificates have the same key, so the address is a part of the serial number.
        let mut unique = address.to_string();
        let mut config = ServerConfig::clone(&self.base);
        if let Some(which) = wrong {
            unique = format!("{address} {which:?}");
            (names, now) = wrong::names_and_issue(which, names, now)?;
            wrong::forget_sessions(&mut config);
        }
        let certified = |key| certify(&self.ca, subject, &names, now, key, &unique);
        let preferred = certified(self.identity.key())?;
        config.cert_resolver = match &self.rsa {
            None => Arc::new(SingleCertAndKey::from(Arc::clone(&preferred))),
            Some(rsa) => {
                Arc::new(Either { preferred: Arc::clone(&preferred), rsa: certified(rsa.signing())? })
            }
        };
        Ok((Arc::new(config), preferred))
    }
}

impl DevelopmentCa {
    /// A resolver that presents `identity`, and a certificate of the RSA key to clients that know RSA only.
    ///
    /// The certificate is signed at each start and not stored: clients trust the CA.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn with_rsa(
        &self,
        identity: &Identity,
        rsa: &RsaKey,
        subject: &Subject,
        names: &CertificateNames,
        now: SystemTime,
    ) -> Result<Arc<dyn ResolvesServerCert>, TlsError> {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let rsa = certify(self, subject, names, now, rsa.signing(), &since.to_string())?;
        Ok(Arc::new(Either { preferred: Arc::clone(identity.certified()), rsa }))
    }
}

impl std::fmt::Debug for Leaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaves").finish_non_exhaustive()
    }
}

impl Cache {
    fn get(&mut self, key: Key) -> Option<Cached> {
        if let Some(cached) = self.young.get(&key) {
            return Some(cached.clone());
        }
        let cached = self.old.remove(&key)?;
        self.put(key, cached.clone());
        Some(cached)
    }

    fn put(&mut self, key: Key, cached: Cached) {
        if self.young.len() >= Leaves::CACHED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, cached);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::tls::leaf;
    use crate::tls::testing::{now, verify_certificate};

    fn leaves(dir: &std::path::Path) -> Leaves {
        let ca = DevelopmentCa::open(dir, now()).unwrap();
        let subject = Subject::named("bmc");
        let identity = ca.redfish_identity(&subject, &CertificateNames::of_this_host(), now()).unwrap();
        let subject_of = Box::new(|address: IpAddr| Subject::named(&format!("bmc of {address}")));
        Leaves::new(ca, identity, None, subject_of, now(), MinVersion::Tls12).unwrap()
    }

    #[test]
    fn a_certificate_is_valid_for_its_address_only() {
        let dir = tempfile::tempdir().unwrap();
        let leaves = leaves(dir.path());
        let mut serials = Vec::new();
        for address in ["127.16.0.1", "127.16.0.2", "fd00:1::1"] {
            let names = {
                let mut names = CertificateNames::new();
                names.add_listener(address.parse().unwrap());
                names
            };
            let key = leaves.identity.key().public_key().unwrap();
            let serial = address.as_bytes();
            let leaf = leaf::for_key(&leaves.ca, &Subject::named("bmc"), &names, now(), key.as_ref(), serial)
                .unwrap();
            serials.push(x509_parser::parse_x509_certificate(&leaf).unwrap().1.serial.clone());
            assert_eq!(verify_certificate(leaves.ca_pem(), &leaf, address, now()), Ok(()));
            assert!(verify_certificate(leaves.ca_pem(), &leaf, "127.16.0.3", now()).is_err());
        }
        serials.dedup();
        assert_eq!(serials.len(), 3);
    }

    #[test]
    fn the_cache_is_limited_and_keeps_certificates_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let leaves = leaves(dir.path());
        let address = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x7f10_0000 + n));
        let first = leaves.config(address(1)).unwrap();
        for n in 2..5000 {
            // The value does not matter here, and signing each certificate would be slow.
            let any = (Arc::clone(&leaves.base), Arc::clone(leaves.identity.certified()));
            leaves.cache.lock().put((address(n), None), any);
            if n % 1000 == 0 {
                assert!(Arc::ptr_eq(&first, &leaves.config(address(1)).unwrap()), "a used entry stays");
            }
            let cache = leaves.cache.lock();
            assert!(cache.young.len() + cache.old.len() <= Leaves::CACHED);
        }
        assert!(leaves.cache.lock().get((address(2), None)).is_none(), "an unused entry is dropped");
    }
}
