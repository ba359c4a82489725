//! Licenses: those of a model, and those that clients install.

use super::*;
use crate::node::bmc::licenses::digest;
use crate::profile::license::License;

const LICENSES: &str = "/redfish/v1/LicenseService/Licenses";
const INSTALL: &str = "/redfish/v1/LicenseService/Actions/LicenseService.Install";
const FILE: &str = "http://user:hunter2@files.example/a.lic";

/// The body of a request for the BMC of the bench.
fn license(bench: &Bench, text: &str) -> Value {
    let manager = bench.system.replace("Systems", "Managers");
    json!({"LicenseString": text, "Links": {"TargetServices": [{"@odata.id": manager}]}})
}

#[test]
fn a_client_installs_a_license_and_deletes_it() {
    let bench = Bench::new();
    let created = bench.write("POST", LICENSES, &license(&bench, "a2V5"));
    let uuid = bench.system.rsplit('/').next().unwrap();
    let at = format!("{LICENSES}/{uuid}-Installed1");
    assert_eq!((created.status, created.header("Location")), (201, &*at));
    assert_eq!(created.json["LicenseOrigin"], "Installed");
    assert!(!created.json.to_string().contains("a2V5"), "{}", created.json);
    let again = bench.write("POST", LICENSES, &license(&bench, "a2V5"));
    assert_eq!((again.status, again.message_ids()), (409, vec!["ResourceAlreadyExists"]));
    assert_eq!(bench.get(LICENSES).json["Members"], json!([{"@odata.id": at}]));
    assert_eq!(bench.write("DELETE", &at, &Value::Null).status, 204);
    assert_eq!(bench.get(&at).status, 404);
    for n in 0..crate::node::bmc::licenses::Licenses::MAX {
        assert_eq!(bench.write("POST", LICENSES, &license(&bench, &format!("aaa{n}"))).status, 201);
    }
    let more = bench.write("POST", LICENSES, &license(&bench, "bbbb"));
    assert_eq!(more.message_ids(), ["CreateLimitReachedForResource"]);
}

#[test]
fn a_license_of_the_model_stays_unless_it_can_be_removed() {
    let mut bench = Bench::new();
    let mut profile = Profile::clone(&built_in("generic").unwrap());
    profile.licenses = [("1", "Advanced", false), ("2", "Trial of a day", true)]
        .map(|(id, name, removable)| License {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: "Production".to_owned(),
            removable,
            entitlement_id: None,
            part_number: None,
            sku: None,
        })
        .into();
    bench.add_model(Arc::new(profile));
    let at = |id: &str| format!("{LICENSES}/{}-{id}", bench.system.rsplit('/').next().unwrap());
    assert_eq!(bench.get(&at("1")).json["Name"], "Advanced");
    let refused = bench.write("DELETE", &at("1"), &Value::Null);
    assert_eq!((refused.status, refused.message_ids()), (409, vec!["ResourceCannotBeDeleted"]));
    assert_eq!(bench.write("DELETE", &at("2"), &Value::Null).status, 204);
    assert_eq!((bench.get(&at("1")).status, bench.get(&at("2")).status), (200, 404));
}

#[test]
fn a_license_needs_its_text_and_a_bmc() {
    let bench = Bench::new();
    let refused = |body: Value| bench.write("POST", LICENSES, &body).message_ids().join(" ");
    let mut body = license(&bench, "not Base64");
    assert_eq!(refused(body.clone()), "PropertyValueFormatError");
    body["LicenseString"] = json!("A".repeat(4097));
    assert_eq!(refused(body.clone()), "PropertyValueError");
    body.as_object_mut().unwrap().remove("LicenseString");
    assert_eq!(refused(body), "PropertyMissing");
    assert_eq!(refused(json!({"LicenseString": "a2V5"})), "PropertyMissing");
    let other = bench.get("/redfish/v1/Managers").json["Members"][1]["@odata.id"].clone();
    let mut two = license(&bench, "a2V5");
    two["Links"]["AuthorizedDevices"] = json!([{"@odata.id": other}]);
    assert_eq!(refused(two), "PropertyValueNotInList");
}

/// The body of a request to fetch a license for the BMC of the bench.
fn install(bench: &Bench) -> Value {
    let manager = bench.system.replace("Systems", "Managers");
    json!({
        "LicenseFileURI": FILE, "TransferProtocol": "HTTP", "Username": "user", "Password": "hunter2",
        "TargetServices": [{"@odata.id": manager}],
    })
}

fn fetched(bench: &Bench, task: u32, result: Result<&str, crate::note::Note>) {
    let result = result.map(|license| digest(license.as_bytes()));
    bench.redfish.fleet.answer(NodeId(0), Found::LicenseFetched { task, result });
}

#[test]
fn a_client_installs_a_license_from_a_file() {
    let bench = Bench::new();
    let begun = bench.write("POST", INSTALL, &install(&bench));
    let monitor = begun.header("Location").to_owned();
    assert_eq!((begun.status, begun.header("Allow")), (202, "DELETE"));
    assert_eq!(begun.json["Name"], "Installation of a license");
    assert!(!begun.json.to_string().contains("hunter2"), "{}", begun.json);
    assert_eq!(
        (bench.get(&monitor).status, bench.get(LICENSES).json["Members@odata.count"].take()),
        (202, json!(0))
    );
    fetched(&bench, 1, Ok("key"));
    let at = format!("{LICENSES}/{}-Installed1", bench.system.rsplit('/').next().unwrap());
    let done = bench.get(&monitor);
    assert_eq!((done.status, done.header("Location")), (201, &*at));
    assert_eq!(done.json["Links"]["CreatedResources"], json!(null), "the answer is the license");
    let task = monitor.replace("TaskMonitors", "Tasks");
    let shown = bench.get(&task).json;
    assert_eq!(
        (&shown["TaskState"], &shown["Links"]["CreatedResources"]),
        (&json!("Completed"), &json!([{"@odata.id": at}]))
    );
    let installed = bench.get(&at).json;
    assert_eq!(installed["EntitlementId"], "2C70E12B7A0646F9");
    let manager = bench.system.replace("Systems", "Managers");
    assert_eq!(installed["Links"], json!({"TargetServices": [{"@odata.id": manager}]}));
    // The same license as Base64.
    let again = bench.write("POST", LICENSES, &license(&bench, "a2V5"));
    assert_eq!((again.status, again.message_ids()), (409, vec!["ResourceAlreadyExists"]));
    assert_eq!(bench.write("DELETE", &at, &Value::Null).status, 204);
    assert_eq!((bench.get(&monitor).status, bench.get(&task).json["Links"].take()), (200, Value::Null));
}

#[test]
fn an_installation_that_fails_says_why_and_one_that_is_cancelled_installs_nothing() {
    let bench = Bench::new();
    let monitor = bench.write("POST", INSTALL, &install(&bench)).header("Location").to_owned();
    fetched(&bench, 1, Err("404 Not Found".into()));
    let failed = bench.get(&monitor);
    assert_eq!((failed.status, &failed.json["TaskState"]), (200, &json!("Exception")));
    let messages = failed.json["Messages"].as_array().unwrap();
    assert_eq!(messages.last().unwrap()["Message"], "404 Not Found");
    let monitor = bench.write("POST", INSTALL, &install(&bench)).header("Location").to_owned();
    assert_eq!(bench.write("DELETE", &monitor, &Value::Null).status, 204);
    fetched(&bench, 2, Ok("key"));
    assert_eq!(bench.get(LICENSES).json["Members@odata.count"], 0);
    assert_eq!(bench.get(&monitor.replace("TaskMonitors", "Tasks")).json["TaskState"], "Cancelled");
}

#[test]
fn a_license_file_needs_a_uri_and_a_bmc() {
    let mut bench = Bench::new();
    let refused = |bench: &Bench, key: &str, value: Value| {
        let mut body = install(bench);
        match value {
            Value::Null => body.as_object_mut().unwrap().remove(key),
            value => body.as_object_mut().unwrap().insert(key.to_owned(), value),
        };
        let answer = bench.write("POST", INSTALL, &body);
        assert!(answer.status == 400 && !answer.json.to_string().contains("hunter2"), "{}", answer.json);
        answer.message_ids().join(" ")
    };
    let missing = "ActionParameterMissing";
    assert_eq!(refused(&bench, "LicenseFileURI", Value::Null), missing);
    assert_eq!(
        refused(&bench, "LicenseFileURI", json!("ftp://user:hunter2@files.example/a")),
        "ActionParameterValueFormatError"
    );
    assert_eq!(refused(&bench, "TransferProtocol", json!("NFS")), "ActionParameterValueNotInList");
    assert_eq!(refused(&bench, "TargetServices", Value::Null), missing);
    assert_eq!(refused(&bench, "TargetServices", json!([])), missing);
    let not_in_list = "ActionParameterValueNotInList";
    let link = |uri: &str| json!([{"@odata.id": uri}]);
    let managers = bench.get("/redfish/v1/Managers").json["Members"].take();
    let other = managers[1]["@odata.id"].as_str().unwrap();
    assert_eq!(refused(&bench, "AuthorizedDevices", link(other)), not_in_list);
    for uri in ["/redfish/v1/Managers/x", &bench.system] {
        assert_eq!(refused(&bench, "TargetServices", link(uri)), not_in_list, "{uri}");
    }
    // A BMC without licenses, beside one with licenses.
    let mut profile = Profile::clone(&built_in("generic").unwrap());
    profile.absent.push("LicenseService".to_owned());
    bench.add_model(Arc::new(profile));
    assert_eq!(bench.get(LICENSES).status, 200);
    let manager = bench.system.replace("Systems", "Managers");
    assert_eq!(refused(&bench, "TargetServices", link(&manager)), not_in_list);
    assert_eq!(bench.redfish.fleet.with_tasks(), []);
}
