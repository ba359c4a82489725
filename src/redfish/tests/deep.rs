//! Deep PATCH: one request changes several resources, whole or not at all.

use super::*;
use crate::profile::quirk::Quirk;

fn chassis(bench: &Bench) -> String {
    bench.system.replace("Systems", "Chassis")
}

fn drives(bench: &Bench) -> Vec<String> {
    let members = bench.get(&format!("{}/Drives", chassis(bench))).json["Members"].clone();
    members.as_array().unwrap().iter().map(|one| one["@odata.id"].as_str().unwrap().to_owned()).collect()
}

fn pointers(answer: &Answer) -> Vec<&str> {
    let info = answer.json["error"]["@Message.ExtendedInfo"].as_array().unwrap();
    info.iter().map(|message| message["RelatedProperties"][0].as_str().unwrap_or_default()).collect()
}

#[test]
fn a_resource_and_those_below_it_are_changed_by_one_request() {
    let bench = Bench::new();
    let features = bench.get("/redfish/v1").json["ProtocolFeaturesSupported"].clone();
    let deep = &features["DeepOperations"];
    assert_eq!((&deep["DeepPATCH"], &deep["MaxLevels"]), (&json!(true), &json!(3)));
    let (chassis, drives) = (chassis(&bench), drives(&bench));
    let lit = |uri: &str| bench.get(uri).json["LocationIndicatorActive"].clone();
    let body = json!({"LocationIndicatorActive": true, "Drives": {"Members": [
        {"@odata.id": drives[0], "LocationIndicatorActive": true},
        {"@odata.id": drives[1], "IndicatorLED": "Lit"},
    ]}});
    assert_eq!(bench.write("PATCH", &chassis, &body).status, 204);
    assert_eq!((lit(&chassis), lit(&drives[0]), lit(&drives[1])), (json!(true), json!(true), json!(true)));
    let body = json!({"Members": [{"@odata.id": drives[0], "LocationIndicatorActive": false}]});
    assert_eq!(bench.write("PATCH", &format!("{chassis}/Drives"), &body).status, 204);
    assert_eq!((lit(&drives[0]), lit(&drives[1])), (json!(false), json!(true)));
    let body = json!({"Members": [{"@odata.id": bench.system, "AssetTag": "rack 7",
        "SecureBoot": {"SecureBootEnable": true}}]});
    assert_eq!(bench.write("PATCH", "/redfish/v1/Systems", &body).status, 204);
    assert_eq!(bench.get(&bench.system).json["AssetTag"], "rack 7");
    assert_eq!(bench.get(&format!("{}/SecureBoot", bench.system)).json["SecureBootEnable"], true);
}

#[test]
fn a_mistake_in_one_part_changes_no_part() {
    let bench = Bench::new();
    let (system, drives) = (&bench.system, drives(&bench));
    let other = bench.get("/redfish/v1/Systems").json["Members"][1]["@odata.id"].clone();
    let collection = format!("{}/Drives", chassis(&bench));
    let member = |id: &str, more: &Value| {
        let mut member = more.clone();
        member["@odata.id"] = json!(id);
        json!({"Members": [{"@odata.id": drives[0], "LocationIndicatorActive": true}, member]})
    };
    for (uri, body, message, pointer) in [
        (
            system.as_str(),
            json!({"AssetTag": "x", "SecureBoot": {"SecureBootEnable": 1}}),
            "PropertyValueTypeError",
            "#/SecureBoot/SecureBootEnable",
        ),
        (
            system,
            json!({"SecureBoot": {"SecureBootEnable": true}, "UUID": "x"}),
            "PropertyNotWritable",
            "#/UUID",
        ),
        (
            system,
            json!({"AssetTag": "x", "Bios": {"Attributes": {"LogicalProc": "Disabled"}}}),
            "OperationNotAllowed",
            "#/Bios",
        ),
        (&collection, member(&drives[1], &json!({"Nope": 1})), "PropertyUnknown", "#/Members/1/Nope"),
        (
            &collection,
            member("/redfish/v1/Systems", &json!({})),
            "PropertyValueNotInList",
            "#/Members/1/@odata.id",
        ),
        (
            &collection,
            member(&format!("{collection}/None"), &json!({"IndicatorLED": "Lit"})),
            "ResourceMissingAtURI",
            "#/Members/1",
        ),
        (&collection, json!({"Members": {}}), "PropertyValueTypeError", "#/Members"),
        (&collection, json!({}), "PropertyMissing", "#/Members"),
        (&collection, json!({"Members": [], "Name": "x"}), "PropertyNotWritable", "#/Name"),
        (&collection, json!({"Members": [1]}), "PropertyValueTypeError", "#/Members/0"),
        (
            "/redfish/v1/Systems",
            json!({"Members": [{"@odata.id": system, "AssetTag": "x"}, {"@odata.id": other, "AssetTag": "y"}]}),
            "OperationNotAllowed",
            "",
        ),
    ] {
        let refused = bench.write("PATCH", uri, &body);
        assert_eq!(
            (refused.message_ids(), pointers(&refused)),
            (vec![message], vec![pointer]),
            "{uri} {body}"
        );
        let new = bench.redfish.fleet.look(NodeId(0), |node, _| node.state().is_new());
        assert_eq!(new, Some(true), "{uri} {body}");
    }
    let many: Vec<_> = (0..65).map(|_| json!({"@odata.id": drives[0], "IndicatorLED": "Lit"})).collect();
    let refused = bench.write("PATCH", &collection, &json!({"Members": many}));
    assert_eq!(refused.message_ids(), ["ArraySizeTooLong"]);
    let accounts = "/redfish/v1/AccountService/Accounts";
    let account = json!({"@odata.id": format!("{accounts}/1"), "Enabled": true});
    let refused = bench.write("PATCH", accounts, &json!({"Members": [account, account]}));
    assert_eq!((refused.status, refused.message_ids()), (405, vec!["OperationNotAllowed"]));
    assert_eq!(bench.write("PATCH", accounts, &json!({"Members": [account]})).status, 204);
    let root = bench.write("PATCH", "/redfish/v1", &json!({"Systems": {"Members": []}}));
    assert_eq!((root.status, root.message_ids()), (405, vec!["OperationNotAllowed"]));
}

#[test]
fn the_etags_in_a_body_guard_its_parts() {
    let bench = Bench::new();
    let secure_boot = format!("{}/SecureBoot", bench.system);
    let patch = |tag: &str, if_match: Option<&str>| {
        let body = json!({"AssetTag": "x", "SecureBoot": {"SecureBootEnable": true, "@odata.etag": tag}});
        let mut headers = vec![("Authorization", BASIC)];
        headers.extend(if_match.map(|tag| ("If-Match", tag)));
        bench.send("PATCH", &bench.system, &headers, body.to_string().as_bytes())
    };
    let tag = |uri: &str| bench.get(uri).header("ETag").to_owned();
    let wrong = "\"0000000000000000\"";
    assert_eq!(patch(wrong, None).message_ids(), ["PreconditionFailed"]);
    assert_eq!(patch(&tag(&secure_boot), Some(wrong)).message_ids(), ["PreconditionFailed"]);
    assert_ne!(bench.get(&bench.system).json["AssetTag"], "x");
    assert_eq!(patch(&tag(&secure_boot), Some(&tag(&bench.system))).status, 204);
    assert_eq!(bench.get(&bench.system).json["AssetTag"], "x");

    let collection = format!("{}/Drives", chassis(&bench));
    let body = json!({"Members": [{"@odata.id": drives(&bench)[0], "IndicatorLED": "Lit"}]});
    let send = |tag: &str| {
        let headers = [("Authorization", BASIC), ("If-Match", tag)];
        bench.send("PATCH", &collection, &headers, body.to_string().as_bytes()).status
    };
    assert_eq!((send(wrong), send(&tag(&collection))), (412, 204));
}

#[test]
fn a_model_that_needs_etags_needs_one_for_each_part() {
    let mut bench = Bench::new();
    let mut model = Profile::clone(&built_in("generic").unwrap());
    model.quirks.push(Quirk::PatchNeedsEtag);
    bench.add_model(Arc::new(model));
    let etag = bench.get(&format!("{}/SecureBoot", bench.system)).header("ETag").to_owned();
    let patch = |part: &Value| {
        let tag = bench.get(&bench.system).header("ETag").to_owned();
        let headers = [("Authorization", BASIC), ("If-Match", tag.as_str())];
        let body = json!({"AssetTag": "x", "SecureBoot": part});
        bench.send("PATCH", &bench.system, &headers, body.to_string().as_bytes()).status
    };
    assert_eq!(patch(&json!({"SecureBootEnable": true})), 428);
    assert_eq!(patch(&json!({"SecureBootEnable": true, "@odata.etag": etag})), 204);
}

/// Below the root of one BMC, its accounts belong to the same node as all other resources.
#[test]
fn the_services_of_a_bmc_are_changed_whole_or_not_at_all() {
    let bench = Bench::new();
    let send = |method: &str, uri: &str, password: &str, body: &Value| {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("admin:{password}"));
        let request =
            Request::builder().method(method).uri(uri).header("Authorization", format!("Basic {pair}"));
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        bench.redfish.call_own(NodeId(0), |_| true, &request).unwrap().status().as_u16()
    };
    let service = "/redfish/v1/AccountService";
    let body = |lockout: i64| {
        let first = json!({"@odata.id": format!("{service}/Accounts/1"), "Password": "another-password"});
        json!({"AccountLockoutThreshold": lockout, "Accounts": {"Members": [first]}})
    };
    assert_eq!(send("PATCH", service, "password", &body(-1)), 400);
    assert_eq!(send("GET", service, "password", &Value::Null), 200, "the password is the old one");
    assert_eq!(send("PATCH", service, "password", &body(3)), 204);
    assert_eq!(send("GET", service, "another-password", &Value::Null), 200);
}
