//! Tests of the agent's API, without a socket. Each drives a node until its agent serves.

mod faults;
mod images;
mod plugs;
mod results;
mod steps;

use std::sync::Arc;

use bytes::Bytes;
use http::header::LOCATION;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::address::{Prefix, Urls};
use crate::clock::Clock;
use crate::dmtf::{BootOverride, BootTarget, PowerState, ResetType, TransferMethod, TransferProtocol};
use crate::face::Face as _;
use crate::fleet::{Effects, Fleet};
use crate::node::bmc::media::{self, Insertion};
use crate::node::boot::BootChange;
use crate::node::command::Command;
use crate::node::effect::{Answer, Bootable, EffectKind};
use crate::node::host::{self, SystemChange};
use crate::node::ipa::{self, Beat, ImageJob, Inspected, LookedUp, Params};
use crate::node::{Node, NodeId};
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::SimTime;

/// The token of the agent in [`Bench::serving`].
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A fleet of two nodes, and the queue of its effects, which tests answer. Tests use the first node.
pub(super) struct Bench {
    pub(super) fleet: Arc<Fleet>,
    effects: Effects,
    pub(super) agents: Api,
    pub(super) id: NodeId,
    pub(super) uuid: Uuid,
}

impl Bench {
    fn new() -> Self {
        let (fleet, effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        fleet.add(&built_in("generic").unwrap(), 2).unwrap();
        let fleet = Arc::new(fleet);
        let uuid = fleet.look(NodeId(0), |n, _| n.spec().uuid()).unwrap();
        let agents = Api::new(Arc::clone(&fleet), Urls::Same("https://127.0.0.1:9999/".into()), Vec::new());
        Self { fleet, effects, agents, id: NodeId(0), uuid }
    }

    /// The agent has started, and has sent no request yet.
    pub(super) fn booted(params: Params) -> Self {
        let mut bench = Self::new();
        let boot = BootChange {
            target: Some(BootTarget::Cd.into()),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        };
        let insertion = Insertion {
            image: "http://ironic/boot.iso".into(),
            write_protected: true,
            credentials: None,
            method: TransferMethod::Stream,
            protocol: TransferProtocol::Http,
        };
        for command in [
            Command::Media(media::Command::Insert { slot: 0, insertion }),
            Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() })),
            Command::Host(host::Command::Reset(ResetType::On)),
        ] {
            bench.fleet.apply(bench.id, command).unwrap().unwrap();
        }
        let result = Ok(Bootable::Ipa(Box::new(params)));
        bench.wait_for_effect(|kind| matches!(kind, EffectKind::ReadBoot { .. }));
        bench.fleet.answer(bench.id, Answer::BootRead { start: 1, result });
        while bench.fleet.look(bench.id, |n, _| n.ipa().is_none()).unwrap() {
            bench.jump();
        }
        bench
    }

    pub(super) fn serving() -> Self {
        Self::serving_with(false)
    }

    fn serving_with(md5_enabled: bool) -> Self {
        let mut bench = Self::booted(Params {
            api_urls: ["http://ironic".into()].into(),
            inspection_urls: ["http://ironic/v1/continue_inspection".into()].into(),
            token: Some(TOKEN.into()),
            lookup_timeout_s: 600,
            ..Params::default()
        });
        bench.answer(ipa::Effect::Inspect, ipa::Answer::Inspected(Inspected::Accepted(None, None)));
        let found = LookedUp::Found { uuid: Uuid::nil(), token: None, heartbeat_timeout_s: 300, md5_enabled };
        bench.answer(ipa::Effect::LookUp, ipa::Answer::LookedUp(found));
        bench.answer(ipa::Effect::Heartbeat, ipa::Answer::Beat(Beat::Accepted));
        bench
    }

    /// Moves the clock to the next deadline.
    fn jump(&self) {
        let next = self.fleet.wake_due();
        assert_ne!(next, SimTime::NEVER, "nothing is left to wait for");
        self.fleet.clock().set(next);
        self.fleet.wake_due();
    }

    /// Moves the clock until there is such an effect.
    fn wait_for_effect(&mut self, is: impl Fn(EffectKind) -> bool) {
        loop {
            match self.effects.try_recv() {
                Ok((_, effect)) if is(effect.kind) => return,
                Ok(_) => {}
                Err(_) => self.jump(),
            }
        }
    }

    /// Moves the clock until there is this effect of the agent, and answers it.
    fn answer(&mut self, effect: ipa::Effect, answer: ipa::Answer) {
        let start = 1;
        self.wait_for_effect(|kind| kind == EffectKind::Ipa { start, effect });
        self.fleet.answer(self.id, Answer::Ipa { start, answer });
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, Value, Response<()>) {
        let uri = format!("/{}{path}", self.uuid);
        let request =
            Request::builder().method(method).uri(uri).body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let (parts, body) = self.agents.call(None, &request).await.into_parts();
        let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        (parts.status, value, Response::from_parts(parts, ()))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let (status, value, _) = self.send(Method::GET, path, "").await;
        (status, value)
    }

    async fn post(&self, name: &str, params: Value) -> (StatusCode, Value) {
        let body = json!({"name": name, "params": params}).to_string();
        let (status, value, _) =
            self.send(Method::POST, &format!("/v1/commands/?agent_token={TOKEN}"), &body).await;
        (status, value)
    }

    async fn commands(&self) -> Value {
        self.get(&format!("/v1/commands/?agent_token={TOKEN}")).await.1["commands"].clone()
    }

    /// Runs an asynchronous command, which must be accepted, and returns its record at its end.
    async fn finish(&self, name: &str, params: Value) -> Value {
        let (status, record) = self.post(name, params).await;
        assert_eq!((status.as_u16(), &record["command_status"]), (200, &json!("RUNNING")), "{record}");
        loop {
            let last = self.commands().await.as_array().unwrap().last().unwrap().clone();
            if last["command_status"] != "RUNNING" {
                assert_eq!(last["id"], record["id"]);
                return last;
            }
            self.jump();
        }
    }

    async fn step(&self, kind: &str, step: Value) -> Value {
        let version = format!("{kind}_version");
        let params =
            json!({"step": step, "node": node(), "ports": [], version: {"generic_hardware_manager": "1.2"}});
        self.finish(&format!("{kind}.execute_{kind}_step"), params).await
    }

    fn image(&self) -> ImageJob {
        let image = self.fleet.look(self.id, |n, _| match n.ipa().unwrap().job() {
            Some(ipa::Job::Image { image, .. }) => Some((**image).clone()),
            _ => None,
        });
        image.flatten().expect("an image is being written")
    }
}

fn node() -> Value {
    json!({
        "uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123", "properties": {}, "instance_info": {},
        "driver_internal_info": {}, "target_raid_config": {},
    })
}

#[tokio::test]
async fn documents_and_redirects_are_those_of_ipa() {
    let bench = Bench::serving();
    let (status, root) = bench.get("/").await;
    assert_eq!(status, 200);
    let link = format!("https://127.0.0.1:9999/{}/v1", bench.uuid);
    assert_eq!(root["default_version"]["links"][0], json!({"href": link, "rel": "self"}));
    assert_eq!(bench.get("/v1/").await.1["commands"][0]["href"], format!("{link}/commands"));
    let (_, status) = bench.get("/v1/status").await;
    assert_eq!(status["version"], "13.0.0");
    assert!(status["started_at"].as_f64().unwrap() > 1_800_000_000.0);
    let (status, _, response) = bench.send(Method::GET, "/v1/commands?agent_token=x", "").await;
    assert_eq!(status, 308);
    assert_eq!(response.headers()[LOCATION], format!("/{}/v1/commands/?agent_token=x", bench.uuid));
    assert_eq!(bench.get("/status").await.0, 200, "the version may be left out");
}

#[tokio::test]
async fn errors_have_the_format_that_ironic_reads() {
    let bench = Bench::serving();
    let token = format!("agent_token={TOKEN}");
    let commands = format!("/v1/commands/?{token}");
    for (method, path, body, status, text) in [
        (Method::GET, "/v1/commands/".to_owned(), "", 401, "Token invalid"),
        (Method::GET, "/v1/commands/?agent_token=".to_owned(), "", 401, "Token invalid"),
        (Method::POST, "/v1/commands/?agent_token=wrong".to_owned(), "{}", 401, "Token invalid"),
        (Method::GET, "/v2/".to_owned(), "", 404, "not found"),
        (Method::GET, "/v1/status/".to_owned(), "", 404, "not found"),
        (Method::GET, format!("/v1/commands/abc?{token}"), "", 404, "Command Result with id abc"),
        (Method::POST, commands.clone(), "{bad", 400, "Failed to decode JSON"),
        (Method::POST, commands.clone(), "", 400, "Failed to decode JSON"),
        (Method::POST, commands.clone(), "[1]", 400, "Missing or invalid name or params"),
        (Method::POST, commands.clone(), r#"{"name":"standby.sync"}"#, 400, "Missing or invalid"),
        (Method::POST, commands.clone(), r#"{"name":"standby.sync","params":[]}"#, 400, "Missing or invalid"),
        (Method::POST, commands.clone(), r#"{"name":7,"params":{}}"#, 400, "Missing or invalid"),
        (Method::POST, commands.clone(), r#"{"name":"sync","params":{}}"#, 400, "<extension>.<name>"),
        (
            Method::POST,
            commands.clone(),
            r#"{"name":"nope.x","params":{}}"#,
            404,
            "Extension with id nope not found",
        ),
        (
            Method::POST,
            commands.clone(),
            r#"{"name":"standby.nope","params":{}}"#,
            400,
            "Unknown command: nope",
        ),
        (
            Method::POST,
            commands.clone(),
            r#"{"name":"system.lockdown","params":{"x":1}}"#,
            500,
            "keyword argument 'x'",
        ),
        (
            Method::POST,
            commands.clone(),
            r#"{"name":"poll.set_node_info","params":{}}"#,
            400,
            "standalone mode",
        ),
    ] {
        let (got, fault, _) = bench.send(method, &path, body).await;
        assert_eq!(got, status, "{path} {body}");
        let code = if status >= 500 { "Server" } else { "Client" };
        assert_eq!(fault["faultcode"], code);
        assert!(fault["faultstring"].as_str().unwrap().contains(text), "{fault}");
    }
    assert_eq!(bench.commands().await, json!([]), "no wrong request is recorded as a command");
    let (status, fault, response) = bench.send(Method::DELETE, &commands, "").await;
    assert_eq!(
        (status.as_u16(), &response.headers()["allow"]),
        (405, &HeaderValue::from_static("GET, HEAD, POST"))
    );
    assert!(fault["faultstring"].as_str().unwrap().starts_with("405 Method Not Allowed"));
}

#[tokio::test]
async fn without_an_agent_the_connection_is_closed() {
    let bench = Bench::serving();
    let ask = async |path: String| {
        let request = Request::builder().uri(path).body(Bytes::new()).unwrap();
        bench.agents.call(None, &request).await
    };
    let off = bench.fleet.look(NodeId(1), |n, _| n.spec().uuid()).unwrap();
    for path in [
        format!("/{off}/v1/status"),
        format!("/{}/v1/status", Uuid::from_u128(9)),
        "/".to_owned(),
        "/v1/status".to_owned(),
        "*".to_owned(),
        "host:1".to_owned(),
    ] {
        let response = ask(path.clone()).await;
        assert_eq!(response.status(), 503, "{path}");
        assert!(response.extensions().get::<crate::face::CloseConnection>().is_some());
        let fault: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(fault["faultstring"].is_string());
    }
    bench.fleet.apply(bench.id, Command::Host(host::Command::Reset(ResetType::ForceOff))).unwrap().unwrap();
    assert_eq!(ask(format!("/{}/v1/status", bench.uuid)).await.status(), 503, "the machine is off");
}

#[tokio::test]
async fn an_agent_does_not_answer_before_its_lookup() {
    let bench = Bench::booted(Params { api_urls: ["http://ironic".into()].into(), ..Params::default() });
    assert_eq!(bench.get("/v1/status").await.0, 503);
}

#[tokio::test]
async fn a_second_command_is_refused_while_one_runs() {
    let bench = Bench::serving();
    let params = json!({"step": {"step": "burnin_cpu"}, "node": node(), "ports": []});
    let (_, record) = bench.post("clean.execute_clean_step", params.clone()).await;
    assert_eq!(record["command_status"], "RUNNING");
    let (status, fault) = bench.post("standby.sync", json!({})).await;
    assert_eq!(
        (status.as_u16(), &fault["faultstring"]),
        (409, &json!("Agent is busy: executing command execute_clean_step"))
    );
    let (status, _) = bench.post("nope.nope", json!({})).await;
    assert_eq!(status, 409, "the agent checks for a running command first");
}

#[tokio::test(start_paused = true)]
async fn a_request_with_wait_is_answered_when_its_command_or_its_machine_stops() {
    let bench = Bench::serving();
    let body = |step: &str| {
        let params = json!({"step": {"step": step}, "node": node(), "ports": []});
        json!({"name": "clean.execute_clean_step", "params": params}).to_string()
    };
    let path = format!("/v1/commands/?wait=true&agent_token={TOKEN}");
    // The clock is paused, so the timeout passes as soon as no task can go on.
    let wait = async |body: &str| {
        let response = bench.send(Method::POST, &path, body);
        let response = tokio::time::timeout(std::time::Duration::from_secs(600), response).await;
        response.expect("the client that waits was not woken")
    };
    let waited = body("erase_pstore");
    let (answer, ()) = tokio::join!(wait(&waited), async {
        tokio::task::yield_now().await;
        bench.jump();
    });
    assert_eq!(answer.1["command_status"], "SUCCEEDED");
    let waited = body("burnin_cpu");
    let (answer, ()) = tokio::join!(wait(&waited), async {
        tokio::task::yield_now().await;
        bench
            .fleet
            .apply(bench.id, Command::Host(host::Command::Reset(ResetType::ForceOff)))
            .unwrap()
            .unwrap();
    });
    assert_eq!(answer.0, 503);
}

#[tokio::test]
async fn power_off_stops_the_agent_and_the_machine() {
    let bench = Bench::serving();
    let (status, record) = bench.post("standby.power_off", json!({})).await;
    assert_eq!((status.as_u16(), &record["command_status"]), (200, &json!("RUNNING")));
    assert_eq!(bench.get("/v1/status").await.0, 503);
    bench.jump();
    assert_eq!(bench.fleet.look(bench.id, |n, _| n.host().power_state()), Some(PowerState::Off));
}

#[tokio::test]
async fn run_image_restarts_the_machine() {
    let bench = Bench::serving();
    bench.post("standby.run_image", json!({})).await;
    bench.jump();
    bench.jump();
    assert_eq!(bench.fleet.look(bench.id, |n, _| n.host().power_state()), Some(PowerState::On));
}

#[tokio::test]
async fn rescue_and_lockdown_close_the_api() {
    for (name, params) in [
        ("rescue.finalize_rescue", json!({"rescue_password": "$6$x", "hashed": true})),
        ("system.lockdown", json!({})),
    ] {
        let bench = Bench::serving();
        let (status, record) = bench.post(name, params).await;
        assert_eq!((status.as_u16(), &record["command_status"]), (200, &json!("SUCCEEDED")));
        assert_eq!(bench.get("/v1/status").await.0, 503);
        assert_eq!(bench.fleet.look(bench.id, |n, _| n.host().power_state()), Some(PowerState::On));
    }
}

#[tokio::test]
async fn synchronous_commands_return_their_result() {
    let bench = Bench::serving();
    assert_eq!(bench.post("standby.sync", json!({})).await.1["command_result"], Value::Null);
    assert_eq!(bench.post("standby.get_partition_uuids", json!({})).await.1["command_result"], json!({}));
    let logs =
        bench.post("log.collect_system_logs", json!({})).await.1["command_result"]["system_logs"].clone();
    assert!(logs.as_str().unwrap().starts_with("H4sI"), "base64 of gzip");
    let inventory = bench.post("poll.get_hardware_info", json!({})).await.1["command_result"].clone();
    assert_eq!(inventory["memory"]["physical_mb"], 131_072);
}

#[tokio::test]
async fn an_agent_with_an_address_of_its_own_has_no_uuid_in_its_path() {
    let mut bench = Bench::serving();
    let prefix = Prefix::new("127.32.0.0".parse().unwrap(), 12).unwrap();
    let urls = Urls::Ips { scheme: "https", prefix, port: 9999 };
    bench.agents = Api::new(Arc::clone(&bench.fleet), urls.clone(), Vec::new());
    let beat = |n: &Node, _| ironic::heartbeat(n, n.ipa().unwrap(), &urls, None);
    let beat = bench.fleet.look(bench.id, beat).flatten().unwrap().at(ironic::ApiVersion(1, 115));
    let body: Value = serde_json::from_slice(&beat.body.unwrap()).unwrap();
    assert_eq!(body["callback_url"], "https://127.32.0.1:9999");

    let ask = |path: &str| Request::get(path).body(Bytes::new()).unwrap();
    let root = bench.agents.call(Some(bench.id), &ask("/")).await;
    let root: Value = serde_json::from_slice(root.body()).unwrap();
    assert_eq!(root["default_version"]["links"][0]["href"], "https://127.32.0.1:9999/v1");
    let commands = format!("/v1/commands/?agent_token={TOKEN}");
    assert_eq!(bench.agents.call(Some(bench.id), &ask(&commands)).await.status(), StatusCode::OK);
    let path = format!("/{}/v1/commands/?agent_token={TOKEN}", bench.uuid);
    assert_eq!(bench.agents.call(Some(bench.id), &ask(&path)).await.status(), StatusCode::NOT_FOUND);

    assert!(
        bench.agents.accepts_connections(0, true)
            && !bench.agents.accepts_connections(1, true)
            && !bench.agents.accepts_connections(99, true)
    );
    let gone = bench.agents.call(Some(NodeId(1)), &ask("/")).await;
    assert!(gone.extensions().get::<crate::face::CloseConnection>().is_some(), "the machine is off");
}

#[tokio::test(start_paused = true)]
async fn without_durable_state_no_command_starts_and_no_result_is_sent() {
    let bench = Bench::serving();
    let ledger = bench.fleet.persist();
    ledger.failed(std::time::Duration::ZERO);
    let body = json!({"name": "clean.get_clean_steps", "params": {"node": node(), "ports": []}}).to_string();
    let path = format!("/v1/commands/?agent_token={TOKEN}");
    let (status, fault, response) = bench.send(Method::POST, &path, &body).await;
    assert_eq!((status.as_u16(), &fault["faultcode"]), (503, &json!("Server")), "{fault}");
    assert!(fault["faultstring"].as_str().unwrap().contains("so nothing was changed"), "{fault}");
    assert_eq!(response.headers()["retry-after"], "5");
    let count = |node: &Node| node.ipa().unwrap().serving().unwrap().commands.records().len();
    let commands = || bench.fleet.look(bench.id, |node, _| count(node)).unwrap();
    assert_eq!(commands(), 0, "the command did not start");
    ledger.persisted(0);
    assert_eq!(
        bench.send(Method::POST, &path, &body).await.0,
        503,
        "the command started, but its state was not durable in time"
    );
    assert_eq!(commands(), 1);
}
