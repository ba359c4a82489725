//! Updates of firmware: the image is fetched, and the next reset applies it.

use super::*;
use crate::node::bmc::firmware::Progress;
use crate::note::Note;

/// Numbers of the components of the generic profile.
const BIOS: u8 = 0;
const BMC: u8 = 1;

/// Requests an update and answers the fetch of its image.
fn fetch(bench: &mut Bench, component: u8, image: &str, result: Result<(), Note>) {
    bench.apply(update(component, image)).unwrap();
    let [EffectKind::FetchFirmware { component, update }] = bench.effects()[..] else {
        panic!("nothing to fetch")
    };
    bench.answer(Answer::FirmwareFetched { component, update, result });
}

#[test]
fn a_start_applies_the_update_of_the_bios_and_a_reset_of_the_bmc_its_own() {
    let mut bench = Bench::new();
    fetch(&mut bench, BIOS, "http://x/BIOS_2.5.0.bin", Ok(()));
    fetch(&mut bench, BMC, "http://x/BMC_1.13.0.bin", Ok(()));
    let versions =
        |bench: &Bench| (bench.node.bios_version().to_owned(), bench.node.manager_version().to_owned());
    assert_eq!(versions(&bench), ("2.4.1".into(), "1.12.0".into()), "both are staged");
    assert!(!format!("{:?}", bench.node.state()).contains("secret"));
    bench.apply(Command::Bmc(bmc::Command::Reset)).unwrap();
    while bench.node.bmc().restarting_until.is_none() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    assert_eq!(versions(&bench), ("2.4.1".into(), "1.13.0".into()));
    while bench.node.bmc().restarting_until.is_some() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(versions(&bench), ("2.5.0".into(), "1.13.0".into()));
    let attribute = bench.node.profile().attribute("FirmwareRevision").unwrap().clone();
    assert_eq!(bench.node.bios_value(&attribute), Value::Text("2.5.0".into()));
    assert!(bench.node.bmc().firmware.update(BIOS).is_none(), "the update is done");
}

/// The version of the BIOS is one of the attributes that its settings belong to.
#[test]
fn an_update_after_the_last_application_of_settings_is_noticed() {
    let mut bench = Bench::new();
    let updated = |bench: &Bench| bench.node.bmc().bios.applied.unwrap().updated_since;
    let off = vec![("LogicalProc".into(), Value::Text("Disabled".into()))];
    bench.apply(Command::Bios(bios::Command::Change(off))).unwrap();
    fetch(&mut bench, BIOS, "http://x/BIOS_2.5.0.bin", Ok(()));
    bench.reset(ResetType::On);
    bench.run();
    assert!(!updated(&bench), "both have taken effect at the same start");
    fetch(&mut bench, BMC, "http://x/BMC_1.13.0.bin", Ok(()));
    bench.reset(ResetType::ForceRestart);
    assert!(!updated(&bench));
    fetch(&mut bench, BIOS, "http://x/BIOS_2.6.0.bin", Ok(()));
    bench.reset(ResetType::ForceRestart);
    assert!(updated(&bench));
}

#[test]
fn immediate_updates_wait_for_all_of_their_images_and_then_reset_what_they_need() {
    let mut bench = Bench::new();
    bench.reset(ResetType::On);
    bench.run();
    let source = bmc::source::Source { uri: "http://x/bundle-9.9.bin".into(), credentials: None };
    let components = [BIOS, BMC].into();
    let command = firmware::Command { components, source, immediate: true, start: Box::default() };
    bench.apply(Command::Firmware(command)).unwrap();
    let starts = bench.node.starts();
    let effects = bench.effects();
    let [first, second] = &effects[..] else { panic!("two images to fetch") };
    let fetched = |effect: &EffectKind| {
        let EffectKind::FetchFirmware { component, update } = *effect else { panic!("{effect:?}") };
        Answer::FirmwareFetched { component, update, result: Ok(()) }
    };
    bench.answer(fetched(first));
    assert_eq!((bench.node.starts(), bench.node.bmc().restarting_from), (starts, None));
    bench.answer(fetched(second));
    assert!(bench.node.bmc().restarting_from.is_some() || bench.node.bmc().restarting_until.is_some());
    bench.run();
    while bench.node.bmc().restarting_from.or(bench.node.bmc().restarting_until).is_some() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    assert_eq!((bench.node.bios_version(), bench.node.manager_version()), ("9.9", "9.9"));
    assert_ne!(bench.node.starts(), starts);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
}

/// Only the update that asks for it is applied at once.
#[test]
fn an_immediate_update_of_a_machine_that_is_off_leaves_other_updates_for_the_next_start() {
    const NIC: u8 = 2;
    let mut bench = Bench::new();
    fetch(&mut bench, NIC, "http://x/nic-8.8.bin", Ok(()));
    let source = bmc::source::Source { uri: "http://x/BIOS_9.9.bin".into(), credentials: None };
    let command =
        firmware::Command { components: [BIOS].into(), source, immediate: true, start: Box::default() };
    bench.apply(Command::Firmware(command)).unwrap();
    bench.effects();
    bench.answer(Answer::FirmwareFetched { component: BIOS, update: 2, result: Ok(()) });
    assert_eq!((bench.node.bios_version(), bench.node.firmware_version(NIC)), ("9.9", "22.5.7"));
    assert_eq!(bench.node.host().power_state(), PowerState::Off);
}

#[test]
fn an_image_that_cannot_be_read_changes_no_version() {
    let mut bench = Bench::new();
    fetch(&mut bench, BIOS, "http://x/BIOS_2.5.0.bin", Err("404 Not Found".into()));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.bios_version(), "2.4.1");
    let progress = &bench.node.bmc().firmware.update(BIOS).unwrap().progress;
    assert_eq!(
        *progress,
        Progress::Failed { why: "404 Not Found".into(), at: T0 },
        "the reason stays until the next update"
    );
    fetch(&mut bench, BIOS, "http://x/BIOS_2.6.0.bin", Ok(()));
    bench.reset(ResetType::ForceRestart);
    assert_eq!(bench.node.bios_version(), "2.6.0");
}

#[test]
fn a_component_has_one_update_at_a_time_and_a_late_answer_is_ignored() {
    let mut bench = Bench::new();
    bench.apply(update(BIOS, "http://x/BIOS_2.5.0.bin")).unwrap();
    assert_eq!(bench.apply(update(BIOS, "http://x/BIOS_2.6.0.bin")), Err(Refusal::UpdateUnderway));
    bench.apply(update(BMC, "http://x/BMC_1.13.0.bin")).unwrap();
    bench.answer(Answer::FirmwareFetched { component: BIOS, update: 7, result: Ok(()) });
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.bios_version(), "2.4.1", "its image has not been fetched");
}
