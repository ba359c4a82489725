//! Faults of the host. `src/node/tests/faults.rs` has their details.

use serde_json::json;

use super::{Bench, holds};

fn is_on(bench: &Bench, name: &str) -> bool {
    bench.get(&bench.system(name)).1["PowerState"] == "On"
}

/// Switches a machine off, and on again.
fn cycle(bench: &Bench, name: &str) {
    bench.reset(name, "ForceOff");
    bench.until(name, &["off"]);
    assert_eq!(bench.reset(name, "On"), 204);
}

#[test]
fn a_power_on_that_hangs() {
    holds(&[], &json!("power-on-hangs"), |bench, name| {
        cycle(bench, name);
        bench.until(name, &["powering-on", "no-boot-device"]);
        let state = bench.get(&bench.system(name)).1["PowerState"].clone();
        state == "PoweringOn"
    });
}

#[test]
fn a_self_test_that_hangs() {
    holds(&[], &json!("post-hangs"), |bench, name| {
        cycle(bench, name);
        bench.until(name, &["post", "no-boot-device"]);
        let progress = bench.get(&bench.system(name)).1["BootProgress"]["LastState"].clone();
        is_on(bench, name) && progress == "PrimaryProcessorInitializationStarted"
    });
}

#[test]
fn a_power_off_that_is_ignored() {
    holds(&[], &json!("power-off-ignored"), |bench, name| {
        bench.reset(name, "On");
        bench.until(name, &["no-boot-device"]);
        assert_eq!(bench.reset(name, "ForceOff"), 204);
        bench.until(name, &["off", "no-boot-device"]);
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
