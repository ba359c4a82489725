//! The TLS settings of a listener, as they are and as a fault wants them.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ServerConfig;

use super::config::only_tls12;
use super::error::TlsError;
use super::leaves::Leaves;
use super::made::Made;
use crate::wire::Certificate;

/// The TLS settings of a listener.
#[derive(Clone, Debug)]
pub enum ListenerTls {
    /// The same settings for every local address, with files of the user.
    Same(Arc<ServerConfig>),
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
            Self::Same(config) => Ok(Arc::clone(config)),
            Self::Made(made) => Ok(Arc::clone(made.config())),
            Self::ByAddress(leaves) => leaves.config(local),
        }
    }

    /// Whether [`wrong`](Self::wrong) certificates can be made. A certificate of the user was signed by a CA whose key is not here.
    pub fn can_be_wrong(&self) -> bool {
        match self {
            Self::Same(_) => false,
            Self::Made(_) | Self::ByAddress(_) => true,
        }
    }

    /// The settings for a connection whose certificate the client must refuse. `None` if they [cannot](Self::can_be_wrong) be made.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn wrong(&self, local: IpAddr, which: Certificate) -> Result<Option<Arc<ServerConfig>>, TlsError> {
        match self {
            Self::Same(_) => Ok(None),
            Self::Made(made) => made.wrong(which).map(Some),
            Self::ByAddress(leaves) => leaves.wrong(local, which).map(Some),
        }
    }

    /// The settings for a connection that speaks TLS 1.2 only.
    ///
    /// # Errors
    /// If the certificate cannot be created.
    pub fn only_tls12(&self, local: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        only_tls12(&*self.config(local)?)
    }
}
