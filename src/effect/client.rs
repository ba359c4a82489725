//! The HTTP clients of the daemon. No other file of it opens an outgoing connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, NoProxy, Proxy, RequestBuilder, Response};
use rustls::ClientConfig;
use url::Url;

use super::egress::{Egress, Forbidden, Names};
use super::http_error::HttpError;
use crate::tls::{ClientTlsError, client_config, insecure_client_config, pinned_client_config};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the next bytes of a response. IPA waits 30 s (`http_request_timeout`), and 60 s for images.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 5;
/// Idle connections that the pool keeps for one server.
const MAX_IDLE: usize = 32;
/// Clients with proxies that are cached. When the cache is full, it is emptied.
const MAX_PROXIED: usize = 16;

/// Why the HTTP clients cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the CA of Ironic (--ironic-ca) cannot be used: {0}")]
    Tls(#[from] ClientTlsError),
    /// The certificates of an image server cannot be used.
    #[error("the certificates of the image server cannot be used: {0}")]
    Pinned(ClientTlsError),
    #[error(transparent)]
    Url(#[from] Forbidden),
    /// Clients see this text, too: agents report it if an image is downloaded through a proxy.
    #[error("no HTTP client can be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// Sends a request. Every outgoing HTTP request passes through here.
pub(super) async fn send(request: RequestBuilder) -> Result<Response, HttpError> {
    Ok(request.send().await?)
}

/// The next bytes of a response's body; `None` at its end. Every body is read through here.
pub(super) async fn chunk(response: &mut Response) -> Result<Option<Bytes>, HttpError> {
    Ok(response.chunk().await?)
}

/// Scheme, host and port of a URL. Queues and circuits are per origin.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The proxies of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Proxies {
    /// Scheme of the request, and URL of the proxy.
    pub(super) by_scheme: Vec<(Box<str>, Box<str>)>,
    /// Hosts that are reached without a proxy, as `no_proxy` lists them.
    pub(super) except: Option<Box<str>>,
}

pub(super) struct Clients {
    strict: Client,
    /// Accepts every certificate, unlike `strict`.
    lax: Client,
    tls: ClientConfig,
    lax_tls: ClientConfig,
    /// All requests use the lax client.
    insecure: bool,
    pub(super) egress: Arc<Egress>,
    /// Cache of clients with proxies; the key also says whether the client accepts every certificate.
    proxied: Mutex<HashMap<(bool, Proxies), Client>>,
}

impl Clients {
    /// The clients trust the platform's CAs and those in `ca` (PEM), or every certificate if `insecure`.
    pub(super) fn new(ca: Option<&[u8]>, insecure: bool, egress: Egress) -> Result<Self, ClientError> {
        let egress = Arc::new(egress);
        let (tls, lax_tls) = (client_config(ca)?, insecure_client_config()?);
        let (strict, lax) = (client(&tls, None, &egress)?, client(&lax_tls, None, &egress)?);
        Ok(Self { strict, lax, tls, lax_tls, insecure, egress, proxied: Mutex::default() })
    }

    /// The client without proxies. It accepts every certificate if `insecure` or the settings say so.
    pub(super) fn direct(&self, insecure: bool) -> &Client {
        if insecure || self.insecure { &self.lax } else { &self.strict }
    }

    /// A client that trusts nothing but certain certificates (PEM), whatever the settings say.
    pub(super) fn trusting(&self, certificates: &[Box<str>]) -> Result<Client, ClientError> {
        let tls = pinned_client_config(certificates.iter().map(|pem| &**pem)).map_err(ClientError::Pinned)?;
        client(&tls, None, &self.egress)
    }

    /// The client that uses `proxies`.
    pub(super) fn through(&self, insecure: bool, proxies: &Proxies) -> Result<Client, ClientError> {
        if proxies.by_scheme.is_empty() {
            return Ok(self.direct(insecure).clone());
        }
        let insecure = insecure || self.insecure;
        for (_, proxy) in &proxies.by_scheme {
            // A text that is not a URL fails below, where the client is built.
            Url::parse(proxy).map_or(Ok(()), |url| self.egress.check_host(&url))?;
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

fn client(
    tls: &ClientConfig,
    proxies: Option<&Proxies>,
    egress: &Arc<Egress>,
) -> Result<Client, ClientError> {
    let redirects = Arc::clone(egress);
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
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
    match egress.check(attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(why) => attempt.error(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_ca_is_refused() {
        for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            let error =
                Clients::new(Some(pem.as_bytes()), false, Egress::default()).err().map(|e| e.to_string());
            assert!(error.is_some_and(|e| e.contains("CA of Ironic")), "{pem}");
        }
        assert!(Clients::new(None, false, Egress::default()).is_ok());
    }

    #[test]
    fn the_cache_of_clients_with_proxies_is_bounded() {
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
