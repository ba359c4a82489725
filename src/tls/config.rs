//! How TLS is spoken: versions, tickets, ALPN. Which certificate is shown is the resolver's business.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::TlsError;

/// The one cryptography provider of the process. It is always passed explicitly: a library has no business setting
/// rustls' process-wide default.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The lowest version of TLS that is spoken; 1.3 is preferred in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// For old BMC tools.
    #[default]
    Tls12,
    /// What Ironic's agent client insists on (`[agent]tls_minimum_version`).
    Tls13,
}

/// The settings of a TLS listener: TLS 1.3, and 1.2 if that may be, no client certificates, HTTP/1.1.
///
/// The resolver chooses the certificate of each handshake; a listener of one certificate passes
/// [`Identity::resolver`](super::Identity::resolver). What differs by local address, which no resolver sees, is a
/// copy of this value with its `cert_resolver` replaced ([`Leaves`](super::Leaves)): the ticket keys are then still
/// shared.
pub fn server_config(
    resolver: Arc<dyn ResolvesServerCert>,
    min: MinVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[&SupportedProtocolVersion] = match min {
        MinVersion::Tls12 => &[&TLS13, &TLS12],
        MinVersion::Tls13 => &[&TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    // Tickets keep the session with the client: nothing to store here however many clients come.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
