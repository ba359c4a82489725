//! Volumes: drives become one disk, and drives again.

use super::*;

/// Device and size of each disk of the host.
fn disks(node: &Node) -> Vec<(String, u64)> {
    node.disks().iter().map(|disk| (disk.drive.device.clone(), disk.capacity_bytes())).collect()
}

const SATA: u64 = 480_103_981_056;
const NVME: u64 = 3_840_755_982_336;

#[test]
fn a_volume_takes_the_place_of_its_drives_until_it_is_deleted() {
    let mut bench = Bench::new();
    let drives = disks(&bench.node);
    assert_eq!(drives, [("/dev/sda".into(), SATA), ("/dev/sdb".into(), SATA), ("/dev/nvme0n1".into(), NVME)]);
    bench.node.state.installed = true;
    assert_eq!(bench.apply(mirror(&[1, 0])), Ok(Outcome::Accepted(1)));
    bench.run();
    assert_eq!(disks(&bench.node), [("/dev/sda".into(), SATA), ("/dev/nvme0n1".into(), NVME)]);
    assert!(!bench.node.installed(), "the drives lose their content");
    assert_eq!(bench.apply(mirror(&[0, 1])), Err(Refusal::DrivesDoNotFit), "they belong to a volume");
    bench
        .apply(Command::Volume(volume::Command::Delete {
            storage: 0,
            id: volume::id(1).into(),
            start: Box::default(),
        }))
        .unwrap();
    bench.run();
    assert_eq!(disks(&bench.node), drives);
    bench.apply(mirror(&[0, 1])).unwrap();
    let profile = Arc::clone(bench.node.profile());
    let volumes = bench.node.bmc().volumes.of(&profile, 0);
    assert_eq!(*volumes[0].id, *"Volume2", "no id is used twice");
}

#[test]
fn a_volume_cannot_have_drives_of_two_controllers_or_too_few() {
    let mut bench = Bench::new();
    for drives in [&[0][..], &[0, 2], &[0, 1, 2], &[0, 77], &[]] {
        assert_eq!(bench.apply(mirror(drives)), Err(Refusal::DrivesDoNotFit), "{drives:?}");
    }
    assert!(bench.node.state().is_new());
}

#[test]
fn each_type_has_the_capacity_of_its_data_drives() {
    use RaidType::{Raid0, Raid1, Raid5, Raid6, Raid10, Raid50, Raid60};
    for (raid_type, fits, data, misfits) in [
        (Raid0, 3, 3, 0),
        (Raid1, 2, 1, 3),
        (Raid5, 4, 3, 2),
        (Raid6, 4, 2, 3),
        (Raid10, 6, 3, 5),
        (Raid50, 6, 4, 7),
        (Raid60, 8, 4, 6),
    ] {
        assert_eq!(raid_type.data_drives(fits), Some(data), "{raid_type:?}");
        assert_eq!(raid_type.data_drives(misfits), None, "{raid_type:?}");
    }
}

#[test]
fn a_server_can_be_delivered_with_a_volume() {
    let profile = built_in("hpe-dl380-gen11").unwrap();
    let node = Node::new(NodeId(0), Seed(1), profile);
    let disks = disks(&node);
    assert_eq!(disks.len(), 9, "eight drives, and two that are one disk");
    assert_eq!(disks[8], ("/dev/nvme0n1".to_owned(), SATA));
}
