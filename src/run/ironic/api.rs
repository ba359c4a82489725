//! Ironic's API: the requests of a run, with login, repetition and admission control.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use super::keystone::Keystone;
use crate::file;
use crate::plan::{IronicTarget, Login};
use crate::run::epoch::now;
use crate::run::http::{Http, HttpProblem, fraction, json};

/// The longest answer, bytes: a page of a thousand nodes with their states.
const MAX_ANSWER: usize = 64 << 20;
/// The longest file with a password or a certificate, bytes.
const MAX_FILE: u64 = 1 << 20;
/// The first and the longest wait before a request is repeated. Ironic itself waits a second for a locked node.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// One or several APIs of the same Ironic.
pub struct Api {
    http: Http,
    endpoints: Vec<(Url, Arc<str>)>,
    version: HeaderValue,
    login: Credentials,
    /// Requests that ask for changes, at the same time.
    room: Semaphore,
    next: AtomicUsize,
    pub(super) requests: AtomicU64,
}

enum Credentials {
    None,
    /// The value of `Authorization`.
    Basic(HeaderValue),
    Keystone(Box<Keystone>),
}

/// What a request has cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) requests: u32,
    pub(super) retries: u32,
}

impl Api {
    /// Prepares the requests, and logs in if Keystone is asked.
    ///
    /// # Errors
    /// If a file cannot be read, or the login fails.
    pub async fn new(target: &IronicTarget) -> anyhow::Result<Self> {
        let read = |path: &std::path::Path| {
            file::read(path, MAX_FILE)
                .with_context(|| format!("target.ironic.ca: cannot read {}", path.display()))
        };
        let ca = target.ca.as_deref().map(read).transpose()?;
        let http = Http::new(ca.as_deref(), target.insecure).context("target.ironic.ca")?;
        let mut urls: Vec<Url> = target.url.0.iter().map(|url| url.url().clone()).collect();
        let login = match &target.auth {
            Login::None => Credentials::None,
            Login::HttpBasic(basic) => {
                let password = file::first_line(&basic.password_file, MAX_FILE).with_context(|| {
                    format!(
                        "target.ironic.auth.httpBasic.passwordFile: cannot read {}",
                        basic.password_file.display()
                    )
                })?;
                let login = format!("{}:{password}", basic.username);
                let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
                let mut header = HeaderValue::try_from(text)?;
                header.set_sensitive(true);
                Credentials::Basic(header)
            }
            Login::Keystone(settings) => {
                let keystone = Keystone::new(settings, ca.as_deref(), target.insecure).await?;
                if urls.is_empty() {
                    urls.push(keystone.baremetal().await?);
                }
                Credentials::Keystone(Box::new(keystone))
            }
        };
        let named = |url: Url| {
            let name: Arc<str> = url.as_str().trim_end_matches('/').into();
            (url, name)
        };
        Ok(Self {
            http,
            endpoints: urls.into_iter().map(named).collect(),
            version: HeaderValue::try_from(target.microversion.as_str())?,
            login,
            room: Semaphore::new(target.requests as usize),
            next: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
        })
    }

    /// The API that serves an item.
    pub(super) fn endpoint(&self, item: u32) -> usize {
        item as usize % self.endpoints.len()
    }

    /// The URL of an API.
    pub(super) fn name(&self, endpoint: usize) -> Arc<str> {
        Arc::clone(&self.endpoints[endpoint].1)
    }

    /// The URLs of all APIs.
    pub fn names(&self) -> String {
        self.endpoints.iter().map(|(_, name)| &**name).collect::<Vec<_>>().join(" ")
    }

    fn url(&self, endpoint: usize, path: &str) -> Result<Url, HttpProblem> {
        let base = self.endpoints[endpoint].0.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).map_err(|error| HttpProblem::Unreadable(error.to_string()))
    }

    async fn once(
        &self,
        endpoint: usize,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(HeaderMap, Vec<u8>), HttpProblem> {
        let mut refused = None;
        loop {
            let mut request = self.http.request(method.clone(), self.url(endpoint, path)?);
            request =
                request.header(HeaderName::from_static("x-openstack-ironic-api-version"), &self.version);
            let token = match &self.login {
                Credentials::None => None,
                Credentials::Basic(header) => {
                    request = request.header(AUTHORIZATION, header);
                    None
                }
                Credentials::Keystone(keystone) => Some(keystone.token(refused.as_ref()).await?),
            };
            if let Some(token) = &token {
                request = request.header("x-auth-token", token);
            }
            if let Some(body) = body {
                let text =
                    serde_json::to_vec(body).map_err(|error| HttpProblem::Unreadable(error.to_string()))?;
                request = request.header(http::header::CONTENT_TYPE, "application/json").body(text);
            }
            let outcome = Http::send(request, MAX_ANSWER).await;
            let is_refused =
                matches!(&outcome, Err(problem) if problem.status() == Some(http::StatusCode::UNAUTHORIZED));
            match &self.login {
                // The token has expired, or was revoked.
                Credentials::Keystone(_) if is_refused && refused.is_none() => refused = token,
                _ => return outcome,
            }
        }
    }

    /// Asks for a change, and repeats the request while the node is locked or the server busy, until a deadline.
    ///
    /// # Errors
    /// The last answer, if it is no success.
    pub(super) async fn change(
        &self,
        endpoint: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Instant,
        cost: &mut Cost,
    ) -> Result<Vec<u8>, HttpProblem> {
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = {
                // The semaphore is never closed.
                let _place = self.room.acquire().await;
                self.requests.fetch_add(1, Ordering::Relaxed);
                cost.requests += 1;
                self.once(endpoint, &method, path, body).await
            };
            match outcome {
                Ok((_, body)) => return Ok(body),
                Err(problem) if problem.is_passing() && now() + wait < deadline => {
                    // Nodes that were refused at the same time come back at different ones.
                    let jitter = wait.mul_f64(0.5 + fraction(self.next.fetch_add(1, Ordering::Relaxed)));
                    tokio::time::sleep(jitter).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    cost.retries += 1;
                }
                Err(problem) => return Err(problem),
            }
        }
    }

    /// Asks each API once, so that a run with a wrong URL or login ends at once.
    ///
    /// # Errors
    /// The API, and the reason why it cannot be used.
    pub async fn probe(&self) -> anyhow::Result<()> {
        for endpoint in 0..self.endpoints.len() {
            let name = self.name(endpoint);
            // Without a login, Ironic shows its versions only.
            let read = self.get(endpoint, "/v1/nodes?limit=1&fields=uuid").await;
            read.with_context(|| format!("{name} cannot be used"))?;
        }
        Ok(())
    }

    /// Reads a document.
    ///
    /// # Errors
    /// If there is none.
    pub(super) async fn get(&self, endpoint: usize, path: &str) -> Result<Value, HttpProblem> {
        let (_, body) = self.once(endpoint, &Method::GET, path, None).await?;
        json(&body)
    }

    /// Reads a list of nodes in pages, and returns it with the number of requests.
    ///
    /// # Errors
    /// If a page cannot be read.
    pub(super) async fn nodes<T: serde::de::DeserializeOwned>(
        &self,
        query: &str,
    ) -> Result<(Vec<T>, u64), HttpProblem> {
        #[derive(serde::Deserialize)]
        struct Page<T> {
            nodes: Vec<T>,
            next: Option<String>,
        }
        let endpoint = self.next.fetch_add(1, Ordering::Relaxed) % self.endpoints.len();
        let (mut all, mut requests, mut marker) = (Vec::new(), 0, String::new());
        loop {
            let path = format!("/v1/nodes?limit=1000&{query}{marker}");
            let (_, body) = self.once(endpoint, &Method::GET, &path, None).await?;
            requests += 1;
            let Page { nodes, next } = json::<Page<T>>(&body)?;
            let is_last = nodes.is_empty();
            all.extend(nodes);
            let Some(next) = next.filter(|_| !is_last) else { return Ok((all, requests)) };
            let found = Url::parse(&next).ok().and_then(|next| {
                next.query_pairs().find(|(name, _)| name == "marker").map(|(_, value)| value.into_owned())
            });
            match found {
                Some(found) => marker = format!("&marker={found}"),
                None => return Err(HttpProblem::Unreadable("a page names no next one".to_owned())),
            }
        }
    }
}
