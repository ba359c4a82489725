//! Certificates: a development CA made once and kept, the leaves of the listeners, or the user's own files, and the
//! TLS settings they are served with. Nothing here asks what time it is; callers pass `now`.

mod ca;
mod config;
mod error;
mod identity;
mod inspect;
mod leaf;
mod leaves;
mod names;
mod store;

pub use ca::{CA_LIFETIME_DAYS, DevelopmentCa};
pub use config::{MinVersion, provider, server_config};
pub use error::TlsError;
pub use identity::Identity;
pub use leaf::{AGENT_LIFETIME_DAYS, LEAF_LIFETIME_DAYS, RENEW_BEFORE_DAYS, agent_identity};
pub use leaves::{Leaves, Shown};
pub use names::{CertificateNames, MAX_NAMES};

#[cfg(test)]
pub(crate) mod tests {
    //! What the tests of this room and of the server share: a fixed day, and a client's judgement of a certificate.

    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::{CertificateNames, Identity, provider};

    /// The day of all tests, in January 2027.
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

    /// What a client that trusts `ca_pem` says of the identity when it asked for `name`.
    pub(crate) fn accepted(
        ca_pem: &str,
        identity: &Identity,
        name: &str,
        now: SystemTime,
    ) -> Result<(), rustls::Error> {
        judged(ca_pem, identity.leaf(), name, now)
    }

    /// The same of a server's certificate.
    pub(crate) fn judged(
        ca_pem: &str,
        leaf: &CertificateDer<'_>,
        name: &str,
        now: SystemTime,
    ) -> Result<(), rustls::Error> {
        let verifier =
            WebPkiServerVerifier::builder_with_provider(trusting(ca_pem), provider()).build().unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).unwrap());
        verifier.verify_server_cert(leaf, &[], &name, &[], now).map(|_| ())
    }
}
