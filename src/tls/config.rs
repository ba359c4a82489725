//! TLS settings of the listeners: versions, session tickets, ALPN. The resolver chooses the certificate.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::error::TlsError;

/// The cryptography provider of the process. It is always passed explicitly, because a library must not set rustls'
/// process-wide default.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The protocols that a client may offer (RFC 7301). Old clients offer `http/1.0` only, and speak it.
const ALPN: [&[u8]; 2] = [b"http/1.1", b"http/1.0"];

/// The minimum version of TLS. TLS 1.3 is preferred in both cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinVersion {
    /// Needed by old BMC tools.
    #[default]
    Tls12,
    /// Ironic's agent client requires at least this version (`[agent]tls_minimum_version`).
    Tls13,
}

/// The settings of a TLS listener: TLS 1.3, TLS 1.2 if `min` allows it, no client certificates, HTTP/1.1.
///
/// The resolver chooses the certificate of each handshake. A listener with one certificate passes
/// [`Identity::resolver`](super::Identity::resolver). A resolver cannot see the local address, so a listener with a
/// certificate per address copies this value and replaces `cert_resolver` ([`Leaves`](super::Leaves)). The copies
/// share the ticket keys.
pub fn server_config(
    resolver: Arc<dyn ResolvesServerCert>,
    min: MinVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[&'static SupportedProtocolVersion] = match min {
        MinVersion::Tls12 => &[&TLS13, &TLS12],
        MinVersion::Tls13 => &[&TLS13],
    };
    // With tickets the client stores the session, so the server needs no memory per client.
    Ok(Arc::new(build(resolver, versions, ring::Ticketer::new()?)?))
}

/// The same settings with TLS 1.2 only.
pub(super) fn only_tls12(config: &ServerConfig) -> Result<Arc<ServerConfig>, TlsError> {
    let (resolver, ticketer) = (Arc::clone(&config.cert_resolver), Arc::clone(&config.ticketer));
    Ok(Arc::new(build(resolver, &[&TLS12], ticketer)?))
}

fn build(
    resolver: Arc<dyn ResolvesServerCert>,
    versions: &[&'static SupportedProtocolVersion],
    ticketer: Arc<dyn ProducesTickets>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.ticketer = ticketer;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    config.alpn_protocols = ALPN.map(Vec::from).to_vec();
    Ok(config)
}
