//! Headers of requests and the headers and statuses that answer them.

use super::accounts::{ADMIN, Login, SESSIONS, at_both_roots};
use super::*;
use crate::profile::quirk::Quirk;

const TAG: &[u8] = br#"{"AssetTag": "rack 7"}"#;

fn with(bench: &Bench, method: &str, uri: &str, header: (&str, &str), body: &[u8]) -> Answer {
    bench.send(method, uri, &[("Authorization", BASIC), header], body)
}

#[test]
fn a_client_that_takes_no_json_is_refused() {
    let bench = Bench::new();
    for right in
        ["*/*", "application/json", "application/json;charset=utf-8", "application/*", "text/html, */*;q=0.1"]
    {
        for uri in ["/redfish/v1", "/redfish", "/redfish/v1/odata", &bench.system] {
            assert_eq!(with(&bench, "GET", uri, ("Accept", right), b"").status, 200, "{uri}: {right}");
        }
    }
    for (uri, wrong) in [
        (bench.system.as_str(), "text/html"),
        ("/redfish/v1/odata", "application/xml"),
        ("/redfish/v1/$metadata", "application/json"),
        ("/redfish/v1/openapi.yaml", "application/json"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = with(&bench, method, uri, ("Accept", wrong), b"");
            assert_eq!((answer.status, answer.message_ids()), (406, vec!["HeaderInvalid"]), "{uri}: {wrong}");
            assert_eq!(answer.json["error"]["@Message.ExtendedInfo"][0]["MessageArgs"][0], "Accept");
        }
    }
    for (uri, right) in [("$metadata", "application/xml"), ("openapi.yaml", "application/yaml;charset=utf-8")]
    {
        let uri = format!("/redfish/v1/{uri}");
        assert_eq!(with(&bench, "GET", &uri, ("Accept", right), b"").status, 200, "{uri}");
    }
    let patch = with(&bench, "PATCH", &bench.system, ("Accept", "text/html"), TAG);
    assert_eq!(patch.status, 204, "the response to a change has no document");
}

#[test]
fn a_client_of_an_older_odata_or_with_other_expectations_is_refused() {
    let bench = Bench::new();
    for (name, right, wrong, status) in [
        ("OData-MaxVersion", ["4.0", "4.01"], ["3.0", "x"], 412),
        ("Expect", ["100-continue", "100-Continue"], ["200-ok", ""], 417),
    ] {
        for value in right {
            assert_eq!(with(&bench, "GET", &bench.system, (name, value), b"").status, 200, "{name}: {value}");
        }
        for value in wrong {
            let answer = with(&bench, "PATCH", &bench.system, (name, value), TAG);
            assert_eq!(
                (answer.status, answer.message_ids()),
                (status, vec!["HeaderInvalid"]),
                "{name}: {value}"
            );
        }
    }
    assert_ne!(bench.get(&bench.system).json["AssetTag"], "rack 7", "nothing was changed");
}

#[test]
fn texts_are_english_and_a_request_id_comes_back() {
    let bench = Bench::new();
    let answer = with(&bench, "GET", &bench.system, ("Accept-Language", "de, fr;q=0.5"), b"");
    assert_eq!((answer.status, answer.header("Content-Language")), (200, "en"));
    assert_eq!(bench.get(&bench.system).header("Content-Language"), "");
    for (uri, status) in [(bench.system.as_str(), 200), ("/redfish/v1/Nothing", 404)] {
        let answer = with(&bench, "GET", uri, ("X-Request-Id", "req-4711"), b"");
        assert_eq!((answer.status, answer.header("X-Request-Id")), (status, "req-4711"));
    }
    let long = "x".repeat(129);
    assert_eq!(with(&bench, "GET", &bench.system, ("X-Request-Id", &long), b"").header("X-Request-Id"), "");
}

#[test]
fn a_client_may_prefer_to_see_what_it_has_changed() {
    let bench = Bench::new();
    let prefer = |value, method, uri: &str, body: &[u8]| with(&bench, method, uri, ("Prefer", value), body);
    let shown = prefer("return=representation", "PATCH", &bench.system, TAG);
    assert_eq!(
        (shown.status, shown.header("Preference-Applied"), &shown.json["AssetTag"]),
        (200, "return=representation", &json!("rack 7"))
    );
    assert_eq!(shown.header("ETag"), bench.get(&bench.system).header("ETag"));
    let silent = prefer("return=minimal", "PATCH", &bench.system, TAG);
    assert_eq!(
        (silent.status, silent.header("Preference-Applied"), &silent.json),
        (204, "return=minimal", &Value::Null)
    );
    let wrong = prefer("return=representation", "PATCH", &bench.system, br#"{"AssetTag": 5}"#);
    assert_eq!((wrong.status, wrong.header("Preference-Applied")), (400, ""));
    let sessions = "/redfish/v1/SessionService/Sessions";
    let login = br#"{"UserName": "admin", "Password": "password"}"#;
    let silent = prefer("return=minimal", "POST", sessions, login);
    assert_eq!(
        (silent.status, &silent.json, silent.header("Preference-Applied")),
        (201, &Value::Null, "return=minimal")
    );
    assert!(!silent.header("X-Auth-Token").is_empty() && !silent.header("Location").is_empty());
    let get = prefer("return=minimal", "GET", &bench.system, b"");
    assert_eq!(
        (get.status, get.header("Preference-Applied"), &get.json["Id"]),
        (200, "", &bench.get(&bench.system).json["Id"])
    );
}

#[test]
fn every_document_has_a_tag_that_conditions_name() {
    let bench = Bench::new();
    for uri in [
        "/redfish",
        "/redfish/v1/odata",
        "/redfish/v1/$metadata",
        "/redfish/v1/Systems",
        "/redfish/v1/UpdateService",
    ] {
        let tag = bench.get(uri).header("ETag").to_owned();
        assert_eq!(tag.len(), 18, "{uri}");
        assert_eq!(with(&bench, "GET", uri, ("If-None-Match", &tag), b"").status, 304, "{uri}");
        assert_eq!(with(&bench, "HEAD", uri, ("If-Match", "\"other\""), b"").status, 412, "{uri}");
    }
    let reset = format!("{}/Actions/ComputerSystem.Reset", bench.system);
    let tag = bench.get(&bench.system).header("ETag").to_owned();
    let on = br#"{"ResetType": "On"}"#;
    assert_eq!(with(&bench, "POST", &reset, ("If-Match", "\"other\""), on).status, 412);
    assert_eq!(bench.get(&bench.system).json["PowerState"], "Off");
    assert_eq!(with(&bench, "POST", &reset, ("If-Match", &tag), on).status, 204);
    let login = br#"{"UserName": "admin", "Password": "password"}"#;
    let sessions = "/redfish/v1/SessionService/Sessions";
    assert_eq!(with(&bench, "POST", sessions, ("If-Match", "\"other\""), login).status, 412);
    assert_eq!(bench.get(sessions).json["Members@odata.count"], 0);
}

#[test]
fn a_model_may_need_a_condition_for_a_change() {
    let mut bench = Bench::new();
    let mut model = (*built_in("generic").unwrap()).clone();
    model.quirks.push(Quirk::PatchNeedsEtag);
    bench.add_model(Arc::new(model));
    let refused = bench.write("PATCH", &bench.system, &json!({"AssetTag": "x"}));
    assert_eq!((refused.status, refused.message_ids()), (428, vec!["PreconditionRequired"]));
    let tag = bench.get(&bench.system).header("ETag").to_owned();
    assert_eq!(with(&bench, "PATCH", &bench.system, ("If-Match", &tag), TAG).status, 204);
    assert_eq!(bench.reset("On").status, 204, "actions need none");
}

#[test]
fn head_has_the_headers_of_get() {
    let bench = Bench::new();
    for uri in [
        "/redfish",
        "/redfish/v1/",
        "/redfish/v1/$metadata",
        "/redfish/v1/Systems/",
        &bench.system,
        "/redfish/v1/Nothing",
    ] {
        let (get, head) = (bench.get(uri), bench.send("HEAD", uri, &[("Authorization", BASIC)], b""));
        assert_eq!((get.status, get.headers), (head.status, head.headers), "{uri}");
    }
    let action = bench.send(
        "HEAD",
        &format!("{}/Actions/ComputerSystem.Reset", bench.system),
        &[("Authorization", BASIC)],
        b"",
    );
    assert_eq!((action.status, action.header("Allow")), (405, "POST"));
}

#[test]
fn a_body_that_asks_for_nothing_is_refused() {
    let bench = Bench::new();
    let patch = |body: Value| bench.write("PATCH", &bench.system, &body);
    for (body, message) in [
        (json!({}), "EmptyJSON"),
        (json!({"@odata.id": bench.system, "@odata.etag": "x"}), "NoOperation"),
        (json!({"Id": "x"}), "PropertyNotWritable"),
        (json!({"Nope": 1}), "PropertyUnknown"),
    ] {
        let answer = patch(body.clone());
        assert_eq!((answer.status, answer.message_ids()), (400, vec![message]), "{body}");
    }
}

#[test]
fn settings_take_effect_at_the_time_that_they_allow() {
    let bench = Bench::new();
    let (bios, settings) = (format!("{}/Bios", bench.system), format!("{}/Bios/Settings", bench.system));
    let allowed = bench.get(&bios).json["@Redfish.Settings"]["SupportedApplyTimes"].clone();
    assert_eq!(allowed, json!(["OnReset"]));
    let change = |time: &str| {
        let apply = json!({"@odata.type": "#Settings.v1_5_0.PreferredApplyTime", "ApplyTime": time});
        bench.write(
            "PATCH",
            &settings,
            &json!({"Attributes": {"LogicalProc": "Disabled"}, "@Redfish.SettingsApplyTime": apply}),
        )
    };
    let refused = change("Immediate");
    assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyValueNotInList"]));
    let about = &refused.json["error"]["@Message.ExtendedInfo"][0]["RelatedProperties"][0];
    assert_eq!(about, "#/@Redfish.SettingsApplyTime/ApplyTime");
    assert_eq!(change("OnReset").status, 204);
    let system = bench.write(
        "PATCH",
        &bench.system,
        &json!({"AssetTag": "x", "@Redfish.OperationApplyTime": "OnReset"}),
    );
    assert_eq!(
        system.message_ids(),
        ["PropertyUnknown"],
        "a PATCH of a resource without settings takes effect at once"
    );
}

#[test]
fn a_wrong_token_is_refused_even_with_right_credentials() {
    at_both_roots(|site| {
        let opened = site.log_in("admin", "password");
        let token = opened.header("X-Auth-Token");
        assert_eq!(site.get(Login::Token(token), SESSIONS).status, 200);
        assert_eq!(site.send(ADMIN, "DELETE", opened.header("Location"), &Value::Null).status, 204);
        assert_eq!(site.get(Login::Token(token), SESSIONS).status, 401);
        assert_eq!(site.get(Login::Token(""), SESSIONS).status, 401);
    });
}

#[test]
fn of_several_changes_with_the_same_etag_one_is_made() {
    let bench = Bench::new();
    let account = json!({"UserName": "bob", "Password": "password1", "RoleId": "Operator"});
    let uri =
        bench.write("POST", "/redfish/v1/AccountService/Accounts", &account).header("Location").to_owned();
    for round in 0..50 {
        let etag = bench.get(&uri).header("ETag").to_owned();
        let change = |n: usize| {
            let body = json!({ "UserName": format!("bob-{round}-{n}") }).to_string();
            let headers = [("Authorization", BASIC), ("If-Match", etag.as_str())];
            bench.send("PATCH", &uri, &headers, body.as_bytes()).status
        };
        let change = &change;
        let made = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4).map(|n| scope.spawn(move || change(n))).collect();
            clients.into_iter().map(|client| client.join().unwrap()).filter(|status| *status == 204).count()
        });
        assert_eq!(made, 1, "round {round}");
    }
}
