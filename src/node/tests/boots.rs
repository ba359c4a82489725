//! Boots: sources, failures, restarts.

use super::*;

#[test]
fn a_machine_with_nothing_to_boot_stays_on() {
    let mut bench = Bench::new();
    bench.reset(ResetType::On);
    // The boot order of the generic profile is the disk, which is empty, and then the network.
    bench.run_to_boot();
    bench.boot_read(Err("no network boot is configured".into()));
    assert_eq!(bench.run(), []);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
    assert!(matches!(bench.node.host(), Host::Running { what: Running::NoBootDevice, .. }));
}

/// Ironic waits for one of these two states after a reset that applies BIOS settings, and touches its provisioning timeout at
/// each look, so every other state would hold the node for ever (`ironic/drivers/modules/redfish/bios.py`,
/// `BIOS_REBOOT_STATES` and `_check_node_redfish_bios_apply`).
#[test]
fn a_machine_that_has_passed_its_self_test_has_started_to_boot_whatever_it_finds() {
    let mut bench = Bench::new();
    let progress = |bench: &Bench| bench.node.host().boot_progress(bench.now);
    assert_eq!(progress(&bench), BootProgress::None, "off");
    bench.reset(ResetType::On);
    assert_eq!(progress(&bench), BootProgress::None, "the power comes on");
    bench.now = bench.node.next_deadline();
    bench.node.settle(bench.now);
    let mut seen = Vec::new();
    while let Host::Post { until, .. } = *bench.node.host() {
        seen.push(progress(&bench));
        bench.now = bench.now.after_ms(100).min(until);
        bench.node.settle(bench.now);
    }
    seen.dedup();
    assert_eq!(
        seen,
        [
            BootProgress::PrimaryProcessorInitializationStarted,
            BootProgress::MemoryInitializationStarted,
            BootProgress::PciResourceConfigStarted,
            BootProgress::SystemHardwareInitializationComplete,
        ]
    );
    assert_eq!(progress(&bench), BootProgress::OsBootStarted, "the network is asked");
    bench.run_to_boot();
    bench.boot_read(Err("nothing is published".into()));
    assert!(matches!(bench.node.host(), Host::Running { what: Running::NoBootDevice, .. }));
    assert_eq!(progress(&bench), BootProgress::OsBootStarted, "no source could be booted");
    bench.reset(ResetType::ForceOff);
    assert_eq!(progress(&bench), BootProgress::None, "switched off");
    bench.run();
    assert_eq!((bench.node.host().power_state(), progress(&bench)), (PowerState::Off, BootProgress::None));
}

#[test]
fn a_failed_image_is_reported_and_the_next_source_is_tried() {
    let mut bench = Bench::new();
    bench.boot_from_cd();
    bench.boot_read(Err("404 Not Found".into()));
    assert_eq!(bench.node.bmc().boot_failure.as_deref(), Some("Cd: 404 Not Found"));
    let failed_at = bench.now;
    bench.run_to_boot();
    assert!(matches!(bench.node.host(), Host::Booting(b) if b.from == BootTarget::Pxe.into()));
    bench.now = bench.now.after_ms(1_000);
    bench.boot_read(Err("nothing is published".into()));
    assert_eq!(bench.node.bmc().boot_failure.as_deref(), Some("Cd: 404 Not Found"), "the first reason stays");
    assert_eq!(bench.node.bmc().boot_failed_at, Some(failed_at));
    bench.reset(ResetType::ForceRestart);
    assert_eq!(bench.node.bmc().boot_failure, None, "the next start begins without a failure");
    assert_eq!(bench.node.bmc().boot_failed_at, None);
}

#[test]
fn a_restart_never_shows_the_power_off() {
    let mut bench = Bench::new();
    bench.serving();
    bench.reset(ResetType::ForceRestart);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
    assert!(bench.node.ipa().is_none(), "the agent ends with its ramdisk");
}

#[test]
fn firmware_treats_every_source_as_its_kind() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Kind {
        Skipped,
        Setup,
        Disk,
        Read,
    }
    let kind_of = |source: BootSource, full: bool| {
        let mut bench = Bench::new();
        if full {
            bench.node.state.installed = true;
            for slot in 0..3 {
                bench.apply(insert(slot, "http://x/y")).unwrap();
            }
        }
        // Without a boot order only the override is tried.
        let boot = BootChange { target: Some(source), order: Some([].into()), ..BootChange::default() };
        bench.apply(change(SystemChange { boot, ..SystemChange::default() })).unwrap();
        bench.reset(ResetType::On);
        while matches!(bench.node.host(), Host::PoweringOn { .. } | Host::Post { .. }) {
            bench.now = bench.node.next_deadline();
            bench.node.settle(bench.now);
        }
        if let Host::Booting(booting) = bench.node.host() {
            return match booting.stage {
                Stage::Loading { .. } => Kind::Disk,
                Stage::Reading(_) => Kind::Read,
            };
        }
        let setup = matches!(bench.node.host(), Host::Running { what: Running::Setup, .. });
        let none = matches!(bench.node.host(), Host::Running { what: Running::NoBootDevice, .. });
        assert!(setup || none, "{source:?}: {:?}", bench.node.host());
        if setup { Kind::Setup } else { Kind::Skipped }
    };
    for (kind, empty, sources) in [
        (Kind::Disk, Kind::Skipped, &["Hdd"][..]),
        (Kind::Read, Kind::Read, &["Pxe", "UefiHttp"]),
        (Kind::Read, Kind::Skipped, &["Cd", "UsbCd", "Usb", "Floppy"]),
        (Kind::Setup, Kind::Setup, &["BiosSetup", "Utilities", "Diags", "UefiShell"]),
        (
            Kind::Skipped,
            Kind::Skipped,
            &["None", "UefiTarget", "UefiBootNext", "SDCard", "RemoteDrive", "Recovery"],
        ),
    ] {
        for text in sources {
            let source = BootSource::parse(text).unwrap();
            assert_eq!((kind_of(source, true), kind_of(source, false)), (kind, empty), "{text}");
        }
    }
}

#[test]
fn optical_sources_boot_the_optical_slot_and_others_do_not() {
    let mut bench = Bench::new();
    bench.apply(insert(1, "http://x/stick")).unwrap();
    assert_eq!(bench.node.media_for(BootTarget::Cd.into()), None);
    assert_eq!(bench.node.media_for(BootTarget::Usb.into()), Some(1));
    bench.apply(insert(0, "http://x/cd")).unwrap();
    for source in [BootTarget::Cd.into(), BootSource::UsbCd] {
        assert_eq!(bench.node.media_for(source), Some(0), "{source:?}");
    }
}
