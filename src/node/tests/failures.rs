//! Drives, memory modules and power supplies that fail and are repaired.

use super::*;
use crate::dmtf::Health;
use crate::node::bmc::environment::SensorId;
use crate::node::bmc::failures::Part;
use crate::node::bmc::plugs::Plug;
use crate::node::bmc::volume::Integrity;
use crate::node::event::{Log, Of, What};
use crate::node::health::Scope;
use crate::node::lab;

const MODULE_MIB: u64 = 32 * 1024;

impl Bench {
    fn lab_result(&mut self, command: lab::Command) -> Result<(), Refusal> {
        self.apply(Command::Lab(command)).map(drop)
    }

    fn fail(&mut self, part: Part) {
        self.lab_result(lab::Command::Fail(part)).unwrap();
    }

    fn repair(&mut self, part: Part) {
        self.lab_result(lab::Command::Repair(part)).unwrap();
    }

    /// The events in the hardware log since the last call.
    fn hardware_events(&mut self, seen: &mut usize) -> Vec<What> {
        let all: Vec<What> = self
            .node
            .bmc()
            .logs
            .after(0)
            .map(|event| event.what.clone())
            .filter(|what| what.log() == Some(Log::Hardware))
            .collect();
        let new = all[*seen..].to_vec();
        *seen = all.len();
        new
    }
}

fn devices(node: &Node) -> Vec<&str> {
    node.disks().iter().map(|disk| disk.drive.name_under_linux()).collect()
}

#[test]
fn a_repaired_part_leaves_a_new_machine_and_one_that_works_costs_nothing() {
    for part in [Part::Fan(1), Part::Drive(2), Part::Memory(3), Part::Supply(1)] {
        let mut bench = Bench::new();
        bench.repair(part);
        assert!(bench.node.state.bmc.get_mut().is_none(), "{part:?} takes no memory");
        bench.fail(part);
        bench.fail(part);
        assert!(bench.node.has_failed(part));
        assert_eq!(bench.node.bmc().failed_parts().collect::<Vec<_>>(), [part]);
        let stored = serde_json::to_vec(bench.node.state()).unwrap();
        let state = State::read(u64::from(State::FORMAT), &stored).unwrap();
        let restored = Node::restore(NodeId(3), Seed(1), bench.node.profile().clone(), state);
        assert!(restored.has_failed(part), "{part:?} is stored");
        assert_eq!(restored.health(Scope::Machine), bench.node.health(Scope::Machine));
        bench.repair(part);
        assert!(bench.node.bmc().environment == State::default().bmc.environment, "{part:?}");
        bench.fail(part);
        bench.lab_result(lab::Command::Renew).unwrap();
        assert!(!bench.node.has_failed(part), "{part:?} works in a new machine");
    }
}

#[test]
fn fans_that_an_earlier_version_has_stored_have_failed() {
    let json = br#"{"bmc": {"environment": {"failed_fans": [1], "dead_supplies": [0]}}}"#;
    let state = State::read(5, json).unwrap();
    let failed: Vec<_> = state.bmc.failed_parts().collect();
    assert_eq!((failed, state.bmc.feeds(0), state.bmc.feeds(1)), (vec![Part::Fan(1)], false, true));
}

#[test]
fn a_failed_drive_is_in_its_bay_and_is_no_disk_of_the_host() {
    let mut bench = Bench::new();
    bench.node.state.installed = true;
    bench.node.state.system_disk = Some(1);
    bench.fail(Part::Drive(0));
    assert!(bench.node.has_drive(0) && bench.node.drives().count() == 3);
    assert_eq!(devices(&bench.node), ["sdb", "nvme0n1"]);
    assert!(bench.node.installed(), "the system is on another drive");
    for (scope, health) in [
        (Scope::Drive(0), Health::Critical),
        (Scope::Drive(1), Health::Ok),
        (Scope::Storage(0), Health::Critical),
        (Scope::Storage(1), Health::Ok),
        (Scope::Machine, Health::Critical),
        (Scope::Power, Health::Ok),
        (Scope::Thermal, Health::Ok),
    ] {
        assert_eq!(bench.node.health(scope), health, "{scope:?}");
    }
    bench.fail(Part::Drive(1));
    assert!(!bench.node.installed());
    bench.reset(ResetType::On);
    bench.run();
    bench.boot_read(Err("nothing is published".into()));
    bench.run();
    assert!(bench.node.host().has_nothing_to_boot());
    bench.repair(Part::Drive(1));
    bench.reset(ResetType::ForceRestart);
    bench.run();
    assert_eq!(bench.node.state_word(), "os-running", "the content is still on it");
}

#[test]
fn a_failed_drive_that_is_pulled_is_no_part_of_the_machine() {
    let mut bench = Bench::new();
    let mut seen = 0;
    bench.hardware_events(&mut seen);
    let plug = |bench: &mut Bench, plugged| {
        let part = Plug::Drive(0);
        let command = if plugged { lab::Command::Plug(part) } else { lab::Command::Unplug(part) };
        bench.lab_result(command).unwrap();
    };
    bench.fail(Part::Drive(0));
    let failed = [What::Failed(Part::Drive(0)), What::Health(Health::Critical)];
    assert_eq!(bench.hardware_events(&mut seen), failed);
    plug(&mut bench, false);
    assert_eq!(bench.node.health(Scope::Machine), Health::Ok);
    assert_eq!(bench.hardware_events(&mut seen), [What::DriveRemoved(0), What::Health(Health::Ok)]);
    plug(&mut bench, true);
    let inserted = [What::DriveInserted(0), What::Failed(Part::Drive(0)), What::Health(Health::Critical)];
    assert_eq!(bench.hardware_events(&mut seen), inserted);
    plug(&mut bench, false);
    bench.hardware_events(&mut seen);
    bench.repair(Part::Drive(0));
    assert_eq!(bench.hardware_events(&mut seen), [], "the BMC does not see what happens elsewhere");
    plug(&mut bench, true);
    assert_eq!(bench.hardware_events(&mut seen), [What::DriveInserted(0)]);
    assert_eq!(devices(&bench.node), ["sda", "sdb", "nvme0n1"]);
}

#[test]
fn a_volume_with_a_failed_drive_is_degraded_or_fails() {
    let mut bench = Bench::new();
    bench.apply(mirror(&[0, 1])).unwrap();
    bench.run();
    let mut seen = 0;
    bench.hardware_events(&mut seen);
    let id = || volume::id(1).into();
    bench.fail(Part::Drive(0));
    assert_eq!(bench.node.worst_integrity(None), Integrity::Degraded);
    assert_eq!(devices(&bench.node), ["sda", "nvme0n1"]);
    assert_eq!(
        bench.hardware_events(&mut seen),
        [
            What::Failed(Part::Drive(0)),
            What::VolumeHealth(0, id(), Health::Warning),
            What::Health(Health::Critical),
        ]
    );
    bench.fail(Part::Drive(1));
    assert_eq!(bench.node.worst_integrity(Some(0)), Integrity::Failed);
    assert_eq!(devices(&bench.node), ["nvme0n1"]);
    bench.repair(Part::Drive(0));
    bench.hardware_events(&mut seen);
    bench.repair(Part::Drive(1));
    assert_eq!(
        bench.hardware_events(&mut seen),
        [What::Repaired(Part::Drive(1)), What::VolumeHealth(0, id(), Health::Ok), What::Health(Health::Ok),]
    );
    let mut bench = Bench::new();
    bench.fail(Part::Drive(1));
    assert_eq!(bench.apply(mirror(&[0, 1])), Err(Refusal::DrivesDoNotFit), "a drive has failed");
}

#[test]
fn the_self_test_leaves_a_failed_module_out_and_takes_it_back() {
    let mut bench = Bench::new();
    let all = bench.node.profile().memory_mib();
    bench.node.state.installed = true;
    bench.reset(ResetType::On);
    bench.run();
    let mut seen = 0;
    bench.hardware_events(&mut seen);
    bench.fail(Part::Memory(1));
    assert_eq!((bench.node.memory_mib(), bench.node.uses_memory(1)), (all, true), "it is in use until then");
    assert_eq!(bench.node.health(Scope::AllMemory), Health::Critical);
    assert_eq!((bench.node.health(Scope::Memory(1)), bench.node.health(Scope::Memory(0))), {
        (Health::Critical, Health::Ok)
    });
    let failed = [What::Failed(Part::Memory(1)), What::Health(Health::Critical)];
    assert_eq!(bench.hardware_events(&mut seen), failed);
    bench.reset(ResetType::ForceRestart);
    bench.run();
    assert_eq!((bench.node.memory_mib(), bench.node.uses_memory(1)), (all - MODULE_MIB, false));
    assert!(bench.hardware_events(&mut seen).contains(&What::Changed(Of::Memory(1))));
    bench.repair(Part::Memory(1));
    assert_eq!(bench.hardware_events(&mut seen), [What::Repaired(Part::Memory(1)), What::Health(Health::Ok)]);
    assert_eq!(bench.node.memory_mib(), all - MODULE_MIB, "it is not in use before the next self test");
    assert!(!bench.node.has_all_memory());
    bench.reset(ResetType::ForceRestart);
    bench.run();
    assert_eq!(bench.node.memory_mib(), all);
    assert!(bench.node.has_all_memory());
    assert!(bench.node.bmc().environment == State::default().bmc.environment);
}

#[test]
fn the_last_module_and_the_last_supply_that_feeds_cannot_fail() {
    let mut bench = Bench::new();
    (0..3).for_each(|module| bench.fail(Part::Memory(module)));
    let before = bench.node.state().clone();
    assert_eq!(bench.lab_result(lab::Command::Fail(Part::Memory(3))), Err(Refusal::LastMemory));
    bench.fail(Part::Memory(2));
    bench.fail(Part::Supply(0));
    assert_eq!(bench.lab_result(lab::Command::Fail(Part::Supply(1))), Err(Refusal::LastInput));
    assert_eq!(bench.lab_result(lab::Command::Unplug(Plug::Cord(1))), Err(Refusal::LastInput));
    bench.lab_result(lab::Command::Unplug(Plug::Cord(0))).unwrap();
    bench.repair(Part::Supply(0));
    assert_eq!(bench.lab_result(lab::Command::Fail(Part::Supply(1))), Err(Refusal::LastInput), "no cord");
    bench.lab_result(lab::Command::Plug(Plug::Cord(0))).unwrap();
    assert!(bench.node.bmc().environment == before.bmc.environment);
    bench.fail(Part::Supply(1));
}

#[test]
fn a_failed_supply_gives_no_power_and_keeps_its_input() {
    let mut bench = Bench::new();
    bench.node.state.installed = true;
    bench.reset(ResetType::On);
    bench.run();
    let (now, half) = (bench.now, bench.node.supply_watts(1, bench.now));
    let mut seen = 0;
    bench.hardware_events(&mut seen);
    bench.fail(Part::Supply(0));
    assert_eq!(bench.node.reading(SensorId::Output(0), now).to_bits(), 0.0f64.to_bits());
    assert!(bench.node.volts(0, now) > 100.0, "its cord has power");
    assert!(bench.node.supply_watts(1, now) > half * 1.8, "the other one carries the load");
    for (scope, health) in [
        (Scope::Supply(0), Health::Critical),
        (Scope::Supply(1), Health::Ok),
        (Scope::SupplyRedundancy, Health::Warning),
        (Scope::Power, Health::Critical),
        (Scope::Machine, Health::Critical),
        (Scope::Thermal, Health::Ok),
    ] {
        assert_eq!(bench.node.health(scope), health, "{scope:?}");
    }
    let failed = [What::Failed(Part::Supply(0)), What::Health(Health::Critical)];
    assert_eq!(bench.hardware_events(&mut seen), failed);
    bench.lab_result(lab::Command::Unplug(Plug::Cord(0))).unwrap();
    let redundancy = bench.node.supply_redundancy();
    assert_eq!((redundancy.all, redundancy.working), (2, 1), "it is counted once");
    bench.repair(Part::Supply(0));
    assert_eq!(bench.node.health(Scope::Supply(0)), Health::Critical, "it has no input");
    bench.lab_result(lab::Command::Plug(Plug::Cord(0))).unwrap();
    assert_eq!(bench.node.health(Scope::Machine), Health::Ok);
    assert!((bench.node.supply_watts(1, bench.now) - half).abs() < half * 0.2);
}
