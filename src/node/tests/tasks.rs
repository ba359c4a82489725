//! Tasks: they end when their work ends, they can be cancelled, and they are removed.

use super::*;
use crate::dmtf::{ResetToDefaultsType, TaskState};
use crate::node::bmc::firmware::Progress;
use crate::node::bmc::tasks::{self, Settings, Start, Task, Work};

const BIOS: u8 = 0;
const NIC: u8 = 2;

fn begin(bench: &mut Bench, command: Command) -> u32 {
    match bench.apply(command) {
        Ok(Outcome::Accepted(number)) => number,
        other => panic!("{other:?} is no task"),
    }
}

fn task(bench: &Bench, number: u32) -> &Task {
    bench.node.bmc().tasks.get(number).unwrap()
}

/// State and percent of a task.
fn shown(bench: &Bench, number: u32) -> (TaskState, u64) {
    let (bmc, task) = (bench.node.bmc(), task(bench, number));
    (bmc.task_state(task), bmc.task_percent(task, bench.now))
}

fn wait(bench: &mut Bench, ms: u64) {
    bench.now = bench.now.after_ms(ms);
    bench.node.settle(bench.now);
}

fn fetched(bench: &mut Bench, component: u8, update: u32, result: Result<(), Note>) {
    bench.answer(Answer::FirmwareFetched { component, update, result });
}

fn delete_task(bench: &mut Bench, number: u32) -> Result<Outcome, Refusal> {
    bench.apply(Command::Task(tasks::Command::Delete(number)))
}

#[test]
fn an_update_is_done_when_a_start_of_the_host_has_applied_it() {
    let mut bench = Bench::new();
    let number = begin(&mut bench, update(BIOS, "http://x/BIOS_2.5.0.bin"));
    assert_eq!(shown(&bench, number), (TaskState::Starting, 0));
    bench.effects();
    assert_eq!(shown(&bench, number), (TaskState::Running, 0));
    wait(&mut bench, 86_400_000);
    fetched(&mut bench, BIOS, 1, Ok(()));
    assert_eq!(shown(&bench, number), (TaskState::Pending, 50), "a task that has not ended stays");
    bench.reset(ResetType::On);
    while bench.node.bmc().firmware.update(BIOS).is_some() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    assert_eq!(shown(&bench, number), (TaskState::Completed, 100));
    assert_eq!(task(&bench, number).ended.as_ref().unwrap().at, bench.now);
    wait(&mut bench, 3_599_999);
    assert_eq!(shown(&bench, number).0, TaskState::Completed);
    wait(&mut bench, 1);
    assert!(bench.node.bmc().tasks.is_empty(), "it is removed an hour after its end");
}

#[test]
fn an_update_of_several_components_ends_with_the_last_part_and_the_worst_result() {
    let mut bench = Bench::new();
    let source = bmc::source::Source { uri: "http://x/bundle-9.9.bin".into(), credentials: None };
    let components = [BIOS, NIC].into();
    let both =
        Command::Firmware(firmware::Command { components, source, immediate: false, start: Box::default() });
    let number = begin(&mut bench, both);
    bench.effects();
    fetched(&mut bench, NIC, 2, Err("404 Not Found".into()));
    assert_eq!(shown(&bench, number), (TaskState::Running, 0));
    fetched(&mut bench, BIOS, 1, Ok(()));
    assert_eq!(shown(&bench, number), (TaskState::Pending, 25));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(shown(&bench, number), (TaskState::Exception, 50));
    assert_eq!(bench.node.bios_version(), "9.9", "the other part is done");
}

#[test]
fn a_later_update_of_a_component_cancels_the_staged_one() {
    let mut bench = Bench::new();
    let first = begin(&mut bench, update(BIOS, "http://x/BIOS_2.5.0.bin"));
    assert_eq!(bench.apply(update(BIOS, "http://x/BIOS_2.6.0.bin")), Err(Refusal::UpdateUnderway));
    fetched(&mut bench, BIOS, 1, Ok(()));
    let second = begin(&mut bench, update(BIOS, "http://x/BIOS_2.6.0.bin"));
    assert_eq!(
        (shown(&bench, first).0, shown(&bench, second).0),
        (TaskState::Cancelled, TaskState::Starting)
    );
}

#[test]
fn a_cancelled_update_changes_nothing_and_ignores_its_late_image() {
    let mut bench = Bench::new();
    let number = begin(&mut bench, update(BIOS, "http://x/BIOS_2.5.0.bin"));
    bench.effects();
    bench.apply(Command::Task(tasks::Command::DeleteMonitor(number))).unwrap();
    assert_eq!(shown(&bench, number).0, TaskState::Cancelled);
    assert!(!task(&bench, number).monitored);
    fetched(&mut bench, BIOS, 1, Ok(()));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.bios_version(), "2.4.1");
    delete_task(&mut bench, number).unwrap();
    assert!(bench.node.bmc().tasks.is_empty(), "a task that has ended is removed");
    assert_eq!(begin(&mut bench, update(BIOS, "http://x/BIOS_2.6.0.bin")), number + 1);
}

#[test]
fn work_on_a_volume_follows_the_clock() {
    let mut bench = Bench::new();
    let create = begin(&mut bench, mirror(&[0, 1]));
    let total = task(&bench, create).estimated_ms().unwrap();
    assert_eq!(shown(&bench, create), (TaskState::Running, 0));
    let id: Box<str> = volume::id(1).into();
    let start = Box::<Start>::default;
    let delete = || Command::Volume(volume::Command::Delete { storage: 0, id: id.clone(), start: start() });
    assert_eq!(bench.apply(delete()), Err(Refusal::VolumeInUse));
    wait(&mut bench, total / 2 + 1);
    assert_eq!(shown(&bench, create), (TaskState::Running, 50));
    wait(&mut bench, total);
    assert_eq!(shown(&bench, create), (TaskState::Completed, 100));
    let initialize = volume::Command::Initialize { storage: 0, id: id.clone(), start: start() };
    let initialize = begin(&mut bench, Command::Volume(initialize));
    wait(&mut bench, total);
    assert_eq!(shown(&bench, initialize), (TaskState::Completed, 100));
    let deletion = begin(&mut bench, delete());
    assert_eq!(bench.node.disks().len(), 2, "the volume is there until the end");
    delete_task(&mut bench, deletion).unwrap();
    wait(&mut bench, total);
    assert_eq!((shown(&bench, deletion).0, bench.node.disks().len()), (TaskState::Cancelled, 2));
    let deletion = begin(&mut bench, delete());
    wait(&mut bench, total);
    assert_eq!((shown(&bench, deletion), bench.node.disks().len()), ((TaskState::Completed, 100), 3));
}

#[test]
fn a_cancelled_creation_leaves_no_volume() {
    let mut bench = Bench::new();
    let create = begin(&mut bench, mirror(&[0, 1]));
    delete_task(&mut bench, create).unwrap();
    assert_eq!((shown(&bench, create).0, bench.node.disks().len()), (TaskState::Cancelled, 3));
    assert!(begin(&mut bench, mirror(&[0, 1])) > create, "the drives are free again");
}

#[test]
fn a_reset_to_defaults_resets_the_bmc_and_is_done_when_it_is_back() {
    let mut bench = Bench::new();
    bench
        .apply(Command::Bmc(bmc::Command::SetClock { ahead_ms: Some(9), offset_minutes: Some(60) }))
        .unwrap();
    bench.apply(Command::Session(session::Command::SetTimeout(60))).unwrap();
    let login =
        session::Command::Begin { user: "admin".into(), account: 1, client: None, secret: [7; 24], most: 9 };
    bench.apply(Command::Session(login)).unwrap();
    bench.apply(insert(0, "http://x/y")).unwrap();
    bench.effects();
    let kind = ResetToDefaultsType::ResetAll;
    let number =
        begin(&mut bench, Command::Bmc(bmc::Command::ResetToDefaults { kind, start: Box::default() }));
    assert_eq!(delete_task(&mut bench, number), Err(Refusal::TaskNotCancellable));
    assert_eq!((shown(&bench, number), bench.node.bmc().clock.offset_minutes), ((TaskState::Running, 0), 60));
    while bench.node.bmc().restarting_until.is_none() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    assert_eq!(shown(&bench, number).0, TaskState::Running);
    bench.now = bench.node.bmc().restarting_until.unwrap();
    bench.node.settle(bench.now);
    assert_eq!(shown(&bench, number), (TaskState::Completed, 100));
    let bmc = bench.node.bmc();
    assert_eq!((bmc.clock.offset_minutes, bmc.media.count()), (0, 0));
    assert_eq!((bmc.sessions.timeout_s(), bmc.sessions.live(bench.now).count()), (1800, 0));
}

#[test]
fn a_reset_of_the_bios_that_is_a_task_is_done_at_the_next_start() {
    let mut bench = Bench::new();
    let number = begin(&mut bench, Command::Bios(bios::Command::ResetAsTask(Box::default())));
    assert_eq!(shown(&bench, number), (TaskState::Pending, 0));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(shown(&bench, number), (TaskState::Completed, 100));
}

#[test]
fn the_task_that_ended_first_makes_room_and_unfinished_tasks_are_bounded() {
    let mut bench = Bench::new();
    let start = || Box::new(Start { most: 2, ..Start::default() });
    let update = |component| {
        let source = bmc::source::Source { uri: "http://x/fw-9.9.bin".into(), credentials: None };
        Command::Firmware(firmware::Command {
            components: [component].into(),
            source,
            immediate: false,
            start: start(),
        })
    };
    let (first, second) = (begin(&mut bench, update(0)), begin(&mut bench, update(1)));
    let before = bench.node.state.clone();
    assert_eq!(bench.apply(update(2)), Err(Refusal::TooManyTasks));
    assert_eq!(bench.node.state, before);
    fetched(&mut bench, 1, 2, Err("gone".into()));
    let third = begin(&mut bench, update(2));
    let kept: Vec<u32> = bench.node.bmc().tasks.iter().map(|task| task.number).collect();
    assert_eq!(kept, [first, third]);
    assert!(bench.node.bmc().tasks.get(second).is_none());
}

#[test]
fn a_disabled_service_takes_no_task_and_the_settings_of_another_root_go_first() {
    let mut bench = Bench::new();
    let off = tasks::Command::Change { enabled: Some(false), auto_delete_minutes: Some(2) };
    bench.apply(Command::Task(off)).unwrap();
    assert_eq!(bench.apply(mirror(&[0, 1])), Err(Refusal::TaskServiceDisabled));
    let mut command = mirror(&[0, 1]);
    command.start_mut().unwrap().settings = Some(Settings { enabled: true, auto_delete_minutes: 1 });
    let number = begin(&mut bench, command);
    wait(&mut bench, 3_000);
    let ended = task(&bench, number).ended.as_ref().unwrap().at;
    let left = ended.after_ms(60_000).since_ms(bench.now);
    wait(&mut bench, left - 1);
    assert!(bench.node.bmc().tasks.get(number).is_some());
    wait(&mut bench, 1);
    assert!(bench.node.bmc().tasks.get(number).is_none());
}

#[test]
fn a_part_of_the_bmc_that_was_never_used_has_the_size_of_a_pointer() {
    assert_eq!(size_of::<crate::node::sparse::Sparse<tasks::Tasks>>(), size_of::<usize>());
    // A node that is new has no BMC at all, and a node with one has no tasks.
    assert_eq!((size_of::<crate::node::State>(), size_of::<Node>()), (88, 112));
}

/// Whether the work of a task that has not ended is still to be done.
fn is_being_done(node: &Node, task: &Task, now: SimTime) -> bool {
    let bmc = node.bmc();
    match &task.work {
        Work::Firmware(parts) => parts.iter().filter(|part| part.ended.is_none()).any(|part| {
            let update = bmc.firmware.update(part.component).filter(|update| update.number == part.update);
            update.is_some_and(|update| !matches!(update.progress, Progress::Failed { .. }))
        }),
        Work::Volume { storage, id, .. } => {
            bmc.volumes.of(node.profile(), *storage).iter().any(|volume| volume.id == *id)
        }
        Work::ManagerDefaults(_) => bmc.restarting_from.or(bmc.restarting_until).is_some(),
        Work::BiosDefaults => true,
        Work::Diagnostics { until, entry, .. } => *until > now && entry.is_none(),
        Work::License { fetch, .. } => fetch.is_some(),
    }
}

proptest! {
    /// A task has not ended exactly as long as its work is being done, whatever happens to the node.
    #[test]
    fn a_task_ends_when_its_work_ends(
        steps in proptest::collection::vec((any_command(), 0u64..20_000), 1..24),
    ) {
        let mut bench = Bench::new();
        for (command, ms) in steps {
            let _ = bench.apply(command);
            bench.answer_boot(Ok(Bootable::Ipa(Box::new(params()))));
            wait(&mut bench, ms);
            let bmc = bench.node.bmc();
            let mut updates = 0;
            for task in bmc.tasks.iter() {
                prop_assert!(task.ended.is_some() || task.held.is_some() || is_being_done(&bench.node, task, bench.now), "{task:?}");
                prop_assert_eq!(bmc.task_percent(task, bench.now) == 100, bmc.task_state(task) == TaskState::Completed);
                if let (None, Work::Firmware(parts)) = (&task.ended, &task.work) {
                    updates += parts.iter().filter(|part| part.ended.is_none()).count();
                }
            }
            let unfinished = (0..3).filter_map(|component| bmc.firmware.update(component));
            let unfinished = unfinished.filter(|update| !matches!(update.progress, Progress::Failed { .. }));
            prop_assert_eq!(updates, unfinished.count(), "an update without a task");
            prop_assert!(bmc.tasks.iter().count() <= Start::default().most);
        }
    }
}
