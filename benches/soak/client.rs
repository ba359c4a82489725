//! A client with one connection and its own pace, which looks at every answer.

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

/// A request that is not answered by then is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the daemon answers, URLs without a slash at the end.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) http: String,
    pub(crate) https: String,
    /// Who signed the certificate.
    pub(crate) ca: CertificateDer<'static>,
}

pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    pace: Interval,
    pub(crate) world: Arc<World>,
    pub(crate) dice: Dice,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum As<'a> {
    Nobody,
    Admin,
    Session(&'a str),
}

pub(crate) struct Answer {
    /// 0 when there was none.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// For how long to stay away: of a 503 that says so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
        (self.status == 503).then_some(Duration::from_secs(seconds))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Client {
    /// A client of the daemon's controllers that keeps its connection, and makes a request `every` so often at most.
    pub(crate) fn new(world: &Arc<World>, doors: &Doors, dice: Dice, every: Duration) -> Self {
        Self::with(world, doors, &doors.http, (dice, every), 1)
    }

    /// One that makes a new connection with TLS for each request.
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

    /// One of them.
    pub(crate) fn pick<'t, T: ?Sized>(&self, from: &[&'t T]) -> &'t T {
        from[self.dice.roll(from.len())]
    }

    /// A request to a controller, or to anybody else if `path` is a whole URL.
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

    /// As [`Client::send`]; an answer with another status is an error.
    ///
    /// One that says 503 and when to come again is no error, but counted: the daemon could not keep in time what it was
    /// told, as when the machine does other things. It may have done it all the same, so a change that is sent again may
    /// find it done.
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

    /// Compares what was read with the book.
    pub(crate) fn same(&self, what: &str, there: &Value, book: &Value) {
        if there != book {
            self.world.error(&format!("{what} is {there}, and the book has {book}"));
        }
    }
}

/// What speaks HTTP, with so many idle connections to each server.
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
        // Below the daemon's own limit, so that no request meets a connection that is being closed.
        .pool_idle_timeout(Duration::from_secs(60))
        .timeout(PATIENCE)
        .build()
        .expect("an HTTP client")
}

/// What reads figures: it is no client of the fleet.
pub(crate) fn scraper(doors: &Doors) -> reqwest::Client {
    http(doors, 1)
}
