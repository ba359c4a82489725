//! Which certificates of a server are accepted.

use rustls::ClientConfig;

use crate::cli::exit_code::UsageError;
use crate::tls::client_config;

/// The settings of TLS: the CAs of the platform and those in `ca` (PEM) are trusted.
pub(super) fn config(ca: Option<Vec<u8>>) -> anyhow::Result<ClientConfig> {
    Ok(client_config(ca.as_deref()).map_err(|error| UsageError(format!("--cacert: {error}")))?)
}
