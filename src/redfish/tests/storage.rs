//! What clients read about storage and BIOS: controllers in both places, names of volumes and of bays, pending settings.

use super::*;
use crate::node::bmc::plugs::Plug;
use crate::node::command::Command;
use crate::node::lab;

impl Bench {
    /// Pulls a part of the node, or plugs it in.
    fn set_plug(&self, part: Plug, plugged: bool) {
        let command = if plugged { lab::Command::Plug(part) } else { lab::Command::Unplug(part) };
        self.redfish.fleet.apply(NodeId(0), Command::Lab(command)).unwrap().unwrap();
    }

    fn ids(&self, collection: &str) -> Vec<String> {
        let members = self.get(collection).json["Members"].take();
        let id =
            |member: &Value| member["@odata.id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        members.as_array().unwrap().iter().map(id).collect()
    }
}

#[test]
fn a_cable_is_seen_at_the_interface_and_at_the_port() {
    let bench = Bench::new();
    let interface = format!("{}/EthernetInterfaces/NIC2", bench.system);
    let port = format!("{}/NetworkAdapters/Adapter1/Ports/NIC2", bench.system.replace("Systems", "Chassis"));
    let shown = || {
        let port = bench.get(&port).json;
        let receives = port["Ethernet"].get("LLDPReceive").is_some();
        [bench.get(&interface).json["LinkStatus"].clone(), port["LinkStatus"].clone(), json!(receives)]
    };
    let (up, down) = (
        [json!("LinkUp"), json!("LinkUp"), json!(true)],
        [json!("LinkDown"), json!("LinkDown"), json!(false)],
    );
    assert_eq!(shown(), up);
    bench.set_plug(Plug::Cable(1), false);
    assert_eq!((shown(), &bench.get(&port).json["CurrentSpeedGbps"]), (down, &json!(0)));
    bench.set_plug(Plug::Cable(1), true);
    assert_eq!(shown(), up);
}

#[test]
fn a_pulled_drive_leaves_every_list() {
    let bench = Bench::new();
    let chassis = bench.system.replace("Systems", "Chassis");
    let (drives, storage) = (format!("{chassis}/Drives"), format!("{}/Storage/SATA", bench.system));
    bench.set_plug(Plug::Drive(0), false);
    assert_eq!(bench.ids(&drives), ["Disk1", "NVMe0"]);
    assert_eq!(bench.ids(&format!("{storage}/Volumes")), ["Disk1"]);
    assert_eq!(bench.get(&format!("{drives}/Disk0")).status, 404);
    let shown = bench.get(&storage).json;
    assert_eq!((&shown["Drives@odata.count"], shown["Drives"].as_array().unwrap().len()), (&json!(1), 1));
    assert_eq!(bench.get(&chassis).json["Links"]["Drives"].as_array().unwrap().len(), 2);
    let simple = bench.get(&format!("{}/SimpleStorage/SATA", bench.system)).json;
    assert_eq!(simple["Devices"].as_array().unwrap().len(), 1);
    let uri = |id: &str| json!({"@odata.id": format!("{drives}/{id}")});
    let body = json!({"RAIDType": "RAID1", "Links": {"Drives": [uri("Disk0"), uri("Disk1")]}});
    let refused = bench.write("POST", &format!("{storage}/Volumes"), &body);
    assert_eq!(
        (refused.status, refused.message_ids()),
        (400, vec!["PropertyValueNotInList", "PropertyValueConflict"])
    );
    bench.set_plug(Plug::Drive(0), true);
    assert_eq!(bench.ids(&drives), ["Disk0", "Disk1", "NVMe0"]);
}

#[test]
fn the_health_of_a_volume_reaches_the_system() {
    let bench = Bench::new();
    let chassis = bench.system.replace("Systems", "Chassis");
    let storage = format!("{}/Storage/SATA", bench.system);
    let uri = |id: &str| json!({"@odata.id": format!("{chassis}/Drives/{id}")});
    let body = json!({"RAIDType": "RAID1", "Links": {"Drives": [uri("Disk0"), uri("Disk1")]}});
    assert_eq!(bench.write("POST", &format!("{storage}/Volumes"), &body).status, 202);
    let names = bench.get(&format!("{storage}/Volumes/Volume1")).json["Identifiers"].take();
    for (pulled, state, health, links) in
        [(0, "Enabled", "Warning", 1), (1, "UnavailableOffline", "Critical", 0)]
    {
        bench.set_plug(Plug::Drive(pulled), false);
        let volume = bench.get(&format!("{storage}/Volumes/Volume1")).json;
        assert_eq!(volume["Status"], json!({"State": state, "Health": health}));
        assert_eq!(
            (&volume["Identifiers"], volume["Links"]["Drives"].as_array().unwrap().len()),
            (&names, links)
        );
        for above in [&storage, &chassis, &bench.system] {
            assert_eq!(bench.get(above).json["Status"]["HealthRollup"], health, "{above}");
        }
    }
}

#[test]
fn a_controller_is_also_where_older_clients_look_for_it() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let storage = format!("{}/Storage/DE00E000", bench.system);
    let shown = bench.get(&storage).json;
    let within = shown["StorageControllers"][0].as_object().unwrap();
    assert_eq!(within["@odata.id"], format!("{storage}#/StorageControllers/0"));
    let controller = bench.get(&format!("{storage}/Controllers/1")).json;
    for (key, value) in within.iter().filter(|(key, _)| !["@odata.id", "MemberId"].contains(&key.as_str())) {
        assert_eq!(controller[key], *value, "{key}");
    }
    assert_eq!(within["SupportedRAIDTypes"][0], "RAID0");
}

#[test]
fn a_volume_is_named_as_the_drive_that_it_passes_through() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let volumes = bench.get(&format!("{}/Storage/DE00E000/Volumes?$expand=.", bench.system)).json;
    for volume in volumes["Members"].as_array().unwrap() {
        assert_eq!(volume.get("RAIDType"), Some(&Value::Null), "raw, so that Ironic leaves it alone");
        let drive = bench.get(volume["Links"]["Drives"][0]["@odata.id"].as_str().unwrap()).json;
        assert_eq!(volume["Identifiers"], drive["Identifiers"]);
        assert_eq!(volume["Identifiers"][0]["DurableNameFormat"], "NAA");
    }
}

#[test]
fn every_bay_has_a_name_of_its_own() {
    for model in crate::profile::built_in_names() {
        let mut bench = Bench::new();
        bench.add_first(model);
        let drives =
            bench.get(&format!("{}/Drives?$expand=.", bench.system.replace("Systems", "Chassis"))).json;
        let drives = drives["Members"].as_array().unwrap();
        let place = |drive: &Value| drive["PhysicalLocation"]["PartLocation"].clone();
        let mut bays: Vec<_> = drives.iter().map(|drive| place(drive)["ServiceLabel"].to_string()).collect();
        bays.sort_unstable();
        bays.dedup();
        assert_eq!(bays.len(), drives.len(), "{model}: {bays:?}");
        if model == "hpe-dl380-gen11" {
            let eighth = json!({"ServiceLabel": "Slot=14:Port=2:Box=3:Bay=8", "LocationOrdinalValue": 8, "LocationType": "Bay"});
            assert_eq!(place(&drives[7]), eighth);
        }
    }
}

#[test]
fn pending_settings_are_the_changes_or_the_whole_set() {
    let mut bench = Bench::new();
    let shown =
        |bench: &Bench, uri: &str| bench.get(&format!("{}{uri}", bench.system)).json["Attributes"].clone();
    assert_eq!(shown(&bench, "/Bios/Settings"), json!({}));
    bench.add_first("hpe-dl380-gen11");
    let (current, mut pending) = (shown(&bench, "/Bios"), shown(&bench, "/Bios/Settings"));
    let settings = pending.as_object().unwrap();
    assert!(settings.len() > 5 && settings.iter().all(|(name, value)| current[name] == *value));
    let (name, other) = ("BootMode", "LegacyBios");
    let change = json!({"Attributes": {name: other}});
    assert_eq!(bench.write("PATCH", &format!("{}/Bios/Settings", bench.system), &change).status, 204);
    pending[name] = json!(other);
    assert_eq!(shown(&bench, "/Bios/Settings"), pending);
    bench.reset("On");
    bench.wait(600_000);
    assert_eq!(
        (shown(&bench, "/Bios")[name].clone(), shown(&bench, "/Bios/Settings")),
        (json!(other), pending)
    );
}
