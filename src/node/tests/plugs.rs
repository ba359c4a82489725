//! Cables and drives that a person pulls and plugs in.

use super::*;
use crate::node::bmc::plugs::Plug;
use crate::node::bmc::volume::{Integrity, Volume};
use crate::node::lab;

impl Bench {
    fn plug(&mut self, part: Plug) {
        self.apply(Command::Lab(lab::Command::Plug(part))).unwrap();
    }

    fn unplug(&mut self, part: Plug) {
        self.apply(Command::Lab(lab::Command::Unplug(part))).unwrap();
    }

    /// An agent writes an image to a disk of the generic model.
    fn deploy_to(&mut self, device: &str) {
        let job = ImageJob { device: device.into(), ..image() };
        self.apply(agent_command("execute_deploy_step", Work::Image(Box::new(job)))).unwrap();
        assert_eq!(self.run_agent(), [ipa::Effect::WriteImage]);
        let written =
            ipa::Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end: self.now };
        self.agent_answer(ipa::Answer::ImageWritten(Ok(written)));
    }

    /// Switches the machine on, and waits until it does nothing more by itself. The network has nothing to boot.
    fn boot(&mut self) {
        self.reset(ResetType::ForceOff);
        self.run();
        self.reset(ResetType::On);
        self.run();
        self.boot_read(Err("nothing is published".into()));
        self.run();
    }
}

fn devices(node: &Node) -> Vec<&str> {
    node.disks().iter().map(|disk| disk.drive.name_under_linux()).collect()
}

#[test]
fn a_part_that_is_back_leaves_a_new_machine_and_one_that_is_in_costs_nothing() {
    let parts = [Plug::Cable(1), Plug::Drive(2)];
    for part in parts {
        let mut bench = Bench::new();
        bench.plug(part);
        assert!(bench.node.state.bmc.get_mut().is_none(), "it takes no memory");
        bench.unplug(part);
        bench.unplug(part);
        assert!(bench.node.bmc().plugs != State::default().bmc.plugs, "{part:?}");
        bench.plug(part);
        assert_eq!(bench.node.bmc().plugs, State::default().bmc.plugs);
    }
    let mut bench = Bench::new();
    parts.into_iter().for_each(|part| bench.unplug(part));
    assert!(bench.node.has_cable(0) && !bench.node.has_cable(1));
    assert_eq!(bench.node.cabled_macs().collect::<Vec<_>>(), [bench.node.spec().mac(0)]);
    assert_eq!(devices(&bench.node), ["sda", "sdb"]);
    let stored = serde_json::to_string(bench.node.state()).unwrap();
    assert!(stored.contains(r#""plugs":{"cables":{"1":false},"drives_out":[2]}"#), "{stored}");
    assert_eq!(&State::read(u64::from(State::FORMAT), stored.as_bytes()).unwrap(), bench.node.state());
    bench.apply(Command::Lab(lab::Command::Renew)).unwrap();
    assert!(bench.node.has_cable(1) && bench.node.has_drive(2), "a new machine has all of its parts");
}

#[test]
fn an_interface_that_comes_without_a_cable_can_get_one() {
    let mut bench = Bench::new();
    let mut profile = Profile::clone(bench.node.profile());
    profile.nics[1].link = false;
    bench.node = Node::new(NodeId(3), Seed(1), Arc::new(profile));
    assert!(!bench.node.has_cable(1));
    bench.plug(Plug::Cable(1));
    assert!(bench.node.has_cable(1));
    bench.unplug(Plug::Cable(1));
    assert!(!bench.node.has_cable(1) && bench.node.bmc().plugs == State::default().bmc.plugs);
}

#[test]
fn network_boot_without_a_cable_fails_with_a_reason() {
    let mut bench = Bench::new();
    bench.unplug(Plug::Cable(0));
    bench.unplug(Plug::Cable(1));
    let boot = BootChange { target: Some(BootTarget::UefiHttp.into()), ..BootChange::default() };
    bench.apply(change(SystemChange { boot, ..SystemChange::default() })).unwrap();
    bench.reset(ResetType::On);
    assert_eq!(bench.run(), [], "nothing is read");
    assert!(bench.node.host().has_nothing_to_boot());
    assert_eq!(
        bench.node.bmc().boot_failure.as_deref(),
        Some("UefiHttp: no network interface has a cable"),
        "the first failure stays"
    );
    bench.plug(Plug::Cable(1));
    bench.reset(ResetType::ForceRestart);
    bench.run_to_boot();
}

#[test]
fn the_operating_system_leaves_with_its_drive_and_comes_back() {
    let mut bench = Bench::new();
    bench.serving();
    bench.deploy_to("/dev/sdb");
    bench.unplug(Plug::Drive(0));
    assert!(bench.node.installed(), "it is on another drive");
    bench.unplug(Plug::Drive(1));
    assert!(!bench.node.installed());
    bench.agent_answer(ipa::Answer::Beat(Beat::Accepted));
    bench.apply(timed()).unwrap();
    bench.run();
    bench.boot();
    assert!(bench.node.host().has_nothing_to_boot());
    bench.plug(Plug::Drive(1));
    assert!(bench.node.installed(), "disks that were emptied meanwhile were others");
    bench.reset(ResetType::ForceRestart);
    bench.run();
    assert_eq!(bench.node.state_word(), "os-running");
}

#[test]
fn an_operating_system_of_an_earlier_version_is_on_any_drive() {
    let mut bench = Bench::new();
    bench.node.state.installed = true;
    for number in 0..3 {
        assert!(bench.node.installed());
        bench.unplug(Plug::Drive(number));
    }
    assert!(!bench.node.installed());
}

#[test]
fn a_volume_without_a_drive_is_degraded_or_fails() {
    let mut bench = Bench::new();
    bench.apply(mirror(&[0, 1])).unwrap();
    bench.run();
    bench.unplug(Plug::Drive(0));
    assert_eq!(bench.node.worst_integrity(None), Integrity::Degraded);
    assert_eq!(devices(&bench.node), ["sda", "nvme0n1"], "the volume stays in the place of its first drive");
    bench.unplug(Plug::Drive(1));
    assert_eq!(bench.node.worst_integrity(Some(0)), Integrity::Failed);
    assert_eq!(bench.node.worst_integrity(Some(1)), Integrity::Whole, "the other controller has no volume");
    assert_eq!(devices(&bench.node), ["nvme0n1"]);
    bench.plug(Plug::Drive(1));
    bench.plug(Plug::Drive(0));
    assert_eq!(bench.node.worst_integrity(None), Integrity::Whole);
    bench
        .apply(Command::Volume(volume::Command::Delete {
            storage: 0,
            id: volume::id(1).into(),
            start: Box::default(),
        }))
        .unwrap();
    bench.run();
    bench.unplug(Plug::Drive(1));
    let before = bench.node.state().clone();
    assert_eq!(bench.apply(mirror(&[0, 1])), Err(Refusal::DrivesDoNotFit), "a drive is out of its bay");
    assert_eq!(bench.node.state(), &before);
}

#[test]
fn each_type_of_volume_survives_what_its_redundancy_allows() {
    use RaidType::{Raid0, Raid1, Raid5, Raid6, Raid10, Raid50, Raid60};
    for (raid_type, drives, survives, fails) in [
        (Raid0, 2, &[][..], &[0][..]),
        (Raid1, 2, &[1], &[0, 1]),
        (Raid5, 3, &[2], &[0, 2]),
        (Raid6, 4, &[0, 3], &[0, 1, 2]),
        (Raid10, 4, &[0, 3], &[2, 3]),
        (Raid50, 6, &[0, 5], &[0, 1]),
        (Raid60, 8, &[0, 1, 4, 5], &[4, 5, 6]),
    ] {
        let drives: Box<[u8]> = (0..drives).collect();
        let (id, name) = ("1".into(), "1".into());
        let volume = Volume { id, name, raid_type, capacity_bytes: 1, drives, number: 1 };
        let without = |gone: &[u8]| volume.integrity(|drive| !gone.contains(&drive));
        let expected = if survives.is_empty() { Integrity::Whole } else { Integrity::Degraded };
        assert_eq!((without(survives), without(fails)), (expected, Integrity::Failed), "{raid_type:?}");
    }
}
