//! Licenses that the BMC fetches: `LicenseService.Install`.

use super::*;
use crate::dmtf::TaskState;
use crate::node::bmc::licenses::{self, Licenses, digest};
use crate::node::bmc::source::Source;
use crate::node::bmc::tasks::{self, End, Held, Task};

fn install(uri: &str) -> Command {
    let credentials = Some(Box::new(("user".into(), "hunter2".into())));
    let source = Source { uri: uri.into(), credentials };
    Command::License(licenses::Command::Fetch { source, start: Box::default() })
}

/// Begins to fetch a license, and returns the number of its task.
fn begin(bench: &mut Bench) -> u32 {
    let Ok(Outcome::Accepted(number)) = bench.apply(install("http://x/a.lic")) else { panic!("no task") };
    assert_eq!(shown(bench, number), (TaskState::Starting, 0));
    assert_eq!(bench.effects(), [EffectKind::FetchLicense { task: number }]);
    assert_eq!(shown(bench, number), (TaskState::Running, 0));
    number
}

fn fetched(bench: &mut Bench, task: u32, result: Result<&str, Note>) {
    let result = result.map(|license| digest(license.as_bytes()));
    bench.answer(Answer::LicenseFetched { task, result });
}

fn task(bench: &Bench, number: u32) -> &Task {
    bench.node.bmc().tasks.get(number).unwrap()
}

fn shown(bench: &Bench, number: u32) -> (TaskState, u64) {
    let (bmc, task) = (bench.node.bmc(), task(bench, number));
    (bmc.task_state(task), bmc.task_percent(task, bench.now))
}

fn reason(bench: &Bench, number: u32) -> &str {
    match task(bench, number).ended.as_ref().map(|ended| &ended.how) {
        Some(End::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn ids(bench: &Bench) -> Vec<String> {
    bench.node.bmc().licenses.ids(bench.node.profile()).collect()
}

fn stored(bench: &Bench) -> String {
    serde_json::to_string(bench.node.state()).unwrap()
}

#[test]
fn a_license_is_installed_once_its_file_is_there() {
    let mut bench = Bench::new();
    let number = begin(&mut bench);
    assert!(stored(&bench).contains("hunter2") && !format!("{:?}", bench.node.state()).contains("hunter2"));
    assert!(ids(&bench).is_empty());
    fetched(&mut bench, number, Ok("a"));
    assert_eq!(
        (shown(&bench, number), ids(&bench)),
        ((TaskState::Completed, 100), vec!["Installed1".into()])
    );
    assert!(!stored(&bench).contains("hunter2"), "the password has done its work");
    fetched(&mut bench, number, Ok("b"));
    assert_eq!(ids(&bench).len(), 1, "the second answer is late");
}

#[test]
fn a_license_that_cannot_be_fetched_or_installed_ends_its_task_with_the_reason() {
    let mut bench = Bench::new();
    let (first, second, third) = (begin(&mut bench), begin(&mut bench), begin(&mut bench));
    fetched(&mut bench, first, Err("404 Not Found".into()));
    assert_eq!(reason(&bench, first), "404 Not Found");
    fetched(&mut bench, second, Ok("a"));
    fetched(&mut bench, third, Ok("a"));
    assert_eq!(shown(&bench, third), (TaskState::Exception, 0));
    assert_eq!(reason(&bench, third), "the license is there already, with the id Installed1");
    let late = begin(&mut bench);
    for n in 1..Licenses::MAX {
        bench.apply(Command::License(licenses::Command::Install(n.to_string().into()))).unwrap();
    }
    assert_eq!(bench.apply(install("http://x/b.lic")), Err(Refusal::TooManyKeys));
    fetched(&mut bench, late, Ok("b"));
    assert_eq!((reason(&bench, late), ids(&bench).len()), ("there is no room for another one", 8));
}

#[test]
fn a_client_or_a_restart_of_the_bmc_ends_the_fetch() {
    let mut bench = Bench::new();
    let (first, second) = (begin(&mut bench), begin(&mut bench));
    bench.apply(Command::Task(tasks::Command::Delete(first))).unwrap();
    assert_eq!(shown(&bench, first), (TaskState::Cancelled, 0));
    bench.apply(Command::Bmc(bmc::Command::Reset)).unwrap();
    while bench.node.bmc().restarting_until.is_none() {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
    }
    assert_eq!(reason(&bench, second), "the BMC has restarted meanwhile");
    fetched(&mut bench, first, Ok("a"));
    fetched(&mut bench, second, Ok("b"));
    assert!(ids(&bench).is_empty() && !stored(&bench).contains("hunter2"));
}

#[test]
fn a_restart_of_the_process_repeats_the_fetch() {
    let mut bench = Bench::new();
    let number = begin(&mut bench);
    let state = State::read(u64::from(State::FORMAT), stored(&bench).as_bytes()).unwrap();
    let node = &bench.node;
    bench.node = Node::restore(node.id(), node.spec().seed, Arc::clone(node.profile()), state);
    assert_eq!(bench.effects(), [EffectKind::FetchLicense { task: number }]);
    fetched(&mut bench, number, Ok("a"));
    assert_eq!(shown(&bench, number), (TaskState::Completed, 100));
}

#[test]
fn a_task_that_a_rule_holds_keeps_its_license_unless_it_fails() {
    let mut bench = Bench::new();
    let at = T0.after_ms(1000);
    let (released, failing) = (begin(&mut bench), begin(&mut bench));
    let mut tasks = |change: &dyn Fn(&mut tasks::Tasks)| {
        bench.node.state.bmc.change(|bmc| bmc.tasks.change(change));
    };
    tasks(&|tasks| {
        tasks.hold(released, Held::Forever);
        tasks.hold(failing, Held::Fails(at));
    });
    fetched(&mut bench, released, Ok("a"));
    fetched(&mut bench, failing, Ok("b"));
    for number in [released, failing] {
        assert_eq!(shown(&bench, number), (TaskState::Running, 0));
    }
    assert_eq!(ids(&bench).len(), 2);
    bench.node.state.bmc.change(|bmc| bmc.tasks.change(|tasks| tasks.release(T0)));
    assert_eq!(shown(&bench, released), (TaskState::Completed, 100));
    bench.now = at;
    bench.node.settle(at);
    assert_eq!((shown(&bench, failing).0, ids(&bench)), (TaskState::Exception, vec!["Installed1".into()]));
}
