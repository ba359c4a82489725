//! What clients read about storage and BIOS: controllers in both places, names of volumes and of bays, pending settings.

use super::*;

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
