//! The agents of a site: what Ironic answers them, and random requests to them.

use std::sync::Arc;

use bytes::Bytes;
use fauxmetal::address::Urls;
use fauxmetal::fleet::Fleet;
use fauxmetal::ipa::Api;
use fauxmetal::node::Node;
use fauxmetal::node::effect::Bootable;
use fauxmetal::node::ipa::{Answer, Beat, Effect, Inspected, IpaError, LookedUp, Params, Written};
use fauxmetal::time::SimTime;
use http::{Request, Response};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use uuid::Uuid;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// What an agent answers.
const STATUSES: [u16; 8] = [200, 400, 401, 404, 405, 409, 500, 503];

/// A ramdisk with an agent that sends its inspection data first.
pub(super) fn ramdisk() -> Bootable {
    Bootable::Ipa(Box::new(Params {
        api_urls: ["http://ironic.example".into()].into(),
        inspection_urls: ["http://ironic.example/v1/continue_inspection".into()].into(),
        token: Some(TOKEN.into()),
        lookup_timeout_s: 600,
        ..Params::default()
    }))
}

/// What Ironic or the image server answers.
pub(super) fn answer(node: &mut Node, effect: Effect, well: bool, now: SimTime) -> Answer {
    match effect {
        Effect::Inspect if well => Answer::Inspected(Inspected::Accepted(None, None)),
        Effect::Inspect => Answer::Inspected(Inspected::Retry),
        Effect::LookUp if well => {
            let (uuid, heartbeat_timeout_s) = (Uuid::from_u128(7), 300);
            let token = Some(TOKEN.into());
            Answer::LookedUp(LookedUp::Found { uuid, token, heartbeat_timeout_s, md5_enabled: false })
        }
        Effect::LookUp => Answer::LookedUp(LookedUp::NotFound),
        Effect::Heartbeat => Answer::Beat(if well { Beat::Accepted } else { Beat::Refused }),
        Effect::WriteImage => {
            let text = || "{}".into();
            let written = Written { result: text(), partition_uuids: text(), earliest_end: now };
            let error = || IpaError {
                kind: "ImageDownloadError".into(),
                code: 500,
                message: "Error downloading image".into(),
                details: "it broke".into(),
            };
            // Each download is an occasion of rules, whatever it brings.
            let is_broken = node.meet_download(now).is_some() || !well;
            Answer::ImageWritten(if is_broken { Err(error()) } else { Ok(written) })
        }
    }
}

/// A request to the agent of a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) machine: u32,
    method: &'static str,
    pub(super) command: &'static str,
    has_token: bool,
}

pub(super) fn any_ask(machine: impl Strategy<Value = u32>) -> impl Strategy<Value = Ask> {
    let commands = vec![
        "standby.sync",
        "standby.prepare_image",
        "standby.prepare_image",
        "standby.power_off",
        "standby.run_image",
        "clean.get_clean_steps",
        "clean.execute_clean_step",
        "rescue.finalize_rescue",
        "nope.nope",
    ];
    let methods = prop_oneof![4 => Just("POST"), 1 => Just("GET"), 1 => Just("DELETE")];
    (machine, methods, select(commands), prop::bool::weighted(0.9))
        .prop_map(|(machine, method, command, has_token)| Ask { machine, method, command, has_token })
}

impl Ask {
    /// A command that every agent executes.
    pub(super) fn clean(machine: u32) -> Self {
        Self { machine, method: "POST", command: "clean.execute_clean_step", has_token: true }
    }

    /// The commands of a machine's agent.
    pub(super) fn list(machine: u32) -> Self {
        Self { method: "GET", ..Self::clean(machine) }
    }

    fn request(self, uuid: Uuid) -> Request<Bytes> {
        let node = json!({"uuid": Uuid::from_u128(7), "properties": {}, "instance_info": {}, "driver_internal_info": {}});
        let image = json!({
            "id": "i", "urls": ["http://images.example/i"], "node_uuid": Uuid::from_u128(7), "disk_format": "raw",
            "stream_raw_images": true, "os_hash_algo": "sha256", "os_hash_value": "ab".repeat(32),
        });
        let params = match self.command {
            "standby.prepare_image" => json!({"image_info": image}),
            "clean.get_clean_steps" => json!({"node": node, "ports": []}),
            "clean.execute_clean_step" => {
                json!({"step": {"step": "erase_devices_metadata"}, "node": node, "ports": []})
            }
            _ => json!({}),
        };
        let token = if self.has_token { TOKEN } else { "wrong" };
        let uri = format!("/{uuid}/v1/commands/?agent_token={token}");
        let body = match self.method {
            "POST" => json!({"name": self.command, "params": params}).to_string(),
            _ => String::new(),
        };
        Request::builder().method(self.method).uri(uri).body(body.into()).unwrap()
    }
}

/// The API of the agents.
pub(super) struct Agents {
    api: Api,
    fleet: Arc<Fleet>,
    runtime: tokio::runtime::Runtime,
}

impl Agents {
    pub(super) fn of(fleet: &Arc<Fleet>) -> Self {
        let api = Api::new(Arc::clone(fleet), Urls::Same("http://127.0.0.1:9999".into()), Vec::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { api, fleet: Arc::clone(fleet), runtime }
    }

    fn call(&self, ask: Ask) -> Response<Bytes> {
        let node = fauxmetal::node::NodeId(ask.machine);
        let uuid = self.fleet.look(node, |node, _| node.spec().uuid()).unwrap();
        self.runtime.block_on(self.api.call(None, &ask.request(uuid)))
    }

    /// Sends the request. The answer is one of IPA: its status, and JSON.
    pub(super) fn send(&self, ask: Ask) -> Result<Value, String> {
        let response = self.call(ask);
        let status = response.status().as_u16();
        if !STATUSES.contains(&status) {
            return Err(format!("{ask:?} is answered {status}"));
        }
        if response.body().is_empty() {
            return Ok(Value::Null);
        }
        let body = String::from_utf8_lossy(response.body());
        serde_json::from_str(&body).map_err(|error| format!("{ask:?} is answered {status} '{body}': {error}"))
    }
}
