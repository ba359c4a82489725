//! Nodes that have lived: requests, time, and the answers of other servers have changed them. A new machine that is off
//! shows only a part of what its documents can hold.
//!
//! A life is a function that sends requests to a node and answers its outgoing calls. At each `moment` it reads every
//! document. Clients make changes by HTTP requests only; the answers of image servers and of Ironic are made in this file.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use fauxmetal::address::Urls;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::{Effects, Fleet};
use fauxmetal::ipa::Api;
use fauxmetal::node::NodeId;
use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::node::ipa::{self, Beat, Inspected, LookedUp, Params, Written};
use fauxmetal::note::Note;
use fauxmetal::profile::{built_in, built_in_names};
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::redfish::check::{crawl, crawl_own};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::hardware_lives;

/// Sends the requests and gives the answers of a life.
type Live = fn(&mut Life);

/// Each life by its name.
const LIVES: [(&str, Live); 16] = [
    ("settings", settings),
    ("keys", hardware_lives::keys),
    ("media", media),
    ("certificates", hardware_lives::certificates),
    ("boot", boot),
    ("boot-failed", boot_failed),
    ("agent", agent),
    ("controller", controller),
    ("firmware", hardware_lives::firmware),
    ("volumes", hardware_lives::volumes),
    ("plugs", hardware_lives::plugs),
    ("environment", hardware_lives::environment),
    ("failures", hardware_lives::failures),
    ("tasks", hardware_lives::tasks),
    ("reports", hardware_lives::reports),
    ("diagnostics", hardware_lives::diagnostics),
];

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(super) const ID: NodeId = NodeId(0);
/// The most that the clock moves between the two looks of a moment, ms: three and a half periods of a sensor.
const LATER_MS: u64 = 35_000;

/// All documents, by service root and URI.
pub(crate) type Look = BTreeMap<(Root, String), Seen>;

/// The service root that a document was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Root {
    /// The root that all nodes share.
    Shared,
    /// The node's own root.
    Own,
}

/// A document with its ETag.
pub(crate) struct Seen {
    pub(crate) etag: String,
    pub(crate) document: Value,
}

/// Every document at one moment, and again later, when only time has passed.
pub(crate) struct Moment {
    pub(crate) name: &'static str,
    pub(crate) first: Look,
    pub(crate) later: Look,
    /// Links to documents that cannot be read, and other problems that the crawl found.
    pub(crate) problems: Vec<String>,
}

/// The moments of one life of a node of one model.
pub(crate) struct Lived {
    pub(crate) model: &'static str,
    pub(crate) name: &'static str,
    pub(crate) moments: Vec<Moment>,
}

/// Every life of every built-in model, lived once in a test run. The first moment of each is the new node.
pub(crate) fn all() -> &'static [Lived] {
    static ALL: OnceLock<Vec<Lived>> = OnceLock::new();
    ALL.get_or_init(|| {
        let models = built_in_names().into_iter();
        models.flat_map(|model| LIVES.map(|(name, live)| Life::new(model).lived(model, name, live))).collect()
    })
}

/// A node while it lives.
pub(super) struct Life {
    pub(super) redfish: Redfish,
    agents: Api,
    effects: Effects,
    uuid: String,
    moments: Vec<Moment>,
}

impl Life {
    fn new(model: &str) -> Self {
        let (fleet, effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
        fleet.add(&built_in(model).unwrap(), 1).unwrap();
        let uuid = fleet.look(ID, |node, _| node.spec().uuid().to_string()).unwrap();
        let fleet = Arc::new(fleet);
        let agents = Api::new(Arc::clone(&fleet), Urls::Same("http://127.0.0.1:9999".into()), Vec::new());
        let redfish = Redfish::new(fleet, Account::new("admin", "password"));
        Self { redfish, agents, effects, uuid, moments: Vec::new() }
    }

    fn lived(mut self, model: &'static str, name: &'static str, live: Live) -> Lived {
        self.moment("new");
        live(&mut self);
        Lived { model, name, moments: self.moments }
    }

    /// Looks at every document, lets some time pass, and looks again. No deadline of the node passes meanwhile.
    pub(super) fn moment(&mut self, name: &'static str) {
        let (first, problems) = self.look();
        let clock = self.redfish.fleet.clock();
        let (now, next) = (clock.now(), self.redfish.fleet.wake_due());
        // A quarter, because the self test shows its progress in thirds.
        let step = if next == SimTime::NEVER { LATER_MS } else { LATER_MS.min(next.since_ms(now) / 4) };
        clock.set(now.after_ms(step));
        let (later, _) = self.look();
        self.moments.push(Moment { name, first, later, problems });
    }

    fn look(&self) -> (Look, Vec<String>) {
        let mut look = Look::new();
        let (shared, own) = (crawl(&self.redfish), crawl_own(&self.redfish, ID));
        for (root, pages) in [(Root::Shared, shared.0), (Root::Own, own.0)] {
            for (uri, mut document) in pages {
                let response = self.call(root, request(Method::GET, &uri, &Value::Null));
                let etag = response.headers().get("ETag").unwrap_or_else(|| panic!("{uri} has no ETag"));
                let etag = etag.to_str().unwrap().to_owned();
                let within = document.as_object_mut().unwrap().remove("@odata.etag");
                assert_eq!(within.as_ref().and_then(Value::as_str), Some(&*etag), "{uri}");
                look.insert((root, uri), Seen { etag, document });
            }
        }
        (look, [shared.1, own.1].concat())
    }

    fn call(&self, root: Root, request: Request<Bytes>) -> Response<Bytes> {
        match root {
            Root::Shared => self.redfish.call(&request),
            Root::Own => self.redfish.call_own(ID, |_| true, &request).unwrap(),
        }
    }

    /// A path, in which `{system}`, `{manager}` and `{chassis}` stand for the node's resources, and `{uuid}` for its id.
    pub(super) fn path(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (name, collection) in
            [("{system}", "Systems"), ("{manager}", "Managers"), ("{chassis}", "Chassis")]
        {
            path = path.replace(name, &format!("/redfish/v1/{collection}/{}", self.uuid));
        }
        path.replace("{uuid}", &self.uuid)
    }

    /// Sends a request that must succeed, to a [`path`](Self::path).
    pub(super) fn send(&mut self, method: Method, path: &str, body: &Value) -> Value {
        let path = self.path(path);
        let response = self.call(Root::Shared, request(method, &path, body));
        let text = String::from_utf8_lossy(response.body());
        assert!(response.status().is_success(), "{path} {body}: {} {text}", response.status());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub(super) fn get(&mut self, path: &str) -> Value {
        self.send(Method::GET, path, &Value::Null)
    }

    pub(super) fn patch(&mut self, path: &str, body: Value) {
        self.send(Method::PATCH, path, &body);
    }

    pub(super) fn post(&mut self, path: &str, body: Value) {
        self.send(Method::POST, path, &body);
    }

    pub(super) fn delete(&mut self, path: &str) {
        self.send(Method::DELETE, path, &Value::Null);
    }

    pub(super) fn reset(&mut self, kind: &str) {
        self.post("{system}/Actions/ComputerSystem.Reset", json!({"ResetType": kind}));
    }

    /// Goes to the node's next deadline.
    pub(super) fn jump(&mut self) {
        let next = self.redfish.fleet.wake_due();
        assert_ne!(next, SimTime::NEVER, "the node waits for nothing");
        self.redfish.fleet.clock().set(next);
        self.redfish.fleet.wake_due();
    }

    /// Goes from deadline to deadline until the node makes an outgoing call.
    pub(super) fn call_out(&mut self) -> EffectKind {
        loop {
            match self.effects.try_recv() {
                // No receiver answers, and the node does not wait for one.
                Ok((_, effect)) if matches!(effect.kind, EffectKind::Deliver { .. }) => {}
                Ok((_, effect)) => return effect.kind,
                Err(_) => self.jump(),
            }
        }
    }

    /// Goes to the next outgoing call, which reads a boot source, and answers it.
    pub(super) fn boot_read(&mut self, result: Result<Bootable, Note>) {
        let EffectKind::ReadBoot { start } = self.call_out() else { panic!("another call") };
        self.redfish.fleet.answer(ID, Answer::BootRead { start, result });
    }

    /// Goes to the next outgoing call, which opens media, and answers it.
    fn media_opened(&mut self, result: Result<(), Note>) {
        let EffectKind::OpenMedia { slot, insertion } = self.call_out() else { panic!("another call") };
        self.redfish.fleet.answer(ID, Answer::MediaOpened { slot, insertion, result });
    }

    /// Goes to the next outgoing call, which must be `expected` of the agent, and answers it.
    fn answer(&mut self, expected: ipa::Effect, answer: ipa::Answer) {
        let EffectKind::Ipa { start, effect } = self.call_out() else { panic!("another call") };
        assert_eq!(effect, expected);
        self.redfish.fleet.answer(ID, Answer::Ipa { start, answer });
    }

    /// A command for the agent, which must take it.
    fn command(&mut self, name: &str, params: Value) {
        let uri = format!("/{}/v1/commands/?agent_token={TOKEN}", self.uuid);
        let request = request(Method::POST, &uri, &json!({"name": name, "params": params}));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let response = runtime.block_on(self.agents.call(None, &request));
        assert!(response.status().is_success(), "{name}: {:?}", response.body());
    }
}

/// A request with the credentials of the default account.
pub(super) fn request(method: Method, uri: &str, body: &Value) -> Request<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = Request::builder().method(method).uri(uri);
    request.header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=").body(body).unwrap()
}

/// A client changes everything that it can change on a machine that is off, one property at a time. Then the machine starts.
fn settings(life: &mut Life) {
    let drive = life.get("{chassis}/Drives")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let order: Vec<Value> =
        life.get("{system}")["Boot"]["BootOrder"].as_array().unwrap().iter().rev().cloned().collect();
    let option = life.get("{system}/BootOptions")["Members"][1]["@odata.id"].as_str().unwrap().to_owned();
    for (name, path, body) in [
        ("chassis asset tag changed", "{chassis}", json!({"AssetTag": "cabinet \"7\""})),
        ("boot option disabled", &option, json!({"BootOptionEnabled": false})),
        ("asset tag changed", "{system}", json!({"AssetTag": "rack \"7\""})),
        ("asset tag emptied", "{system}", json!({"AssetTag": ""})),
        ("system LED lit", "{system}", led(life, "{system}", "Lit")),
        ("boot override set", "{system}", json!({"Boot": {"BootSourceOverrideTarget": "Pxe"}})),
        (
            "boot override made continuous",
            "{system}",
            json!({"Boot": {"BootSourceOverrideEnabled": "Continuous"}}),
        ),
        (
            "boot URI set",
            "{system}",
            json!({"Boot": {"HttpBootUri": "http://images.example/boot.efi?a=b&c=d"}}),
        ),
        ("boot order changed", "{system}", json!({"Boot": {"BootOrder": order}})),
        ("chassis LED blinking", "{chassis}", led(life, "{chassis}", "Blinking")),
        ("drive LED blinking", &drive, json!({"LocationIndicatorActive": true})),
        (
            "host name and policy changed",
            "{system}",
            json!({"HostName": "a.b", "PowerRestorePolicy": "AlwaysOn"}),
        ),
        ("network of the controller changed", "{manager}/EthernetInterfaces/eth0", hardware_lives::network()),
        ("protocols of the controller changed", "{manager}/NetworkProtocol", hardware_lives::protocols()),
        ("clock changed", "{manager}", json!({"DateTime": "2019-01-02T03:04:05-01:30"})),
        ("session timeout changed", "/redfish/v1/SessionService", json!({"SessionTimeout": 86_400})),
    ] {
        life.patch(path, body);
        life.moment(name);
    }
    hardware_lives::properties_of_makers(life);
    life.post("{system}/Actions/ComputerSystem.SetDefaultBootOrder", json!({}));
    life.moment("boot order of a new machine");
    let login = json!({"UserName": "admin", "Password": "password"});
    for root in [Root::Shared, Root::Own, Root::Own] {
        let response = life.call(root, request(Method::POST, "/redfish/v1/SessionService/Sessions", &login));
        assert_eq!(response.status(), 201);
    }
    life.moment("one session at the shared root, two at the node's own");
    let subscription = json!({
        "Destination": "https://receiver.example/events", "Protocol": "Redfish", "Context": "é", "SubordinateResources": true,
        "RegistryPrefixes": ["ResourceEvent"], "OriginResources": [{"@odata.id": "/redfish/v1/Systems"}],
        "DeliveryRetryPolicy": "RetryForever",
    });
    for root in [Root::Shared, Root::Own] {
        let uri = "/redfish/v1/EventService/Subscriptions";
        assert_eq!(life.call(root, request(Method::POST, uri, &subscription)).status(), 201);
    }
    life.moment("a subscription at each root");
    let settings = other_bios_values(life);
    life.patch("{system}/Bios/Settings", json!({"Attributes": settings}));
    life.patch("{system}/SecureBoot", json!({"SecureBootEnable": true}));
    life.moment("BIOS settings and secure boot pending");
    life.reset("On");
    life.boot_read(Ok(Bootable::Live));
    life.moment("BIOS settings and secure boot in force");
    life.post("{system}/SecureBoot/Actions/SecureBoot.ResetKeys", json!({"ResetKeysType": "DeletePK"}));
    life.post("{system}/Bios/Actions/Bios.ResetBios", json!({}));
    life.moment("platform key deleted, BIOS reset pending");
}

/// A change of the LED of a resource, which some models show by the newer property alone.
fn led(life: &mut Life, path: &str, word: &str) -> Value {
    match life.get(path).get("IndicatorLED") {
        Some(_) => json!({"IndicatorLED": word}),
        None => json!({"LocationIndicatorActive": true}),
    }
}

/// For each BIOS attribute that can be written, a value that it does not have.
fn other_bios_values(life: &mut Life) -> Value {
    let bios = life.get("{system}/Bios");
    let registry =
        format!("/redfish/v1/Registries/{}/Attributes", bios["AttributeRegistry"].as_str().unwrap());
    let registry = life.get(&registry);
    let attributes = registry["RegistryEntries"]["Attributes"].as_array().unwrap();
    let other = |attribute: &Value| {
        let name = attribute["AttributeName"].as_str().unwrap().to_owned();
        let is = &bios["Attributes"][&name];
        let is_other = |value: &&Value| *value != is;
        let value = match attribute["Type"].as_str().unwrap() {
            "Enumeration" => {
                let mut values =
                    attribute["Value"].as_array().unwrap().iter().map(|value| &value["ValueName"]);
                values.find(is_other).unwrap().clone()
            }
            "Integer" => [&attribute["LowerBound"], &attribute["UpperBound"]]
                .into_iter()
                .find(is_other)
                .unwrap()
                .clone(),
            "Boolean" => json!(*is != json!(true)),
            "String" => json!("changed"),
            other => panic!("{other}"),
        };
        (name, value)
    };
    attributes
        .iter()
        .filter(|a| a["ReadOnly"] != json!(true))
        .map(other)
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Virtual media is inserted, opened, cannot be opened, and is ejected.
fn media(life: &mut Life) {
    let slot = life.get("{manager}/VirtualMedia")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let insert = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    let eject = format!("{slot}/Actions/VirtualMedia.EjectMedia");
    life.post(&insert, json!({
        "Image": "https://images.example/boot.iso?a=b", "UserName": "u", "Password": "p", "WriteProtected": true,
        "TransferMethod": "Stream", "TransferProtocolType": "HTTPS",
    }));
    life.moment("image inserted, not opened yet");
    life.media_opened(Ok(()));
    life.moment("image opened");
    life.post(&eject, json!({}));
    life.post(&insert, json!({"Image": "http://images.example/other.iso", "WriteProtected": false}));
    let error = "the server says 404 \"Not\" Found".to_owned();
    life.media_opened(Err(error.into()));
    life.moment("another image, which cannot be opened");
    life.post(&eject, json!({}));
    life.moment("ejected");
}

/// A machine boots a system without an agent, is restarted, and is shut down.
fn boot(life: &mut Life) {
    life.patch(
        "{system}",
        json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}),
    );
    life.reset("On");
    life.moment("powering on");
    life.jump();
    life.moment("self test");
    life.jump();
    life.moment("reading the boot source");
    life.boot_read(Ok(Bootable::Live));
    life.moment("loading");
    life.jump();
    life.moment("system running");
    life.reset("GracefulShutdown");
    life.moment("powering off");
    life.jump();
    life.moment("off");
}

/// No boot source holds a system.
fn boot_failed(life: &mut Life) {
    life.patch(
        "{system}",
        json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}),
    );
    life.reset("On");
    while life.get("{system}")["Status"]["Conditions"].is_null() {
        let error = "nothing is published for any of its \"interfaces\"";
        life.boot_read(Err(error.into()));
    }
    life.moment("a boot source failed");
    life.reset("ForceOff");
    life.jump();
    life.moment("off");
}

/// A machine boots a ramdisk, whose agent goes through all of its phases, writes an image and restarts into it.
fn agent(life: &mut Life) {
    life.patch(
        "{system}",
        json!({"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}),
    );
    life.reset("On");
    let params = Params {
        token: Some(TOKEN.into()),
        api_urls: ["http://ironic.example".into()].into(),
        inspection_urls: ["http://ironic.example/v1/continue_inspection".into()].into(),
        lookup_timeout_s: 600,
        ..Params::default()
    };
    life.boot_read(Ok(Bootable::Ipa(Box::new(params))));
    life.jump();
    life.moment("agent starting");
    life.jump();
    life.moment("agent sending inspection data");
    life.answer(ipa::Effect::Inspect, ipa::Answer::Inspected(Inspected::Accepted(None, None)));
    life.moment("agent looking its node up");
    life.answer(ipa::Effect::LookUp, ipa::Answer::LookedUp(LookedUp::NotFound));
    life.moment("agent waiting before it looks its node up again");
    let found = LookedUp::Found {
        uuid: uuid::Uuid::nil(),
        token: Some(TOKEN.into()),
        heartbeat_timeout_s: 300,
        md5_enabled: false,
    };
    life.answer(ipa::Effect::LookUp, ipa::Answer::LookedUp(found));
    life.answer(ipa::Effect::Heartbeat, ipa::Answer::Beat(Beat::Accepted));
    life.moment("agent serving");
    let node = json!({"uuid": uuid::Uuid::nil().to_string(), "properties": {}, "instance_info": {}});
    life.command(
        "clean.execute_clean_step",
        json!({"step": {"step": "erase_devices_metadata", "interface": "deploy"}, "node": node, "ports": []}),
    );
    life.moment("agent erasing metadata");
    life.answer(ipa::Effect::Heartbeat, ipa::Answer::Beat(Beat::Unreachable));
    let image = json!({"id": "x", "urls": ["http://images.example/x"], "disk_format": "raw", "stream_raw_images": true,
        "os_hash_algo": "sha256", "os_hash_value": "0".repeat(64)});
    life.command("standby.prepare_image", json!({"image_info": image}));
    life.moment("agent writing an image");
    let written =
        Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end: SimTime::from_ms(0) };
    life.answer(ipa::Effect::WriteImage, ipa::Answer::ImageWritten(Ok(written)));
    life.command("standby.run_image", json!({}));
    life.moment("ramdisk shutting down");
    while life.get("{system}")["BootProgress"]["LastState"] != "OSRunning" {
        life.jump();
    }
    life.moment("installed system running");
}

/// A client resets the controller.
fn controller(life: &mut Life) {
    life.post("{manager}/Actions/Manager.Reset", json!({}));
    life.moment("controller about to restart");
    life.jump();
    life.moment("controller restarting");
    life.jump();
    life.moment("controller back");
}
