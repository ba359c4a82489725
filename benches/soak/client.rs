//! A client with one connection and a bounded rate, which checks every response.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tokio::time::{Interval, MissedTickBehavior};

use crate::common::BASIC;
use crate::world::{Dice, World};

/// The longest time of a request. A longer one is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// The URLs of the daemon, without a slash at the end.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) http: String,
    pub(crate) https: String,
    /// The CA of the certificate.
    pub(crate) ca: CertificateDer<'static>,
}

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    pace: Interval,
    pub(crate) world: Arc<World>,
    pub(crate) dice: Dice,
}

/// The credentials of a request.
#[derive(Clone, Copy)]
pub(crate) enum As<'a> {
    Nobody,
    Admin,
    Session(&'a str),
}

pub(crate) struct Answer {
    /// 0 if there was no response.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// The time that a 503 tells the client to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
        (self.status == 503).then_some(Duration::from_secs(seconds))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Client {
    /// A client of the daemon's controllers with a persistent connection. Its requests are at least `every` apart.
    pub(crate) fn new(world: &Arc<World>, doors: &Doors, dice: Dice, every: Duration) -> Self {
        Self::with(world, doors, &doors.http, (dice, every), 1)
    }

    /// The same with a new TLS connection for each request.
    pub(crate) fn newcomer(world: &Arc<World>, doors: &Doors, dice: Dice, every: Duration) -> Self {
        Self::with(world, doors, &doors.https, (dice, every), 0)
    }

    fn with(
        world: &Arc<World>,
        doors: &Doors,
        base: &str,
        (dice, every): (Dice, Duration),
        idle: usize,
    ) -> Self {
        let http = http(doors, idle);
        let mut pace = tokio::time::interval(every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { http, base: base.to_owned(), pace, world: Arc::clone(world), dice }
    }

    /// A random element.
    pub(crate) fn pick<'t, T: ?Sized>(&self, from: &[&'t T]) -> &'t T {
        from[self.dice.roll(from.len())]
    }

    /// Sends a request to a controller, or to another server if `path` is a whole URL.
    pub(crate) async fn send(&mut self, method: Method, path: &str, who: As<'_>, body: &Value) -> Answer {
        self.pace.tick().await;
        self.world.requests.fetch_add(1, Ordering::Relaxed);
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request = self.http.request(method, url);
        request = match who {
            As::Nobody => request,
            As::Admin => request.header("Authorization", BASIC),
            As::Session(token) => request.header("X-Auth-Token", token),
        };
        if !body.is_null() {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        let whole = async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>(Answer { status, headers, body: response.bytes().await? })
        };
        whole.await.unwrap_or_else(|error| Answer {
            status: 0,
            headers: HeaderMap::new(),
            body: Bytes::from(format!("{error:?}")),
        })
    }

    /// Like [`Client::send`]; a response with another status is an error.
    ///
    /// A 503 with `Retry-After` is counted and is no error: the daemon could not store a change in time, as on a busy
    /// machine. The daemon may have made the change all the same, so a retry may find it done.
    pub(crate) async fn expect(
        &mut self,
        status: u16,
        method: Method,
        path: &str,
        who: As<'_>,
        body: &Value,
    ) -> Option<Answer> {
        let mut answer = self.send(method.clone(), path, who, body).await;
        let mut held = false;
        while let Some(wait) = answer.retry_after().filter(|_| !self.world.stopped()) {
            held = true;
            self.world.held.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            answer = self.send(method.clone(), path, who, body).await;
        }
        let done = held && method != Method::GET && matches!(answer.status, 401 | 404 | 409);
        if answer.status == status || done {
            return Some(answer);
        }
        let said = String::from_utf8_lossy(&answer.body);
        self.world.error(&format!("{method} {path} {body}: {} instead of {status}: {said}", answer.status));
        None
    }

    pub(crate) async fn get(&mut self, path: &str) -> Option<Value> {
        Some(self.expect(200, Method::GET, path, As::Admin, &Value::Null).await?.json())
    }

    pub(crate) async fn patch(&mut self, path: &str, body: &Value) -> bool {
        self.expect(204, Method::PATCH, path, As::Admin, body).await.is_some()
    }

    pub(crate) async fn post(&mut self, status: u16, path: &str, body: &Value) -> bool {
        self.expect(status, Method::POST, path, As::Admin, body).await.is_some()
    }

    /// Compares a value that was read with the expected one.
    pub(crate) fn same(&self, what: &str, there: &Value, book: &Value) {
        if there != book {
            self.world.error(&format!("{what} is {there}, and {book} was expected"));
        }
    }
}

/// An HTTP client with at most `idle` idle connections to each server.
fn http(doors: &Doors, idle: usize) -> reqwest::Client {
    let provider = rustls::ClientConfig::builder_with_provider(fauxmetal::tls::provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(doors.ca.clone()).expect("a CA");
    let tls = provider
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(idle)
        // Shorter than the daemon's timeout, so that no request uses a connection that the daemon closes.
        .pool_idle_timeout(Duration::from_secs(60))
        .timeout(PATIENCE)
        .build()
        .expect("an HTTP client")
}

/// An HTTP client that reads metrics.
pub(crate) fn scraper(doors: &Doors) -> reqwest::Client {
    http(doors, 1)
}
