//! The HTTP clients: the one place where connections to the outside are made, and where it is decided which may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, NoProxy, Proxy};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use url::Url;

use super::egress::{Egress, Names};

/// A connection is made within this, or not at all.
const CONNECT: Duration = Duration::from_secs(10);
/// A server that sends nothing for so long is given up (IPA's `http_request_timeout` is 30 s, that of images 60 s).
const SILENCE: Duration = Duration::from_secs(60);
/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;
/// Idle connections that are kept to one server.
const MAX_IDLE: usize = 32;
/// Clients with a proxy that are kept; beyond it they are made anew.
const MAX_PROXIED: usize = 16;

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The CA is no PEM.
    #[error("the CA of Ironic is not a PEM file of certificates: {0}")]
    Ca(String),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// An endpoint is wrong.
    #[error(transparent)]
    Url(#[from] Forbidden),
    /// A client cannot be set up.
    #[error("no HTTP client can be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// Why a URL is not fetched.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Not a URL at all.
    #[error("'{0}' is not a URL")]
    NotAUrl(String),
    /// Neither HTTP nor HTTPS. Files of this machine above all are nobody's business.
    #[error("only http and https URLs are fetched, not '{0}:'")]
    Scheme(String),
    /// An address outside of what may be called.
    #[error("{0} may not be called (--egress)")]
    Address(IpAddr),
}

fn check_scheme(url: &Url) -> Result<(), Forbidden> {
    match url.scheme() {
        "http" | "https" => Ok(()),
        other => Err(Forbidden::Scheme(other.to_owned())),
    }
}

/// A URL of the web, wherever it leads. Others ask [`Clients::parse`], which knows where calls may go.
fn parse(text: &str) -> Result<Url, Forbidden> {
    let url = Url::parse(text).map_err(|_| {
        // What is no URL can hold a password as well as one that is.
        let shown = if text.contains(['@', '?']) { "..." } else { text };
        Forbidden::NotAUrl(shown.to_owned())
    })?;
    check_scheme(&url)?;
    Ok(url)
}

/// The server of a URL, as calls are counted by.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether a call was not made because it may not be.
pub(super) fn is_forbidden(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<Forbidden>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// Proxies to go through: scheme and URL of each, and the hosts that need none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Proxies {
    pub(super) by_scheme: Vec<(Box<str>, Box<str>)>,
    pub(super) except: Option<Box<str>>,
}

/// All clients.
pub(super) struct Clients {
    strict: Client,
    lax: Client,
    tls: ClientConfig,
    lax_tls: ClientConfig,
    /// Everything goes through the lax client.
    insecure: bool,
    pub(super) egress: Arc<Egress>,
    proxied: Mutex<HashMap<(bool, Proxies), Client>>,
}

impl Clients {
    /// Clients that trust the platform's CAs, and `ca` (PEM) in addition; or any certificate, if `insecure`.
    pub(super) fn new(ca: Option<&[u8]>, insecure: bool, egress: Egress) -> Result<Self, ClientError> {
        let egress = Arc::new(egress);
        let provider = crate::tls::provider();
        let mut extra = Vec::new();
        for cert in CertificateDer::pem_slice_iter(ca.unwrap_or_default()) {
            let cert = cert.map_err(|error| ClientError::Ca(error.to_string()))?;
            RootCertStore::empty().add(cert.clone()).map_err(|error| ClientError::Ca(error.to_string()))?;
            extra.push(cert);
        }
        if ca.is_some() && extra.is_empty() {
            return Err(ClientError::Ca("it holds none".to_owned()));
        }
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()
        };
        let tls = match Verifier::new_with_extra_roots(extra, Arc::clone(&provider)) {
            Ok(verifier) => builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            // The platform has none at all, as in an empty container: then no certificate is good, which is said when
            // one is met and not before.
            Err(_) => builder()?.with_root_certificates(RootCertStore::empty()),
        };
        let lax_tls =
            builder()?.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)));
        let (tls, lax_tls) = (tls.with_no_client_auth(), lax_tls.with_no_client_auth());
        let (strict, lax) = (client(&tls, None, &egress)?, client(&lax_tls, None, &egress)?);
        Ok(Self { strict, lax, tls, lax_tls, insecure, egress, proxied: Mutex::default() })
    }

    /// A URL from outside that may be fetched.
    pub(super) fn parse(&self, text: &str) -> Result<Url, Forbidden> {
        let url = parse(text)?;
        self.check(&url)?;
        Ok(url)
    }

    /// Whether a URL may be fetched, by a client's wish or a server's redirect. The address of a name is checked when it is
    /// resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), Forbidden> {
        check(url, &self.egress)
    }

    /// The client for calls that check certificates, or do not.
    pub(super) fn get(&self, insecure: bool) -> &Client {
        if insecure || self.insecure { &self.lax } else { &self.strict }
    }

    /// The client that goes through those proxies.
    pub(super) fn through(&self, insecure: bool, proxies: &Proxies) -> Result<Client, ClientError> {
        if proxies.by_scheme.is_empty() {
            return Ok(self.get(insecure).clone());
        }
        let insecure = insecure || self.insecure;
        for (_, proxy) in &proxies.by_scheme {
            // What is no URL is said when the client is made.
            Url::parse(proxy).map_or(Ok(()), |url| self.egress.check(&url))?;
        }
        let key = (insecure, proxies.clone());
        if let Some(client) = self.proxied.lock().get(&key) {
            return Ok(client.clone());
        }
        let made = client(if insecure { &self.lax_tls } else { &self.tls }, Some(proxies), &self.egress)?;
        let mut proxied = self.proxied.lock();
        if proxied.len() >= MAX_PROXIED {
            proxied.clear();
        }
        proxied.insert(key, made.clone());
        Ok(made)
    }
}

fn check(url: &Url, egress: &Egress) -> Result<(), Forbidden> {
    check_scheme(url)?;
    egress.check(url)
}

fn client(
    tls: &ClientConfig,
    proxies: Option<&Proxies>,
    egress: &Arc<Egress>,
) -> Result<Client, ClientError> {
    let redirects = Arc::clone(egress);
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(Policy::custom(move |attempt| redirect(attempt, &redirects)))
        .dns_resolver(Arc::new(Names(Arc::clone(egress))))
        .pool_max_idle_per_host(MAX_IDLE)
        .user_agent(concat!("fauxmetal/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    for (scheme, url) in proxies.iter().flat_map(|p| &p.by_scheme) {
        let proxy = match &**scheme {
            "http" => Proxy::http(&**url),
            "https" => Proxy::https(&**url),
            _ => continue,
        };
        let except = proxies.and_then(|p| p.except.as_deref()).and_then(NoProxy::from_string);
        builder = builder.proxy(proxy?.no_proxy(except));
    }
    Ok(builder.build()?)
}

fn redirect(attempt: Attempt<'_>, egress: &Egress) -> reqwest::redirect::Action {
    if attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error(format!("more than {MAX_REDIRECTS} redirects"));
    }
    match check(attempt.url(), egress) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(why),
    }
}

/// The text of an error with all that caused it, in one line. The URL is left out: it can hold a password.
pub(super) fn why(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text += &format!(": {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A URL as it may be shown: without a password, and without a query, which can be a signature that opens an object store.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.query().is_some() {
        url.set_query(Some("..."));
    }
    // Neither can fail for a URL with a host, which all that were checked have.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.into()
}

/// A text that may be a URL, as it may be shown.
pub(super) fn shown_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "(no URL)".to_owned(), |url| shown(&url))
}

/// Takes any certificate, and still checks that the server holds its key.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_is_fetched() {
        assert!(parse("http://a/b").is_ok() && parse("https://[::1]:1/").is_ok());
        assert_eq!(parse("file:///etc/passwd").unwrap_err(), Forbidden::Scheme("file".into()));
        assert_eq!(parse("disk.iso").unwrap_err(), Forbidden::NotAUrl("disk.iso".into()));
        assert_eq!(parse("http://u:secret@:x/").unwrap_err(), Forbidden::NotAUrl("...".into()));
        assert_eq!(shown(&Url::parse("http://user:secret@a/b?c").unwrap()), "http://a/b?...");
    }

    #[test]
    fn a_ca_that_is_none_is_refused() {
        for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            let error =
                Clients::new(Some(pem.as_bytes()), false, Egress::default()).err().map(|e| e.to_string());
            assert!(error.is_some_and(|e| e.contains("CA of Ironic")), "{pem}");
        }
        assert!(Clients::new(None, false, Egress::default()).is_ok());
    }

    #[test]
    fn clients_with_a_proxy_are_kept_but_not_for_ever() {
        let clients = Clients::new(None, false, Egress::default()).unwrap();
        for n in 0..MAX_PROXIED + 2 {
            let by_scheme = vec![("http".into(), format!("http://proxy-{n}:3128").into())];
            clients.through(false, &Proxies { by_scheme, except: Some("localhost".into()) }).unwrap();
        }
        assert!(clients.proxied.lock().len() <= MAX_PROXIED);
        let by_scheme = vec![("http".into(), "::not a url".into())];
        assert!(clients.through(false, &Proxies { by_scheme, except: None }).is_err());
    }
}
