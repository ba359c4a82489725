//! The protocol without sockets: statuses, headers, messages, and the effect of requests on nodes.

mod accounts;
mod aggregates;
mod deep;
mod doc;
mod endings;
mod events;
mod failures;
mod headers;
mod licenses;
mod logs;
mod machine;
mod media;
mod network;
mod oem;
mod origins;
mod own_root;
mod protocol;
mod queries;
mod reference;
// The schemas are a part of the command line.
#[cfg(feature = "cli")]
mod schemas_page;
mod secure_boot;
mod sensors;
mod server;
mod storage;
mod streams;
mod tasks;
mod telemetry;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::auth::Account;
use super::{Redfish, check};
use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::node::effect::Answer as Found;
use crate::profile::{Profile, built_in};
use crate::seed::Seed;
use crate::time::SimTime;

const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

struct Bench {
    redfish: Redfish,
    system: String,
    now: SimTime,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn message_ids(&self) -> Vec<&str> {
        let info = self.json["error"]["@Message.ExtendedInfo"].as_array();
        let info = info.unwrap_or_else(|| panic!("status {} without an error: {}", self.status, self.json));
        info.iter().map(|m| m["MessageId"].as_str().unwrap().trim_start_matches("Base.1.22.")).collect()
    }
}

impl Bench {
    fn new() -> Self {
        let now = SimTime::from_ms(1_767_225_600_000);
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(now));
        fleet.add(&built_in("generic").unwrap(), 3).unwrap();
        let uuid = fleet.look(NodeId(0), |n, _| n.spec().uuid()).unwrap();
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        Self { redfish, system: format!("/redfish/v1/Systems/{uuid}"), now }
    }

    /// Adds a node of another model, and goes on with it.
    fn add_first(&mut self, model: &str) {
        self.add_model(built_in(model).unwrap());
    }

    fn add_model(&mut self, model: Arc<Profile>) {
        let fleet = &self.redfish.fleet;
        let node = NodeId(fleet.add(&model, 1).unwrap().start);
        let uuid = fleet.look(node, |n, _| n.spec().uuid()).unwrap();
        self.system = format!("/redfish/v1/Systems/{uuid}");
    }

    fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.redfish.call(&request.body(Bytes::copy_from_slice(body)).unwrap());
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            json: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
        }
    }

    fn get(&self, uri: &str) -> Answer {
        self.send("GET", uri, &[("Authorization", BASIC)], b"")
    }

    fn write(&self, method: &str, uri: &str, body: &Value) -> Answer {
        self.send(method, uri, &[("Authorization", BASIC)], body.to_string().as_bytes())
    }

    fn reset(&self, kind: &str) -> Answer {
        let uri = format!("{}/Actions/ComputerSystem.Reset", self.system);
        self.write("POST", &uri, &json!({"ResetType": kind}))
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
        self.redfish.fleet.clock().set(self.now);
    }
}

#[test]
fn the_root_needs_no_login_and_a_system_does() {
    let bench = Bench::new();
    assert_eq!(bench.send("GET", "/redfish/v1/", &[], b"").json["Id"], "RootService");
    assert_eq!(bench.send("GET", "/redfish", &[], b"").json, json!({"v1": "/redfish/v1/"}));
    let refused = bench.send("GET", &bench.system, &[], b"");
    assert_eq!((refused.status, refused.message_ids()), (401, vec!["NoValidSession"]));
    assert_eq!(refused.header("WWW-Authenticate"), "Basic realm=\"Redfish\"");
    assert_eq!(bench.get(&bench.system).status, 200);
}

#[test]
fn a_session_is_opened_used_and_closed() {
    let bench = Bench::new();
    let sessions = "/redfish/v1/SessionService/Sessions";
    let login = json!({"UserName": "admin", "Password": "password"}).to_string();
    let opened = bench.send("POST", sessions, &[], login.as_bytes());
    assert_eq!(opened.status, 201);
    let (token, place) = (opened.header("X-Auth-Token").to_owned(), opened.header("Location").to_owned());
    assert_eq!(opened.json["@odata.id"], place.as_str());
    assert_eq!(bench.send("GET", &bench.system, &[("X-Auth-Token", &token)], b"").status, 200);
    assert_eq!(bench.get(sessions).json["Members@odata.count"], 1);
    assert_eq!(bench.send("DELETE", &place, &[("X-Auth-Token", &token)], b"").status, 204);
    assert_eq!(bench.send("GET", &bench.system, &[("X-Auth-Token", &token)], b"").status, 401);
    let wrong = bench.send("POST", sessions, &[], br#"{"UserName": "admin", "Password": "no"}"#);
    assert_eq!((wrong.status, wrong.message_ids()), (401, vec!["ResourceAtUriUnauthorized"]));
}

#[test]
fn a_missing_resource_is_named_in_the_message() {
    let bench = Bench::new();
    let gone = "/redfish/v1/Systems/00000000-0000-0000-0000-000000000000";
    for uri in [gone.to_owned(), format!("{}/VirtualMedia/Tape", bench.system), format!("{}/X", bench.system)]
    {
        let answer = bench.get(&uri);
        assert_eq!((answer.status, answer.message_ids()), (404, vec!["ResourceMissingAtURI"]), "{uri}");
        assert!(answer.json["error"]["message"].as_str().unwrap().contains(&uri));
    }
}

#[test]
fn a_uuid_in_capitals_leads_to_the_same_resource() {
    let bench = Bench::new();
    let uuid = bench.system.rsplit_once('/').unwrap().1;
    let shouted = bench.get(&bench.system.replace(uuid, &uuid.to_uppercase()));
    assert_eq!((shouted.status, &shouted.json), (200, &bench.get(&bench.system).json));
    assert!(shouted.json.to_string().contains(&format!("{}/Actions", bench.system)));
}

#[test]
fn a_405_lists_the_allowed_methods() {
    let bench = Bench::new();
    let answer = bench.write("PUT", &bench.system, &json!({}));
    assert_eq!((answer.status, answer.header("Allow")), (405, "GET, HEAD, PATCH"));
    let answer = bench.get(&format!("{}/Actions/ComputerSystem.Reset", bench.system));
    assert_eq!((answer.status, answer.header("Allow")), (405, "POST"));
    assert_eq!(
        bench.send("OPTIONS", "/redfish/v1/Systems", &[("Authorization", BASIC)], b"").header("Allow"),
        "GET, HEAD"
    );
}

#[test]
fn a_reset_changes_the_power_state_and_a_refused_one_does_not() {
    let mut bench = Bench::new();
    assert_eq!(bench.reset("Nmi").message_ids(), ["ResourceInStandby"]);
    let wrong = bench.reset("Explode");
    assert_eq!((wrong.status, wrong.message_ids()), (400, vec!["ActionParameterValueNotInList"]));
    assert_eq!(bench.get(&bench.system).json["PowerState"], "Off");
    assert_eq!(bench.reset("On").status, 204);
    bench.wait(60_000);
    assert_eq!(bench.get(&bench.system).json["PowerState"], "On");
}

#[test]
fn a_patch_with_a_mistake_changes_nothing() {
    let bench = Bench::new();
    let good = json!({"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}});
    assert_eq!(bench.write("PATCH", &bench.system, &good).status, 204);
    let bad =
        json!({"Boot": {"BootSourceOverrideTarget": "Pxe"}, "AssetTag": 5, "SerialNumber": "x", "Nope": 1});
    let answer = bench.write("PATCH", &bench.system, &bad);
    assert_eq!(answer.message_ids(), ["PropertyValueTypeError", "PropertyUnknown", "PropertyNotWritable"]);
    let boot = &bench.get(&bench.system).json["Boot"];
    assert_eq!(
        (&boot["BootSourceOverrideTarget"], &boot["BootSourceOverrideEnabled"]),
        (&json!("Cd"), &json!("Once"))
    );
}

#[test]
fn an_etag_guards_a_patch() {
    let bench = Bench::new();
    let tag = bench.get(&bench.system).header("ETag").to_owned();
    assert_eq!(bench.get(&bench.system).header("ETag"), tag, "reading changes nothing");
    let patch = |tag: &str| {
        let headers = [("Authorization", BASIC), ("If-Match", tag)];
        bench.send("PATCH", &bench.system, &headers, br#"{"AssetTag": "rack 7"}"#).status
    };
    assert_eq!(patch("\"0000000000000000\""), 412, "the ETag is another document's");
    assert_eq!(patch(&tag), 204);
    assert_eq!(patch(&tag), 412, "the document is another one now");
    let headers = [("Authorization", BASIC), ("If-None-Match", bench.get(&bench.system).header("ETag"))]
        .map(|h| (h.0, h.1.to_owned()));
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(bench.send("GET", &bench.system, &headers, b"").status, 304);
}

#[test]
fn media_are_inserted_once_and_ejected_with_or_without_a_body() {
    let bench = Bench::new();
    let slot = format!("{}/VirtualMedia/Cd", bench.system);
    let insert = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    let image = json!({"Image": "http://127.0.0.1/boot.iso"});
    assert_eq!(
        bench.write("POST", &insert, &json!({"Image": "ftp://x/y", "Media": 1})).message_ids(),
        ["ActionParameterValueFormatError", "ActionParameterUnknown"]
    );
    assert_eq!(bench.write("POST", &insert, &image).status, 204);
    let shown = bench.get(&slot).json;
    assert_eq!((&shown["Inserted"], &shown["Image"]), (&json!(true), &image["Image"]));
    assert_eq!(bench.write("POST", &insert, &image).message_ids(), ["ResourceInUse"]);
    let eject = format!("{slot}/Actions/VirtualMedia.EjectMedia");
    assert_eq!(bench.send("POST", &eject, &[("Authorization", BASIC)], b"").status, 204);
    assert_eq!(bench.get(&slot).json["Inserted"], false);
    assert_eq!(bench.write("POST", &eject, &json!({})).status, 204);
}

#[test]
fn bios_values_take_effect_at_the_next_boot() {
    let mut bench = Bench::new();
    let (bios, settings) = (format!("{}/Bios", bench.system), format!("{}/Bios/Settings", bench.system));
    let bad = json!({"Attributes": {"LogicalProc": "Maybe", "Nope": 1, "FirmwareRevision": "9", "BootRetryCount": 99}});
    let mut ids: Vec<_> =
        bench.write("PATCH", &settings, &bad).message_ids().iter().map(|s| s.to_string()).collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        ["PropertyNotWritable", "PropertyUnknown", "PropertyValueNotInList", "PropertyValueOutOfRange"]
    );
    let good = json!({"Attributes": {"LogicalProc": "Disabled"}, "@Redfish.SettingsApplyTime": {"ApplyTime": "OnReset"}});
    assert_eq!(bench.write("PATCH", &settings, &good).status, 204);
    let before = bench.get(&bios).json;
    assert_eq!(before["Attributes"]["LogicalProc"], "Enabled");
    assert!(["Time", "ETag", "Messages"].iter().all(|key| before["@Redfish.Settings"].get(key).is_none()));
    assert_eq!(bench.get(&settings).json["Attributes"], json!({"LogicalProc": "Disabled"}));
    bench.reset("On");
    bench.wait(60_000);
    let after = bench.get(&bios);
    assert_eq!(after.json["Attributes"]["LogicalProc"], "Disabled");
    let result = &after.json["@Redfish.Settings"];
    assert_eq!(
        (&result["Time"], &result["ETag"]),
        (&json!("2026-01-01T00:00:00+00:00"), &json!(after.header("ETag")))
    );
    assert_eq!(result["Messages"][0]["MessageId"], "Base.1.22.Success");
    assert_eq!(bench.get(&settings).json["Attributes"], json!({}));
}

#[test]
fn malformed_bodies_are_refused() {
    let bench = Bench::new();
    let send = |body: &[u8]| bench.send("PATCH", &bench.system, &[("Authorization", BASIC)], body);
    assert_eq!(send(b"{").message_ids(), ["MalformedJSON"]);
    assert_eq!(send(b"[]").message_ids(), ["UnrecognizedRequestBody"]);
    assert_eq!(send(b"{}").message_ids(), ["EmptyJSON"]);
}

#[test]
fn a_collection_is_paged() {
    let bench = Bench::new();
    let page = bench.get("/redfish/v1/Systems?$skip=1&$top=1").json;
    assert_eq!(page["Members"].as_array().unwrap().len(), 1);
    assert_eq!(page["Members@odata.count"], 3);
    assert_eq!(page["Members@odata.nextLink"], "/redfish/v1/Systems?$skip=2&$top=1");
    assert_eq!(bench.get("/redfish/v1/Systems?$top=x").status, 400);
    let answer = bench.get(&format!("{}?$top=1", bench.system));
    assert_eq!((answer.status, answer.message_ids()), (400, vec!["QueryNotSupportedOnResource"]));
    let answer = bench.get("/redfish/v1/Systems?$orderby=Name");
    assert_eq!((answer.status, answer.message_ids()), (501, vec!["QueryParameterUnsupported"]));
    assert_eq!(
        bench.get("/redfish/v1/Systems?filter=x").status,
        200,
        "without $ it is not the specification's"
    );
}

#[test]
fn links_are_expanded_to_the_levels_asked_for() {
    let bench = Bench::new();
    let storage = bench.get(&format!("{}/SimpleStorage?$expand=.($levels=1)", bench.system)).json;
    assert_eq!(storage["Members"][0]["Id"], "SATA");
    let chassis = bench.system.replace("Systems", "Chassis");
    let shown = bench.get(&format!("{chassis}?$expand=.($levels=1)")).json;
    assert_eq!(shown["Thermal"]["Id"], "Thermal");
    assert_eq!(shown["Sensors"]["Members"][0].as_object().unwrap().len(), 1, "one level only");
    assert_eq!(shown["Links"]["ComputerSystems"][0].as_object().unwrap().len(), 1);
    let shown = bench.get(&format!("{chassis}?$expand=~")).json;
    assert_eq!(shown["Links"]["ComputerSystems"][0]["PowerState"], "Off");
    assert_eq!(shown["Thermal"].as_object().unwrap().len(), 1);
    let shown = bench.get("/redfish/v1/Systems?$expand=*($levels=2)&$select=Members/Bios/Id").json;
    assert_eq!(shown["Members"][2]["Bios"]["Id"], "Bios");
    assert!(shown["Members"][2].get("PowerState").is_none());
}

#[test]
fn an_expansion_needs_a_login_even_of_the_root() {
    let bench = Bench::new();
    for query in ["$expand=.", "$expand=*($levels=3)", "only"] {
        let answer = bench.send("GET", &format!("/redfish/v1?{query}"), &[], b"");
        assert_eq!((answer.status, answer.message_ids()), (401, vec!["NoValidSession"]), "{query}");
    }
    assert_eq!(bench.send("GET", "/redfish/v1?$select=Name", &[], b"").status, 200);
    assert_eq!(bench.get("/redfish/v1?$expand=.").json["Systems"]["Members@odata.count"], 3);
}

#[test]
fn a_selection_keeps_the_resources_tag() {
    let bench = Bench::new();
    let whole = bench.get(&bench.system);
    let part = bench.get(&format!("{}?$select=PowerState", bench.system));
    assert_eq!(part.header("ETag"), whole.header("ETag"));
    assert_eq!(part.json.as_object().unwrap().len(), 4, "with its id, type and tag");
}

#[test]
fn only_shows_the_one_member() {
    let bench = Bench::new();
    assert_eq!(bench.get("/redfish/v1/AccountService/Accounts?only").json["UserName"], "admin");
    assert_eq!(bench.get("/redfish/v1/Systems?only").json["Members@odata.count"], 3);
}

#[test]
fn head_has_the_headers_of_get() {
    let bench = Bench::new();
    for uri in ["/redfish/v1", "/redfish/v1/Systems", &bench.system, "/redfish/v1/$metadata"] {
        let head = bench.send("HEAD", uri, &[("Authorization", BASIC)], b"");
        assert_eq!((head.status, head.headers), (200, bench.get(uri).headers), "{uri}");
    }
}

#[test]
fn another_odata_version_is_refused() {
    let bench = Bench::new();
    assert_eq!(bench.send("GET", "/redfish/v1", &[("OData-Version", "4.1")], b"").status, 412);
}

#[test]
fn a_post_to_members_is_a_post_to_the_collection() {
    let bench = Bench::new();
    let login = br#"{"UserName": "admin", "Password": "password"}"#;
    let members = "/redfish/v1/SessionService/Sessions/Members";
    assert_eq!(bench.send("POST", members, &[], login).status, 201);
    let answer = bench.get(members);
    assert_eq!((answer.status, answer.header("Allow")), (405, "POST"));
}

#[test]
fn a_managers_clock_is_read_back_as_it_was_set() {
    let mut bench = Bench::new();
    let manager = bench.system.replace("Systems", "Managers");
    for (time, offset) in [("2031-05-06T07:08:09+00:00", "+00:00"), ("1999-12-31T23:59:59-05:30", "-05:30")] {
        assert_eq!(bench.write("PATCH", &manager, &json!({"DateTime": time})).status, 204);
        let shown = bench.get(&manager).json;
        assert_eq!((&shown["DateTime"], &shown["DateTimeLocalOffset"]), (&json!(time), &json!(offset)));
    }
    let tag = bench.get(&manager).header("ETag").to_owned();
    bench.wait(2_000);
    let later = bench.get(&manager);
    assert_eq!(later.json["DateTime"], "2000-01-01T00:00:01-05:30");
    assert_eq!(later.header("ETag"), tag, "a clock that goes on is no change");
    for wrong in [json!({"DateTime": "noon"}), json!({"DateTimeLocalOffset": "5"})] {
        assert_eq!(bench.write("PATCH", &manager, &wrong).message_ids(), ["PropertyValueFormatError"]);
    }
}

#[test]
fn a_restarting_manager_answers_503() {
    let mut bench = Bench::new();
    let reset = format!("{}/Actions/Manager.Reset", bench.system.replace("Systems", "Managers"));
    let refused = bench.write("POST", &reset, &json!({"ResetType": "On"}));
    assert_eq!(refused.message_ids(), ["ActionParameterValueNotInList"]);
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "ForceRestart"})).status, 204);
    assert_eq!(bench.get(&bench.system).status, 200, "it answers for a moment");
    bench.wait(5_000);
    let away = bench.get(&bench.system);
    assert_eq!((away.status, away.message_ids()), (503, vec!["ServiceTemporarilyUnavailable"]));
    bench.wait(60_000);
    assert_eq!(bench.get(&bench.system).status, 200);
}

#[test]
fn lights_are_set_by_either_name() {
    let bench = Bench::new();
    let chassis = bench.system.replace("Systems", "Chassis");
    let drive = format!("{chassis}/Drives/Disk1");
    for uri in [&bench.system, &chassis, &drive] {
        assert_eq!(bench.write("PATCH", uri, &json!({"IndicatorLED": "Lit"})).status, 204);
        assert_eq!(bench.get(uri).json["LocationIndicatorActive"], true, "{uri}");
        assert_eq!(bench.write("PATCH", uri, &json!({"LocationIndicatorActive": false})).status, 204);
        assert_eq!(bench.get(uri).json["IndicatorLED"], "Off", "{uri}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_a_message() {
    let bench = Bench::new();
    assert_eq!(bench.write("PATCH", "/redfish/v1/UpdateService", &json!({"x": 1})).status, 405);
}

#[test]
fn a_bios_finds_its_registry() {
    let bench = Bench::new();
    let bios = bench.get(&format!("{}/Bios", bench.system)).json;
    let id = bios["AttributeRegistry"].as_str().unwrap();
    let file = bench.get(&format!("/redfish/v1/Registries/{id}")).json;
    let registry = bench.get(file["Location"][0]["Uri"].as_str().unwrap()).json;
    let entries = registry["RegistryEntries"]["Attributes"].as_array().unwrap();
    let names: Vec<_> = entries.iter().map(|e| e["AttributeName"].as_str().unwrap()).collect();
    assert_eq!(names.len(), bios["Attributes"].as_object().unwrap().len());
    assert!(names.iter().all(|name| bios["Attributes"].get(name).is_some()));
    assert_eq!(
        bench.get(&format!("/redfish/v1/Registries/{id}/Messages")).status,
        404,
        "it is of attributes"
    );
}

#[test]
fn every_profile_is_in_order() {
    for name in crate::profile::built_in_names() {
        let problems = check::profile(&built_in(name).unwrap());
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

#[test]
fn a_warning_does_not_change_the_etag_as_time_goes_by() {
    let mut bench = Bench::new();
    let slot = format!("{}/VirtualMedia/Cd", bench.system);
    let insert = format!("{slot}/Actions/VirtualMedia.InsertMedia");
    assert_eq!(bench.write("POST", &insert, &json!({"Image": "http://127.0.0.1/gone.iso"})).status, 204);
    let failed = Err("404 Not Found".into());
    bench.redfish.fleet.answer(NodeId(0), Found::MediaOpened { slot: 0, insertion: 1, result: failed });
    let before = bench.get(&slot);
    let warning = &before.json["Status"]["Conditions"][0]["Message"];
    assert_eq!(warning, "The image could not be opened: 404 Not Found");
    bench.wait(5_000);
    let later = bench.get(&slot);
    assert_eq!((later.header("ETag"), &later.json), (before.header("ETag"), &before.json));
}
