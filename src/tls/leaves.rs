//! Certificates of single addresses, made when a client first comes there: a million addresses need no million files.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use sha2::{Digest as _, Sha256};

use super::{CertificateNames, DevelopmentCa, Identity, MinVersion, TlsError, leaf, server_config};

/// What a listener shows its clients.
#[derive(Clone, Debug)]
pub enum Shown {
    /// One certificate, or what a resolver finds by server name.
    Same(Arc<ServerConfig>),
    /// A certificate for each local address.
    ByAddress(Arc<Leaves>),
}

impl Shown {
    /// The settings for a connection to that local address.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn config(&self, local: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        match self {
            Self::Same(config) => Ok(Arc::clone(config)),
            Self::ByAddress(leaves) => leaves.config(local),
        }
    }
}

/// Leaves of the development CA, one for each address that clients come to. All have one key, so that making one is a
/// signature and no more.
pub struct Leaves {
    ca: DevelopmentCa,
    identity: Identity,
    /// From when new ones are valid.
    now: SystemTime,
    /// What the settings of all addresses have in common: the ticket keys, so that sessions are resumed.
    base: Arc<ServerConfig>,
    kept: Mutex<Kept>,
}

/// Two generations: what is asked for while it is old gets young again; when the young are too many, the old go.
#[derive(Default)]
struct Kept {
    young: HashMap<IpAddr, Arc<ServerConfig>>,
    old: HashMap<IpAddr, Arc<ServerConfig>>,
}

impl Leaves {
    /// Addresses whose certificate is kept, at most; about 2 KiB each. Making one anew takes a tenth of a millisecond.
    pub const KEPT: usize = 4096;

    /// Leaves with the key of `identity`, which is one of that CA's.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        ca: DevelopmentCa,
        identity: Identity,
        now: SystemTime,
        min: MinVersion,
    ) -> Result<Self, TlsError> {
        let base = server_config(identity.resolver(), min)?;
        Ok(Self { ca, identity, now, base, kept: Mutex::default() })
    }

    /// The certificate of the CA, PEM.
    pub fn ca_pem(&self) -> &str {
        self.ca.certificate_pem()
    }

    /// The settings for connections to `address`, with a certificate for that address alone.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn config(&self, address: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        if let Some(config) = self.kept.lock().get(address) {
            return Ok(config);
        }
        // Two that come at once both sign, and nobody waits for a signature.
        let config = Arc::new(self.make(address)?);
        self.kept.lock().put(address, Arc::clone(&config));
        Ok(config)
    }

    fn make(&self, address: IpAddr) -> Result<ServerConfig, TlsError> {
        let mut names = CertificateNames::new();
        names.add_listener(address);
        let key = self.identity.key();
        let public_key = key.public_key().ok_or(rcgen::Error::CouldNotParseKeyPair)?;
        // Two certificates of one CA never have the same number (RFC 5280, 4.1.2.2), and these have the same key.
        let mut serial = Sha256::new_with_prefix(public_key.as_ref());
        serial.update(address.to_string());
        let leaf = leaf::for_key(&self.ca, &names, self.now, public_key.as_ref(), &serial.finalize()[..16])?;
        let mut config = ServerConfig::clone(&self.base);
        let certified = CertifiedKey::new(vec![leaf], Arc::clone(key));
        config.cert_resolver = Arc::new(SingleCertAndKey::from(Arc::new(certified)));
        Ok(config)
    }
}

impl std::fmt::Debug for Leaves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leaves").finish_non_exhaustive()
    }
}

impl Kept {
    fn get(&mut self, address: IpAddr) -> Option<Arc<ServerConfig>> {
        if let Some(config) = self.young.get(&address) {
            return Some(Arc::clone(config));
        }
        let config = self.old.remove(&address)?;
        self.put(address, Arc::clone(&config));
        Some(config)
    }

    fn put(&mut self, address: IpAddr, config: Arc<ServerConfig>) {
        if self.young.len() >= Leaves::KEPT / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(address, config);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::tls::tests::{judged, now};

    fn leaves(dir: &std::path::Path) -> Leaves {
        let ca = DevelopmentCa::open(dir, now()).unwrap();
        let identity = ca.redfish_identity(&CertificateNames::of_this_host(), now()).unwrap();
        Leaves::new(ca, identity, now(), MinVersion::Tls12).unwrap()
    }

    #[test]
    fn a_certificate_is_good_for_its_address_alone() {
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
            let leaf = leaf::for_key(&leaves.ca, &names, now(), key.as_ref(), serial).unwrap();
            serials.push(x509_parser::parse_x509_certificate(&leaf).unwrap().1.serial.clone());
            assert_eq!(judged(leaves.ca_pem(), &leaf, address, now()), Ok(()));
            assert!(judged(leaves.ca_pem(), &leaf, "127.16.0.3", now()).is_err());
        }
        serials.dedup();
        assert_eq!(serials.len(), 3);
    }

    #[test]
    fn certificates_are_kept_within_a_bound_and_those_in_use_longest() {
        let dir = tempfile::tempdir().unwrap();
        let leaves = leaves(dir.path());
        let address = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x7f10_0000 + n));
        let first = leaves.config(address(1)).unwrap();
        for n in 2..5000 {
            // No signature for each: what is put does not matter here.
            leaves.kept.lock().put(address(n), Arc::clone(&leaves.base));
            if n % 1000 == 0 {
                assert!(Arc::ptr_eq(&first, &leaves.config(address(1)).unwrap()), "it is in use");
            }
            let kept = leaves.kept.lock();
            assert!(kept.young.len() + kept.old.len() <= Leaves::KEPT);
        }
        assert!(leaves.kept.lock().get(address(2)).is_none(), "long unused");
    }
}
