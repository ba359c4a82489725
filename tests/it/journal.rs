//! Requests in the journal, through the faces of Redfish and of the agents.

use std::sync::Arc;

use bytes::Bytes;
use fauxmetal::address::Urls;
use fauxmetal::clock::Clock;
use fauxmetal::face::{Face, Peer, Welcome};
use fauxmetal::fleet::Fleet;
use fauxmetal::ipa::Api;
use fauxmetal::journal::What;
use fauxmetal::node::NodeId;
use fauxmetal::profile::built_in;
use fauxmetal::redfish::{Redfish, auth::Account};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::Request;

use super::waiting::{NODE, TOKEN, bring_up};

const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

struct Bench {
    redfish: Arc<Redfish>,
    agents: Arc<Api>,
    fleet: Arc<Fleet>,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn with(fleet: Fleet) -> Self {
        fleet.add(&built_in("generic").unwrap(), 2).unwrap();
        let fleet = Arc::new(fleet);
        Self {
            redfish: Arc::new(Redfish::new(Arc::clone(&fleet), Account::new("admin", "password"))),
            agents: Arc::new(Api::new(Arc::clone(&fleet), Urls::Same("https://x".into()), Vec::new())),
            fleet,
            runtime: tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
        }
    }

    fn new() -> Self {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_268_987_000)));
        Self::with(fleet)
    }

    /// Sends a request to a face. `node` is the owner of the address that the client has connected to.
    fn send(&self, face: &Arc<impl Face>, node: Option<u32>, method: &str, uri: &str, body: &str) -> u16 {
        let request = Request::builder().method(method).uri(uri).header("user-agent", "curl/8.5.0");
        let request =
            request.header("authorization", if uri.contains("?out") { "Basic eDp5" } else { BASIC });
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        let (local, remote) = ("127.0.0.1:1".parse().unwrap(), "10.0.0.7:1234".parse().unwrap());
        let peer = Peer { local, remote, tls: false, node, sni: None };
        self.runtime.block_on(face.call(&peer, &request)).status().as_u16()
    }

    fn uuid(&self, id: u32) -> String {
        self.fleet.look(NodeId(id), |node, _| node.spec().uuid().to_string()).unwrap()
    }

    /// The requests to a node, or all of its entries.
    fn lines(&self, id: u32, requests_only: bool) -> Vec<String> {
        let entries = self.fleet.journal().entries(NodeId(id));
        let wanted = entries.iter().filter(|entry| !requests_only || matches!(entry.what, What::Request(_)));
        wanted.map(|entry| entry.to_string().replace(&self.uuid(id), "UUID")).collect()
    }
}

#[test]
fn a_request_at_the_shared_root_is_in_the_journal_of_its_node() {
    let bench = Bench::new();
    let system = format!("/redfish/v1/Systems/{}", bench.uuid(0));
    let boot = r#"{"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}, "AssetTag": "hunter2"}"#;
    let send = |method, uri: &str, body| bench.send(&bench.redfish, None, method, uri, body);
    assert_eq!(send("PATCH", &system, boot), 204);
    assert_eq!(send("PATCH", &system, r#"{"AssetTagg": "hunter2"}"#), 400);
    for _ in 0..3 {
        assert_eq!(send("GET", &system, ""), 200);
    }
    assert_eq!(send("GET", &format!("{system}?out"), ""), 401);
    assert_eq!(send("GET", "/redfish/v1/Systems?$expand=*", ""), 200);
    assert_eq!(send("GET", "/redfish/v1/Systems/nowhere", ""), 404);
    assert_eq!(
        send("POST", &format!("{system}/Actions/ComputerSystem.Reset"), r#"{"ResetType": "On"}"#),
        204
    );
    let by = "curl/8.5.0 from 10.0.0.7";
    assert_eq!(
        bench.lines(0, false),
        [
            format!(
                "12:03:07  PATCH /redfish/v1/Systems/UUID AssetTag Boot.BootSourceOverrideEnabled \
                 Boot.BootSourceOverrideTarget → 204   {by}"
            ),
            format!(
                "12:03:07  PATCH /redfish/v1/Systems/UUID AssetTagg → 400 Base.1.22.PropertyUnknown   {by}"
            ),
            // A request that changes a node stands before its consequences of the same moment, and before polls.
            format!("12:03:07  POST /redfish/v1/Systems/UUID/Actions/ComputerSystem.Reset → 204   {by}"),
            format!("12:03:07  GET /redfish/v1/Systems/UUID → 200   {by}  x3 over 0ms"),
            format!("12:03:07  GET /redfish/v1/Systems/UUID?out → 401 Base.1.22.NoValidSession   {by}"),
            "12:03:07  power on".to_owned(),
        ]
    );
    assert!(bench.lines(1, false).is_empty(), "a request that concerns no single node is in no journal");
}

#[test]
fn every_request_at_the_root_of_a_node_is_in_its_journal() {
    let bench = Bench::new();
    let send = |method, uri, body| bench.send(&bench.redfish, Some(1), method, uri, body);
    assert_eq!(send("GET", "/redfish/v1/", ""), 200);
    let login = r#"{"UserName": "admin", "Password": "password"}"#;
    assert_eq!(send("POST", "/redfish/v1/SessionService/Sessions", login), 201);
    let by = "curl/8.5.0 from 10.0.0.7";
    assert_eq!(
        bench.lines(1, true),
        [
            format!("12:03:07  POST /redfish/v1/SessionService/Sessions Password UserName → 201   {by}"),
            format!("12:03:07  GET /redfish/v1/ → 200   {by}"),
        ]
    );
    assert!(bench.lines(0, false).is_empty());
}

#[test]
fn a_large_body_without_credentials_is_in_the_journal_too() {
    let bench = Bench::new();
    let system = format!("/redfish/v1/Systems/{}", bench.uuid(0));
    let address = "10.0.0.7:1234".parse().unwrap();
    let peer = Peer { local: address, remote: address, tls: false, node: None, sni: None };
    let head = Request::patch(&system).body(Bytes::new()).unwrap();
    assert!(bench.redfish.welcome(&peer, &head).is_err());
    assert_eq!(
        bench.lines(0, false),
        ["12:03:07  PATCH /redfish/v1/Systems/UUID → 401 Base.1.22.NoValidSession   from 10.0.0.7"]
    );
    let head = Request::patch(&system).header("authorization", BASIC).body(Bytes::new()).unwrap();
    assert_eq!(bench.redfish.welcome(&peer, &head).ok(), Some(Welcome::Whole));
    assert_eq!(bench.lines(0, false).len(), 1, "a request that goes on is recorded when it is answered");
}

#[test]
fn a_request_to_an_agent_is_in_the_journal_with_its_command_and_without_its_token() {
    let (fleet, mut effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_268_987_000)));
    let bench = Bench::with(fleet);
    let agent = format!("/{}", bench.uuid(NODE.0));
    let send = |uri: String, body: &str| {
        let method = if body.is_empty() { "GET" } else { "POST" };
        bench.send(&bench.agents, None, method, &uri, body)
    };
    send(format!("{agent}/v1/status"), "");
    let reset = format!("/redfish/v1/Systems/{}/Actions/ComputerSystem.Reset", bench.uuid(NODE.0));
    bench.send(&bench.redfish, None, "POST", &reset, r#"{"ResetType": "On"}"#);
    bring_up(&bench.fleet, &mut effects);
    let command = |name| format!(r#"{{"name": "{name}", "params": {{}}}}"#);
    let commands = format!("{agent}/v1/commands/?agent_token={TOKEN}");
    assert_eq!(send(commands.clone(), &command("standby.get_partition_uuids")), 200);
    assert_eq!(send(commands.clone(), &command("no.such_command")), 404);
    assert_eq!(send(commands, ""), 200);
    assert_eq!(send(format!("{agent}/v1/commands/?agent_token=wrong"), ""), 401);
    let lines = bench.lines(NODE.0, true);
    let lines: Vec<_> =
        lines.iter().filter(|line| !line.contains("redfish")).map(|line| &line[10..]).collect();
    let by = "curl/8.5.0 from 10.0.0.7";
    assert_eq!(
        lines,
        [
            format!("GET /UUID/v1/status → connection closed   {by}"),
            format!("POST /UUID/v1/commands/?agent_token=*** standby.get_partition_uuids → 200   {by}"),
            format!("POST /UUID/v1/commands/?agent_token=*** no.such_command → 404   {by}"),
            format!("GET /UUID/v1/commands/?agent_token=*** → 200   {by}"),
            format!("GET /UUID/v1/commands/?agent_token=*** → 401   {by}"),
        ]
    );
    let events = bench.lines(NODE.0, false).join("\n");
    assert!(events.contains("agent ended command get_partition_uuids"), "{events}");
    let said = bench.fleet.explain(NODE).unwrap().sentence;
    assert!(said.contains("a wrong token and got 401"), "{said}");
}

#[test]
fn without_a_journal_requests_leave_nothing() {
    let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_268_987_000)));
    let bench = Bench::with(fleet.with_journal(0));
    let system = format!("/redfish/v1/Systems/{}", bench.uuid(0));
    assert_eq!(bench.send(&bench.redfish, None, "GET", &system, ""), 200);
    assert!(bench.fleet.journal().is_empty() && !bench.fleet.journal().is_on());
    assert!(bench.fleet.explain(NodeId(0)).unwrap().sentence.contains("is off"));
}

#[test]
fn a_removed_node_takes_its_journal_with_it() {
    let bench = Bench::new();
    let system = format!("/redfish/v1/Systems/{}", bench.uuid(0));
    bench.send(&bench.redfish, None, "GET", &system, "");
    assert_eq!(bench.fleet.journal().len(), 1);
    assert!(bench.fleet.remove(NodeId(0)));
    assert!(bench.fleet.journal().is_empty());
    assert!(bench.fleet.explain(NodeId(0)).is_none());
}
