//! Requests to the control API, without sockets.

mod clock;
mod parts;
mod streams;

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::address::Urls;
use crate::clock::Clock;
use crate::effect::{self, EffectRunner, Mover};
use crate::fleet::{Effects, Fleet};
use crate::node::NodeId;
use crate::profile::built_in;
use crate::redfish::Redfish;
use crate::redfish::auth::Account;
use crate::seed::Seed;
use crate::time::SimTime;

const T0: SimTime = SimTime::from_ms(1_700_000_000_000);

struct Bench {
    admin: Admin,
    fleet: Arc<Fleet>,
    redfish: Arc<Redfish>,
    outside: Arc<EffectRunner>,
    effects: Effects,
}

impl Bench {
    /// A fleet of so many generic nodes, with room for one more.
    fn new(nodes: u32) -> Self {
        Self::with_state(nodes, None)
    }

    fn with_state(nodes: u32, state: Option<PathBuf>) -> Self {
        Self::with_clock(nodes, state, Clock::by_hand(T0))
    }

    fn with_clock(nodes: u32, state: Option<PathBuf>, clock: Clock) -> Self {
        let (fleet, effects) = Fleet::new(Seed(1), clock);
        fleet.add(&built_in("generic").unwrap(), nodes).unwrap();
        let fleet = Arc::new(fleet);
        let facts = Facts {
            addresses: api::Addresses::default(),
            settings: Vec::new(),
            limits: Vec::new(),
            bmcs: Urls::Same("https://127.0.0.1:8443".into()),
            agents: None,
            state,
            models: 1,
            room: u64::from(nodes) + 1,
            model: Box::new(|name| built_in(name).map_err(|error| error.to_string())),
        };
        let redfish = Arc::new(Redfish::new(Arc::clone(&fleet), Account::new("admin", "password")));
        let outside = Arc::new(EffectRunner::new(Arc::clone(&fleet), effect::Settings::default()).unwrap());
        let mover = Mover::new(Arc::clone(&fleet), Arc::clone(&redfish), Arc::clone(&outside));
        let control = Control::new(Arc::clone(&fleet), facts, mover);
        let admin = Admin::new(control, Probes::new(Readiness::default(), Vec::new()), Guard::default());
        Self { admin, fleet, redfish, outside, effects }
    }

    async fn ask(&self, method: &str, path: &str, accept: &str, body: Body) -> (u16, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/fauxmetal/v1{path}"))
            .header("host", "localhost")
            .header("accept", accept)
            .header("content-type", "application/json");
        let response = self.admin.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        if status >= 400 {
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask("GET", path, "*/*", Body::empty()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = self.ask("POST", path, "*/*", Body::from(body.to_string())).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn state(&self, index: u32) -> &'static str {
        self.fleet.look(NodeId(index), |node, _| node.state_word()).unwrap()
    }
}

fn counts(done: &Value) -> [u64; 3] {
    ["selected", "accepted", "refused"].map(|key| done[key].as_u64().unwrap())
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let bench = Bench::new(10_000);
    bench.post("/remove", json!({"nodes": {"selector": "index in (0..4998,5001)"}})).await;
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = bench.get(&format!("/nodes?fields=name&limit=900{after}")).await;
        assert_eq!(status, 200);
        names.extend(
            page["items"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (4999..10_000).filter(|n| *n != 5001).map(|n| format!("generic-{n}")).collect();
    assert_eq!(names, expected);
    let (status, lines) = bench.ask("GET", "/nodes?fields=name", "application/x-ndjson", Body::empty()).await;
    let lines = String::from_utf8(lines).unwrap();
    let streamed: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((status, streamed), (200, expected));
    let (_, last) = bench.get("/nodes?fields=index&selector=index%3E9997&limit=2").await;
    assert_eq!((&last["items"], &last["next"]), (&json!([{"index": 9998}, {"index": 9999}]), &Value::Null));
}

#[tokio::test]
async fn a_verb_changes_the_nodes_that_accept_and_lists_the_others() {
    let bench = Bench::new(3);
    let (status, done) =
        bench.post("/power", json!({"nodes": {"names": ["generic-1"]}, "action": "on"})).await;
    assert_eq!((status, counts(&done)), (200, [1, 1, 0]));
    assert_eq!([0, 1, 2].map(|n| bench.state(n)), ["off", "powering-on", "off"]);
    let (status, done) = bench.post("/power", json!({"nodes": {"all": true}, "action": "cycle"})).await;
    assert_eq!((status, counts(&done)), (200, [3, 1, 2]));
    assert_eq!(done["refusals"][1], json!({"node": "generic-2", "reason": "the machine is off"}));
    let (status, problem) =
        bench.post("/power", json!({"nodes": {"selector": "power=off"}, "action": "cycle"})).await;
    assert_eq!((status, counts(&problem["result"])), (409, [2, 0, 2]));
    assert_eq!(problem["detail"], "all 2 nodes refuse; the first, generic-0: the machine is off");
    let (status, done) = bench.post("/power", json!({"nodes": {"selector": "rack"}, "action": "on"})).await;
    assert_eq!((status, counts(&done)), (200, [0, 0, 0]));
}

#[tokio::test]
async fn a_dry_run_answers_as_the_change_would_and_changes_nothing() {
    let bench = Bench::new(2);
    bench.post("/power", json!({"nodes": {"names": ["generic-0"]}, "action": "on"})).await;
    let before = bench.get("/nodes").await;
    for (path, body) in [
        ("/power", json!({"action": "cycle"})),
        ("/boot", json!({"target": "Pxe"})),
        ("/insert", json!({"image": "http://x/y.iso"})),
        ("/eject", json!({})),
        ("/plug", json!({"disk": "sda"})),
        ("/unplug", json!({"nic": "ens1f0"})),
        ("/unplug", json!({"psu": "PSU1"})),
        ("/heat", json!({"inletCelsius": 45})),
        ("/cool", json!({})),
        ("/fail", json!({"fan": "Fan1"})),
        ("/repair", json!({"fan": "Fan1"})),
        ("/fail", json!({"disk": "sda"})),
        ("/fail", json!({"dimm": "DIMM-A1"})),
        ("/repair", json!({"psu": "PSU1"})),
        ("/label", json!({"set": {"a": "b"}})),
        ("/restart-bmc", json!({})),
        ("/reset", json!({})),
        ("/remove", json!({})),
    ] {
        let mut body = body;
        body["nodes"] = json!({"all": true});
        body["dryRun"] = json!(true);
        let (status, done) = bench.post(path, body.clone()).await;
        assert_eq!((status, &done["selected"], &done["dryRun"]), (200, &json!(2), &json!(true)), "{path}");
        assert_eq!(bench.get("/nodes").await, before, "{path}");
        body["dryRun"] = json!(false);
        let dry = counts(&done);
        let other = Bench::new(2);
        other.post("/power", json!({"nodes": {"names": ["generic-0"]}, "action": "on"})).await;
        assert_eq!(counts(&other.post(path, body).await.1), dry, "{path}");
    }
    let add = json!({"profile": "generic", "count": 1, "dryRun": true});
    let (status, added) = bench.post("/nodes", add).await;
    assert_eq!((status, &added["first"]), (200, &json!("generic-2")));
    assert_eq!(bench.get("/nodes").await, before);
}

#[tokio::test]
async fn nodes_are_added_with_labels_as_long_as_there_is_room() {
    let bench = Bench::new(2);
    let add = json!({"profile": "hpe-dl380-gen11", "count": 1, "labels": {"rack": "r7"}});
    let (status, added) = bench.post("/nodes", add.clone()).await;
    assert_eq!(
        (status, &added["first"], &added["last"]),
        (201, &json!("hpe-dl380-gen11-2"), &json!("hpe-dl380-gen11-2"))
    );
    let (_, shown) = bench.get("/nodes/hpe-dl380-gen11-2").await;
    assert_eq!((&shown["labels"], &shown["profile"]), (&json!({"rack": "r7"}), &json!("hpe-dl380-gen11")));
    let (status, problem) = bench.post("/nodes", add).await;
    assert_eq!((status, &problem["field"]), (409, &json!("count")));
    let (_, done) = bench.post("/remove", json!({"nodes": {"selector": "rack=r7"}})).await;
    assert_eq!(counts(&done), [1, 1, 0]);
    assert_eq!(bench.get("/nodes/hpe-dl380-gen11-2").await.0, 404);
}

#[tokio::test]
async fn labels_are_set_and_removed_and_shared_by_equal_nodes() {
    let bench = Bench::new(3);
    let label = |nodes: Value, set: Value, remove: Value| {
        bench.post("/label", json!({"nodes": nodes, "set": set, "remove": remove}))
    };
    label(json!({"all": true}), json!({"rack": "r7", "row": "1"}), json!([])).await;
    label(json!({"names": ["generic-1"]}), json!({"rack": "r8"}), json!(["row", "none"])).await;
    let addresses =
        [0, 1, 2].map(|n| bench.fleet.look(NodeId(n), |node, _| node.labels().address()).unwrap());
    assert!(addresses[0] == addresses[2] && addresses[0] != addresses[1], "{addresses:?}");
    let (_, fleet) = bench.get("/fleet").await;
    let count = |key: &str, value: &str, nodes: u64| json!({"key": key, "value": value, "nodes": nodes});
    assert_eq!(
        fleet["labels"],
        json!([count("rack", "r7", 2), count("rack", "r8", 1), count("row", "1", 2)])
    );
    let many: serde_json::Map<_, _> = (0..63).map(|n| (format!("k{n}"), json!(""))).collect();
    let (status, done) = label(json!({"all": true}), json!(many), json!([])).await;
    assert_eq!((status, counts(&done)), (200, [3, 1, 2]), "two nodes would have 65 labels");
    label(json!({"all": true}), json!({}), json!(["rack", "row"])).await;
    assert_eq!(bench.get("/nodes?selector=!rack").await.1["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_node_is_shown_with_its_boot_its_media_and_its_generation() {
    let bench = Bench::new(1);
    let (_, new) = bench.get("/nodes/generic-0").await;
    let all = json!({"all": true});
    bench.post("/insert", json!({"nodes": all, "image": "http://me:secret@x/y.iso"})).await;
    bench.post("/boot", json!({"nodes": all, "target": "Cd", "enabled": "once", "mode": "Legacy"})).await;
    let uuid = new["uuid"].as_str().unwrap();
    let (_, shown) = bench.get(&format!("/nodes/{}", uuid.to_uppercase())).await;
    assert_eq!((&new["generation"], &shown["generation"]), (&json!(0), &json!(2)));
    assert_eq!(new["epoch"], shown["epoch"]);
    assert_eq!(shown["media"], json!([{"slot": "Cd", "image": "http://me@x/y.iso", "state": "opening"}]));
    assert_eq!(shown["boot"]["target"], "Cd");
    assert_eq!((&shown["boot"]["enabled"], &shown["boot"]["mode"]), (&json!("Once"), &json!("Legacy")));
    assert_eq!(shown["bmc"]["url"], format!("https://127.0.0.1:8443/redfish/v1/Systems/{uuid}"));
    bench.post("/eject", json!({"nodes": all})).await;
    assert_eq!(bench.get("/nodes/generic-0").await.1["media"], json!([]));
}

#[tokio::test]
async fn a_cable_and_a_drive_are_pulled_and_plugged_in_by_either_name() {
    let bench = Bench::new(2);
    let nodes = json!({"names": ["generic-0"]});
    for (key, names) in [("nic", ["NIC2", "ens1f1", "nic2"]), ("disk", ["Disk1", "sdb", "/dev/sdb"])] {
        let plugged = async || bench.get("/nodes/generic-0").await.1[format!("{key}s")][1]["plugged"].clone();
        for name in names {
            for (path, expected) in [("/unplug", false), ("/unplug", false), ("/plug", true), ("/plug", true)]
            {
                let (status, done) = bench.post(path, json!({"nodes": nodes, key: name})).await;
                assert_eq!((status, counts(&done)), (200, [1, 1, 0]), "{path} {name}");
                assert_eq!(plugged().await, json!(expected), "{path} {name}");
            }
        }
    }
    let (_, new) = bench.get("/nodes/generic-0").await;
    bench.post("/unplug", json!({"nodes": nodes, "nic": "ens1f1"})).await;
    let (_, shown) = bench.get("/nodes/generic-0").await;
    assert_eq!(shown["macs"], json!([new["macs"][0]]));
    let selected =
        bench.get(&format!("/nodes?fields=name&selector=mac={}", new["macs"][1].as_str().unwrap())).await.1;
    assert_eq!(selected["items"], json!([]), "a selection sees the same interfaces");
    bench.post("/reset", json!({"nodes": nodes})).await;
    assert_eq!(bench.get("/nodes/generic-0").await.1["macs"], new["macs"]);
}

#[tokio::test]
async fn air_fans_and_cords_change_the_alarms_of_the_selected_machines() {
    let bench = Bench::new(2);
    let nodes = json!({"names": ["generic-0"]});
    bench.post("/power", json!({"nodes": {"all": true}, "action": "on"})).await;
    let alarms = || [0, 1].map(|n| bench.fleet.look(NodeId(n), |node, _| node.alarms().len()).unwrap());
    for (path, body, expected) in [
        ("/heat", json!({"inletCelsius": 60}), 1),
        ("/fail", json!({"fan": "fan1"}), 2),
        ("/unplug", json!({"psu": "Power Supply 2"}), 3),
        ("/unplug", json!({"psu": "PSU2"}), 3),
        ("/plug", json!({"psu": "PSU2"}), 2),
        ("/repair", json!({"fan": "Fan 1"}), 1),
        ("/cool", json!({}), 0),
        ("/cool", json!({}), 0),
    ] {
        let mut request = body.clone();
        request["nodes"] = nodes.clone();
        let (status, done) = bench.post(path, request).await;
        assert_eq!((status, counts(&done), alarms()), (200, [1, 1, 0], [expected, 0]), "{path} {body}");
    }
    bench.post("/unplug", json!({"nodes": nodes, "psu": "PSU1"})).await;
    let (status, problem) = bench.post("/unplug", json!({"nodes": nodes, "psu": "PSU2"})).await;
    assert_eq!(status, 409);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("no other power supply feeds the machine; it keeps one"), "{detail}");
}

#[tokio::test]
async fn every_mistake_names_the_member_the_value_and_what_is_allowed() {
    let bench = Bench::new(1);
    let all = json!({"all": true});
    for (path, body, status, field, detail) in [
        (
            "/power",
            json!({"nodes": {"selector": "power=up"}, "action": "on"}),
            400,
            "nodes.selector",
            "'up' is no value of power",
        ),
        (
            "/power",
            json!({"nodes": {"names": []}, "action": "on"}),
            400,
            "nodes.names",
            "allowed are 1 to 10000",
        ),
        ("/power", json!({"nodes": {"all": false}, "action": "on"}), 400, "nodes.all", "allowed is true"),
        (
            "/power",
            json!({"nodes": {"names": ["generic-9"]}, "action": "on"}),
            404,
            "",
            "there is no node 'generic-9'",
        ),
        ("/power", json!({"nodes": all, "action": "up"}), 400, "action", "expected one of `on`, `off`"),
        (
            "/power",
            json!({"nodes": all, "action": "on", "colour": 1}),
            400,
            "colour",
            "unknown field `colour`",
        ),
        ("/power", json!({"action": "on"}), 400, "", "missing field `nodes`"),
        ("/power", json!([]), 400, "", "the body is a JSON array; write a JSON object"),
        ("/boot", json!({"nodes": all}), 400, "", "nothing is to be changed"),
        ("/boot", json!({"nodes": all, "target": "Tape"}), 400, "target", "'Tape' is no boot target"),
        (
            "/boot",
            json!({"nodes": all, "target": "UefiShell"}),
            409,
            "",
            "the model has no boot target UefiShell; it has ",
        ),
        ("/boot", json!({"nodes": all, "mode": "uefi"}), 400, "mode", "allowed are UEFI and Legacy"),
        (
            "/boot",
            json!({"nodes": all, "httpBootUri": "ftp://x"}),
            400,
            "httpBootUri",
            "no http or https URL",
        ),
        ("/insert", json!({"nodes": all, "image": "nfs://x/y"}), 400, "image", "no http or https URL"),
        (
            "/insert",
            json!({"nodes": all, "image": "http://x/y", "slot": "Tape"}),
            409,
            "",
            "no slot 'Tape'; it has Cd",
        ),
        ("/eject", json!({"nodes": all, "slot": "Tape"}), 409, "", "no slot 'Tape'"),
        ("/plug", json!({"nodes": all}), 400, "", "write its name to 'nic', 'disk' or 'psu'"),
        ("/unplug", json!({"nodes": all, "nic": "NIC1", "disk": "sda"}), 400, "disk", "exclude each other"),
        (
            "/unplug",
            json!({"nodes": all, "nic": "eth0"}),
            409,
            "",
            "no network interface 'eth0'; it has NIC1 (ens1f0), NIC2 (ens1f1)",
        ),
        ("/unplug", json!({"nodes": all, "nic": "NIC1", "psu": "PSU1"}), 400, "psu", "exclude each other"),
        (
            "/unplug",
            json!({"nodes": all, "psu": "3"}),
            409,
            "",
            "no power supply '3'; it has PSU1 (Power Supply 1)",
        ),
        ("/heat", json!({"nodes": all, "inletCelsius": 81}), 400, "inletCelsius", "from -20 to 80 degrees"),
        ("/heat", json!({"nodes": all, "inletCelsius": 300}), 400, "inletCelsius", "from -20 to 80 degrees"),
        ("/fail", json!({"nodes": all, "fan": "Fan9"}), 409, "", "no fan 'Fan9'; it has Fan1 (Fan 1)"),
        (
            "/fail",
            json!({"nodes": all, "dimm": "DIMM9"}),
            409,
            "",
            "no memory module 'DIMM9'; it has DIMM-A1, DIMM-B1, DIMM-C1, DIMM-D1",
        ),
        ("/repair", json!({"nodes": all, "disk": "sdc"}), 409, "", "no disk 'sdc'; it has Disk0 (sda)"),
        ("/fail", json!({"nodes": all}), 400, "", "write its name to 'fan', 'disk', 'dimm' or 'psu'"),
        ("/fail", json!({"nodes": all, "fan": "Fan1", "psu": "PSU1"}), 400, "psu", "exclude each other"),
        (
            "/plug",
            json!({"nodes": all, "disk": "/dev/sdc"}),
            409,
            "",
            "no disk 'sdc'; it has Disk0 (sda), Disk1 (sdb), NVMe0 (nvme0n1)",
        ),
        ("/label", json!({"nodes": all}), 400, "", "nothing is to be changed"),
        ("/label", json!({"nodes": all, "set": {"a b": "c"}}), 400, "set", "'a b' is not the key of a label"),
        ("/label", json!({"nodes": all, "set": {"a": "-"}}), 400, "set.a", "'-' is not the value of a label"),
        (
            "/label",
            json!({"nodes": all, "set": {"a": ""}, "remove": ["a"]}),
            400,
            "remove",
            "in 'set' and in 'remove'",
        ),
        ("/crash", json!({"nodes": all}), 409, "", "no agent runs on this machine"),
        ("/nodes", json!({"profile": "./mine", "count": 1}), 400, "profile", "./mine"),
        ("/nodes", json!({"profile": "generic", "count": 1.5}), 400, "count", "1.5 is no whole number"),
        ("/nodes", json!({"profile": "generic", "count": -1}), 400, "count", "-1 is no whole number"),
        (
            "/nodes",
            json!({"profile": "generic", "count": 4_294_967_296_u64}),
            400,
            "count",
            "from 1 to 4294967295",
        ),
        ("/nodes", json!({"profile": "generic", "count": 2.0}), 409, "count", "can have 2 nodes in its life"),
        ("/nodes", json!({"profile": "generic", "count": 0}), 400, "count", "at least 1 is allowed"),
        ("/nodes", json!({"profile": "generic", "count": 2}), 409, "count", "can have 2 nodes in its life"),
        ("/nope", json!({}), 404, "", "openapi.json lists all paths"),
        ("/fleet", json!({}), 405, "", "has no method POST"),
    ] {
        let (got, problem) = bench.post(path, body.clone()).await;
        let said = problem["detail"].as_str().unwrap();
        assert!(got == status && said.contains(detail), "{path} {body}: {got} {said}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{path} {body}");
        assert_eq!(problem["status"], status, "{path} {body}");
    }
    for (path, detail) in [
        ("/nodes?limit=0", "'limit' is 0; allowed are 1 to 1000"),
        ("/nodes?limit=x", "limit"),
        ("/nodes?fields=name,colour", "'colour' is no member of a node; allowed are name, "),
        ("/nodes?after=x", "'after' is no value of 'next'"),
        ("/nodes?colour=1", "unknown field `colour`"),
        ("/nodes?selector=a=b%20c", "at character 5"),
    ] {
        let (status, problem) = bench.get(path).await;
        assert!(status == 400 && problem["detail"].as_str().unwrap().contains(detail), "{path}: {problem}");
    }
    let large = " ".repeat(BODY_BYTES + 1);
    assert_eq!(bench.ask("POST", "/power", "*/*", Body::from(large)).await.0, 413);
    assert_eq!(bench.get("/nodes?after=4294967296&limit=1").await.1["items"], json!([]));
    assert_eq!(bench.get("/nodes/generic-9").await.0, 404);
    assert_eq!(bench.fleet.look(NodeId(0), |node, _| node.generation()), Some(0), "nothing has changed");
}

#[tokio::test]
async fn the_document_lists_every_path() {
    let bench = Bench::new(1);
    let (_, document) = bench.get("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    for path in ["fleet", "nodes", "nodes/{node}", "power", "reset"] {
        assert!(paths.contains(&format!("{}/{path}", api::BASE)), "{path} is not in {paths:?}");
    }
}

/// A web page can send a POST of another type to another site without asking first.
#[tokio::test]
async fn a_change_must_be_json() {
    let bench = Bench::new(1);
    let (_, document) = bench.get("/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let changes: Vec<_> = paths.iter().filter(|(_, methods)| methods["post"].is_object()).collect();
    assert!(!changes.is_empty());
    let wrong = r#"{"surely": "no member"}"#;
    for (path, _) in changes {
        for (media_type, expected) in [
            ("application/json", 400),
            ("Application/JSON; charset=utf-8", 400),
            ("text/plain", 415),
            ("", 415),
        ] {
            let request = Request::post(path).header("host", "localhost").header("content-type", media_type);
            let response = bench.admin.router.clone().oneshot(request.body(Body::from(wrong)).unwrap()).await;
            assert_eq!(response.unwrap().status(), expected, "{path} {media_type}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_a_problem_document() {
    let bench = Bench::new(1);
    let endless = Body::from_stream(futures_util::stream::pending::<std::io::Result<bytes::Bytes>>());
    let (status, body) = bench.ask("POST", "/power", "*/*", endless).await;
    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&body));
}
