//! Helpers for the tests that need certificates: a fixed day, and a client's verification of a certificate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::config::provider;
use super::identity::Identity;
use super::names::CertificateNames;

/// The time of all tests, in January 2027.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(crate) fn later(days: u32) -> SystemTime {
    now() + Duration::from_secs(u64::from(days) * 86_400)
}

pub(crate) fn names(hosts: &[&str]) -> CertificateNames {
    let mut names = CertificateNames::new();
    hosts.iter().for_each(|host| names.add_host(host).unwrap());
    names
}

pub(crate) fn trusting(ca_pem: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    Arc::new(roots)
}

/// Verifies an identity as a client does that trusts `ca_pem` and connects to `name`.
pub(crate) fn verify(
    ca_pem: &str,
    identity: &Identity,
    name: &str,
    now: SystemTime,
) -> Result<(), rustls::Error> {
    verify_certificate(ca_pem, identity.leaf(), name, now)
}

pub(crate) fn verify_certificate(
    ca_pem: &str,
    leaf: &CertificateDer<'_>,
    name: &str,
    now: SystemTime,
) -> Result<(), rustls::Error> {
    let verifier = WebPkiServerVerifier::builder_with_provider(trusting(ca_pem), provider()).build().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap());
    verifier.verify_server_cert(leaf, &[], &name, &[], now).map(|_| ())
}

/// The clock of a client, fixed at the day of the tests.
#[derive(Debug)]
pub(crate) struct Fixed;

impl rustls::time_provider::TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        now().duration_since(SystemTime::UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}
