//! Service roots that belong to one node, without sockets: the resources of the node are there, and no other node's.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::super::Redfish;
use super::super::auth::Account;
use super::super::check::crawl_own;
use super::super::session::Sessions;
use crate::address::{Place, Prefix};
use crate::clock::Clock;
use crate::face::{Body, CloseConnection, Face, Peer};
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::node::bmc::{self, network};
use crate::node::command::Command;
use crate::node::effect::Answer as Found;
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::SimTime;

const BASIC: (&str, &str) = ("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
const SESSIONS: &str = "/redfish/v1/SessionService/Sessions";
const LOGIN: &str = r#"{"UserName": "admin", "Password": "password"}"#;

struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
    closed: bool,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

/// Two nodes of one model and one of another.
fn service() -> Arc<Redfish> {
    let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    fleet.add(&built_in("generic").unwrap(), 2).unwrap();
    fleet.add(&built_in("hpe-dl380-gen11").unwrap(), 1).unwrap();
    Arc::new(Redfish::new(Arc::new(fleet), Account::new("admin", "password")))
}

/// A request to the root of a node.
fn send(
    redfish: &Arc<Redfish>,
    node: u32,
    method: &str,
    uri: &str,
    header: (&str, &str),
    body: &str,
) -> Answer {
    answer(redfish, peer(Some(node), None), method, uri, &[header], body)
}

fn get(redfish: &Arc<Redfish>, node: u32, uri: &str) -> Answer {
    send(redfish, node, "GET", uri, BASIC, "")
}

fn peer(node: Option<u32>, sni: Option<&str>) -> Peer {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    Peer { local: nowhere, remote: nowhere, tls: true, node, sni: sni.map(Into::into) }
}

fn answer(
    redfish: &Arc<Redfish>,
    peer: Peer,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let future = Face::call(redfish, &peer, &request);
    let response = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(response) = response.poll(&mut cx) else { panic!("it answers at once") };
    let (parts, body) = response.into_parts();
    let Body::Whole(body) = body else { panic!("nothing of one node is long") };
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        json: serde_json::from_slice(&body.unwrap_or_default()).unwrap_or(Value::Null),
        closed: parts.extensions.get::<CloseConnection>().is_some(),
    }
}

fn uuid(redfish: &Arc<Redfish>, node: u32) -> String {
    redfish.fleet.look(NodeId(node), |n, _| n.spec().uuid().to_string()).unwrap()
}

#[test]
fn each_controller_has_a_root_of_its_own_and_one_of_everything() {
    let redfish = service();
    let roots: Vec<_> = (0..3).map(|node| get(&redfish, node, "/redfish/v1/").json).collect();
    assert_ne!(roots[0]["UUID"], roots[1]["UUID"]);
    for (root, name) in [(&roots[0], "generic"), (&roots[2], "hpe-dl380-gen11")] {
        assert_eq!(root["Vendor"], built_in(name).unwrap().manufacturer.as_str());
    }
    for node in 0..3 {
        for (collection, member) in [("Systems", "1"), ("Managers", "1"), ("Chassis", "1")] {
            let document = get(&redfish, node, &format!("/redfish/v1/{collection}")).json;
            let end = if node == 2 && collection == "Managers" { "/" } else { "" };
            let only = json!([{"@odata.id": format!("/redfish/v1/{collection}/{member}{end}")}]);
            assert_eq!((&document["Members"], &document["Members@odata.count"]), (&only, &json!(1)));
        }
        let system = get(&redfish, node, "/redfish/v1/Systems/1").json;
        assert_eq!((&system["Id"], &system["UUID"]), (&json!("1"), &json!(uuid(&redfish, node))));
        let registries = get(&redfish, node, "/redfish/v1/Registries").json;
        // The messages of thirteen registries, that of POST codes or of the maker, and the attributes of the one model.
        assert_eq!(registries["Members@odata.count"], 15);
    }
    let manager = get(&redfish, 1, "/redfish/v1/Managers/1").json;
    assert_eq!(manager["ServiceEntryPointUUID"], roots[1]["UUID"]);
}

#[test]
fn every_link_of_every_model_leads_somewhere() {
    for name in crate::profile::built_in_names() {
        let redfish = super::super::check::sample(&built_in(name).unwrap()).unwrap();
        let (pages, problems) = crawl_own(&redfish, NodeId(0));
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert!(pages.len() > 50, "{name}: {}", pages.len());
        let firmware = "/redfish/v1/UpdateService/FirmwareInventory/";
        let ids: BTreeSet<_> = pages.iter().filter_map(|(uri, _)| uri.strip_prefix(firmware)).collect();
        let profile = built_in(name).unwrap();
        let own: BTreeSet<_> = profile.firmware.iter().map(|f| f.id.as_str()).collect();
        assert_eq!(ids, own, "no id carries its node's key");
    }
}

#[test]
fn no_other_node_is_reachable() {
    let redfish = service();
    for id in [uuid(&redfish, 1), uuid(&redfish, 0), "2".to_owned()] {
        for collection in ["Systems", "Managers", "Chassis"] {
            let uri = format!("/redfish/v1/{collection}/{id}");
            assert_eq!(get(&redfish, 0, &uri).status, 404, "{uri}");
        }
    }
    let firmware = format!("/redfish/v1/UpdateService/FirmwareInventory/{}-BIOS", uuid(&redfish, 1));
    assert_eq!(get(&redfish, 0, &firmware).status, 404);
}

#[test]
fn a_session_is_valid_at_its_own_bmc_and_ends_when_that_restarts() {
    let redfish = service();
    let opened = send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN);
    assert_eq!((opened.status, opened.header("Location")), (201, format!("{SESSIONS}/1").as_str()));
    let token = ("X-Auth-Token", opened.header("X-Auth-Token"));
    let system = |node| send(&redfish, node, "GET", "/redfish/v1/Systems/1", token, "").status;
    assert_eq!((system(0), system(1)), (200, 401));
    let shared = answer(&redfish, peer(None, None), "GET", "/redfish/v1/Systems", &[token], "");
    assert_eq!(shared.status, 401);
    let count = |node| get(&redfish, node, SESSIONS).json["Members@odata.count"].clone();
    assert_eq!((count(0), count(1)), (json!(1), json!(0)));
    assert_eq!(redfish.sessions.ids(SimTime::from_ms(0)).len(), 0, "the fleet's own root has none");
    assert_eq!(send(&redfish, 0, "DELETE", &format!("{SESSIONS}/1"), token, "").status, 204);
    assert_eq!(system(0), 401);

    let again = send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN);
    let token = ("X-Auth-Token", again.header("X-Auth-Token"));
    let reset = send(&redfish, 0, "POST", "/redfish/v1/Managers/1/Actions/Manager.Reset", token, "{}");
    assert_eq!(reset.status, 204);
    assert_eq!(send(&redfish, 0, "DELETE", &format!("{SESSIONS}/2"), token, "").status, 204, "it logs out");
    redfish.fleet.clock().set(redfish.fleet.clock().now().after_ms(5_000));
    assert!(
        get(&redfish, 0, "/redfish/v1/").closed && !redfish.accepts_connections(0, true),
        "it has no network meanwhile"
    );
    assert!(!get(&redfish, 1, "/redfish/v1/").closed && redfish.accepts_connections(1, true));
    redfish.fleet.clock().set(redfish.fleet.clock().now().after_ms(3_600_000));
    assert!(redfish.accepts_connections(0, true));
    assert_eq!(send(&redfish, 0, "GET", "/redfish/v1/Systems/1", token, "").status, 401);
}

#[test]
fn each_bmc_has_its_own_session_limit_and_timeout() {
    let mut redfish = service();
    let most = &mut Arc::get_mut(&mut redfish).unwrap().own_sessions;
    assert_eq!(std::mem::replace(most, 3), crate::node::bmc::session::Sessions::LIMIT);
    let patch = send(&redfish, 0, "PATCH", "/redfish/v1/SessionService", BASIC, r#"{"SessionTimeout": 60}"#);
    assert_eq!(patch.status, 204);
    let timeout = |node| get(&redfish, node, "/redfish/v1/SessionService").json["SessionTimeout"].clone();
    assert_eq!((timeout(0), timeout(1)), (json!(60), json!(1800)));
    assert_eq!(redfish.sessions.timeout_s(), Sessions::new().timeout_s());
    for _ in 0..3 {
        assert_eq!(send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN).status, 201);
    }
    let one_more = send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN);
    assert_eq!(
        (one_more.status, &one_more.json["error"]["code"]),
        (503, &json!("Base.1.22.SessionLimitExceeded"))
    );
    assert_eq!(one_more.header("Retry-After"), "5");
    let mut page = crate::meter::Page::default();
    redfish.meter(&mut page);
    assert!(page.text().contains("{limit=\"sessions-per-bmc\"} 1\n"), "{}", page.text());
    redfish.fleet.clock().set(redfish.fleet.clock().now().after_ms(60_001));
    assert_eq!(send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN).status, 201);
}

#[test]
fn expanding_and_selecting_stay_within_the_controller() {
    let redfish = service();
    let all = get(&redfish, 1, "/redfish/v1/Systems?$expand=.($levels=2)&$select=Members/UUID").json;
    assert_eq!(all["Members"][0]["UUID"], json!(uuid(&redfish, 1)));
    let only = get(&redfish, 1, "/redfish/v1/Systems?only").json;
    assert_eq!(only["UUID"], json!(uuid(&redfish, 1)));
    let refused = send(&redfish, 1, "GET", "/redfish/v1?$expand=.", ("X", "y"), "");
    assert_eq!(refused.status, 401);
}

#[test]
fn a_change_reaches_the_node_whose_address_it_is() {
    let redfish = service();
    let body = r#"{"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}"#;
    assert_eq!(send(&redfish, 1, "PATCH", "/redfish/v1/Systems/1", BASIC, body).status, 204);
    let target = |node| {
        let system = get(&redfish, node, "/redfish/v1/Systems/1").json;
        system["Boot"]["BootSourceOverrideTarget"].clone()
    };
    assert_eq!((target(0), target(1)), (json!("None"), json!("Pxe")));
    let wrong = send(&redfish, 1, "PUT", "/redfish/v1/Systems/1", BASIC, body);
    assert_eq!((wrong.status, wrong.header("Allow")), (405, "GET, HEAD, PATCH"));
}

#[test]
fn a_bmc_shows_its_own_addresses() {
    let mut redfish = service();
    let prefix = |text: &str, bits| Prefix::new(text.parse().unwrap(), bits).unwrap();
    Arc::get_mut(&mut redfish).unwrap().facts.places = vec![
        (true, Place::Ips(prefix("127.16.0.0", 12), 8443)),
        (false, Place::Ips(prefix("127.16.0.0", 12), 8000)),
        (true, Place::Ips(prefix("fd00:1::", 64), 8443)),
    ];
    let interface = get(&redfish, 1, "/redfish/v1/Managers/1/EthernetInterfaces/eth0").json;
    let v4 = json!([{"Address": "127.16.0.2", "AddressOrigin": "DHCP", "SubnetMask": "255.240.0.0", "Gateway": "127.31.255.254"}]);
    assert_eq!(interface["IPv4Addresses"], v4);
    let v6 = json!({
        "Address": "fd00:1::2", "AddressOrigin": "DHCPv6", "AddressState": "Preferred", "PrefixLength": 64
    });
    assert_eq!(interface["IPv6Addresses"], json!([v6]));
    Arc::get_mut(&mut redfish).unwrap().facts.places =
        vec![(true, Place::Ports("127.0.0.1:20000".parse().unwrap()))];
    let protocol = get(&redfish, 2, "/redfish/v1/Managers/1/NetworkProtocol").json;
    assert_eq!((&protocol["HTTPS"]["Port"], &protocol["HTTP"]["Port"]), (&json!(20_002), &Value::Null));
}

#[test]
fn a_bmc_is_found_by_its_host_name() {
    let mut redfish = service();
    Arc::get_mut(&mut redfish).unwrap().facts.domain = Some("bmc.example".into());
    let asked = |host: &str, sni: Option<&str>| {
        let answer =
            answer(&redfish, peer(None, sni), "GET", "/redfish/v1/Systems/1", &[BASIC, ("Host", host)], "");
        (answer.status, answer.json["Name"].as_str().unwrap_or_default().to_owned())
    };
    let second = (200, "generic-1".to_owned());
    assert_eq!(asked("generic-1.bmc.example", None), second);
    assert_eq!(asked("Generic-1.BMC.example.:8443", Some("generic-1.bmc.example")), second);
    assert_eq!(asked(&format!("{}.bmc.example", uuid(&redfish, 1)), None), second);
    let misdirected = (421, String::new());
    for host in [
        "generic-3.bmc.example",
        "generic-01.bmc.example",
        "hpe-dl380-gen11-1.bmc.example",
        "bmc.example",
        "127.0.0.1",
    ] {
        assert_eq!(asked(host, None), misdirected, "{host}");
    }
    assert_eq!(asked("generic-1.bmc.example", Some("generic-0.bmc.example")), misdirected);
    let nameless = answer(&redfish, peer(None, None), "GET", "/redfish/v1/", &[], "");
    assert_eq!(nameless.status, 421);
    let interface = "/redfish/v1/Managers/1/EthernetInterfaces/eth0";
    let host = ("Host", "generic-1.bmc.example");
    let told = answer(&redfish, peer(None, None), "GET", interface, &[BASIC, host], "").json;
    assert_eq!(told["FQDN"], "generic-1.bmc.example");
}

/// Everything at the root of a BMC shows the clock of that BMC. The shared root has a clock of its own.
#[test]
fn a_bmc_has_one_clock() {
    let redfish = service();
    let slot = "/redfish/v1/Systems/1/VirtualMedia/Cd";
    let insert = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    assert_eq!(send(&redfish, 0, "POST", &insert, BASIC, r#"{"Image": "http://127.0.0.1/x"}"#).status, 204);
    let failed = Found::MediaOpened { slot: 0, insertion: 1, result: Err("404".into()) };
    redfish.fleet.answer(NodeId(0), failed);
    assert_eq!(send(&redfish, 0, "POST", SESSIONS, ("X", "y"), LOGIN).status, 201);
    let clock = redfish.fleet.clock();
    clock.set(clock.now().after_ms(60_000));
    let set = r#"{"DateTime": "2031-05-06T07:08:09+02:00"}"#;
    assert_eq!(send(&redfish, 0, "PATCH", "/redfish/v1/Managers/1", BASIC, set).status, 204);
    clock.set(clock.now().after_ms(1_000));
    for (uri, pointer, shown) in [
        ("/redfish/v1/Managers/1", "/DateTime", "2031-05-06T07:08:10+02:00"),
        ("/redfish/v1/TaskService", "/DateTime", "2031-05-06T07:08:10+02:00"),
        (&format!("{SESSIONS}/1"), "/CreatedTime", "2031-05-06T07:07:09+02:00"),
        (slot, "/Status/Conditions/0/Timestamp", "2031-05-06T07:07:09+02:00"),
    ] {
        let document = get(&redfish, 0, uri).json;
        assert_eq!(document.pointer(pointer), Some(&json!(shown)), "{uri}");
    }
    let shared = answer(&redfish, peer(None, None), "GET", "/redfish/v1/TaskService", &[BASIC], "").json;
    assert_eq!(shared["DateTime"], "2026-01-01T00:01:01+00:00");
}

#[test]
fn a_body_that_says_it_is_not_json_is_refused_with_415() {
    let redfish = service();
    let system = "/redfish/v1/Systems/1";
    let patch = |kind: Option<&str>, body: &str| {
        let mut headers = vec![BASIC];
        headers.extend(kind.map(|kind| ("Content-Type", kind)));
        answer(&redfish, peer(Some(0), None), "PATCH", system, &headers, body)
    };
    let tag = r#"{"AssetTag": "x"}"#;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json-patch+json", ""] {
        let refused = patch(Some(kind), tag);
        let code = &refused.json["error"]["code"];
        assert_eq!((refused.status, code), (415, &json!("Base.1.22.HeaderInvalid")), "{kind}");
    }
    assert_ne!(get(&redfish, 0, system).json["AssetTag"], "x", "nothing was changed");
    for kind in [None, Some("application/json"), Some("Application/JSON ; charset=utf-8")] {
        assert_eq!(patch(kind, tag).status, 204, "{kind:?}");
    }
    let reset = "/redfish/v1/Managers/1/Actions/Manager.Reset";
    let without_body = [BASIC, ("Content-Type", "text/plain")];
    assert_eq!(answer(&redfish, peer(Some(0), None), "POST", reset, &without_body, "").status, 204);
}

#[test]
fn https_that_a_client_disables_is_closed_until_the_bmc_restarts() {
    let mut redfish = service();
    let prefix = Prefix::new([192, 0, 2, 0].into(), 24).unwrap();
    Arc::get_mut(&mut redfish).unwrap().facts.places = vec![(true, Place::Ips(prefix, 443))];
    let uri = "/redfish/v1/Managers/1/NetworkProtocol";
    let off = r#"{"HTTPS": {"ProtocolEnabled": false}}"#;
    assert_eq!(send(&redfish, 0, "PATCH", uri, BASIC, off).status, 204, "the answer still comes");
    assert!(get(&redfish, 0, uri).closed && !redfish.accepts_connections(0, true));
    assert!(redfish.accepts_connections(0, false), "there is no listener, so nothing is closed");
    assert!(redfish.accepts_connections(1, true), "the others go on");
    let apply = |command| redfish.fleet.apply(NodeId(0), command).unwrap().unwrap();
    apply(Command::Network(network::Command::Open));
    assert!(
        redfish.accepts_connections(0, true)
            && get(&redfish, 0, uri).json["HTTPS"]["ProtocolEnabled"] == true
    );
    assert_eq!(send(&redfish, 0, "PATCH", uri, BASIC, off).status, 204);
    apply(Command::Bmc(bmc::Command::Reset));
    redfish.fleet.clock().set(redfish.fleet.clock().now().after_ms(3_600_000));
    assert!(redfish.accepts_connections(0, true) && !get(&redfish, 0, uri).closed);
    let addresses = get(&redfish, 1, "/redfish/v1/Managers/1/EthernetInterfaces/eth0").json;
    assert_eq!(addresses["IPv4Addresses"][0]["Address"], "192.0.2.2");
    assert_eq!(addresses["NameServers"], json!(["192.0.2.254"]), "the network's own server");
}
