//! What clients read about storage: controllers in both places, names of volumes and of bays.

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
