//! A small Ironic: it publishes a network boot for each machine, answers the agents, and serves a disk image. It notes each call with the
//! machine that makes it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::load::{TOKEN, VERSIONS, ask, connect, found, ipxe, prepare_image_with, serve};
use super::Bench;

pub(super) struct Ironic {
    url: String,
    boot: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

#[derive(Debug)]
pub(super) struct Call {
    /// The MAC address of the machine.
    mac: String,
    /// Below the API's URL, without the query.
    pub(super) path: String,
    pub(super) body: Value,
}

const IMAGE: &str = "the content of a disk";

impl Ironic {
    pub(super) fn start() -> Self {
        let calls: Arc<Mutex<Vec<Call>>> = Arc::default();
        let noted = Arc::clone(&calls);
        let url = serve(move |base, head, body| {
            let path = head.split([' ', '?']).nth(1).unwrap();
            // Each machine has an API of its own, so that its calls tell who makes them.
            let (mac, path) = path[1..].split_once('/').unwrap();
            if mac == "boot" {
                let api = format!("{base}/{}", path.rsplit('/').next().unwrap());
                let inspection = format!("ipa-inspection-callback-url={api}/v1/continue_inspection");
                return ("200 OK", ipxe(&api, &inspection));
            }
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let answer = match path {
                "" => ("200 OK", VERSIONS.to_owned()),
                "v1/continue_inspection" => ("200 OK", "{}".to_owned()),
                "v1/lookup" => ("200 OK", found()),
                "disk.raw" => ("200 OK", IMAGE.to_owned()),
                path if !path.starts_with("v1/heartbeat/") => ("404 Not Found", String::new()),
                _ if body["agent_token"] == TOKEN => ("202 Accepted", String::new()),
                _ => ("400 Bad Request", String::new()),
            };
            let call = Call { mac: mac.to_owned(), path: path.to_owned(), body };
            noted.lock().unwrap().push(call);
            answer
        });
        let boot = format!("{url}/boot/");
        Self { url, boot, calls }
    }

    /// The options of a daemon whose machines boot from here. To write an image, and to wait for another attempt, takes no real time.
    pub(super) fn arguments(&self) -> [&str; 6] {
        ["--network-boot", &self.boot, "--speed", "10000", "--write-time", "0s"]
    }

    /// What the machine has called since the last time that this was asked.
    pub(super) fn calls(&self, bench: &Bench, name: &str) -> Vec<Call> {
        let mac = mac(bench, name);
        self.calls.lock().unwrap().extract_if(.., |call| call.mac == mac).collect()
    }

    /// The bodies of the heartbeats among [`Ironic::calls`].
    pub(super) fn beats(&self, bench: &Bench, name: &str) -> Vec<Value> {
        let calls = self.calls(bench, name).into_iter();
        calls.filter(|call| call.path.starts_with("v1/heartbeat/")).map(|call| call.body).collect()
    }

    /// The command to write the image.
    pub(super) fn write(&self, bench: &Bench, name: &str) -> String {
        let sum: String = Sha256::digest(IMAGE).iter().map(|byte| format!("{byte:02x}")).collect();
        prepare_image_with(&format!("{}/{}/disk.raw", self.url, mac(bench, name)), &sum)
    }
}

/// The MAC address of a machine, as network boots have it.
fn mac(bench: &Bench, name: &str) -> String {
    bench.node(name)["macs"][0].as_str().unwrap().to_lowercase().replace(':', "-")
}

/// Restarts a machine from the network.
pub(super) fn boot(bench: &Bench, name: &str) {
    bench.reset(name, "ForceOff");
    bench.pass(60);
    let pxe = json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}});
    assert_eq!(bench.redfish("PATCH", &bench.system(name), &pxe).0, 204);
    assert_eq!(bench.reset(name, "On"), 204);
    bench.pass(60);
}

/// Boots an agent on a machine that has none.
pub(super) fn ensure(bench: &Bench, name: &str) {
    if bench.node(name)["agent"] == "none" {
        boot(bench, name);
    }
}

/// A request about commands to the agent of a machine. Status 0: it is away.
pub(super) fn commands(bench: &Bench, name: &str, method: &str, body: &str) -> (u16, Value) {
    let uuid = bench.node(name)["uuid"].take();
    let path = format!("/{}/v1/commands/?agent_token={TOKEN}", uuid.as_str().unwrap());
    let mut agents = connect(bench.daemon.address(&bench.daemon.ready["agent"]));
    let (status, text) = ask(&mut agents, method, &path, "", body);
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// The last command of the agent of a machine, and its result.
pub(super) fn last(bench: &Bench, name: &str) -> Value {
    let (status, mut all) = commands(bench, name, "GET", "");
    assert_eq!(status, 200, "{all}");
    all["commands"].as_array_mut().unwrap().pop().unwrap()
}

/// The same, after the command and a minute.
pub(super) fn run(bench: &Bench, name: &str, command: &str) -> Value {
    ensure(bench, name);
    assert_eq!(commands(bench, name, "POST", command).0, 200);
    bench.pass(60);
    last(bench, name)
}
