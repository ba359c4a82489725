//! Which certificates of a server are accepted.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::connection::Server;
use crate::cli::exit_code::UsageError;

/// The settings of TLS: the CAs of the platform and those in `ca` (PEM) are trusted.
pub(super) fn config(server: &Server, ca: Option<Vec<u8>>) -> anyhow::Result<ClientConfig> {
    let provider = crate::tls::provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    if server.base.scheme() != "https" {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let mut extra = Vec::new();
    let wrong = |why: &str| UsageError(format!("--cacert: {why}; it must be a PEM file of certificates"));
    if let Some(pem) = ca {
        for cert in CertificateDer::pem_slice_iter(&pem) {
            let cert = cert.map_err(|error| wrong(&error.to_string()))?;
            RootCertStore::empty().add(cert.clone()).map_err(|error| wrong(&error.to_string()))?;
            extra.push(cert);
        }
        if extra.is_empty() {
            return Err(wrong("it contains no certificate").into());
        }
    }
    let verifier = match Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider)) {
        Ok(verifier) => verifier,
        // The platform has no CA, as in an empty container.
        Err(_) if !extra.is_empty() => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(extra);
            return Ok(builder.with_root_certificates(roots).with_no_client_auth());
        }
        Err(error) => {
            return Err(error)
                .context("this host has no CA certificates; name the CA of the server with --cacert");
        }
    };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
