//! The TLS settings of a listener, as they are and as a fault wants them.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::config::only_tls12;
use super::error::TlsError;
use super::identity::Identity;
use super::leaves::Leaves;
use super::made::Made;
use super::shown::chain_pem;
use super::subject::Subject;
use super::wrong::forget_sessions;
use crate::wire::Certificate;

/// The TLS settings of a listener.
#[derive(Clone, Debug)]
pub enum ListenerTls {
    /// The same settings for every connection. No BMC has another certificate there.
    Same(Arc<ServerConfig>),
    /// The same settings for every local address, with files of the user.
    Files(Arc<ServerConfig>, Identity),
    /// The same settings for every local address, with a certificate that this room made.
    Made(Arc<Made>),
    /// A certificate for each local address.
    ByAddress(Arc<Leaves>),
}

impl ListenerTls {
    /// The settings for a connection to the local address `local`.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn config(&self, local: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        match self {
            Self::Same(config) | Self::Files(config, _) => Ok(Arc::clone(config)),
            Self::Made(made) => Ok(Arc::clone(made.config())),
            Self::ByAddress(leaves) => leaves.config(local),
        }
    }

    /// Whether [`wrong`](Self::wrong) certificates can be made. A certificate of the user was signed by a CA whose key is not here.
    pub fn can_be_wrong(&self) -> bool {
        match self {
            Self::Same(_) | Self::Files(..) => false,
            Self::Made(_) | Self::ByAddress(_) => true,
        }
    }

    /// The settings for a connection whose certificate the client must refuse. `None` if they [cannot](Self::can_be_wrong) be made.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn wrong(&self, local: IpAddr, which: Certificate) -> Result<Option<Arc<ServerConfig>>, TlsError> {
        match self {
            Self::Same(_) | Self::Files(..) => Ok(None),
            Self::Made(made) => made.wrong(which).map(Some),
            Self::ByAddress(leaves) => leaves.wrong(local, which).map(Some),
        }
    }

    /// The settings for a connection to a BMC with the certificate that a client has installed there. `None` if no BMC has another
    /// certificate there.
    ///
    /// Nothing is cached, and no session can be resumed: a client that resumes a session would not see the next certificate.
    pub fn replaced(&self, certified: Arc<CertifiedKey>) -> Option<Arc<ServerConfig>> {
        let base = match self {
            Self::Same(_) => return None,
            Self::Files(config, _) => config,
            Self::Made(made) => made.config(),
            Self::ByAddress(leaves) => leaves.base(),
        };
        let mut config = ServerConfig::clone(base);
        config.cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        forget_sessions(&mut config);
        Some(Arc::new(config))
    }

    /// The certificate with its chain that a BMC with this local address and this subject presents ex works, as PEM. `None` if it
    /// cannot be told.
    pub fn shown(&self, local: Option<IpAddr>, subject: Subject) -> Option<String> {
        match self {
            Self::Same(_) => None,
            Self::Files(_, identity) => Some(identity.certificate_pem().to_owned()),
            Self::Made(made) => Some(made.identity().certificate_pem().to_owned()),
            Self::ByAddress(leaves) => leaves.shown(local?, subject).ok().map(|chain| chain_pem(&chain)),
        }
    }

    /// The settings for a connection that speaks TLS 1.2 only.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn only_tls12(
        &self,
        local: IpAddr,
        certified: Option<Arc<CertifiedKey>>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let replaced = certified.and_then(|certified| self.replaced(certified));
        let config = replaced.map_or_else(|| self.config(local), Ok)?;
        only_tls12(&config)
    }
}
