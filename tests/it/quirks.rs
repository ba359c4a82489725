//! Quirks: a profile that lists one shows and accepts what the quirk adds, and no other profile does.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use fauxmetal::clock::Clock;
use fauxmetal::fleet::Fleet;
use fauxmetal::node::NodeId;
use fauxmetal::profile::{Profile, built_in, from_directory};
use fauxmetal::redfish::{Redfish, auth::Account};
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;
use http::{Request, StatusCode};
use serde_json::{Value, json};

/// The generic profile with the quirk `usb-cd`: it offers `UsbCd`, and boots from it by default.
fn with_usb_cd() -> Arc<Profile> {
    changed_generic(&[
        ("\"Cd\", \"Usb\",", "\"Cd\", \"UsbCd\", \"Usb\","),
        ("boot_order = [\"Hdd\", \"Pxe\"]", "boot_order = [\"UsbCd\", \"Pxe\"]\nquirks = [\"usb-cd\"]"),
    ])
}

/// The generic profile with changes to its text, from a folder of its own.
pub(crate) fn changed_generic(changes: &[(&str, &str)]) -> Arc<Profile> {
    let generic = Path::new(env!("CARGO_MANIFEST_DIR")).join("nodes/generic/profile.toml");
    let mut text = std::fs::read_to_string(generic).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the generic profile does not contain {from:?}");
        text = text.replacen(from, to, 1);
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("changed");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("profile.toml"), text).unwrap();
    from_directory(&folder).unwrap()
}

/// A client of a fleet of one node.
pub(crate) struct Client {
    pub(crate) redfish: Redfish,
    system: String,
}

impl Client {
    pub(crate) fn of(profile: &Arc<Profile>) -> Self {
        let (fleet, effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_800_000_000_000)));
        // No effect is performed; a host that reads its boot source waits.
        std::mem::forget(effects);
        fleet.add(profile, 1).unwrap();
        let uuid = fleet.look(NodeId(0), |node, _| node.spec().uuid()).unwrap();
        let redfish = Redfish::new(Arc::new(fleet), Account::new("admin", "password"));
        Self { redfish, system: format!("/redfish/v1/Systems/{uuid}") }
    }

    /// Sends a request to a path below the system.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send_to(method, &format!("{}{path}", self.system), body)
    }

    pub(crate) fn send_to(&self, method: &str, uri: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", "Basic YWRtaW46cGFzc3dvcmQ=")
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let response = self.redfish.call(&request);
        (response.status(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, document) = self.send("GET", path, &Value::Null);
        assert_eq!(status, StatusCode::OK, "{path}");
        document
    }

    /// The document at a full path.
    pub(crate) fn get_at(&self, uri: &str) -> Value {
        let (status, document) = self.send_to("GET", uri, &Value::Null);
        assert_eq!(status, StatusCode::OK, "{uri}");
        document
    }

    /// Lets simulated time pass.
    pub(crate) fn pass_ms(&self, ms: u64) {
        let clock = self.redfish.fleet.clock();
        clock.set(clock.now().after_ms(ms));
    }

    fn boot_from_usb_cd(&self) -> (StatusCode, Value) {
        self.send("PATCH", "", &json!({ "Boot": { "BootSourceOverrideTarget": "UsbCd" } }))
    }

    /// Powers the machine on with an image in its virtual CD. Returns the state after the self test.
    fn boot_progress_with_media(&self) -> Value {
        let image = json!({ "Image": "http://127.0.0.1/boot.iso" });
        let insert = self.send("POST", "/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia", &image);
        assert_eq!(insert.0, StatusCode::NO_CONTENT);
        let on = self.send("POST", "/Actions/ComputerSystem.Reset", &json!({ "ResetType": "On" }));
        assert_eq!(on.0, StatusCode::NO_CONTENT);
        self.pass_ms(60_000);
        self.redfish.fleet.look(NodeId(0), |node, _| format!("{:?}", node.host())).unwrap().into()
    }
}

#[test]
fn a_profile_with_usb_cd_offers_accepts_and_boots_it() {
    let client = Client::of(&with_usb_cd());
    let boot = &client.get("")["Boot"];
    let offered = &boot["BootSourceOverrideTarget@Redfish.AllowableValues"];
    assert_eq!(offered, &json!(["None", "Pxe", "Cd", "UsbCd", "Usb", "Hdd", "BiosSetup", "UefiHttp"]));

    let option = client.get("/BootOptions/Boot0000");
    assert_eq!(
        (&option["Name"], &option["DisplayName"]),
        (&json!("Boot option UsbCd"), &json!("Optical drive"))
    );
    assert_eq!(option.get("Alias"), None, "DMTF has no such alias");
    assert_eq!(client.get("/BootOptions/Boot0001")["Alias"], "Pxe");

    assert_eq!(client.boot_from_usb_cd().0, StatusCode::NO_CONTENT);
    let boot = &client.get("")["Boot"];
    assert_eq!(boot["BootSourceOverrideTarget"], "UsbCd");
    assert_eq!(boot["BootSourceOverrideEnabled"], "Once");
    let host = client.boot_progress_with_media();
    let host = host.as_str().unwrap();
    assert!(host.contains("from: UsbCd") && host.contains("Reading"), "{host}");
}

#[test]
fn a_profile_without_the_quirk_refuses_usb_cd() {
    let client = Client::of(&built_in("generic").unwrap());
    let (status, error) = client.boot_from_usb_cd();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(error.to_string().contains("PropertyValueNotInList"), "{error}");
    assert_eq!(client.get("")["Boot"]["BootSourceOverrideTarget"], "None");
}

#[test]
fn a_reset_of_the_bios_is_a_task_only_with_the_quirk() {
    let reset = |client: &Client| client.send("POST", "/Bios/Actions/Bios.ResetBios", &json!({}));
    let plain = Client::of(&built_in("generic").unwrap());
    assert_eq!(reset(&plain).0, StatusCode::NO_CONTENT);
    let profile = changed_generic(&[(
        "boot_order = [\"Hdd\", \"Pxe\"]",
        "boot_order = [\"Hdd\", \"Pxe\"]\nquirks = [\"bios-reset-task\"]",
    )]);
    let client = Client::of(&profile);
    let (status, task) = reset(&client);
    assert_eq!((status, &task["TaskState"]), (StatusCode::ACCEPTED, &json!("Pending")));
    assert_eq!(client.send("POST", "/Actions/ComputerSystem.Reset", &json!({"ResetType": "On"})).0, 204);
    client.pass_ms(10_000);
    let task = client.get_at(task["TaskMonitor"].as_str().unwrap());
    assert_eq!(task["TaskState"], "Completed");
}
