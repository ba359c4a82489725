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
    assert_eq!(update(&bench, 1, 0, &body, Ok(())).status, 202);
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
    assert_eq!(update(&bench, 2, 1, &body, Ok(())).status, 202);
    assert_eq!(bench.get(&manager).json["FirmwareVersion"], "1.12.0");
    let reset = format!("{manager}/Actions/Manager.Reset");
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "GracefulRestart"})).status, 204);
    bench.wait(60_000);
    assert_eq!(bench.get(&manager).json["FirmwareVersion"], "1.13.0");

    let nic = format!("{FIRMWARE}/{}-NIC1", uuid(&bench));
    let body = json!({"ImageURI": "http://images.example/nic-23.0.1.bin", "Targets": [nic]});
    assert_eq!(update(&bench, 3, 2, &body, Ok(())).status, 202);
    assert_eq!(bench.reset("ForceRestart").status, 204);
    let adapters = format!("/redfish/v1/Chassis/{}/NetworkAdapters", uuid(&bench));
    let adapter = bench.get(&adapters).json["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&adapter).json["Controllers"][0]["FirmwarePackageVersion"], "23.0.1");
}

#[test]
fn an_immediate_update_needs_no_reset_by_the_client() {
    let mut bench = Bench::new();
    let service = bench.get("/redfish/v1/UpdateService").json;
    let times = &service["Actions"]["#UpdateService.SimpleUpdate"]["@Redfish.OperationApplyTimeSupport"];
    assert_eq!(times["SupportedValues"], json!(["Immediate", "OnReset"]));
    let bios = format!("{FIRMWARE}/{}-BIOS", uuid(&bench));
    let body = |version: &str| {
        let image = format!("http://images.example/BIOS_{version}.bin");
        json!({"ImageURI": image, "Targets": [bios], "@Redfish.OperationApplyTime": "Immediate"})
    };
    let answer = update(&bench, 1, 0, &body("2.5.0"), Ok(()));
    assert_eq!(answer.status, 202);
    assert_eq!(bench.get(&bench.system).json["BiosVersion"], "2.5.0", "the machine is off");
    assert_eq!(bench.get(answer.header("Location")).status, 200, "the task has ended");
    assert_eq!(bench.reset("On").status, 204);
    bench.wait(600_000);
    assert_eq!(update(&bench, 2, 0, &body("2.6.0"), Ok(())).status, 202);
    bench.wait(600_000);
    let system = bench.get(&bench.system).json;
    assert_eq!((&system["BiosVersion"], &system["PowerState"]), (&json!("2.6.0"), &json!("On")));
}

#[test]
fn an_update_whose_image_cannot_be_read_says_why() {
    let bench = Bench::new();
    let bios = format!("{FIRMWARE}/{}-BIOS", uuid(&bench));
    let body = json!({"ImageURI": "http://images.example/BIOS_2.5.0.bin", "Targets": [bios]});
    assert_eq!(update(&bench, 1, 0, &body, Err("404 Not Found".into())).status, 202);
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
        (json!({"ImageURI": image, "Targets": vec![bios.clone(); 9]}), "ArraySizeTooLong"),
        (
            json!({"ImageURI": image, "Targets": [bios], "TransferProtocol": "FTP"}),
            "ActionParameterValueNotInList",
        ),
        (
            json!({"ImageURI": image, "Targets": [bios], "@Redfish.OperationApplyTime": "AtMaintenanceWindowStart"}),
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
    assert_eq!(bench.write("POST", UPDATE, &body).status, 202);
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

/// A POST as Ironic sends it (`ironic/drivers/modules/redfish/raid.py`), to the controller with the SATA drives.
fn create(bench: &Bench, changes: &Value) -> Answer {
    let drive = |id: &str| json!({"@odata.id": format!("/redfish/v1/Chassis/{}/Drives/{id}", uuid(bench))});
    let mut body = json!({
        "RAIDType": "RAID1", "Name": "root", "@Redfish.OperationApplyTime": "Immediate",
        "Links": {"Drives": [drive("Disk0"), drive("Disk1")]},
    });
    for (key, value) in changes.as_object().unwrap() {
        let value = match (key.as_str(), value) {
            ("drives", ids) => {
                json!({"Drives": ids.as_array().unwrap().iter().map(|id| drive(id.as_str().unwrap())).collect::<Vec<_>>()})
            }
            (_, value) => value.clone(),
        };
        let key = if key == "drives" { "Links" } else { key };
        body[key] = value;
    }
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    bench.write("POST", &format!("{}/Storage/SATA/Volumes", bench.system), &body)
}

#[test]
fn a_volume_is_created_shown_and_deleted() {
    let mut bench = Bench::new();
    let volumes = format!("{}/Storage/SATA/Volumes", bench.system);
    let members = |bench: &Bench| {
        let members = bench.get(&volumes).json["Members"].take();
        let uri =
            |member: &Value| member["@odata.id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        members.as_array().unwrap().iter().map(uri).collect::<Vec<_>>()
    };
    assert_eq!(members(&bench), ["Disk0", "Disk1"], "the drives are passed through");
    let answer = create(&bench, &json!({"CapacityBytes": 107_374_182_400_u64}));
    let volume = format!("{volumes}/Volume1");
    assert_eq!(answer.status, 202);
    assert_eq!(members(&bench), ["Volume1"]);
    bench.wait(3_000);
    let answer = bench.get(answer.header("Location"));
    assert_eq!((answer.status, answer.header("Location")), (201, volume.as_str()));
    let shown = bench.get(&volume).json;
    assert_eq!(shown, answer.json);
    assert_eq!((&shown["RAIDType"], &shown["Name"]), (&json!("RAID1"), &json!("root")));
    assert_eq!(shown["CapacityBytes"], 107_374_182_400_u64);
    assert_eq!(shown["Links"]["Drives"].as_array().unwrap().len(), 2);
    let drive = bench.get(shown["Links"]["Drives"][1]["@odata.id"].as_str().unwrap()).json;
    assert_eq!(drive["Links"]["Volumes"], json!([{"@odata.id": volume}]));
    let disks = bench.redfish.fleet.look(NodeId(0), |node, _| node.disks().len());
    assert_eq!(disks, Some(2), "the volume and the NVMe drive");

    let answer = bench.write("DELETE", &volume, &json!({"@Redfish.OperationApplyTime": "Immediate"}));
    assert_eq!((answer.status, bench.get(&volume).status), (202, 200));
    bench.wait(3_000);
    assert_eq!(bench.get(answer.header("Location")).status, 204);
    assert_eq!(
        (bench.get(&volume).status, members(&bench)),
        (404, vec!["Disk0".to_owned(), "Disk1".to_owned()])
    );
    assert_eq!(bench.write("DELETE", &format!("{volumes}/Disk0"), &json!({})).status, 405, "it is a drive");
    let whole = create(&bench, &json!({"Name": null, "RAIDType": "RAID0"}));
    bench.wait(3_000);
    let whole = bench.get(whole.header("Location"));
    assert_eq!((&whole.json["Id"], &whole.json["Name"]), (&json!("Volume2"), &json!("Volume2")));
    assert_eq!(whole.json["CapacityBytes"], 2 * 480_103_981_056_u64);
}

#[test]
fn a_wrong_volume_is_refused_and_changes_nothing() {
    let bench = Bench::new();
    for (changes, message) in [
        (json!({"RAIDType": null}), "PropertyMissing"),
        (json!({"RAIDType": "RAID5"}), "PropertyValueNotInList"),
        (json!({"Links": null}), "PropertyMissing"),
        (json!({"drives": []}), "PropertyMissing"),
        (json!({"drives": ["Disk0"]}), "PropertyValueConflict"),
        (json!({"drives": ["Disk0", "Disk0"]}), "PropertyValueConflict"),
        (json!({"drives": ["Disk0", "NVMe0"]}), "PropertyValueNotInList"),
        (json!({"drives": ["Disk0", "Disk9"]}), "PropertyValueNotInList"),
        (json!({"Links": {"Drives": "Disk0"}}), "PropertyValueTypeError"),
        (json!({"CapacityBytes": 0}), "PropertyValueOutOfRange"),
        (json!({"CapacityBytes": 480_103_981_057_u64}), "PropertyValueOutOfRange"),
        (json!({"Name": "x".repeat(65)}), "StringValueTooLong"),
        (json!({"@Redfish.OperationApplyTime": "OnReset"}), "PropertyValueNotInList"),
    ] {
        let answer = create(&bench, &changes);
        assert_eq!(answer.status, 400, "{changes}");
        assert!(answer.message_ids().contains(&message), "{changes}: {:?}", answer.message_ids());
    }
    assert_eq!(bench.redfish.fleet.look(NodeId(0), |node, _| node.state().is_new()), Some(true));
    assert_eq!(create(&bench, &json!({})).status, 202);
    let again = create(&bench, &json!({"RAIDType": "RAID0", "drives": ["Disk1"]}));
    assert_eq!((again.status, again.message_ids()), (400, vec!["PropertyValueConflict"]));
    let adapter = format!("{}/Storage/NVMe/Volumes", bench.system);
    let answer = bench.write("POST", &adapter, &json!({"RAIDType": "RAID0"}));
    assert!(answer.message_ids().contains(&"PropertyValueNotInList"), "a host adapter has no RAID");
}

#[test]
fn firmware_belongs_to_its_node() {
    let bench = Bench::new();
    let all = bench.get("/redfish/v1/UpdateService/FirmwareInventory").json;
    assert_eq!(all["Members@odata.count"], 9);
    let bios = format!(
        "/redfish/v1/UpdateService/FirmwareInventory/{}-BIOS",
        bench.system.rsplit('/').next().unwrap()
    );
    let shown = bench.get(&bios).json;
    assert_eq!(shown["Version"], bench.get(&bench.system).json["BiosVersion"]);
    assert_eq!(shown["RelatedItem"][0]["@odata.id"], bench.system.as_str());
    assert_eq!(bench.get(&bios.replace("-BIOS", "-Tape")).status, 404);
}
