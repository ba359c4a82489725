//! Late answers: they belong to an earlier start of the machine or to an earlier insertion, and change nothing.
//!
//! In each test the node waits for an answer of the same kind again, so that only the number tells them apart.

use super::*;
use crate::node::bmc::media::Opened;

#[test]
fn a_boot_source_read_for_an_earlier_start_is_ignored() {
    let mut bench = Bench::new();
    bench.boot_from_cd();
    let old = bench.node.starts();
    bench.reset(ResetType::ForceRestart);
    bench.run_to_boot();
    let before = bench.node.state.clone();
    bench.answer(Answer::BootRead { start: old, result: Ok(Bootable::Live) });
    assert_eq!(bench.node.state, before, "an answer of an earlier start was taken");
    bench.boot_read(Ok(Bootable::Live));
    assert!(matches!(bench.node.host(), Host::Booting(b) if matches!(b.stage, Stage::Loading { .. })));
}

#[test]
fn an_image_opened_for_an_earlier_insertion_is_ignored() {
    let mut bench = Bench::new();
    bench.apply(insert(0, "http://x/old.iso")).unwrap();
    assert_eq!(bench.effects(), [EffectKind::OpenMedia { slot: 0, insertion: 1 }]);
    bench.apply(eject(0)).unwrap();
    let opened = |insertion, result| Answer::MediaOpened { slot: 0, insertion, result };
    bench.answer(opened(1, Ok(())));
    assert!(bench.node.bmc().media.get(0).is_none());
    bench.apply(insert(0, "http://x/new.iso")).unwrap();
    assert_eq!(bench.effects(), [EffectKind::OpenMedia { slot: 0, insertion: 2 }]);
    let before = bench.node.state.clone();
    bench.answer(opened(1, Err("404 Not Found".into())));
    assert_eq!(bench.node.state, before);
    bench.answer(opened(2, Ok(())));
    assert_eq!(bench.node.bmc().media.get(0).unwrap().opened, Opened::Connected);
}

/// Drives a node until its agent waits for the answer to `effect`.
fn waiting_for(effect: ipa::Effect, bench: &mut Bench) {
    match effect {
        ipa::Effect::Inspect => bench.inspecting(),
        ipa::Effect::LookUp => bench.looking_up(),
        ipa::Effect::Heartbeat => {
            bench.serving();
            assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
        }
        ipa::Effect::WriteImage => {
            bench.serving();
            bench.apply(write_image()).unwrap();
            assert_eq!(bench.run_agent(), [ipa::Effect::WriteImage]);
        }
    }
}

#[test]
fn an_answer_to_an_agent_of_an_earlier_start_is_ignored() {
    let written = ipa::Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end: T0 };
    for (effect, answer) in [
        (ipa::Effect::Inspect, ipa::Answer::Inspected(Inspected::Refused)),
        (ipa::Effect::LookUp, found(Some("other"))),
        (ipa::Effect::Heartbeat, ipa::Answer::Beat(Beat::Refused)),
        (ipa::Effect::WriteImage, ipa::Answer::ImageWritten(Ok(written))),
    ] {
        let mut bench = Bench::new();
        waiting_for(effect, &mut bench);
        let old = bench.node.starts();
        bench.apply(eject(0)).unwrap();
        bench.reset(ResetType::ForceOff);
        bench.run();
        waiting_for(effect, &mut bench);
        assert_eq!(bench.node.starts(), old + 1);
        let before = bench.node.state.clone();
        bench.answer(Answer::Ipa { start: old, answer: answer.clone() });
        assert_eq!(bench.node.state, before, "{effect:?}");
        bench.agent_answer(answer);
        assert_ne!(bench.node.state, before, "{effect:?}: the answer of the current start counts");
    }
}

#[test]
fn an_answer_that_nothing_waits_for_is_ignored() {
    let mut bench = Bench::new();
    bench.serving();
    let before = bench.node.ipa().cloned();
    for answer in [
        ipa::Answer::Inspected(Inspected::Refused),
        found(Some("other")),
        ipa::Answer::Beat(Beat::Refused),
        ipa::Answer::ImageWritten(Ok(ipa::Written {
            result: "{}".into(),
            partition_uuids: "{}".into(),
            earliest_end: T0,
        })),
    ] {
        bench.agent_answer(answer.clone());
        assert_eq!(bench.node.ipa().cloned(), before, "{answer:?}");
    }
    bench.boot_read(Ok(Bootable::Live));
    assert_eq!(bench.node.ipa().cloned(), before);
}
