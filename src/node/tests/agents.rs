//! Lives of agents: inspection, lookup, heartbeats, commands.

use super::*;
use crate::node::call::Call;
use crate::node::ipa::{Commands, IpaError, Written};

fn beat(beat: Beat) -> ipa::Answer {
    ipa::Answer::Beat(beat)
}

#[test]
fn an_agent_inspects_looks_up_and_beats() {
    let mut bench = Bench::new();
    bench.serving();
    let token = &*bench.serving_agent().token;
    assert_eq!(token, "secret", "the token of the image stays if the lookup hides it");
    let wait = bench.node.next_deadline().since_ms(bench.now);
    assert!((90_000..=180_000).contains(&wait), "IPA waits 0.3 to 0.6 of 300 s, not {wait} ms");
    assert_eq!(bench.node.boot().enabled, BootOverride::Disabled, "the boot has consumed the override");
}

#[test]
fn an_agent_without_the_token_closes() {
    let mut bench = Bench::new();
    bench.boot_from_cd();
    let params = Params { token: None, inspection_urls: [].into(), ..params() };
    bench.boot_read(Ok(Bootable::Ipa(Box::new(params))));
    assert_eq!(bench.run_agent(), [ipa::Effect::LookUp]);
    bench.agent_answer(found(Some(Ipa::HIDDEN_TOKEN)));
    assert_eq!(bench.agent().phase, Phase::Closed(Closed::TokenUnknown));
    assert_eq!(bench.run(), []);
}

#[test]
fn inspection_reveals_uuid_and_token() {
    let mut bench = Bench::new();
    bench.inspecting();
    let uuid = uuid::Uuid::from_u128(7);
    let accepted = Inspected::Accepted(Some(uuid), Some("fresh".into()));
    bench.agent_answer(ipa::Answer::Inspected(accepted));
    assert_eq!(bench.agent().node_uuid(), Some(uuid));
    assert_eq!(bench.run_agent(), [ipa::Effect::LookUp]);
    bench.agent_answer(found(Some(Ipa::HIDDEN_TOKEN)));
    assert_eq!(&*bench.serving_agent().token, "fresh");
}

#[test]
fn an_agent_that_inspects_unasked_looks_its_node_up_after_three_refusals() {
    for (inspects_unasked, attempts) in [(true, 3), (false, 5)] {
        let mut bench = Bench::new();
        bench.boot_from_cd();
        bench.boot_read(Ok(Bootable::Ipa(Box::new(Params { inspects_unasked, ..params() }))));
        for _ in 0..attempts {
            assert_eq!(bench.run_agent(), [ipa::Effect::Inspect]);
            bench.agent_answer(ipa::Answer::Inspected(Inspected::Retry));
        }
        assert_eq!(bench.run_agent(), [ipa::Effect::LookUp]);
    }
}

#[test]
fn the_end_of_a_command_brings_the_next_heartbeat_forward() {
    let mut bench = Bench::new();
    bench.serving();
    let last = bench.now;
    bench.apply(timed()).unwrap();
    assert_eq!(bench.apply(timed()), Err(Refusal::AgentBusy));
    assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
    assert_eq!(bench.now.since_ms(last), 5_100, "heartbeats are at least 5 s apart");
    let records = bench.serving_agent().commands.records();
    assert_eq!(records.last().unwrap().status, CommandStatus::Ended(succeeded()));
    assert!(records.len() == 1 && bench.apply(timed()).is_ok());
}

#[test]
fn another_heartbeat_follows_if_a_command_ends_during_one() {
    let mut bench = Bench::new();
    bench.serving();
    assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
    bench.apply(timed()).unwrap();
    assert_eq!(bench.run(), []);
    bench.agent_answer(beat(Beat::Accepted));
    assert_eq!(bench.node.next_deadline().since_ms(bench.now), 5_100);
}

#[test]
fn a_heartbeat_that_a_command_brings_forward_is_sent_at_a_look_and_repeated_until_accepted() {
    let mut bench = Bench::new();
    bench.serving();
    let last = bench.now;
    let work = Work::Timed(Span::exactly_ms(20_000), succeeded(), Then::Nothing);
    bench.apply(agent_command("execute_clean_step", work)).unwrap();
    assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
    assert_eq!(bench.now.since_ms(last), 20_400, "the fourth look since the last heartbeat");
    for answer in [Beat::Refused, Beat::Unreachable] {
        bench.agent_answer(beat(answer));
        let failed = bench.now;
        assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
        assert_eq!(bench.now.since_ms(failed), 5_100, "{answer:?}");
    }
    bench.agent_answer(beat(Beat::Accepted));
    let wait = bench.node.next_deadline().since_ms(bench.now);
    assert!((90_000..=180_000).contains(&wait), "the end of the command is reported: {wait}");
}

#[test]
fn a_failed_command_leaves_the_disks_alone() {
    let mut bench = Bench::new();
    bench.serving();
    bench.node.state.installed = true;
    let error = IpaError { kind: "k".into(), code: 500, message: "m".into(), details: "d".into() };
    let end = CommandEnd::Failed(Box::new(error));
    let work = Work::Timed(Span::exactly_ms(1), end.clone(), Then::EmptyDisks);
    bench.apply(agent_command("execute_clean_step", work)).unwrap();
    bench.run();
    let last = bench.serving_agent().commands.records().last().unwrap();
    assert_eq!(last.status, CommandStatus::Ended(end));
    assert!(bench.node.installed());
    bench.agent_answer(beat(Beat::Accepted));
    bench.apply(timed()).unwrap();
    bench.run();
    assert!(!bench.node.installed(), "a successful one empties them");
}

#[test]
fn a_written_image_makes_the_disk_bootable_and_power_off_ends_the_agent() {
    let mut bench = Bench::new();
    bench.serving();
    bench.apply(write_image()).unwrap();
    assert_eq!(bench.run_agent(), [ipa::Effect::WriteImage]);
    let written =
        Written { result: "{}".into(), partition_uuids: "{\"x\":1}".into(), earliest_end: bench.now };
    bench.agent_answer(ipa::Answer::ImageWritten(Ok(written)));
    assert!(bench.node.installed());
    assert_eq!(bench.serving_agent().partition_uuids.as_deref(), Some("{\"x\":1}"));
    bench.apply(agent_command("power_off", Work::PowerOff)).unwrap();
    assert_eq!(bench.node.host().power_state(), PowerState::PoweringOff, "power is on until the deadline");
    bench.run();
    assert_eq!(bench.node.host().power_state(), PowerState::Off);
    bench.reset(ResetType::On);
    bench.run();
    assert!(matches!(bench.node.host(), Host::Running { what: Running::Os, .. }));
}

#[test]
fn a_written_image_ends_its_command_at_the_earliest_end() {
    let mut bench = Bench::new();
    bench.serving();
    bench.apply(write_image()).unwrap();
    let begin = bench.now;
    assert_eq!(bench.run_agent(), [ipa::Effect::WriteImage]);
    let earliest_end = begin.after_ms(10_000);
    let written = Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end };
    bench.agent_answer(ipa::Answer::ImageWritten(Ok(written)));
    assert!(bench.serving_agent().commands.running().is_some() && !bench.node.installed());
    bench.node.settle(begin.after_ms(9_999));
    assert!(bench.serving_agent().commands.running().is_some() && !bench.node.installed());
    bench.node.settle(earliest_end);
    assert!(bench.serving_agent().commands.running().is_none() && bench.node.installed());
    assert_eq!(bench.serving_agent().heartbeat, Call::At(begin.after_ms(10_200)));
}

#[test]
fn a_failed_image_leaves_the_disk_empty_and_ends_the_command_with_its_error() {
    let mut bench = Bench::new();
    bench.serving();
    bench.apply(write_image()).unwrap();
    assert_eq!(bench.run_agent(), [ipa::Effect::WriteImage]);
    let error =
        IpaError { kind: "ImageChecksumError".into(), code: 500, message: "m".into(), details: "d".into() };
    bench.agent_answer(ipa::Answer::ImageWritten(Err(error.clone())));
    assert!(!bench.node.installed());
    let last = bench.serving_agent().commands.records().last().unwrap();
    assert_eq!(last.status, CommandStatus::Ended(CommandEnd::Failed(Box::new(error))));
}

#[test]
fn an_unreachable_api_makes_the_agent_use_the_next_one() {
    let mut bench = Bench::new();
    bench.serving();
    let before = bench.agent().api_url().unwrap().to_owned();
    assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat]);
    bench.agent_answer(beat(Beat::Unreachable));
    assert_ne!(bench.agent().api_url().unwrap(), before);
    let wait = bench.node.next_deadline().since_ms(bench.now);
    assert!((5_000..=10_000).contains(&wait));
}

#[test]
fn an_agent_remembers_a_bounded_number_of_commands() {
    let mut bench = Bench::new();
    bench.serving();
    for n in 0..Commands::MAX + 3 {
        bench.apply(agent_command(&n.to_string(), Work::Done(succeeded()))).unwrap();
    }
    let commands = &bench.serving_agent().commands;
    assert_eq!(commands.records().len(), Commands::MAX, "more commands are remembered than allowed");
    assert_eq!(&*commands.records()[0].name, "3", "the agent forgets the oldest commands");
    assert_eq!(commands.taken as usize, Commands::MAX + 3);
}
