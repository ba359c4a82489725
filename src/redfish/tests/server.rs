//! The parts of a server that few clients change: its chassis, its boot options, its consoles.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Bench;
use crate::dmtf::BootTarget;
use crate::profile::boot_source::BootSource;
use crate::profile::{Profile, built_in};

fn chassis(bench: &Bench) -> String {
    bench.system.replace("Systems", "Chassis")
}

#[test]
fn a_chassis_has_an_asset_tag_and_resets_its_host() {
    let mut bench = Bench::new();
    let chassis = chassis(&bench);
    assert_eq!(bench.get(&chassis).json["AssetTag"], "");
    let tag = json!({"AssetTag": "cabinet 7", "LocationIndicatorActive": true});
    assert_eq!(bench.write("PATCH", &chassis, &tag).status, 204);
    let now = bench.get(&chassis).json;
    assert_eq!((&now["AssetTag"], &now["LocationIndicatorActive"]), (&json!("cabinet 7"), &json!(true)));
    let long = bench.write("PATCH", &chassis, &json!({"AssetTag": "x".repeat(64)}));
    assert_eq!((long.status, long.message_ids()), (400, vec!["StringValueTooLong"]));

    let reset = format!("{chassis}/Actions/Chassis.Reset");
    let refused = bench.write("POST", &reset, &json!({"ResetType": "Nmi"}));
    assert_eq!((refused.status, refused.message_ids()), (400, vec!["ActionParameterValueNotInList"]));
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "On"})).status, 204);
    bench.wait(60_000);
    let state = |bench: &Bench| bench.get(&bench.system).json["PowerState"].take();
    assert_eq!(state(&bench), "On");
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "FullPowerCycle"})).status, 204);
    assert_eq!(state(&bench), "PoweringOff", "the BMC goes on for a moment");
    let mut statuses = Vec::new();
    for _ in 0..300 {
        bench.wait(1000);
        statuses.push(bench.get(&bench.system).status);
    }
    statuses.dedup();
    assert_eq!((statuses, state(&bench)), (vec![200, 503, 200], json!("On")));
    assert_eq!(bench.get(&chassis).json["AssetTag"], "cabinet 7");
}

#[test]
fn a_chassis_without_reset_types_has_no_reset() {
    let mut bench = Bench::new();
    bench.add_first("hpe-dl380-gen11");
    let chassis = chassis(&bench);
    assert_eq!(bench.get(&chassis).json["Actions"], json!({}));
    let reset = format!("{chassis}/Actions/Chassis.Reset");
    assert_eq!(bench.write("POST", &reset, &json!({"ResetType": "On"})).status, 404);
}

#[test]
fn a_disabled_boot_option_stays_in_the_order_and_is_told() {
    let bench = Bench::new();
    let option = format!("{}/BootOptions/Boot0001", bench.system);
    assert_eq!(bench.get(&option).json["BootOptionEnabled"], true);
    let refused = bench.write("PATCH", &option, &json!({"BootOptionEnabled": "no", "Alias": "Cd"}));
    assert_eq!(
        (refused.status, refused.message_ids()),
        (400, vec!["PropertyValueTypeError", "PropertyNotWritable"])
    );
    assert_eq!(bench.write("PATCH", &option, &json!({"BootOptionEnabled": false})).status, 204);
    assert_eq!(bench.get(&option).json["BootOptionEnabled"], false);
    let reverse = json!({"Boot": {"BootOrder": ["Boot0001", "Boot0000"]}});
    assert_eq!(bench.write("PATCH", &bench.system, &reverse).status, 204);
    let order = || bench.get(&bench.system).json["Boot"]["BootOrder"].take();
    assert_eq!(order(), json!(["Boot0001", "Boot0000"]));
    let action = format!("{}/Actions/ComputerSystem.SetDefaultBootOrder", bench.system);
    assert_eq!(bench.write("POST", &action, &json!({})).status, 204);
    assert_eq!(order(), json!(["Boot0000", "Boot0001"]));
    let log =
        bench.get(&format!("{}/LogServices/AuditLog/Entries", bench.system.replace("Systems", "Managers")));
    let origins: Vec<&Value> = log.json["Members"].as_array().unwrap().iter().map(|e| &e["Links"]).collect();
    let links = serde_json::to_string(&origins).unwrap();
    assert!(links.contains(&option), "{links}");
}

/// The generic model with changes.
fn changed(change: impl FnOnce(&mut Profile)) -> Bench {
    let mut profile = Profile::clone(&built_in("generic").unwrap());
    change(&mut profile);
    let mut bench = Bench::new();
    bench.add_model(Arc::new(profile));
    bench
}

#[test]
fn the_next_boot_option_is_for_one_boot() {
    let bench = changed(|profile| {
        let words = [BootTarget::UefiBootNext, BootTarget::UefiTarget].map(BootSource::from);
        profile.boot_targets.extend(words);
    });
    let set = |boot: Value| bench.write("PATCH", &bench.system, &json!({ "Boot": boot }));
    let boot = || bench.get(&bench.system).json["Boot"].take();
    let refused = set(json!({
        "BootSourceOverrideTarget": "UefiBootNext", "BootNext": "Boot0001", "BootSourceOverrideEnabled": "Continuous",
    }));
    assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyValueConflict"]));
    assert_eq!(boot()["BootNext"], Value::Null, "a refusal changes nothing");
    assert_eq!(
        set(json!({"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Continuous"})).status,
        204
    );
    assert_eq!(set(json!({"BootSourceOverrideTarget": "UefiBootNext", "BootNext": "Boot0001"})).status, 204);
    assert_eq!(
        (&boot()["BootSourceOverrideEnabled"], &boot()["BootNext"]),
        (&json!("Once"), &json!("Boot0001"))
    );
    let path = &boot()["UefiTargetBootSourceOverride@Redfish.AllowableValues"][0];
    let target = json!({
        "BootSourceOverrideTarget": "UefiTarget", "UefiTargetBootSourceOverride": path,
        "BootSourceOverrideEnabled": "Continuous",
    });
    assert_eq!(set(target).status, 204);
    assert_eq!(&boot()["UefiTargetBootSourceOverride"], path);
}

#[test]
fn consoles_are_those_of_the_profile_and_cannot_be_enabled() {
    let bench = changed(|profile| {
        profile.consoles.serial.on_system = true;
        profile.consoles.graphical.connect.clear();
    });
    let system = bench.get(&bench.system).json;
    let serial = json!({"MaxConcurrentSessions": 1, "SSH": {"ServiceEnabled": false, "Port": 2200},
        "IPMI": {"ServiceEnabled": false, "Port": 623}});
    assert_eq!((&system["SerialConsole"], &system["GraphicalConsole"]), (&serial, &Value::Null));
    let manager = bench.system.replace("Systems", "Managers");
    assert_eq!(bench.get(&manager).json["SerialConsole"]["ConnectTypesSupported"], json!(["SSH", "IPMI"]));
    for (uri, body) in [
        (&manager, json!({"CommandShell": {"ServiceEnabled": true}})),
        (&bench.system, json!({"SerialConsole": {"SSH": {"ServiceEnabled": true}}})),
    ] {
        let refused = bench.write("PATCH", uri, &body);
        assert_eq!((refused.status, refused.message_ids()), (400, vec!["PropertyNotWritable"]), "{uri}");
    }
}

/// All members of a collection, read one by one.
fn members(bench: &Bench, collection: &str) -> Vec<Value> {
    let all = bench.get(collection).json;
    let links = all["Members"].as_array().unwrap_or_else(|| panic!("{collection}: {all}")).iter();
    links.map(|link| bench.get(link["@odata.id"].as_str().unwrap()).json).collect()
}

#[test]
fn pci_functions_are_those_of_the_agent_and_each_leads_to_its_part() {
    for model in ["generic", "hpe-dl380-gen11"] {
        let mut bench = Bench::new();
        bench.add_first(model);
        let mut found = Vec::new();
        let devices = members(&bench, &format!("{}/PCIeDevices", chassis(&bench)));
        for device in &devices {
            let functions = device["PCIeFunctions"]["@odata.id"].as_str().unwrap();
            for function in members(&bench, functions) {
                let text = |key: &str| function[key].as_str().unwrap().trim_start_matches("0x").to_owned();
                let address = ["SegmentNumber", "BusNumber", "DeviceNumber"].map(text).join(":");
                found.push((
                    format!("{address}.{}", text("FunctionNumber")),
                    text("VendorId"),
                    text("DeviceId"),
                ));
                let links = function["Links"].as_object().unwrap();
                assert_eq!(links["PCIeDevice"]["@odata.id"], device["@odata.id"]);
                for key in ["EthernetInterfaces", "NetworkDeviceFunctions", "StorageControllers"] {
                    let Some(uri) = links.get(key).map(|link| link[0]["@odata.id"].as_str().unwrap()) else {
                        continue;
                    };
                    let part = bench.get(uri);
                    assert_eq!(part.status, 200, "{uri}");
                    if key == "NetworkDeviceFunctions" {
                        assert_eq!(part.json["Links"]["PCIeFunction"]["@odata.id"], function["@odata.id"]);
                    }
                }
            }
        }
        let profile = built_in(model).unwrap();
        let agent = profile.functions().map(|function| {
            (function.address.to_owned(), function.vendor.to_owned(), function.product.to_owned())
        });
        let mut expected: Vec<_> = agent.collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{model}");
        assert_eq!(bench.get(&bench.system).json["PCIeDevices"].as_array().unwrap().len(), devices.len());
        let slots = bench.get(&format!("{}/PCIeSlots", chassis(&bench))).json;
        for slot in slots["Slots"].as_array().unwrap() {
            let Some(device) = slot["Links"]["PCIeDevice"][0]["@odata.id"].as_str() else {
                assert_eq!(slot["Status"]["State"], "Absent");
                continue;
            };
            assert_eq!(bench.get(device).json["Slot"]["Location"], slot["Location"]);
        }
    }
}

#[test]
fn a_cable_is_there_while_it_is_plugged_in() {
    let bench = Bench::new();
    let cables = || members(&bench, "/redfish/v1/Cables").len();
    assert_eq!(cables(), 6, "two of each of three machines");
    let pull = crate::node::lab::Command::Unplug(crate::node::bmc::plugs::Plug::Cable(1));
    let pull = crate::node::command::Command::Lab(pull);
    bench.redfish.fleet.with(crate::node::NodeId(0), |node, now| node.apply(pull, now)).unwrap().unwrap();
    assert_eq!(cables(), 5);
    let uuid = bench.system.rsplit('/').next().unwrap();
    let cable = format!("/redfish/v1/Cables/{uuid}-NIC1");
    assert_eq!(bench.get(&cable).json["UpstreamName"], "leaf-000 Ethernet1/1/1");
    assert_eq!(bench.get(&cable.replace("NIC1", "NIC2")).status, 404);
}

#[test]
fn measurements_are_those_of_a_machine_with_power() {
    let mut bench = Bench::new();
    let uuid = bench.system.rsplit('/').next().unwrap().to_owned();
    let integrity = format!("/redfish/v1/ComponentIntegrity/{uuid}-TPM");
    let measured = |bench: &Bench| {
        bench.get(&integrity).json["TPM"]["MeasurementSet"]["Measurements"][0]["Measurement"].take()
    };
    let none = format!("{}=", "A".repeat(43));
    assert_eq!(measured(&bench), json!(none), "32 zeros");
    bench.reset("On");
    bench.wait(60_000);
    assert_ne!(measured(&bench), json!(none));
    let component = bench.get(bench.get(&integrity).json["TargetComponentURI"].as_str().unwrap()).json;
    assert_eq!(component["Links"]["ComponentIntegrity"][0]["@odata.id"], integrity.as_str());
}

#[test]
fn a_job_is_a_task() {
    let bench = Bench::new();
    let manager = bench.system.replace("Systems", "Managers");
    let action = format!("{manager}/Actions/Manager.ResetToDefaults");
    assert_eq!(bench.write("POST", &action, &json!({"ResetType": "ResetAll"})).status, 202);
    let jobs = members(&bench, "/redfish/v1/JobService/Jobs");
    let tasks = members(&bench, "/redfish/v1/TaskService/Tasks");
    assert_eq!((jobs.len(), &jobs[0]["JobState"]), (1, &tasks[0]["TaskState"]));
    assert_eq!((&jobs[0]["Name"], &jobs[0]["Id"]), (&tasks[0]["Name"], &tasks[0]["Id"]));
}
