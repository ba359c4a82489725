//! Diagnostic data and POST codes.

use super::*;
use crate::dmtf::{DiagnosticDataType, OverWritePolicy, TaskState};
use crate::node::bmc::diagnostics::{Collected, Diagnostics};
use crate::node::bmc::environment::SensorId;
use crate::node::bmc::logs;
use crate::node::bmc::tasks::Work as TaskWork;
use crate::node::bmc::tasks::{self, End, Start, Task};
use crate::node::event::{Collection, Log, What};
use crate::profile::logs::LogService;

const SEL: u8 = 0;
const POST_CODES: u8 = 3;

pub(super) fn collection() -> Command {
    let collection = Box::new(Collection { log: Log::Hardware, kind: DiagnosticDataType::PreOs, oem: None });
    Command::Log(logs::Command::Collect { collection, start: Box::new(Start::default()) })
}

fn collect(bench: &mut Bench) -> u32 {
    match bench.apply(collection()) {
        Ok(Outcome::Accepted(number)) => number,
        other => panic!("{other:?} is no task"),
    }
}

fn wait(bench: &mut Bench, ms: u64) {
    bench.now = bench.now.after_ms(ms);
    bench.node.settle(bench.now);
}

fn to_deadline(bench: &mut Bench) {
    bench.now = bench.node.next_deadline();
    bench.node.settle(bench.now);
}

/// Collects data, and waits for it. Returns the number of its entry.
fn collected(bench: &mut Bench) -> u32 {
    let task = collect(bench);
    wait(bench, 5_000);
    entry_of(bench, task).unwrap()
}

fn entry_of(bench: &Bench, task: u32) -> Option<u32> {
    match bench.node.bmc().tasks.get(task).map(|task| &task.work) {
        Some(TaskWork::Diagnostics { entry, .. }) => *entry,
        other => panic!("{other:?}"),
    }
}

fn data(bench: &Bench, entry: u32) -> Option<&Collected> {
    bench.node.bmc().diagnostics.of(entry)
}

fn of_sel(bench: &Bench) -> Vec<&What> {
    let service = &bench.node.profile().logs[usize::from(SEL)];
    bench.node.bmc().logs.of(service).map(|event| &event.what).collect()
}

#[test]
fn data_is_the_machine_at_the_end_of_the_task() {
    let mut bench = Bench::new();
    bench.serving();
    let task = collect(&mut bench);
    let shown = |bench: &Bench| {
        let task: &Task = bench.node.bmc().tasks.get(task).unwrap();
        (bench.node.bmc().task_state(task), bench.node.bmc().task_percent(task, bench.now))
    };
    assert_eq!((shown(&bench), entry_of(&bench, task)), ((TaskState::Running, 0), None));
    wait(&mut bench, 1_000);
    assert!((20..=50).contains(&shown(&bench).1), "{:?}", shown(&bench));
    let until = bench.node.bmc().tasks.get(task).unwrap().estimated_ms().unwrap();
    wait(&mut bench, until - 1_000);
    assert_eq!(shown(&bench), (TaskState::Completed, 100));
    let entry = entry_of(&bench, task).unwrap();
    let Some(What::Collected(collection)) = of_sel(&bench).pop() else { panic!("{:?}", of_sel(&bench)) };
    assert_eq!((collection.kind, collection.log), (DiagnosticDataType::PreOs, Log::Hardware));

    let (node, at) = (bench.node.clone(), bench.now);
    wait(&mut bench, 500);
    bench.reset(ResetType::ForceOff);
    wait(&mut bench, 60_000);
    let collected = data(&bench, entry).unwrap();
    let then = bench.node.at_collection(collected);
    assert_eq!((collected.at, then.host().power_state()), (at, PowerState::On));
    assert_eq!(then.host().boot_progress(at), BootProgress::OsRunning);
    for sensor in [SensorId::Temperature(0), SensorId::Fan(0), SensorId::Output(0)] {
        assert_eq!(then.reading(sensor, at), node.reading(sensor, at), "the agent has the same load");
    }
    assert_eq!(then.bmc().logs.last() + 1, entry, "its own entry comes afterwards");
    assert!(then.ipa().is_some_and(|agent| agent.params == Params::default() && agent.node_uuid().is_some()));
}

#[test]
fn data_has_no_secrets() {
    let mut bench = Bench::new();
    bench.serving();
    let Command::Media(media::Command::Insert { mut insertion, .. }) = insert(1, "http://u:SECRET1@x/a.iso")
    else {
        panic!("an insertion")
    };
    insertion.credentials = Some(Box::new(("user".into(), "SECRET2".into())));
    bench.apply(Command::Media(media::Command::Insert { slot: 1, insertion })).unwrap();
    let source = bmc::source::Source {
        uri: "http://u:SECRET3@x/fw-9.9.bin".into(),
        credentials: Some(Box::new(("user".into(), "SECRET4".into()))),
    };
    let start = Box::new(Start {
        payload: Some(tasks::Payload { uri: "/x".into(), method: "POST".into(), json: "SECRET5".into() }),
        ..Start::default()
    });
    let update = firmware::Command { components: [0].into(), source, immediate: false, start };
    bench.apply(Command::Firmware(update)).unwrap();
    let (user, secret) = ("admin".into(), *b"SECRET6_SECRET6_SECRET6_");
    let session = session::Command::Begin { user, account: 1, client: None, secret, most: 9 };
    bench.apply(Command::Session(session)).unwrap();
    let entry = collected(&mut bench);
    let stored = serde_json::to_value(data(&bench, entry).unwrap()).unwrap();
    let text = stored.to_string();
    assert!(!text.contains("SECRET") && text.contains("http://u@x/a.iso"), "{text}");
    assert!(!text.contains("ipa-") && !text.contains(r#""token":"t"#), "{text}");
    let new = serde_json::to_value(Bmc::default()).unwrap();
    for part in ["sessions", "accounts", "subscriptions", "diagnostics"] {
        assert_eq!(stored["bmc"][part], new[part], "{part}");
    }
}

#[test]
fn the_data_ends_with_its_entry() {
    let mut bench = Bench::new();
    let (first, second) = (collected(&mut bench), collected(&mut bench));
    assert!(data(&bench, first).is_some() && data(&bench, second).is_some());
    bench.apply(Command::Log(logs::Command::DeleteEntry { service: SEL, number: first })).unwrap();
    assert!(data(&bench, first).is_none() && data(&bench, second).is_some());
    bench.apply(Command::Log(logs::Command::Clear(SEL))).unwrap();
    assert!(bench.node.bmc().diagnostics.is_empty());
    let third = collected(&mut bench);
    bench.apply(Command::Lab(lab::Command::Renew)).unwrap();
    assert!(data(&bench, third).is_none(), "the machine is new");
}

#[test]
fn the_oldest_data_makes_room_with_its_entry() {
    let mut bench = Bench::new();
    let entries: Vec<u32> = (0..=Diagnostics::MOST).map(|_| collected(&mut bench)).collect();
    assert_eq!(entries.iter().filter(|entry| data(&bench, **entry).is_some()).count(), Diagnostics::MOST);
    assert!(data(&bench, entries[0]).is_none());
    assert_eq!(of_sel(&bench).len(), Diagnostics::MOST, "nothing else is in this log");
    let service = &bench.node.profile().logs[usize::from(SEL)];
    assert!(bench.node.bmc().logs.of(service).all(|event| event.number != entries[0]));
}

#[test]
fn a_collection_that_is_cancelled_or_interrupted_leaves_no_data() {
    let mut bench = Bench::new();
    let cancelled = collect(&mut bench);
    bench.apply(Command::Task(tasks::Command::DeleteMonitor(cancelled))).unwrap();
    wait(&mut bench, 1_000);
    let interrupted = collect(&mut bench);
    bench.node.state.bmc.change(|bmc| bmc.restarting_from = Some(bench.now.after_ms(10)));
    wait(&mut bench, 5_000);
    let state = |number| bench.node.bmc().task_state(bench.node.bmc().tasks.get(number).unwrap());
    assert_eq!((state(cancelled), state(interrupted)), (TaskState::Cancelled, TaskState::Exception));
    assert!(bench.node.bmc().diagnostics.is_empty() && of_sel(&bench).is_empty());
}

#[test]
fn a_full_log_that_keeps_its_entries_takes_no_data() {
    let mut profile = (*built_in("generic").unwrap()).clone();
    (profile.logs[0].entries, profile.logs[0].overwrite) = (1, OverWritePolicy::NeverOverWrites);
    let mut bench = Bench { node: Node::new(NodeId(3), Seed(1), Arc::new(profile)), now: T0 };
    let first = collected(&mut bench);
    let task = collect(&mut bench);
    wait(&mut bench, 5_000);
    let ended = bench.node.bmc().tasks.get(task).unwrap().ended.clone().unwrap();
    assert!(matches!(&ended.how, End::Failed(why) if why.contains("the log is full")), "{ended:?}");
    assert!(entry_of(&bench, task).is_none() && data(&bench, first).is_some());
}

#[test]
fn the_data_has_the_newest_entries_of_each_log() {
    let mut bench = Bench::new();
    for _ in 0..200 {
        bench.node.remember_one(What::BootFailed, bench.now);
        bench.node.remember_one(What::ManagerStarted, bench.now);
    }
    let last = bench.node.bmc().logs.last();
    let entry = collected(&mut bench);
    let logs = &data(&bench, entry).unwrap().bmc.logs;
    for (service, first) in [(0, last - 255), (1, last - 252)] {
        let numbers: Vec<u32> =
            logs.of(&bench.node.profile().logs[service]).map(|event| event.number).collect();
        // The log of the BMC has the beginning of the task, too.
        assert_eq!((numbers.len(), numbers[0]), (128, first), "{service}");
    }
}

/// The ids and codes of the log of POST codes.
fn reported(bench: &Bench) -> Vec<(String, u32)> {
    let profile = bench.node.profile();
    let service = &profile.logs[usize::from(POST_CODES)];
    let all = bench.node.bmc().post_codes.reported(profile, bench.now);
    all.map(|reported| (service.entry_id(reported.number), reported.code.code)).collect()
}

#[test]
fn a_post_reports_its_codes_one_after_the_other() {
    let mut bench = Bench::new();
    assert!(reported(&bench).is_empty());
    bench.reset(ResetType::On);
    assert!(reported(&bench).is_empty(), "the power comes on");
    to_deadline(&mut bench);
    let names = |bench: &Bench| reported(bench).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(names(&bench), ["B1-1", "B1-2", "B1-3"]);
    let mut progress = Vec::new();
    let end = bench.node.next_deadline();
    let Host::Post { since, .. } = *bench.node.host() else { panic!("POST has begun") };
    for percent in 1..100 {
        let now = since.after_ms(end.since_ms(since) * percent / 100);
        let last = bench.node.bmc().post_codes.reported(bench.node.profile(), now).last().unwrap();
        assert!(last.at <= now && last.at == since.after_ms(last.after_ms));
        progress.push((bench.node.host().boot_progress(now), last.code.code));
    }
    progress.dedup();
    let of =
        |wanted| progress.iter().filter(|(at, _)| *at == wanted).map(|(_, code)| *code).collect::<Vec<_>>();
    assert_eq!(of(BootProgress::PrimaryProcessorInitializationStarted), [0x11]);
    assert_eq!(of(BootProgress::MemoryInitializationStarted), [0x2B, 0x2D, 0x31, 0x60]);
    assert_eq!(of(BootProgress::PciResourceConfigStarted), [0x92, 0x94, 0x96]);
    assert_eq!(of(BootProgress::SystemHardwareInitializationComplete), [0x97, 0x9A, 0xA0, 0xAD]);
    wait(&mut bench, 100_000);
    assert_eq!(reported(&bench).len(), 14);
}

#[test]
fn a_post_that_is_cut_reports_no_more() {
    let mut bench = Bench::new();
    bench.reset(ResetType::On);
    to_deadline(&mut bench);
    bench.reset(ResetType::ForceRestart);
    wait(&mut bench, 300);
    bench.reset(ResetType::ForceOff);
    wait(&mut bench, 100_000);
    let all = reported(&bench);
    let of = |start: &str| all.iter().filter(|(id, _)| id.starts_with(start)).count();
    assert_eq!((of("B1-"), of("B2-"), all.len()), (3, 3, 6), "{all:?}");
}

#[test]
fn the_log_of_post_codes_keeps_the_last_starts_and_forgets_what_a_client_deletes() {
    let mut bench = Bench::new();
    bench.reset(ResetType::On);
    wait(&mut bench, 10_000);
    let delete = |number| Command::Log(logs::Command::DeleteEntry { service: POST_CODES, number });
    let second = LogService::post_code_number(1, 1);
    let newest = bench.node.bmc().logs.last();
    bench.apply(delete(second)).unwrap();
    assert_eq!(bench.node.bmc().logs.last(), newest + 1, "the deletion is an event");
    assert!(reported(&bench).len() == 13 && !reported(&bench).contains(&("B1-2".into(), 0x06)));
    bench.apply(delete(second)).unwrap();
    assert_eq!(bench.node.bmc().logs.last(), newest + 1, "there is no such entry any more");
    for _ in 0..30 {
        bench.reset(ResetType::ForceRestart);
        wait(&mut bench, 10_000);
    }
    let all = reported(&bench);
    assert_eq!((all.len(), &*all[0].0), (256 / 14 * 14, "B14-1"), "18 starts fit into 256 entries");
    bench.reset(ResetType::ForceRestart);
    bench.apply(Command::Log(logs::Command::Clear(POST_CODES))).unwrap();
    assert!(reported(&bench).is_empty());
    wait(&mut bench, 10_000);
    assert_eq!(reported(&bench)[0].0, "B32-4", "of this POST, the rest comes");
}

proptest! {
    /// Whatever clients do: an entry of a collection has its data, and data its entry; the codes in their log are in order.
    #[test]
    fn data_and_entries_come_and_go_together(
        steps in proptest::collection::vec((prop_oneof![any_command(), Just(collection())], 0u64..20_000), 1..60),
    ) {
        let mut bench = Bench::new();
        for (command, wait) in steps {
            let _ = bench.apply(command);
            bench.now = bench.now.after_ms(wait);
            bench.node.settle(bench.now);
            let (bmc, profile) = (bench.node.bmc(), bench.node.profile());
            let events = profile.logs.iter().flat_map(|service| bmc.logs.of(service));
            let mut entries: Vec<u32> =
                events.filter(|event| matches!(event.what, What::Collected(_))).map(|event| event.number).collect();
            entries.sort_unstable();
            let kept: Vec<u32> = bmc.diagnostics.entries().collect();
            prop_assert!(kept.len() <= Diagnostics::MOST);
            prop_assert_eq!(entries, kept);
            let codes: Vec<_> = bmc.post_codes.reported(profile, bench.now).collect();
            prop_assert!(codes.len() <= usize::from(profile.logs[usize::from(POST_CODES)].entries));
            prop_assert!(codes.is_sorted_by(|one, next| one.number < next.number && one.at <= next.at));
            prop_assert!(codes.iter().all(|code| code.at <= bench.now));
        }
    }
}
