//! Faults of the host, on the model: their effect, their end, and that a restart of the process changes nothing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::effect::Bootable;
use super::super::lab;
use super::*;
use crate::dmtf::{Health, PowerRestorePolicy, ResetToDefaultsType, TaskState};
use crate::fault::{Armed, Rule};

/// The rule `r` of all nodes.
pub(in crate::node) fn rule(when: Value, what: Value) -> Arc<Armed> {
    let rule = json!({"name": "r", "who": {"all": true}, "when": when, "what": what});
    let rule: Rule = serde_json::from_value(rule).unwrap();
    let selection = rule.check().unwrap();
    Arc::new(Armed::new(7, rule, selection, T0))
}

impl Bench {
    pub(super) fn bind(&mut self, when: Value, what: Value) {
        let rule = rule(when, what);
        self.apply(Command::Lab(lab::Command::Bind(rule))).unwrap();
    }

    pub(super) fn clear(&mut self) {
        self.apply(Command::Lab(lab::Command::Unbind(7))).unwrap();
        assert_eq!(self.node.faults().rules(), []);
    }

    /// The process restarts and reads the state again.
    pub(super) fn restart(&mut self) {
        let rules: Vec<_> =
            self.node.faults().rules().iter().filter_map(|bound| bound.rule.armed().cloned()).collect();
        self.node.take_fault_news();
        let json = serde_json::to_string(self.node.state()).unwrap();
        let state = State::read(u64::from(State::FORMAT), json.as_bytes()).unwrap();
        let (seed, profile) = (self.node.seed, Arc::clone(self.node.profile()));
        let before = format!("{:?}", self.node.state().faults);
        self.node = Node::restore(self.node.id(), seed, profile, state);
        self.node.attach_rules(|number| rules.iter().find(|rule| rule.number == number).cloned(), self.now);
        assert_eq!(format!("{:?}", self.node.state().faults), before);
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
        self.node.settle(self.now);
    }

    pub(super) fn fired(&self) -> u32 {
        self.node.faults().rules()[0].fired
    }
}

const HOUR: u64 = 3_600_000;

#[test]
fn an_endless_power_on() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("power-on-hangs"));
    bench.reset(ResetType::On);
    bench.pass(100 * HOUR);
    bench.restart();
    bench.pass(100 * HOUR);
    assert_eq!((bench.node.state_word(), bench.fired()), ("powering-on", 1));
    assert!(bench.node.faults().rules()[0].on.is_some());
    // A forced power-off ends the hang, and the next power-on hangs again.
    bench.reset(ResetType::ForceOff);
    bench.pass(HOUR);
    assert_eq!((bench.node.state_word(), bench.node.faults().rules()[0].on), ("off", None));
    bench.reset(ResetType::On);
    bench.pass(HOUR);
    assert_eq!((bench.node.state_word(), bench.fired()), ("powering-on", 2));
    bench.clear();
    bench.pass(HOUR);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
}

#[test]
fn a_power_on_of_an_hour() {
    let mut bench = Bench::new();
    bench.bind(json!({"first": 1}), json!({"power-on-hangs": {"takes": "1h"}}));
    bench.reset(ResetType::On);
    bench.pass(HOUR - 1);
    bench.restart();
    assert_eq!(bench.node.state_word(), "powering-on");
    bench.pass(1);
    assert_eq!(bench.node.state_word(), "post");
    bench.reset(ResetType::PowerCycle);
    bench.pass(HOUR / 60);
    assert_eq!((bench.node.host().power_state(), bench.fired()), (PowerState::On, 1));
}

#[test]
fn an_endless_self_test() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("post-hangs"));
    bench.reset(ResetType::On);
    bench.pass(100 * HOUR);
    assert_eq!(bench.node.state_word(), "post");
    assert_eq!(
        bench.node.host().boot_progress(bench.now),
        BootProgress::PrimaryProcessorInitializationStarted
    );
    bench.restart();
    bench.clear();
    bench.pass(0);
    assert_eq!(bench.node.state_word(), "booting");
}

#[test]
fn an_ignored_power_off() {
    let mut bench = Bench::new();
    bench.bind(json!({"limitPerNode": 2}), json!({"power-off-ignored": {}}));
    bench.reset(ResetType::On);
    bench.pass(HOUR);
    for _ in 0..2 {
        bench.reset(ResetType::ForceOff);
        bench.pass(HOUR);
        bench.restart();
        assert_eq!(bench.node.host().power_state(), PowerState::On);
    }
    bench.reset(ResetType::ForceOff);
    bench.pass(HOUR);
    assert_eq!((bench.node.host().power_state(), bench.fired()), (PowerState::Off, 2));
}

#[test]
fn a_spontaneous_reset() {
    let mut bench = Bench::new();
    bench.bind(json!({"after": {"state": "serving", "from": "10m"}, "first": 1}), json!("spontaneous-reset"));
    bench.serving();
    let starts = bench.node.starts();
    bench.restart();
    bench.pass(10 * 60_000 - 1);
    assert_eq!(bench.node.starts(), starts);
    bench.pass(1);
    assert_eq!((bench.node.starts(), bench.node.state_word(), bench.fired()), (starts + 1, "post", 1));
    assert_eq!(bench.node.take_fault_news().unwrap().len(), 1);
}

#[test]
fn lost_power() {
    let mut bench = Bench::new();
    bench.serving();
    bench.bind(json!({"after": {"from": "1m"}, "for": "1h"}), json!("power-lost"));
    bench.pass(60_000);
    let away = |bench: &Bench| bench.node.bmc().restarting_until.is_some();
    assert_eq!((bench.node.state_word(), away(&bench)), ("off", true));
    let on = Command::Host(host::Command::Reset(ResetType::On));
    assert!(matches!(bench.apply(on), Err(Refusal::ManagerRestarting(_))));
    bench.restart();
    bench.pass(HOUR - 1);
    assert_eq!((bench.node.state_word(), away(&bench)), ("off", true));
    bench.pass(1);
    assert_eq!(bench.node.state_word(), "powering-on", "it was on before");
    bench.pass(HOUR);
    assert!(!away(&bench) && bench.node.host().power_state() == PowerState::On);
    assert_eq!(bench.node.faults().rules()[0].fired, 1);
}

#[test]
fn a_cleared_rule_gives_the_power_back() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!({"power-lost": {"restore": "alwaysOff"}}));
    bench.pass(0);
    assert!(bench.node.bmc().restarting_until.is_some());
    bench.clear();
    bench.pass(HOUR);
    assert_eq!((bench.node.state_word(), bench.node.bmc().restarting_until), ("off", None));
}

#[test]
fn a_machine_follows_its_own_policy_when_the_power_is_back() {
    for (policy, was_on, is_on) in [
        (PowerRestorePolicy::AlwaysOn, false, true),
        (PowerRestorePolicy::AlwaysOff, true, false),
        (PowerRestorePolicy::LastState, true, true),
        (PowerRestorePolicy::LastState, false, false),
    ] {
        let mut bench = Bench::new();
        bench.apply(change(SystemChange { power_restore: Some(policy), ..SystemChange::default() })).unwrap();
        if was_on {
            bench.reset(ResetType::On);
            bench.run();
        }
        bench.bind(json!({}), json!("power-lost"));
        bench.pass(0);
        assert_eq!(bench.node.state_word(), "off");
        bench.clear();
        bench.pass(HOUR);
        assert_eq!(bench.node.host().power_state() != PowerState::Off, is_on, "{policy:?}, {was_on}");
    }
}

#[test]
fn a_forgotten_override() {
    let mut bench = Bench::new();
    bench.bind(json!({"first": 1}), json!("boot-override-forgotten"));
    bench.restart();
    bench.apply(insert(0, "http://ironic/boot.iso")).unwrap();
    let once = BootChange {
        target: Some(BootTarget::Cd.into()),
        enabled: Some(BootOverride::Once),
        ..BootChange::default()
    };
    let boot = |bench: &mut Bench| {
        bench.apply(change(SystemChange { boot: once.clone(), ..SystemChange::default() })).unwrap();
        bench.reset(ResetType::ForceRestart);
        bench.run();
        bench.run();
        let Host::Booting(booting) = bench.node.host() else { panic!("{:?}", bench.node.host()) };
        booting.from
    };
    assert_eq!(boot(&mut bench), BootTarget::Pxe.into());
    assert_eq!(bench.node.boot().enabled, BootOverride::Disabled, "the override is used up");
    assert_eq!((boot(&mut bench), bench.fired()), (BootTarget::Cd.into(), 1));
}

#[test]
fn a_wrong_source() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!({"wrong-boot-source": {"boots": "BiosSetup"}}));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.state_word(), "setup");
    bench.clear();
    bench.reset(ResetType::ForceRestart);
    bench.run();
    assert_eq!(bench.node.state_word(), "booting");
}

#[test]
fn an_unreadable_source() {
    let mut bench = Bench::new();
    bench.bind(json!({"first": 1}), json!("media-unreadable"));
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.state_word(), "no-boot-device");
    assert_eq!(bench.node.bmc().boot_failure.as_deref(), Some("Pxe: the source cannot be read"));
    bench.reset(ResetType::ForceRestart);
    bench.run_to_boot();
    bench.boot_read(Ok(Bootable::Live));
    bench.run();
    assert_eq!(bench.node.state_word(), "live-running");
}

#[test]
fn occasions_are_counted() {
    let firings = |when: Value| {
        let mut bench = Bench::new();
        bench.bind(when, json!("power-off-ignored"));
        bench.reset(ResetType::On);
        bench.pass(HOUR);
        let mut fired = Vec::new();
        for occasion in 1..=8 {
            let before = bench.fired();
            bench.reset(ResetType::ForceOff);
            if bench.fired() > before {
                fired.push(occasion);
            }
            bench.pass(HOUR);
            bench.reset(ResetType::On);
            bench.pass(HOUR);
        }
        fired
    };
    assert_eq!(firings(json!({"skip": 2, "first": 4, "every": 2})), [4, 6]);
    assert_eq!(firings(json!({"limitPerNode": 1, "skip": 1})), [2]);
    assert_eq!(firings(json!({"limit": 3})), [1, 2, 3]);
    assert_eq!(firings(json!({"window": {"from": "3h", "until": "7h"}})), [2, 3]);
    assert_eq!(firings(json!({"after": {"from": "1h"}, "for": "2h"})), [1]);
    let chance = json!({"probability": 0.5});
    let once = firings(chance.clone());
    assert!((1..8).contains(&once.len()) && once == firings(chance), "{once:?}");
}

#[test]
fn a_node_without_rules_has_no_memory_of_them() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("power-off-ignored"));
    assert!(!bench.node.state().is_new());
    bench.clear();
    assert_eq!(bench.node.state().faults.next_deadline(), SimTime::NEVER);
    assert!(bench.node.state().faults.rules().is_empty());
}

/// Creates a volume on two drives, which are passed through again where it is gone.
fn create_volume(bench: &mut Bench) -> u32 {
    let Outcome::Accepted(task) = bench.apply(mirror(&[0, 1])).unwrap() else { panic!("it is no task") };
    task
}

fn task_of(bench: &Bench, number: u32) -> (TaskState, u64) {
    let bmc = bench.node.bmc();
    let task = bmc.tasks.get(number).unwrap();
    (bmc.task_state(task), bmc.task_percent(task, bench.now))
}

#[test]
fn a_task_that_never_ends() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("task-hangs"));
    let task = create_volume(&mut bench);
    bench.pass(HOUR);
    bench.restart();
    bench.pass(100 * HOUR);
    assert_eq!(task_of(&bench, task), (TaskState::Running, 99));
    bench.clear();
    bench.pass(0);
    assert_eq!(task_of(&bench, task), (TaskState::Completed, 100));
}

#[test]
fn a_reset_to_defaults_that_never_ends_is_done_once_the_rule_is_gone() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("task-hangs"));
    let reset = bmc::Command::ResetToDefaults { kind: ResetToDefaultsType::ResetAll, start: Box::default() };
    let Outcome::Accepted(task) = bench.apply(Command::Bmc(reset)).unwrap() else { panic!("it is no task") };
    bench.pass(HOUR);
    assert_eq!(task_of(&bench, task).0, TaskState::Running);
    bench.clear();
    bench.pass(0);
    assert_eq!(task_of(&bench, task), (TaskState::Completed, 100), "the BMC has restarted meanwhile");
}

#[test]
fn a_task_that_fails() {
    let mut bench = Bench::new();
    bench.bind(json!({"first": 1}), json!({"task-fails": {"percent": 30}}));
    let volumes = |bench: &Bench| bench.node.bmc().volumes.of(bench.node.profile(), 0).len();
    let before = volumes(&bench);
    let task = create_volume(&mut bench);
    bench.restart();
    bench.pass(HOUR);
    let (state, percent) = task_of(&bench, task);
    assert_eq!((state, volumes(&bench)), (TaskState::Exception, before), "the volume is not there");
    assert!((29..=30).contains(&percent), "{percent}");
    let next = create_volume(&mut bench);
    bench.pass(HOUR / 60);
    assert_eq!(task_of(&bench, next).0, TaskState::Completed);
}

#[test]
fn a_part_that_fails() {
    use crate::node::bmc::failures::Part;
    use crate::node::health::Scope;

    for (kind, part) in
        [("disk", Part::Drive(1)), ("dimm", Part::Memory(1)), ("fan", Part::Fan(1)), ("psu", Part::Supply(1))]
    {
        let mut bench = Bench::new();
        bench.reset(ResetType::On);
        bench.pass(HOUR);
        bench.bind(json!({"after": {"from": "1m"}}), json!({"part-fails": {"part": kind, "number": 1}}));
        bench.pass(59_000);
        assert!(!bench.node.has_failed(part) && bench.node.health(Scope::Machine) == Health::Ok);
        bench.pass(1000);
        bench.restart();
        bench.pass(HOUR);
        assert!(bench.node.has_failed(part) && bench.node.health(Scope::Machine) > Health::Ok, "{kind}");
        bench.clear();
        bench.pass(HOUR);
        assert!(!bench.node.has_failed(part), "{kind}");
        // A part that a person has let fail is not repaired with the rule.
        bench.apply(Command::Lab(lab::Command::Fail(part))).unwrap();
        bench.bind(json!({}), json!({"part-fails": {"part": kind, "number": 1}}));
        bench.pass(0);
        bench.clear();
        assert!(bench.node.has_failed(part), "{kind}");
    }
}
