//! TLS settings of clients: which certificates of a server are accepted.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Why the settings cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// The text is no PEM file of certificates.
    #[error("it must be a PEM file of certificates: {0}")]
    Ca(String),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Settings that trust the platform's CAs and those in `ca` (PEM).
///
/// On a platform without a CA, as in an empty container, only `ca` is trusted; without it, each certificate fails, but only when a server
/// presents it: plain HTTP works.
///
/// # Errors
/// If `ca` has no certificate.
pub fn client_config(ca: Option<&[u8]>) -> Result<ClientConfig, ClientTlsError> {
    let mut extra = Vec::new();
    for cert in CertificateDer::pem_slice_iter(ca.unwrap_or_default()) {
        let cert = cert.map_err(|error| ClientTlsError::Ca(error.to_string()))?;
        RootCertStore::empty().add(cert.clone()).map_err(|error| ClientTlsError::Ca(error.to_string()))?;
        extra.push(cert);
    }
    if ca.is_some() && extra.is_empty() {
        return Err(ClientTlsError::Ca("it contains no certificate".to_owned()));
    }
    let provider = crate::tls::provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = match Verifier::new_with_extra_roots(extra.clone(), provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        Err(_) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(extra);
            builder.with_root_certificates(roots)
        }
    };
    Ok(config.with_no_client_auth())
}

/// Settings that trust nothing but certain certificates (PEM): a server must have one of them, or one that one of them has signed for its name.
///
/// # Errors
/// If TLS cannot be set up.
pub fn pinned_client_config<'a>(
    certificates: impl Iterator<Item = &'a str>,
) -> Result<ClientConfig, ClientTlsError> {
    let mut pinned = Vec::new();
    for pem in certificates {
        pinned.extend(CertificateDer::pem_slice_iter(pem.as_bytes()).flatten());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(pinned.iter().cloned());
    let provider = crate::tls::provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    // Without a root there is no verifier, and no signature can be right.
    let signed =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().ok();
    let verifier = Arc::new(Pinned { pinned, signed, any: AnyCertificate(provider) });
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Accepts certain certificates, and those that they have signed.
#[derive(Debug)]
struct Pinned {
    pinned: Vec<CertificateDer<'static>>,
    signed: Option<Arc<WebPkiServerVerifier>>,
    any: AnyCertificate,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pinned.iter().any(|pinned| pinned == leaf) {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.signed {
            Some(signed) => signed.verify_server_cert(leaf, chain, name, ocsp, now),
            None => Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.any.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.any.supported_verify_schemes()
    }
}

/// Settings that accept every certificate. The server must have its private key all the same.
///
/// # Errors
/// If TLS cannot be set up.
pub fn insecure_client_config() -> Result<ClientConfig, ClientTlsError> {
    let provider = crate::tls::provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let verifier = Arc::new(AnyCertificate(provider));
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Accepts every certificate, but still checks that the server has its private key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
