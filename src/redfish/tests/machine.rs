//! What a client sees and changes of a machine: its media, its firmware, its volumes.

use serde_json::{Value, json};

use super::{Answer, Bench};
use crate::node::NodeId;
use crate::node::effect::Answer as Found;
use crate::note::Note;

const UPDATE: &str = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";
const FIRMWARE: &str = "/redfish/v1/UpdateService/FirmwareInventory";

fn uuid(bench: &Bench) -> &str {
    bench.system.rsplit('/').next().unwrap()
}

/// Asks for an update, and lets the fetch of its image have this result.
fn update(bench: &Bench, number: u32, component: u8, body: &Value, result: Result<(), Note>) -> Answer {
    let answer = bench.write("POST", UPDATE, body);
    let fetched = Found::FirmwareFetched { component, update: number, result };
    bench.redfish.fleet.answer(NodeId(0), fetched);
    answer
}

#[test]
fn an_update_changes_the_version_at_the_next_reset_wherever_it_shows() {
    let mut bench = Bench::new();
    let service = bench.get("/redfish/v1/UpdateService").json;
    assert_eq!((&service["ServiceEnabled"], &service["Status"]["State"]), (&json!(true), &json!("Enabled")));
    let bios = format!("{FIRMWARE}/{}-BIOS", uuid(&bench));
    let body = json!({
        "ImageURI": "http://user:pw@images.example/BIOS_2.5.0.bin", "TransferProtocol": "HTTP", "Targets": [bios],
        "Username": "u", "Password": "p", "@Redfish.OperationApplyTime": "OnReset",
    });
    assert_eq!(update(&bench, 1, 0, &body, Ok(())).status, 204);
    let staged = bench.get(&bios).json;
    assert_eq!((&staged["Version"], &staged["Status"]["State"]), (&json!("2.4.1"), &json!("Updating")));
    assert_eq!(bench.get(&bench.system).json["BiosVersion"], "2.4.1");
    assert_eq!(bench.reset("On").status, 204);
    bench.wait(60_000);
    let done = bench.get(&bios).json;
    assert_eq!((&done["Version"], &done["Status"]["State"]), (&json!("2.5.0"), &json!("Enabled")));
    assert_eq!(bench.get(&bench.system).json["BiosVersion"], "2.5.0");
    assert_eq!(bench.get(&format!("{}/Bios", bench.system)).json["Attributes"]["FirmwareRevision"], "2.5.0");

    let manager = format!("/redfish/v1/Managers/{}", uuid(&bench));
    let body = json!({"ImageURI": "http://images.example/BMC_1.13.0.bin", "Targets": [manager]});
    assert_eq!(update(&bench, 2, 1, &body, Ok(())).status, 204);
    assert_eq!(bench.get(&manager).json["FirmwareVersion"], "1.12.0");
    let reset = format!("{manager}/Actions/Manager.Reset");
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "GracefulRestart"})).status, 204);
    bench.wait(60_000);
    assert_eq!(bench.get(&manager).json["FirmwareVersion"], "1.13.0");

    let nic = format!("{FIRMWARE}/{}-NIC1", uuid(&bench));
    let body = json!({"ImageURI": "http://images.example/nic-23.0.1.bin", "Targets": [nic]});
    assert_eq!(update(&bench, 3, 2, &body, Ok(())).status, 204);
    assert_eq!(bench.reset("ForceRestart").status, 204);
    let adapters = format!("/redfish/v1/Chassis/{}/NetworkAdapters", uuid(&bench));
    let adapter = bench.get(&adapters).json["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&adapter).json["Controllers"][0]["FirmwarePackageVersion"], "23.0.1");
}

#[test]
fn an_update_whose_image_cannot_be_read_says_why() {
    let bench = Bench::new();
    let bios = format!("{FIRMWARE}/{}-BIOS", uuid(&bench));
    let body = json!({"ImageURI": "http://images.example/BIOS_2.5.0.bin", "Targets": [bios]});
    assert_eq!(update(&bench, 1, 0, &body, Err("404 Not Found".into())).status, 204);
    let status = &bench.get(&bios).json["Status"];
    assert_eq!(status["Health"], "Warning");
    assert_eq!(status["Conditions"][0]["Message"], "The image could not be read: 404 Not Found");
}

#[test]
fn a_wrong_update_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    let image = "http://images.example/BIOS_2.5.0.bin";
    let bios = format!("{FIRMWARE}/{}-BIOS", uuid(&bench));
    let other = format!("{FIRMWARE}/{}-GPU", uuid(&bench));
    let nobody = format!("{FIRMWARE}/00000000-0000-0000-0000-000000000000-BIOS");
    for (body, message) in [
        (json!({}), "ActionParameterMissing"),
        (json!({"ImageURI": image}), "ActionParameterMissing"),
        (json!({"ImageURI": "ftp://x/y", "Targets": [bios]}), "ActionParameterValueFormatError"),
        (json!({"ImageURI": image, "Targets": [other]}), "ActionParameterValueNotInList"),
        (json!({"ImageURI": image, "Targets": [nobody]}), "ActionParameterValueNotInList"),
        (json!({"ImageURI": image, "Targets": ["/redfish/v1/Systems"]}), "ActionParameterValueNotInList"),
        (json!({"ImageURI": image, "Targets": [bios, bios]}), "ArraySizeTooLong"),
        (
            json!({"ImageURI": image, "Targets": [bios], "TransferProtocol": "FTP"}),
            "ActionParameterValueNotInList",
        ),
        (
            json!({"ImageURI": image, "Targets": [bios], "@Redfish.OperationApplyTime": "Immediate"}),
            "ActionParameterValueNotInList",
        ),
    ] {
        let answer = bench.write("POST", UPDATE, &body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.message_ids().contains(&message), "{body}: {:?}", answer.message_ids());
    }
    let new = bench.redfish.fleet.look(NodeId(0), |node, _| node.state().is_new());
    assert_eq!(new, Some(true));
    let body = json!({"ImageURI": image, "Targets": [bios]});
    assert_eq!(bench.write("POST", UPDATE, &body).status, 204);
    let again = bench.write("POST", UPDATE, &body);
    assert_eq!((again.status, again.message_ids()), (409, vec!["ResourceInUse"]));
}

#[test]
fn a_password_in_the_uri_of_an_image_is_used_and_never_shown() {
    let bench = Bench::new();
    let slot = format!("{}/VirtualMedia/Cd", bench.system);
    let image = json!({"Image": "http://user:secret@images.example/boot.iso?a=b"});
    assert_eq!(bench.write("POST", &format!("{slot}/Actions/VirtualMedia.InsertMedia"), &image).status, 204);
    let media = bench.get(&slot).json;
    assert_eq!(media["Image"], "http://user@images.example/boot.iso?a=b");
    assert_eq!(media["ImageName"], "boot.iso");
    let kept = bench
        .redfish
        .fleet
        .look(NodeId(0), |node, _| node.bmc().media.get(0).unwrap().insertion.image.to_string());
    assert_eq!(kept.as_deref(), Some("http://user:secret@images.example/boot.iso?a=b"));
    let uri = json!({"Boot": {"HttpBootUri": "https://user:secret@images.example/boot.efi"}});
    assert_eq!(bench.write("PATCH", &bench.system, &uri).status, 204);
    assert_eq!(bench.get(&bench.system).json["Boot"]["HttpBootUri"], "https://user@images.example/boot.efi");
}
