//! Failed drives, memory modules and power supplies, as clients see them.

use super::*;
use crate::node::bmc::failures::Part;
use crate::node::command::Command;
use crate::node::lab;

impl Bench {
    fn set_failed(&self, part: Part, failed: bool) {
        let command = if failed { lab::Command::Fail(part) } else { lab::Command::Repair(part) };
        self.redfish.fleet.apply(NodeId(0), Command::Lab(command)).unwrap().unwrap();
    }

    /// Asserts the values of a node's documents. A path begins below the system, or with `chassis` below the chassis.
    fn assert_shown(&self, all: &[(&str, &str, Value)]) {
        for (path, pointer, expected) in all {
            let uri = match path.strip_prefix("chassis") {
                Some(below) => format!("{}{below}", self.system.replace("Systems", "Chassis")),
                None => format!("{}{path}", self.system),
            };
            let document = self.get(&uri).json;
            assert_eq!(document.pointer(pointer), Some(expected), "{path} {pointer} in {document}");
        }
    }

    fn switch(&self, kind: &str) {
        let action = format!("{}/Actions/ComputerSystem.Reset", self.system);
        assert_eq!(self.write("POST", &action, &json!({"ResetType": kind})).status, 204);
    }

    /// Goes to the next deadline of the node.
    fn pass(&self) {
        let fleet = &self.redfish.fleet;
        let next = fleet.look(NodeId(0), |node, _| node.next_deadline()).unwrap();
        fleet.clock().set(next);
        fleet.wake_due();
    }
}

fn bad() -> Value {
    json!({"State": "UnavailableOffline", "Health": "Critical"})
}

fn good() -> Value {
    json!({"State": "Enabled", "Health": "OK"})
}

#[test]
fn a_failed_drive_is_critical_in_every_document_and_stays_in_every_list() {
    let bench = Bench::new();
    let shown = |status: &Value, indicator: &str, failed: bool, health: &str| {
        let rollup = json!(health);
        bench.assert_shown(&[
            ("chassis/Drives/Disk0", "/Status", status.clone()),
            ("chassis/Drives/Disk0", "/StatusIndicator", json!(indicator)),
            ("chassis/Drives/Disk0", "/FailurePredicted", json!(failed)),
            ("chassis/Drives/Disk1", "/Status", good()),
            ("chassis/Drives", "/Members@odata.count", json!(3)),
            ("/Storage/SATA", "/Drives@odata.count", json!(2)),
            ("/Storage/SATA", "/Status/HealthRollup", rollup.clone()),
            ("/Storage/SATA/Volumes/Disk0", "/Status", status.clone()),
            ("/SimpleStorage/SATA", "/Devices/0/Status", status.clone()),
            ("/SimpleStorage/SATA", "/Devices/1/Status", good()),
            ("/SimpleStorage/SATA", "/Status/HealthRollup", rollup.clone()),
            ("", "/Status/HealthRollup", rollup.clone()),
            ("chassis", "/Status/HealthRollup", rollup),
        ]);
    };
    shown(&good(), "OK", false, "OK");
    let etag = bench.get(&bench.system).header("etag").to_owned();
    bench.set_failed(Part::Drive(0), true);
    shown(&bad(), "Fail", true, "Critical");
    assert_ne!(bench.get(&bench.system).header("etag"), etag);
    bench.set_failed(Part::Drive(0), false);
    shown(&good(), "OK", false, "OK");
}

#[test]
fn a_failed_module_is_critical_at_once_and_left_out_by_the_next_self_test() {
    let bench = Bench::new();
    let shown = |state: &str, health: &str, gib: u32, errors: u32| {
        bench.assert_shown(&[
            ("/Memory/DIMM-B1", "/Status", json!({"State": state, "Health": health})),
            ("/Memory/DIMM-B1", "/CapacityMiB", json!(32 * 1024)),
            ("/Memory/DIMM-B1/MemoryMetrics", "/LifeTime/UncorrectableECCErrorCount", json!(errors)),
            ("/Memory/DIMM-A1", "/Status", good()),
            ("", "/MemorySummary/TotalSystemMemoryGiB", json!(gib)),
            ("", "/MemorySummary/Status/HealthRollup", json!(health)),
            ("", "/Status/HealthRollup", json!(health)),
        ]);
    };
    shown("Enabled", "OK", 128, 0);
    bench.set_failed(Part::Memory(1), true);
    shown("Enabled", "Critical", 128, 1);
    bench.switch("On");
    bench.pass();
    shown("UnavailableOffline", "Critical", 96, 1);
    bench.set_failed(Part::Memory(1), false);
    shown("StandbyOffline", "OK", 96, 0);
    bench.switch("ForceOff");
    bench.pass();
    bench.switch("On");
    bench.pass();
    shown("Enabled", "OK", 128, 0);
}

#[test]
fn a_failed_supply_is_the_same_in_the_older_and_the_newer_resource() {
    let bench = Bench::new();
    bench.set_failed(Part::Supply(0), true);
    bench.assert_shown(&[
        ("chassis/PowerSubsystem/PowerSupplies/PSU1", "/Status", bad()),
        ("chassis/PowerSubsystem/PowerSupplies/PSU1", "/LineInputStatus", json!("Normal")),
        ("chassis/PowerSubsystem/PowerSupplies/PSU1/Metrics", "/OutputPowerWatts/Reading", json!(0)),
        ("chassis/PowerSubsystem/PowerSupplies/PSU2", "/Status", good()),
        ("chassis/PowerSubsystem", "/PowerSupplyRedundancy/0/Status/Health", json!("Warning")),
        ("chassis/PowerSubsystem", "/Status/HealthRollup", json!("Critical")),
        ("chassis/Sensors/PSU1OutputPower", "/Reading", json!(0)),
        ("chassis/Power", "/PowerSupplies/0/Status", bad()),
        ("chassis/Power", "/PowerSupplies/0/LastPowerOutputWatts", json!(0)),
        ("chassis/Power", "/PowerSupplies/1/Status", good()),
        ("chassis/Power", "/Redundancy/0/Status/Health", json!("Warning")),
        ("chassis", "/Status/HealthRollup", json!("Critical")),
        ("", "/Status/HealthRollup", json!("Critical")),
    ]);
    bench.set_failed(Part::Supply(0), false);
    bench.assert_shown(&[
        ("chassis/PowerSubsystem/PowerSupplies/PSU1", "/Status", good()),
        ("chassis/PowerSubsystem", "/Status/HealthRollup", json!("OK")),
        ("", "/Status/HealthRollup", json!("OK")),
    ]);
}

/// Each failure and each repair: the events that a subscriber gets, and the entries of the log.
#[test]
fn failures_and_repairs_are_told_and_logged() {
    use std::fmt::Write as _;
    let bench = Bench::new();
    let subscription = events::subscribe(&bench, &json!({}));
    events::take(&bench, &subscription);
    let sel = format!("{}/LogServices/SEL", bench.system);
    let mut seen = events::entries(&bench, &sel).len();
    let mut text = String::new();
    for part in [Part::Drive(0), Part::Memory(1), Part::Supply(1)] {
        for failed in [true, false] {
            bench.set_failed(part, failed);
            writeln!(text, "{part:?} {}", if failed { "fails" } else { "is repaired" }).unwrap();
            for event in events::take(&bench, &subscription) {
                let id = event["MessageId"].as_str().unwrap();
                let origin = event["OriginOfCondition"]["@odata.id"].as_str().unwrap();
                let origin = origin.replace(&bench.system[20..], "{uuid}");
                writeln!(text, "  event  {} {id} {origin}", event["MessageSeverity"]).unwrap();
            }
            let entries = events::entries(&bench, &sel);
            for entry in &entries[seen..] {
                let [severity, message] = ["Severity", "Message"].map(|key| entry[key].as_str().unwrap());
                let message = message.replace(&bench.system[20..], "{uuid}");
                writeln!(text, "  log    {severity}: {message}").unwrap();
            }
            seen = entries.len();
        }
    }
    insta::assert_snapshot!(text);
}
