//! The Ironic of a soak: boot configurations, lookups and heartbeats of the used nodes, with refusals and outages.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fauxmetal::face::{Body, CloseConnection, Face, Peer, Refused};
use http::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::world::{Dice, World};

/// One request in this many is answered with 503.
const REFUSED_ONE_IN: usize = 33;
/// For one network interface in this many, no boot configuration is published.
const UNPUBLISHED_ONE_IN: u64 = 4;
/// `heartbeat_timeout`: an agent sends its next heartbeat after 30 to 60 % of it.
const HEARTBEAT_TIMEOUT_S: u32 = 120;

const WELL: u8 = 0;
const REFUSING: u8 = 1;
const SILENT: u8 = 2;

/// The HTTP server of that Ironic, and the requests that it has received.
pub(crate) struct Ironic {
    world: Arc<World>,
    dice: Dice,
    /// The token of the latest boot of each node.
    tokens: Mutex<HashMap<usize, String>>,
    mood: AtomicU8,
    pub(crate) boots: AtomicU64,
    pub(crate) lookups: AtomicU64,
    pub(crate) beats: AtomicU64,
    /// Heartbeats without a token.
    pub(crate) tokenless: AtomicU64,
    pub(crate) inspections: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) outages: AtomicU64,
}

impl Ironic {
    pub(crate) fn new(world: Arc<World>, dice: Dice) -> Self {
        Self {
            world,
            dice,
            tokens: Mutex::default(),
            mood: AtomicU8::new(WELL),
            boots: AtomicU64::new(0),
            lookups: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            tokenless: AtomicU64::new(0),
            inspections: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            outages: AtomicU64::new(0),
        }
    }

    /// Goes down now and then: it answers every request with 503, or closes connections without a response.
    pub(crate) async fn fail(self: Arc<Self>, quiet: Duration, outage: Duration) {
        let some = |of: Duration| of.mul_f64(0.5 + self.dice.roll(1000) as f64 / 1000.0);
        loop {
            tokio::time::sleep(some(quiet)).await;
            self.mood.store([REFUSING, SILENT][self.dice.roll(2)], Ordering::Relaxed);
            self.outages.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(some(outage)).await;
            self.mood.store(WELL, Ordering::Relaxed);
        }
    }

    fn answer(&self, request: &Request<Bytes>) -> Response<Body> {
        let mood = self.mood.load(Ordering::Relaxed);
        if mood == SILENT {
            self.cut.fetch_add(1, Ordering::Relaxed);
            let mut response = respond(StatusCode::SERVICE_UNAVAILABLE, String::new());
            response.extensions_mut().insert(CloseConnection);
            return response;
        }
        if mood == REFUSING || self.dice.roll(REFUSED_ONE_IN) == 0 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return respond(StatusCode::SERVICE_UNAVAILABLE, "injected".to_owned());
        }
        let path = request.uri().path();
        let found = match (request.method(), path) {
            (&Method::GET, "/") => {
                let root = json!({"default_version": {"version": "1.99", "min_version": "1.1", "id": "v1"}});
                Some(respond(StatusCode::OK, root.to_string()))
            }
            (&Method::GET, "/v1/lookup") => self.look_up(request.uri().query().unwrap_or_default()),
            (&Method::POST, "/v1/continue_inspection") => self.inspect(request.body()),
            (&Method::GET, path) if path.starts_with("/image/") => {
                Some(respond(StatusCode::OK, "no image at all ".repeat(256)))
            }
            (&Method::GET, path) => path.strip_prefix("/boot/").map(|path| self.boot(path)),
            (&Method::POST, path) => {
                path.strip_prefix("/v1/heartbeat/").and_then(|uuid| self.beat(uuid, request.body()))
            }
            _ => None,
        };
        found.unwrap_or_else(|| {
            let text = String::from_utf8_lossy(request.body());
            self.world.error(&format!(
                "unexpected request to Ironic: {} {} {text}",
                request.method(),
                request.uri()
            ));
            respond(StatusCode::NOT_FOUND, String::new())
        })
    }

    /// The boot configuration of a MAC address. Every boot has a new token: half of the nodes receive it here, the others at
    /// the lookup. Every third node sends inspection data first.
    fn boot(&self, path: &str) -> Response<Body> {
        let nothing = || respond(StatusCode::NOT_FOUND, String::new());
        let Some(mac) = path.strip_prefix("pxelinux.cfg/").map(|mac| mac.replace('-', ":")) else {
            return nothing();
        };
        let sum = mac.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let Some(index) = self.world.of_mac(&mac).filter(|_| sum % UNPUBLISHED_ONE_IN != 0) else {
            return nothing();
        };
        let number = self.boots.fetch_add(1, Ordering::Relaxed);
        let token = format!("{number:016}{:024}", self.dice.roll(usize::MAX));
        let url = &self.world.ironic;
        let mut line = format!("ipa-api-url={url}");
        if knows_token(index) {
            line += &format!(" ipa-agent-token={token}");
        }
        if index % 3 == 0 {
            line += &format!(" ipa-inspection-callback-url={url}/v1/continue_inspection");
        }
        self.tokens.lock().insert(index, token);
        respond(StatusCode::OK, format!("#!ipxe\nkernel {url}/k {line}\ninitrd {url}/i\nboot\n"))
    }

    fn look_up(&self, query: &str) -> Option<Response<Body>> {
        let value = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "addresses")?
            .1
            .into_owned();
        let index = value.split(',').find_map(|mac| self.world.of_mac(mac))?;
        let token = self.tokens.lock().get(&index)?.clone();
        let token = if knows_token(index) { "******".to_owned() } else { token };
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let found = json!({
            "node": {"uuid": World::ironic_uuid(index), "properties": {}},
            "config": {"heartbeat_timeout": HEARTBEAT_TIMEOUT_S, "agent_token": token},
        });
        Some(respond(StatusCode::OK, found.to_string()))
    }

    fn inspect(&self, body: &[u8]) -> Option<Response<Body>> {
        let data: Value = serde_json::from_slice(body).ok()?;
        let interfaces = data["inventory"]["interfaces"].as_array()?;
        let known = |i: &Value| i["mac_address"].as_str().and_then(|mac| self.world.of_mac(mac));
        let index = interfaces.iter().find_map(known)?;
        self.inspections.fetch_add(1, Ordering::Relaxed);
        Some(respond(StatusCode::ACCEPTED, json!({"uuid": World::ironic_uuid(index)}).to_string()))
    }

    fn beat(&self, uuid: &str, body: &[u8]) -> Option<Response<Body>> {
        let index = self.world.of_ironic_uuid(uuid)?;
        let body: Value = serde_json::from_slice(body).ok()?;
        let Some(token) = body["agent_token"].as_str() else {
            // A refused call does not show the version of the API, and IPA then assumes an old API without tokens.
            self.tokenless.fetch_add(1, Ordering::Relaxed);
            return Some(respond(StatusCode::BAD_REQUEST, String::new()));
        };
        let url = body["callback_url"].as_str()?;
        let expected = self.tokens.lock().get(&index).cloned();
        if expected.as_deref() != Some(token) || !url.ends_with(self.world.uuid(index)) {
            return None;
        }
        self.world.heard(index, url, token);
        self.beats.fetch_add(1, Ordering::Relaxed);
        Some(respond(StatusCode::ACCEPTED, String::new()))
    }
}

fn knows_token(index: usize) -> bool {
    index.is_multiple_of(2)
}

fn respond(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

impl Face for Ironic {
    fn call(
        self: &Arc<Self>,
        _: &Peer,
        request: &Request<Bytes>,
    ) -> impl Future<Output = Response<Body>> + Send {
        std::future::ready(self.answer(request))
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        self.world.error(&format!("the server of Ironic refused a call: {why}"));
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = why.status();
        response
    }
}
