//! Faults of the host. `src/node/tests/faults.rs` has their details.

use serde_json::{Value, json};

use super::ironic::{Ironic, boot};
use super::{Bench, holds, holds_when, stays};

const HOUR: u32 = 3600;

fn is_on(bench: &Bench, name: &str) -> bool {
    bench.get(&bench.system(name)).1["PowerState"] == "On"
}

/// Switches a machine off, and on again, up to where it gets.
fn cycle(bench: &Bench, name: &str) {
    bench.reset(name, "ForceOff");
    bench.pass(HOUR);
    assert_eq!(bench.reset(name, "On"), 204);
    bench.pass(HOUR);
}

/// Shows that a start never ends, is the same one after a restart of the daemon, and goes on at the end of the rule.
fn stays_in(what: &Value, power: &str, progress: &str) {
    let begin = |bench: &Bench, name: &str| assert_eq!(bench.reset(name, "On"), 204);
    stays(&[], what, begin, |bench, name| {
        bench.pass(HOUR);
        let system = bench.get(&bench.system(name)).1;
        system["PowerState"] == power && system["BootProgress"]["LastState"] == progress
    });
    holds(&[], what, |bench, name| {
        cycle(bench, name);
        bench.get(&bench.system(name)).1["BootProgress"]["LastState"] == progress
    });
}

#[test]
fn a_power_on_that_hangs() {
    stays_in(&json!("power-on-hangs"), "PoweringOn", "None");
}

#[test]
fn a_self_test_that_hangs() {
    stays_in(&json!("post-hangs"), "On", "PrimaryProcessorInitializationStarted");
}

#[test]
fn a_power_off_that_is_ignored() {
    holds(&[], &json!("power-off-ignored"), |bench, name| {
        bench.reset(name, "On");
        bench.pass(HOUR);
        assert!(is_on(bench, name));
        assert_eq!(bench.reset(name, "ForceOff"), 204);
        bench.pass(HOUR);
        is_on(bench, name)
    });
}

/// A power-on that begins takes the time of the rule. One that is under way when the rule is cleared ends with the power-off.
#[test]
fn a_slow_power_on() {
    holds(&[], &json!({"timing": {"power_on": "1h..2h"}}), |bench, name| {
        cycle(bench, name);
        bench.until(name, &["powering-on", "no-boot-device"]);
        bench.node(name)["state"] == "powering-on"
    });
}

#[test]
fn a_rack_without_power() {
    let mut bench = Bench::new(&["--timing", "manager_reset=0s"]);
    for name in ["generic-0", "generic-1"] {
        bench.control("POST", "/label", &json!({"nodes": {"names": [name]}, "set": {"rack": "r7"}}));
    }
    bench.reset("generic-1", "On");
    bench.until("generic-1", &["no-boot-device"]);
    let systems = ["generic-0", "generic-1", "generic-2"].map(|name| bench.system(name));
    let rule = json!({"name": "r", "who": {"selector": "rack=r7"}, "what": "power-lost"});
    bench.control("POST", "/faults", &json!({"rules": [rule]}));
    let statuses = |bench: &Bench| systems.clone().map(|system| bench.get(&system).0);
    assert_eq!(statuses(&bench), [503, 503, 200]);
    bench.restart();
    assert_eq!(statuses(&bench), [503, 503, 200]);
    assert_eq!((&bench.fault()["state"], &bench.fault()["activeNodes"]), (&json!("active"), &json!(2)));
    bench.clear();
    super::super::load::eventually("the BMCs are back", || statuses(&bench) == [200; 3]);
    bench.until("generic-1", &["no-boot-device"]);
    assert!(is_on(&bench, "generic-1") && !is_on(&bench, "generic-0"), "each is as it was before");
}

#[test]
fn a_machine_that_restarts_by_itself() {
    let when = json!({"after": {"state": "no-boot-device", "from": "10m"}});
    holds_when(&["--timing", "post=5m"], &when, &json!("spontaneous-reset"), |bench, name| {
        bench.reset(name, "ForceOff");
        bench.pass(60);
        assert_eq!(bench.reset(name, "On"), 204);
        // The self test is over after five minutes, and ten minutes later there is another one.
        bench.pass(10 * 60);
        assert_eq!(bench.node(name)["state"], "no-boot-device");
        bench.pass(6 * 60);
        let progress = bench.get(&bench.system(name)).1["BootProgress"]["LastState"].clone();
        progress == "PrimaryProcessorInitializationStarted"
    });
}

#[test]
fn an_override_that_is_forgotten() {
    let once =
        json!({"Boot": {"BootSourceOverrideTarget": "BiosSetup", "BootSourceOverrideEnabled": "Once"}});
    holds(&[], &json!("boot-override-forgotten"), |bench, name| {
        assert_eq!(bench.redfish("PATCH", &bench.system(name), &once).0, 204);
        cycle(bench, name);
        let system = bench.get(&bench.system(name)).1;
        assert_eq!(system["Boot"]["BootSourceOverrideEnabled"], "Disabled", "it is used up");
        system["BootProgress"]["LastState"] != "SetupEntered"
    });
}

#[test]
fn another_source_than_the_one_that_was_asked_for() {
    holds(&[], &json!({"wrong-boot-source": {"boots": "BiosSetup"}}), |bench, name| {
        cycle(bench, name);
        bench.get(&bench.system(name)).1["BootProgress"]["LastState"] == "SetupEntered"
    });
}

#[test]
fn a_source_that_cannot_be_read() {
    let ironic = Ironic::start();
    holds(&ironic.arguments(), &json!("media-unreadable"), |bench, name| {
        boot(bench, name);
        let conditions = bench.get(&bench.system(name)).1["Status"]["Conditions"].to_string();
        let is_said = conditions.contains("Pxe: the source cannot be read");
        assert_eq!(ironic.calls(bench, name).is_empty(), is_said, "{conditions}");
        is_said
    });
}

#[test]
fn a_part_that_fails() {
    for (part, path) in [
        ("disk", "Chassis/{}/Drives/Disk0"),
        ("dimm", "Systems/{}/Memory/DIMM-A1"),
        ("fan", "Chassis/{}/ThermalSubsystem/Fans/Fan1"),
        ("psu", "Chassis/{}/PowerSubsystem/PowerSupplies/PSU1"),
    ] {
        holds(&[], &json!({"part-fails": {"part": part}}), |bench, name| {
            // A fan that stands still has not failed.
            bench.reset(name, "On");
            bench.pass(60);
            let uuid = bench.node(name)["uuid"].take();
            let path = format!("/redfish/v1/{}", path.replace("{}", uuid.as_str().unwrap()));
            let (status, shown) = bench.get(&path);
            assert_eq!(status, 200, "{path}");
            shown["Status"]["Health"] == "Critical"
        });
    }
}
