//! Licenses: those of a model, and those that clients install.

use super::*;
use crate::profile::license::License;

const LICENSES: &str = "/redfish/v1/LicenseService/Licenses";

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
