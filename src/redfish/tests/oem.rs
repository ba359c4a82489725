//! The OEM parts of a model, at the root of a BMC and at the root that all nodes share.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::node::NodeId;
use crate::profile::{Profile, built_in, from_directory};
use crate::redfish::auth::Account;
use crate::redfish::{Redfish, check};
use crate::seed::Seed;
use crate::time::SimTime;

struct Bmc {
    redfish: Redfish,
    uuid: String,
}

impl Bmc {
    fn of(model: &Arc<Profile>) -> Self {
        let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
        fleet.add(model, 1).unwrap();
        let uuid = fleet.look(NodeId(0), |node, _| node.spec().uuid().to_string()).unwrap();
        Self { redfish: Redfish::new(Arc::new(fleet), Account::new("admin", "password")), uuid }
    }

    fn hpe() -> Self {
        Self::of(&built_in("hpe-dl380-gen11").unwrap())
    }

    /// The status, the document and the headers of a request to the BMC's own root, or to that of all nodes.
    fn ask(
        &self,
        own: bool,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value, http::HeaderMap) {
        let text = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let path = format!("/redfish/v1/{path}");
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
        let request = request.body(text).unwrap();
        let response = match own {
            true => self.redfish.call_own(NodeId(0), |_| true, &request).unwrap(),
            false => self.redfish.call(&request),
        };
        let (head, body) = response.into_parts();
        (head.status, serde_json::from_slice(&body).unwrap_or_default(), head.headers)
    }

    fn get(&self, path: &str) -> Value {
        let (status, document, _) = self.ask(true, Method::GET, path, &Value::Null);
        assert_eq!(status, 200, "{path}: {document}");
        document
    }

    fn patch(&self, path: &str, body: &Value) -> (StatusCode, Vec<String>) {
        let (status, answer, _) = self.ask(true, Method::PATCH, path, body);
        let messages = answer["error"]["@Message.ExtendedInfo"].as_array().cloned().unwrap_or_default();
        let short = |one: &Value| {
            let key = one["MessageId"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
            format!("{key} {}", one["RelatedProperties"][0].as_str().unwrap_or_default())
        };
        (status, messages.iter().map(short).collect())
    }
}

#[test]
fn a_resource_of_the_maker_is_read_changed_and_refuses_the_rest() {
    let bmc = Bmc::hpe();
    let (status, before, headers) = bmc.ask(true, Method::GET, "Managers/1/DateTime", &Value::Null);
    assert_eq!((status, &before["@odata.id"]), (StatusCode::OK, &json!("/redfish/v1/Managers/1/DateTime")));
    assert_eq!(headers["allow"], "GET, HEAD, PATCH");
    assert_eq!(before["@odata.etag"], headers["etag"].to_str().unwrap());
    let change = json!({"TimeZone": {"Index": 22}, "StaticNTPServers": ["192.0.2.1", "b"], "PropagateTimeToHost": true});
    assert_eq!(bmc.patch("Managers/1/DateTime", &change).0, 200);
    let after = bmc.get("Managers/1/DateTime");
    assert_eq!(after["TimeZone"]["Name"], "Kabul");
    assert_eq!(after["StaticNTPServers"], change["StaticNTPServers"]);
    assert_ne!(after["@odata.etag"], before["@odata.etag"]);
    let wrong = json!({
        "TimeZone": {"Index": 99}, "StaticNTPServers": ["a", "b", "c"], "PropagateTimeToHost": "yes", "Name": "x", "Nope": 1,
    });
    let (status, mut messages) = bmc.patch("Managers/1/DateTime", &wrong);
    messages.sort();
    let expected = [
        "ArraySizeTooLong #/StaticNTPServers",
        "PropertyNotWritable #/Name",
        "PropertyUnknown #/Nope",
        "PropertyValueNotInList #/TimeZone/Index",
        "PropertyValueTypeError #/PropagateTimeToHost",
    ];
    assert_eq!((status, messages.as_slice()), (StatusCode::BAD_REQUEST, &expected.map(str::to_owned)[..]));
    assert_eq!(bmc.get("Managers/1/DateTime"), after, "a refusal changes nothing");
    for (path, allow) in
        [("Managers/1/DateTime", "GET, HEAD, PATCH"), ("Managers/1/SecurityService", "GET, HEAD")]
    {
        let (status, _, headers) = bmc.ask(true, Method::DELETE, path, &Value::Null);
        assert_eq!((status, headers["allow"].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, allow));
    }
    // The same resource at the root of all nodes.
    let shared = format!("Managers/{}/DateTime", bmc.uuid);
    let (status, document, _) = bmc.ask(false, Method::GET, &shared, &Value::Null);
    assert_eq!((status, &document["TimeZone"]), (StatusCode::OK, &after["TimeZone"]));
    assert_eq!(
        document["Links"]["EthernetNICs"]["@odata.id"],
        format!("/redfish/v1/Managers/{}/EthernetInterfaces", bmc.uuid)
    );
    assert_eq!(bmc.ask(false, Method::GET, "ResourceDirectory", &Value::Null).0, 404);
    assert!(bmc.ask(false, Method::GET, "", &Value::Null).1.get("Oem").is_none(), "no BMC of the maker");
}

#[test]
fn an_oem_object_and_the_rest_of_a_body_are_one_change() {
    let bmc = Bmc::hpe();
    let port = "Managers/1/EthernetInterfaces/eth0";
    let oem = json!({"DomainName": "lab.example", "IPv4": {"DNSServers": ["192.0.2.9"]}});
    assert_eq!(bmc.patch(port, &json!({"MTUSize": 1400, "Oem": {"Hpe": oem}})).0, 200);
    let after = bmc.get(port);
    assert_eq!(
        (&after["MTUSize"], &after["Oem"]["Hpe"]["DomainName"]),
        (&json!(1400), &json!("lab.example"))
    );
    assert_eq!(after["Oem"]["Hpe"]["IPv4"]["DNSServers"], json!(["192.0.2.9"]));
    for wrong in [
        json!({"MTUSize": 1, "Oem": {"Hpe": {"DomainName": "other"}}}),
        json!({"MTUSize": 1300, "Oem": {"Hpe": {"DomainName": 7}}}),
        json!({"Oem": {"Hpe": {"DomainName": "other", "InterfaceType": "Shared"}}}),
    ] {
        assert_eq!(bmc.patch(port, &wrong).0, 400, "{wrong}");
        assert_eq!(bmc.get(port), after, "{wrong}");
    }
    let wrong = json!({"Oem": {"Hpe": {"InterfaceType": "Shared", "Nope": 1, "IPv4": {"Never": 2}}}});
    let (status, messages) = bmc.patch(port, &wrong);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let expected = [
        "PropertyUnknown #/Oem/Hpe/IPv4/Never",
        "PropertyNotWritable #/Oem/Hpe/InterfaceType",
        "PropertyUnknown #/Oem/Hpe/Nope",
    ];
    assert_eq!(messages, expected, "no message is about an object that is right");
}

#[test]
fn a_property_with_another_name_is_the_same_setting() {
    let bmc = Bmc::hpe();
    let settings = "Systems/1/Bios/oem/hpe/boot/settings";
    let order = json!({"PersistentBootConfigOrder": ["NIC.Slot.1.1.IPv4", "HD.Emb.1.1", "Generic.USB.1.1"]});
    assert_eq!(bmc.patch(settings, &order).0, 200);
    assert_eq!(bmc.get("Systems/1")["Boot"]["BootOrder"], json!(["Boot0002", "Boot0000", "Boot0001"]));
    assert_eq!(
        bmc.patch("Systems/1", &json!({"Boot": {"BootOrder": ["Boot0001", "Boot0000", "Boot0002"]}})).0,
        200
    );
    let shown = json!(["Generic.USB.1.1", "HD.Emb.1.1", "NIC.Slot.1.1.IPv4"]);
    assert_eq!(bmc.get("Systems/1/Bios/oem/hpe/boot")["PersistentBootConfigOrder"], shown);
    for wrong in [
        json!(["HD.Emb.1.1"]),
        json!(["HD.Emb.1.1", "HD.Emb.1.1", "Generic.USB.1.1"]),
        json!(["a", "b", "c"]),
    ] {
        let (status, messages) = bmc.patch(settings, &json!({"PersistentBootConfigOrder": wrong}));
        assert_eq!(
            (status, &*messages[0]),
            (StatusCode::BAD_REQUEST, "PropertyValueNotInList #/PersistentBootConfigOrder")
        );
    }
    let (status, messages) = bmc.patch("Systems/1/Bios/oem/hpe/boot", &order);
    assert_eq!((status, messages.len()), (StatusCode::METHOD_NOT_ALLOWED, 1));
}

#[test]
fn the_list_of_all_resources_names_each_with_its_tag() {
    let bmc = Bmc::hpe();
    let list = bmc.get("ResourceDirectory");
    let listed = list["Instances"].as_array().unwrap();
    let (pages, problems) = check::crawl_own(&bmc.redfish, NodeId(0));
    assert!(problems.is_empty(), "{problems:?}");
    let left_out = |uri: &str| {
        ["/redfish/v1/JsonSchemas", "/redfish/v1/Registries", "/redfish/v1/ResourceDirectory"]
            .iter()
            .any(|start| uri.starts_with(start))
            || uri == "/redfish/v1/odata"
            || uri.contains("/Entries/")
            || uri.contains("ActionInfo")
    };
    for (uri, document) in pages.iter().filter(|(uri, _)| !left_out(uri)) {
        let found: Vec<_> = listed.iter().filter(|one| one["@odata.id"] == uri.as_str()).collect();
        assert_eq!(found.len(), 1, "{uri}");
        assert_eq!(found[0]["@odata.type"], document["@odata.type"], "{uri}");
        assert_eq!(found[0]["ETag"], document["@odata.etag"], "{uri}");
    }
    assert!(listed.iter().all(|one| pages.iter().any(|(uri, _)| one["@odata.id"] == uri.as_str())));
}

#[test]
fn a_path_means_the_same_in_any_case_where_the_model_says_so() {
    let (hpe, generic) = (Bmc::hpe(), Bmc::of(&built_in("generic").unwrap()));
    for path in [
        "systems/1/bios/settings/",
        "SYSTEMS/1/Bios/Settings",
        "managers/1/datetime",
        "systems/1/bios/oem/hpe/boot/",
    ] {
        let document = hpe.get(path);
        let uri = document["@odata.id"].as_str().unwrap().trim_start_matches("/redfish/v1/").to_owned();
        assert_eq!(hpe.get(&uri), document, "{path}");
        let shared = path.replace("/1/", &format!("/{}/", hpe.uuid));
        assert_eq!(hpe.ask(false, Method::GET, &shared, &Value::Null).0, 200, "{path}");
        assert_eq!(generic.ask(true, Method::GET, path, &Value::Null).0, 404, "{path}");
    }
    assert_eq!(hpe.ask(true, Method::GET, "systems/2/bios", &Value::Null).0, 404);
    for (path, status) in [
        ("/rest/v1/Systems/1/", 200),
        ("/rest/v1/systems/1/bios", 200),
        ("/rest/v1", 200),
        ("/rest/v12", 404),
    ] {
        let request = Request::get(path)
            .header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=")
            .body(Bytes::new())
            .unwrap();
        let response = hpe.redfish.call_own(NodeId(0), |_| true, &request).unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}

#[test]
fn answers_have_the_style_of_the_model() {
    let bmc = Bmc::hpe();
    let reset = |own, kind: &str| {
        let system = if own { "1" } else { &bmc.uuid };
        let path = format!("Systems/{system}/Actions/ComputerSystem.Reset");
        let (status, answer, _) = bmc.ask(own, Method::POST, &path, &json!({"ResetType": kind}));
        let message = answer["error"]["@Message.ExtendedInfo"][0].clone();
        (
            status.as_u16(),
            answer["error"]["code"].clone(),
            message["MessageId"].clone(),
            message["MessageArgs"].clone(),
        )
    };
    let (code, own) = (json!("iLO.0.10.ExtendedInfo"), json!("iLO.2.30.InvalidOperationForSystemState"));
    assert_eq!(reset(true, "ForceOff"), (400, code.clone(), own.clone(), json!(["Power is off"])));
    let (status, shown, message, _) = reset(true, "On");
    assert_eq!((status, &shown), (200, &code));
    assert!(message.as_str().unwrap().ends_with(".Success"));
    assert_eq!(reset(true, "On"), (400, code.clone(), own, json!(["Power is on"])));
    let (status, _, messages) = bmc.ask(true, Method::GET, "Nowhere", &Value::Null);
    assert_eq!(status, 404, "{messages:?}");
    let registry = bmc.get("Registries/iLO.2.30/Messages");
    assert_eq!(
        (&registry["RegistryPrefix"], &registry["RegistryVersion"]),
        (&json!("iLO"), &json!("2.30.0"))
    );
    let entry = &registry["Messages"]["InvalidOperationForSystemState"];
    assert_eq!((&entry["NumberOfArgs"], &entry["ParamTypes"]), (&json!(1), &json!(["string"])));
    // The root of all nodes is no BMC of the maker.
    assert_eq!(bmc.ask(false, Method::GET, "Registries/iLO.2.30", &Value::Null).0, 404);
    let (status, _, message, _) = reset(false, "On");
    assert_eq!(status, 409);
    assert!(message.as_str().unwrap().starts_with("Base."));
    assert_eq!(reset(false, "ForceOff").0, 204);
}

#[test]
fn documents_have_the_versions_of_the_model() {
    let bmc = Bmc::hpe();
    let (_, system, headers) = bmc.ask(true, Method::GET, "Systems/1", &Value::Null);
    assert_eq!(system["@odata.type"], "#ComputerSystem.v1_18_0.ComputerSystem");
    assert!(headers["link"].to_str().unwrap().contains("/ComputerSystem.v1_18_0.json"));
    let file = bmc.get("JsonSchemas/ComputerSystem.v1_18_0");
    assert_eq!(file["Schema"], "#ComputerSystem.v1_18_0.ComputerSystem");
    let request = Request::get("/redfish/v1/$metadata").body(Bytes::new()).unwrap();
    let metadata = bmc.redfish.call_own(NodeId(0), |_| true, &request).unwrap().into_body();
    assert!(String::from_utf8_lossy(&metadata).contains("\"ComputerSystem.v1_18_0\""));
}

#[test]
fn a_profile_with_wrong_oem_parts_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("mine");
    std::fs::create_dir_all(root.join("resources")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(root.join(file), text).unwrap();
    let clock = r##"{"@odata.id": "/redfish/v1/Managers/{manager}/Clock", "@odata.type": "#AcmeClock.v1_0_0.AcmeClock", "Id": "Clock", "Name": "c", "A": [""]}"##;
    let link = r#"{"Oem": {"Acme": {"Clock": {"@odata.id": "/redfish/v1/Managers/{manager}/Clock"}}}}"#;
    let problems = |toml: &str, manager: &str, clock: &str| {
        write("profile.toml", &format!("extends = \"generic\"\n{toml}"));
        write("Manager.json", manager);
        write("resources/Clock.json", clock);
        match from_directory(&root) {
            Ok(profile) => check::profile(&profile).join("; "),
            Err(error) => error.to_string(),
        }
    };
    let property = |of: &str, rest: &str| format!("[[oem.property]]\nof = \"{of}\"\n{rest}");
    assert_eq!(problems("", link, clock), "");
    let good = property("Managers/{}/Clock", "name = \"A\"\nkind = \"texts\"");
    assert_eq!(problems(&good, link, clock), "");
    for (toml, manager, clock, said) in [
        (
            String::new(),
            "{}",
            clock.to_owned(),
            "resources/Clock.json: no document links to '/redfish/v1/Managers/1/Clock'",
        ),
        (
            String::new(),
            link,
            clock.replace("\"A\": [\"\"]", "\"B\": {\"@odata.id\": \"/redfish/v1/Managers/{manager}/Nope\"}"),
            "/Nope: linked by /redfish/v1/Managers/",
        ),
        (String::new(), link, clock.replace("\"Id\"", "\"Jd\""), "resources/Clock.json: it has no Id"),
        (
            property("Managers/{}/Clock", "name = \"B\"\nkind = \"texts\""),
            link,
            clock.to_owned(),
            "'B' of 'Managers/{}/Clock': the file of the resource has no such property",
        ),
        (
            property("Managers/{}/Clocks", "name = \"Oem/Acme/B\"\nkind = \"text\""),
            link,
            clock.to_owned(),
            "no resource of a machine has this path",
        ),
        (
            property("Managers/{}", "name = \"Oem/Acme/B\"\nkind = \"text\""),
            link,
            clock.to_owned(),
            "no overlay has this property",
        ),
        (
            property("Managers/{}", "name = \"B\"\nkind = \"text\""),
            link,
            clock.to_owned(),
            "must begin with 'Oem/'",
        ),
        (
            property(
                "Systems/{}",
                "name = \"Oem/Acme/B\"\nkind = \"texts\"\nshows = \"boot-order\"\nvalues = [\"HD\"]",
            ),
            link,
            clock.to_owned(),
            "shows is for a property of an OEM resource",
        ),
        (
            property("Managers/{}/Clock", "name = \"A\"\nkind = \"member\""),
            link,
            clock.to_owned(),
            "needs list and key",
        ),
        (
            "[schemas]\nComputerSystem = \"1.18\"".to_owned(),
            link,
            clock.to_owned(),
            "schemas.ComputerSystem: '1.18' is no version",
        ),
        (
            "[schemas]\nComputer = \"v1_18_0\"".to_owned(),
            link,
            clock.to_owned(),
            "schemas.Computer: no resource has that type",
        ),
        (
            "[path_aliases]\n\"/redfish/v2\" = \"/redfish/v1\"".to_owned(),
            link,
            clock.to_owned(),
            "path_aliases: '/redfish/v2'",
        ),
        ("[answers]\ncode = \"A.1.0.B\"".to_owned(), link, clock.to_owned(), "code and text need each other"),
        (
            String::new(),
            link,
            clock.replace("\"c\"", "\"{post_state}\""),
            "{post_state} needs the table oem.post_state",
        ),
    ] {
        let problem = problems(&toml, manager, &clock);
        assert!(problem.contains(said), "{said}: {problem}");
    }
}
