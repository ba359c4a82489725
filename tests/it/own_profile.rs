//! Profiles of users: what the built-in ones do not have.

use http::StatusCode;
use serde_json::{Value, json};

use crate::quirks::{Client, changed_generic};

const BOOLEAN: &str = r#"
[[bios_attribute]]
name = "QuietBoot"
display = "Quiet Boot"
type = "boolean"
default = true

[[bios_attribute]]
name = "AssetNote""#;

/// No built-in profile has a BIOS attribute of type Boolean: Ironic on MariaDB returns "0" and "1" for it, and the Baremetal
/// Operator compares them with "true" for ever.
#[test]
fn a_bios_attribute_can_be_a_boolean() {
    let client = Client::of(&changed_generic(&[("\n[[bios_attribute]]\nname = \"AssetNote\"", BOOLEAN)]));
    let bios = client.get("/Bios");
    assert_eq!(bios["Attributes"]["QuietBoot"], true);
    let registry =
        format!("/redfish/v1/Registries/{}/Attributes", bios["AttributeRegistry"].as_str().unwrap());
    let registry = client.get_at(&registry);
    let entries = registry["RegistryEntries"]["Attributes"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["AttributeName"] == "QuietBoot").unwrap();
    assert_eq!((&entry["Type"], &entry["DefaultValue"]), (&json!("Boolean"), &json!(true)));

    let set = |value: Value| {
        client.send("PATCH", "/Bios/Settings", &json!({ "Attributes": { "QuietBoot": value } }))
    };
    let (status, error) = set(json!("Disabled"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(error.to_string().contains("PropertyValueTypeError"), "{error}");
    assert_eq!(set(json!(false)).0, StatusCode::NO_CONTENT);
    assert_eq!(client.get("/Bios/Settings")["Attributes"]["QuietBoot"], false);
    client.send("POST", "/Actions/ComputerSystem.Reset", &json!({ "ResetType": "On" }));
    client.pass_ms(60_000);
    assert_eq!(client.get("/Bios")["Attributes"]["QuietBoot"], false);
}
