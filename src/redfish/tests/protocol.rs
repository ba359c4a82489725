//! Rules of HTTP and of the Redfish protocol that every resource keeps.

use super::*;
use crate::dmtf::BootTarget;
use crate::profile::quirk::Quirk;

#[test]
fn a_client_that_has_the_document_is_told_so_in_every_spelling_of_its_tag() {
    let bench = Bench::new();
    let tag = bench.get(&bench.system).header("ETag").to_owned();
    let get = |name: &str, value: &str| {
        bench.send("GET", &bench.system, &[("Authorization", BASIC), (name, value)], b"").status
    };
    for same in [tag.clone(), format!("W/{tag}"), format!("\"other\", W/{tag}"), "*".to_owned()] {
        assert_eq!(get("If-None-Match", &same), 304, "{same}");
    }
    assert_eq!(get("If-None-Match", "\"other\""), 200);
    assert_eq!((get("If-Match", &tag), get("If-Match", &format!("W/{tag}"))), (200, 412));
}

#[test]
fn a_change_needs_a_strong_tag_that_matches() {
    let bench = Bench::new();
    let patch = |name: &str, value: &str| {
        let headers = [("Authorization", BASIC), (name, value)];
        bench.send("PATCH", &bench.system, &headers, br#"{"AssetTag": "rack 7"}"#)
    };
    let tag = bench.get(&bench.system).header("ETag").to_owned();
    for refused in [("If-Match", format!("W/{tag}")), ("If-None-Match", "*".to_owned())] {
        let answer = patch(refused.0, &refused.1);
        assert_eq!((answer.status, answer.message_ids()), (412, vec!["PreconditionFailed"]), "{refused:?}");
    }
    assert_eq!(bench.get(&bench.system).header("ETag"), tag, "nothing was changed");
    assert_eq!(patch("If-Match", &format!("\"other\" ,{tag}")).status, 204);
    assert_eq!(patch("If-None-Match", &tag).status, 204, "the document is another one now");
}

#[test]
fn a_path_may_be_percent_encoded() {
    let bench = Bench::new();
    assert_eq!(bench.get("/redfish/v1/%24metadata").status, 200);
    let (above, uuid) = bench.system.rsplit_once('/').unwrap();
    let encoded: String = uuid.bytes().map(|b| format!("%{b:02x}")).collect();
    let answer = bench.get(&format!("{above}/{encoded}/Bio%73/"));
    assert_eq!((answer.status, &answer.json["@odata.id"]), (200, &json!(format!("{}/Bios", bench.system))));
    let reset = format!("{}/Actions/ComputerSystem%2EReset", bench.system);
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "On"})).status, 204);
    for gone in [bench.system.replacen("/Systems/", "/Systems%2F", 1), format!("{above}/%ff%00")] {
        let answer = bench.get(&gone);
        assert_eq!((answer.status, answer.message_ids()), (404, vec!["ResourceMissingAtURI"]), "{gone}");
        assert!(answer.json["error"]["message"].as_str().unwrap().contains(&gone), "as the client wrote it");
    }
}

#[test]
fn a_page_without_members_cannot_be_asked_for() {
    let bench = Bench::new();
    let answer = bench.get("/redfish/v1/Systems?$top=0");
    assert_eq!((answer.status, answer.message_ids()), (400, vec!["QueryParameterOutOfRange"]));
    let message = answer.json["error"]["message"].as_str().unwrap();
    assert_eq!(message, "The value '0' for the query parameter $top is out of range of 1 or more.");
}

/// `Systems?$select=UUID&$expand=.($levels=1)` is the example of DSP0266 for the UUIDs of all systems.
#[test]
fn a_selection_applies_to_each_expanded_resource() {
    let bench = Bench::new();
    let shown = bench.get("/redfish/v1/Systems?$select=UUID&$expand=.($levels=1)").json;
    assert_eq!((&shown["Members@odata.count"], shown.get("Name")), (&json!(3), None));
    for member in shown["Members"].as_array().unwrap() {
        let names: Vec<_> = member.as_object().unwrap().keys().filter(|key| !key.starts_with('@')).collect();
        assert_eq!(names, ["UUID"]);
    }
    let shown = bench.get(&format!("{}?$expand=*&$select=PowerState", bench.system)).json;
    assert_eq!((&shown["PowerState"], shown.get("Id")), (&json!("Off"), None));
    assert_eq!(shown["Boot"].as_object().unwrap().len(), 1, "only the way to the boot options");
    let chassis = shown["Links"]["Chassis"][0].as_object().unwrap();
    assert_eq!((&chassis["PowerState"], chassis.get("Name")), (&json!("Off"), None));
    assert_eq!(
        bench.get("/redfish/v1/Systems?$expand=.&$select=Members/Id").json["Members"][1].get("UUID"),
        None
    );
    let empty = bench.get("/redfish/v1/SessionService/Sessions?$expand=.&$select=Id").json;
    assert_eq!((&empty["Members"], &empty["Members@odata.count"]), (&json!([]), &json!(0)));
}

#[test]
fn an_expansion_that_is_too_large_comes_in_pages_or_is_refused() {
    let bench = Bench::new();
    bench.redfish.fleet.add(&built_in("generic").unwrap(), 300).unwrap();
    let page = bench.get("/redfish/v1/Systems?$expand=.");
    assert_eq!((page.status, page.json["Members"].as_array().unwrap().len()), (200, 256));
    assert_eq!(page.json["Members@odata.nextLink"], "/redfish/v1/Systems?$skip=256&$expand=.");
    let answer = bench.get("/redfish/v1?$expand=.($levels=2)");
    assert_eq!((answer.status, answer.message_ids()), (507, vec!["InsufficientStorage"]));
}

#[test]
fn a_login_beyond_the_limit_is_told_when_to_come_back() {
    let mut bench = Bench::new();
    bench.redfish.sessions.limit = 0;
    let login = br#"{"UserName": "admin", "Password": "password"}"#;
    let refused = bench.send("POST", "/redfish/v1/SessionService/Sessions", &[], login);
    assert_eq!((refused.status, refused.message_ids()), (503, vec!["SessionLimitExceeded"]));
    assert_eq!(refused.header("Retry-After"), "5");
}

#[test]
fn an_action_may_be_named_in_its_body_where_the_model_allows_it() {
    let mut bench = Bench::new();
    let body = json!({"Action": "ComputerSystem.Reset", "ResetType": "On", "Oem": {"Maker": {"Wait": true}}});
    let reset =
        |bench: &Bench| bench.write("POST", &format!("{}/Actions/ComputerSystem.Reset", bench.system), &body);
    let refused = reset(&bench);
    assert_eq!(refused.message_ids(), ["ActionParameterUnknown"]);
    assert_eq!(refused.json["error"]["@Message.ExtendedInfo"][0]["MessageArgs"][1], "Action");
    bench.add_first("hpe-dl380-gen11");
    assert_eq!(reset(&bench).status, 204);
    assert_eq!(bench.get(&bench.system).json["PowerState"], "PoweringOn");
}

#[test]
fn an_extension_that_is_not_known_is_ignored_beside_a_known_change() {
    let bench = Bench::new();
    let extended = json!({"AssetTag": "rack 7", "Oem": {"Maker": {"Colour": "blue"}}});
    assert_eq!(bench.write("PATCH", &bench.system, &extended).status, 204);
    assert_eq!(bench.get(&bench.system).json["AssetTag"], "rack 7");
    let alone = bench.write("PATCH", &bench.system, &json!({"Oem": {"Maker": {"Colour": "blue"}}}));
    assert_eq!((alone.status, alone.message_ids()), (400, vec!["PropertyUnknown"]));
}

#[test]
fn a_document_has_its_etag_wherever_it_stands() {
    let bench = Bench::new();
    for uri in ["/redfish/v1", "/redfish/v1/Systems", &bench.system, &format!("{}/Processors", bench.system)]
    {
        let answer = bench.get(uri);
        assert_eq!(answer.json["@odata.etag"], answer.header("ETag"), "{uri}");
        assert!(answer.header("ETag").len() == 18, "{uri}");
    }
    let members = bench.get("/redfish/v1/Systems?$expand=.&$select=Name").json;
    let members = members["Members"].as_array().unwrap();
    let member = members.iter().find(|member| member["@odata.id"] == bench.system.as_str()).unwrap();
    let headers = [("Authorization", BASIC), ("If-Match", member["@odata.etag"].as_str().unwrap())];
    assert_eq!(bench.send("PATCH", &bench.system, &headers, br#"{"AssetTag": "x"}"#).status, 204);
}

#[test]
fn a_model_may_have_no_etag_in_its_documents() {
    let mut bench = Bench::new();
    let mut model = (*built_in("generic").unwrap()).clone();
    model.quirks.push(Quirk::NoEtagInBodies);
    bench.add_model(Arc::new(model));
    let answer = bench.get(&bench.system);
    assert_eq!((answer.header("ETag").len(), answer.json.get("@odata.etag")), (18, None));
    assert!(bench.get("/redfish/v1").json["@odata.etag"].is_string(), "the service has other models, too");
}

#[test]
fn a_target_that_needs_a_boot_option_has_a_property_for_it() {
    let mut bench = Bench::new();
    let none = bench.get(&bench.system).json["Boot"].take();
    assert_eq!(none.get("UefiTargetBootSourceOverride"), Some(&Value::Null));
    assert_eq!(none.get("UefiTargetBootSourceOverride@Redfish.AllowableValues"), None);
    let mut model = (*built_in("hpe-dl380-gen11").unwrap()).clone();
    model.boot_targets.push(BootTarget::UefiBootNext.into());
    bench.add_model(Arc::new(model));
    let paths = bench.get(&bench.system).json["Boot"]["UefiTargetBootSourceOverride@Redfish.AllowableValues"]
        .as_array()
        .unwrap()
        .clone();
    let network = paths.last().unwrap().as_str().unwrap().to_owned();
    assert_eq!(bench.get(&format!("{}/BootOptions/Boot0002", bench.system)).json["UefiDevicePath"], network);
    let patch = |boot: Value| bench.write("PATCH", &bench.system, &json!({"Boot": boot}));
    for (target, property, name) in
        [("UefiTarget", "UefiTargetBootSourceOverride", &*network), ("UefiBootNext", "BootNext", "Boot0002")]
    {
        let alone = patch(json!({"BootSourceOverrideTarget": target}));
        assert_eq!((alone.status, alone.message_ids()), (400, vec!["PropertyValueConflict"]));
        let wrong = patch(json!({property: "Boot0009"}));
        assert_eq!(wrong.message_ids(), ["PropertyValueNotInList"]);
        assert_eq!(patch(json!({"BootSourceOverrideTarget": target, property: name})).status, 204);
        let boot = &bench.get(&bench.system).json["Boot"];
        assert_eq!((&boot["BootSourceOverrideTarget"], &boot[property]), (&json!(target), &json!(name)));
    }
    assert_eq!(patch(json!({"BootNext": null})).status, 204);
    assert_eq!(bench.get(&bench.system).json["Boot"]["BootNext"], Value::Null);
}

/// The parameters that an `ActionInfo` lists are those that the action reads, and the required ones those that it misses.
#[test]
fn an_action_info_lists_the_parameters_that_its_action_reads() {
    let bench = Bench::new();
    let (pages, problems) = check::crawl(&bench.redfish);
    assert!(problems.is_empty(), "{problems:?}");
    let mut seen = 0;
    for (uri, document) in &pages {
        for action in document["Actions"].as_object().into_iter().flatten().map(|(_, action)| action) {
            let Some(info) = action["@Redfish.ActionInfo"].as_str() else { continue };
            let answer = bench.get(info);
            assert_eq!((answer.status, &answer.json["@odata.id"]), (200, &json!(info)));
            assert!(answer.header("Link").contains("ActionInfo.v1_6_0.json"));
            let target = action["target"].as_str().unwrap();
            let parameters = answer.json["Parameters"].as_array().unwrap();
            let wrong = parameters.iter().map(|one| (one["Name"].as_str().unwrap(), json!({})));
            let refused = bench.write("POST", target, &wrong.collect());
            if refused.status == 405 {
                // A drive that is passed through is no volume that can be initialized.
                continue;
            }
            assert_eq!(refused.status, 400, "{uri}");
            for message in refused.json["error"]["@Message.ExtendedInfo"].as_array().unwrap() {
                let id = message["MessageId"].as_str().unwrap();
                assert!(id.contains("ActionParameterValue"), "{uri}: {message}");
            }
            let required: Vec<_> = parameters.iter().filter(|one| one["Required"] == true).collect();
            if !required.is_empty() {
                let refused = bench.write("POST", target, &json!({}));
                let missing = refused.json["error"]["@Message.ExtendedInfo"].as_array().unwrap();
                let missing: Vec<_> = missing.iter().map(|message| &message["MessageArgs"][1]).collect();
                assert_eq!(missing, required.iter().map(|one| &one["Name"]).collect::<Vec<_>>(), "{uri}");
            }
            for one in parameters.iter().filter(|one| one.get("AllowableValues").is_some()) {
                let inline = format!("{}@Redfish.AllowableValues", one["Name"].as_str().unwrap());
                assert_eq!(action[&inline], one["AllowableValues"], "{uri}");
            }
            seen += 1;
        }
    }
    // Of three nodes: the system, the chassis, secure boot with four databases, two actions of the BMC, its certificate, three slots at two places, four logs, two
    // of them with two. Of the service: an account, the updates, the events, licenses, two of certificates, two of aggregation.
    assert_eq!(seen, 3 * (1 + 1 + 5 + 2 + 1 + 6 + 6) + 8);
}

#[test]
fn a_model_without_action_info_has_neither_the_link_nor_the_resource() {
    let mut bench = Bench::new();
    let info = |bench: &Bench| bench.get(&format!("{}/ResetActionInfo", bench.system)).status;
    assert_eq!(info(&bench), 200);
    let mut plain = Profile::clone(&built_in("generic").unwrap());
    plain.quirks.push(Quirk::NoActionInfo);
    bench.add_model(Arc::new(plain));
    assert_eq!(info(&bench), 404);
    let reset = bench.get(&bench.system).json["Actions"]["#ComputerSystem.Reset"].clone();
    assert!(
        reset.get("@Redfish.ActionInfo").is_none()
            && reset.get("ResetType@Redfish.AllowableValues").is_some()
    );
    let mut excepted = Profile::clone(&built_in("generic").unwrap());
    excepted.quirks.push(Quirk::NoActionInfo);
    excepted.action_info.push("ComputerSystem.Reset".to_owned());
    bench.add_model(Arc::new(excepted));
    assert_eq!(info(&bench), 200);
}

/// HPE's systems have no `IndicatorLED`.
#[test]
fn a_property_that_the_model_does_not_show_cannot_be_changed() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let refused = bench.write("PATCH", &bench.system, &json!({"IndicatorLED": "Lit", "AssetTag": "x"}));
    assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyUnknown"]));
    assert_ne!(bench.get(&bench.system).json["AssetTag"], "x");
    let active = json!({"LocationIndicatorActive": true});
    assert_eq!(bench.write("PATCH", &bench.system, &active).status, 204);
    assert_eq!(bench.get(&bench.system).json["LocationIndicatorActive"], true);
}
