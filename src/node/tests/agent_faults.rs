//! Faults of the agent, on the model: their effect, their end, and that a restart of the process changes nothing.

use serde_json::{Value, json};

use super::*;
use crate::fault::agent::Act;
use crate::node::call::Call;
use crate::node::ipa::{AskedFor, Held, Written};

const HOUR: u64 = 3_600_000;

impl Bench {
    /// Up to a ramdisk with an agent that starts.
    fn ramdisk(&mut self) {
        self.boot_from_cd();
        self.boot_read(Ok(Bootable::Ipa(Box::new(params()))));
        while self.node.ipa().is_none() {
            self.now = self.node.next_deadline();
            self.node.settle(self.now);
        }
    }

    /// The process restarts. The slot is empty, so that the BMC opens nothing again.
    fn reread(&mut self) {
        self.apply(eject(0)).unwrap();
        self.restart();
    }

    fn beat(&mut self) {
        self.agent_answer(ipa::Answer::Beat(Beat::Accepted));
    }

    /// Milliseconds until the agent has an effect due, which must be this one.
    fn until_effect(&mut self, effect: ipa::Effect) -> u64 {
        let from = self.now;
        assert_eq!(self.run_agent(), [effect]);
        self.now.since_ms(from)
    }

    fn is_on(&self) -> bool {
        self.node.faults().rules()[0].on.is_some()
    }

    fn status(&self) -> CommandStatus {
        self.serving_agent().commands.records().last().unwrap().status.clone()
    }
}

/// A command with the name and the step that rules see.
fn asked(name: &str, step: Option<&str>, work: Work) -> Command {
    let asked = AskedFor { name: name.into(), step: step.map(Into::into) };
    let short = name.split('.').next_back().unwrap();
    Command::Ipa(IpaCommand { asked: Some(Box::new(asked)), ..IpaCommand::new(short, work) })
}

fn erase() -> Work {
    Work::Timed(Span::exactly_ms(2_000), succeeded(), Then::EmptyDisks)
}

#[test]
fn an_agent_that_never_calls() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("agent-never-calls"));
    bench.ramdisk();
    for _ in 0..2 {
        bench.pass(100 * HOUR);
        assert_eq!((bench.effects(), bench.node.agent_word()), (vec![], "starting"));
        bench.reread();
    }
    assert!((bench.fired(), bench.is_on()) == (1, true) && bench.agent().is_held(Held::Start));
    bench.clear();
    assert_eq!(bench.until_effect(ipa::Effect::Inspect), 0, "the agent goes on at once");
    bench.agent_answer(ipa::Answer::Inspected(Inspected::Accepted(None, None)));
    assert_eq!(bench.run_agent(), [ipa::Effect::LookUp]);

    // A machine that is powered off ends the condition. The next start is another occasion.
    let mut bench = Bench::new();
    bench.bind(json!({"first": 1}), json!("agent-never-calls"));
    bench.ramdisk();
    bench.reset(ResetType::ForceOff);
    assert!((bench.fired(), bench.is_on()) == (1, false));
    bench.pass(HOUR);
    bench.apply(eject(0)).unwrap();
    bench.inspecting();

    // A power-off that the BMC forgets (`lost-change`) ends nothing.
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("agent-never-calls"));
    bench.ramdisk();
    let before = bench.node.clone();
    bench.reset(ResetType::ForceOff);
    bench.node.forget(before);
    assert!((bench.fired(), bench.is_on()) == (1, true) && bench.agent().is_held(Held::Start));
    bench.clear();
    assert_eq!(bench.until_effect(ipa::Effect::Inspect), 0);

    // The end of the effect ends the condition, too.
    let mut bench = Bench::new();
    bench.bind(json!({"for": "5h"}), json!("agent-never-calls"));
    bench.ramdisk();
    assert_eq!(bench.run_agent(), [ipa::Effect::Inspect]);
    assert_eq!(bench.now, T0.after_ms(5 * HOUR));
}

#[test]
fn an_agent_that_calls_late() {
    let first_call = |by: Option<&str>| {
        let mut bench = Bench::new();
        if let Some(by) = by {
            bench.bind(json!({}), json!({"agent-calls-late": {"by": by}}));
        }
        bench.ramdisk();
        if by.is_some() {
            bench.reread();
        }
        bench.until_effect(ipa::Effect::Inspect)
    };
    assert_eq!(first_call(Some("3h")), first_call(None) + 3 * HOUR);
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("agent-calls-late"));
    bench.ramdisk();
    bench.pass(1000);
    bench.clear();
    assert_eq!(bench.until_effect(ipa::Effect::Inspect), 0);
}

#[test]
fn lost_heartbeats() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("heartbeats-lost"));
    bench.looking_up();
    bench.agent_answer(found(Some(Ipa::HIDDEN_TOKEN)));
    assert_eq!((bench.effects(), bench.fired()), (vec![], 1), "the first one is lost, too");
    bench.pass(HOUR);
    bench.reread();
    bench.pass(HOUR);
    assert_eq!(bench.effects(), []);
    assert!((40..=80).contains(&bench.fired()), "one every 90 to 180 s: {}", bench.fired());
    let Call::At(next) = bench.serving_agent().heartbeat else { panic!("a heartbeat is planned") };
    bench.clear();
    bench.until_effect(ipa::Effect::Heartbeat);
    assert_eq!(bench.now, next);
}

#[test]
fn late_heartbeats() {
    let mut bench = Bench::new();
    bench.serving();
    bench.bind(json!({}), json!({"heartbeats-late": {"by": "1h"}}));
    let Call::At(due) = bench.serving_agent().heartbeat else { panic!("a heartbeat is planned") };
    bench.pass(HOUR);
    assert!(bench.is_on() && bench.agent().is_held(Held::Heartbeat));
    bench.reread();
    // The end of a command does not bring it forward. Another heartbeat follows.
    bench.apply(timed()).unwrap();
    bench.until_effect(ipa::Effect::Heartbeat);
    assert_eq!((bench.now, bench.fired(), bench.is_on()), (due.after_ms(HOUR), 1, false));
    bench.beat();
    assert_eq!(bench.until_effect(ipa::Effect::Heartbeat), 5_100 + HOUR);
    bench.beat();
    bench.pass(HOUR);
    assert!(bench.is_on());
    bench.clear();
    assert_eq!(bench.until_effect(ipa::Effect::Heartbeat), 0, "the one that waits is sent at once");
    bench.beat();
    assert!(bench.until_effect(ipa::Effect::Heartbeat) <= 180_000);
}

#[test]
fn doubled_heartbeats() {
    let mut bench = Bench::new();
    bench.serving();
    bench.bind(json!({"skip": 1, "first": 1}), json!("heartbeats-doubled"));
    let twice = |bench: &mut Bench| {
        bench.until_effect(ipa::Effect::Heartbeat);
        bench.reread();
        let twice = bench.serving_agent().twice;
        assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat], "the call is repeated after the restart");
        bench.beat();
        twice
    };
    assert_eq!([(); 3].map(|()| twice(&mut bench)), [false, true, false]);
    bench.clear();
    bench.bind(json!({}), json!("heartbeats-doubled"));
    assert!(twice(&mut bench));
    bench.clear();
    assert!(!twice(&mut bench));
}

fn token(bench: &Bench) -> Option<String> {
    bench.node.agent_token(bench.serving_agent()).map(Into::into)
}

/// A condition is there with the rule, also after a restart, and gone without it.
fn holds(what: Value, is: impl Fn(&Bench) -> bool) {
    let mut bench = Bench::new();
    bench.serving();
    assert!(!is(&bench));
    bench.bind(json!({}), what.clone());
    bench.reread();
    assert!((is(&bench), bench.is_on(), bench.fired()) == (true, true, 1));
    bench.clear();
    assert!(!is(&bench));
    bench.bind(json!({"after": {"from": "1h"}, "for": "1h"}), what);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(is(&bench));
        bench.pass(HOUR);
        bench.effects();
    }
    assert_eq!(seen, [false, true, false]);
}

#[test]
fn a_lost_token() {
    holds(json!("token-lost"), |bench| token(bench).is_none());
}

#[test]
fn a_wrong_token() {
    holds(json!({"token-wrong": {"token": "other"}}), |bench| token(bench).as_deref() == Some("other"));
    holds(json!("token-wrong"), |bench| token(bench).as_deref() != Some("secret"));
}

#[test]
fn another_certificate() {
    holds(json!("agent-certificate-mismatch"), |bench| bench.node.reports_other_certificate());
}

#[test]
fn other_hardware() {
    let disks = |bench: &Bench| {
        let disks = bench.node.agent_disks();
        disks.iter().map(|disk| disk.drive.device.clone()).collect::<Vec<_>>()
    };
    holds(json!("other-hardware"), |bench| disks(bench) == ["/dev/sda", "/dev/sdb"]);
    holds(json!({"other-hardware": {"missingDisk": "/dev/sd*"}}), |bench| disks(bench) == ["/dev/nvme0n1"]);
    let memory = json!({"other-hardware": {"memoryPercent": 25}});
    holds(memory, |bench| bench.node.agent_memory_mib() == 32 * 1024 && disks(bench).len() == 3);
    let nic = json!({"other-hardware": {"renamedNic": {"number": 1, "name": "eth7"}}});
    holds(nic, |bench| {
        let nics = (0u8..).zip(&bench.node.profile().nics);
        let names: Vec<_> = nics.map(|(port, nic)| bench.node.agent_nic_name(port, nic)).collect();
        names[0] == bench.node.profile().nics[0].name && names[1] == "eth7"
    });
    let mut bench = Bench::new();
    bench.bind(json!({}), json!({"other-hardware": {"missingDisk": "*", "memoryPercent": 1}}));
    assert_eq!((bench.node.disks().len(), bench.node.memory_mib()), (3, 128 * 1024), "as the BMC shows it");
}

#[test]
fn a_command_that_fails() {
    let mut bench = Bench::new();
    bench.serving();
    let when = json!({"commands": {"name": "clean.*", "step": "erase_devices*"}});
    bench.bind(when, json!("command-fails"));
    bench.node.state.installed = true;
    bench.reread();
    let mut run = |name: &str, step, work| {
        bench.apply(asked(name, step, work)).unwrap();
        bench.pass(HOUR);
        bench.effects();
        match bench.status() {
            CommandStatus::Ended(CommandEnd::Failed(error)) => Some((bench.node.installed(), *error)),
            CommandStatus::Ended(_) => None,
            CommandStatus::Running(job) => panic!("{job:?}"),
        }
    };
    assert_eq!(run("clean.get_clean_steps", None, Work::Done(succeeded())), None);
    assert_eq!(run("deploy.execute_deploy_step", Some("erase_devices"), Work::Done(succeeded())), None);
    assert_eq!(run("clean.execute_clean_step", Some("erase_pstore"), Work::Done(succeeded())), None);
    let (installed, error) =
        run("clean.execute_clean_step", Some("erase_devices_metadata"), erase()).unwrap();
    assert!(installed, "the disk is left as it was");
    assert_eq!(
        (&*error.kind, error.code, &*error.message),
        ("BlockDeviceEraseError", 500, "Error erasing block device")
    );
    assert!(error.details.starts_with("Failed to erase the metadata on the device(s): \"/dev/sda\": "));
    assert_eq!(bench.fired(), 1);
    bench.clear();
    let step = Some("erase_devices_metadata");
    bench.apply(asked("clean.execute_clean_step", step, erase())).unwrap();
    bench.pass(HOUR);
    assert_eq!((bench.status(), bench.node.installed()), (CommandStatus::Ended(succeeded()), false));

    // Each kind of work, with an error that the rule describes.
    let failure = json!({"command-fails": {"type": "DeviceNotFound", "details": "none"}});
    let image = || Work::Image(Box::new(image()));
    for work in [Work::Done(succeeded()), erase(), image(), Work::PowerOff, Work::Reboot] {
        let mut bench = Bench::new();
        bench.serving();
        bench.bind(json!({}), failure.clone());
        bench.apply(asked("standby.sync", None, work)).unwrap();
        bench.pass(HOUR);
        let CommandStatus::Ended(CommandEnd::Failed(error)) = bench.status() else { panic!() };
        assert_eq!((&*error.kind, error.code, &*error.details), ("DeviceNotFound", 404, "none"));
        assert!(error.message.starts_with("Error finding the disk"));
        assert_eq!(bench.node.host().power_state(), PowerState::On);
    }
}

#[test]
fn a_command_that_never_ends() {
    let hang = || {
        let mut bench = Bench::new();
        bench.serving();
        bench.bind(json!({}), json!("command-hangs"));
        bench
    };
    let mut bench = hang();
    bench.apply(timed()).unwrap();
    for _ in 0..2 {
        assert_eq!(bench.run_agent(), [ipa::Effect::Heartbeat], "heartbeats go on");
        bench.beat();
        bench.reread();
    }
    assert!(bench.status().is_running() && bench.is_on());
    assert_eq!(bench.apply(timed()), Err(Refusal::AgentBusy));
    assert_eq!(bench.fired(), 1, "a command that is refused is no occasion");
    bench.clear();
    assert_eq!(bench.status(), CommandStatus::Ended(succeeded()));

    let mut bench = hang();
    bench.apply(write_image()).unwrap();
    assert_eq!(bench.effects(), []);
    bench.clear();
    assert_eq!(bench.effects().len(), 1, "the image is fetched now");

    let mut bench = hang();
    bench.apply(agent_command("power_off", Work::PowerOff)).unwrap();
    bench.pass(60_000);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
    bench.clear();
    bench.pass(HOUR);
    assert_eq!(bench.node.host().power_state(), PowerState::Off);

    let mut bench = hang();
    bench.apply(agent_command("lockdown", Work::Close("{}".into(), Closed::LockedDown))).unwrap();
    assert!(bench.agent().serves());
    bench.clear();
    assert_eq!(bench.agent().phase, Phase::Closed(Closed::LockedDown));

    // A machine that is off ends the condition.
    let mut bench = hang();
    bench.apply(agent_command("run_image", Work::Reboot)).unwrap();
    bench.reset(ResetType::ForceOff);
    assert!(!bench.is_on());
}

#[test]
fn a_command_that_takes_the_agent_down() {
    let mut bench = Bench::new();
    bench.serving();
    bench.bind(json!({"commands": {"name": "clean.execute_clean_step"}}), json!("agent-crashes"));
    bench.reread();
    bench.apply(asked("standby.sync", None, Work::Done(succeeded()))).unwrap();
    assert!(bench.agent().serves());
    let outcome = bench.apply(asked("clean.execute_clean_step", Some("erase_devices"), erase())).unwrap();
    assert!(matches!(outcome, Outcome::Ipa(record) if record.status.is_running()));
    assert_eq!(bench.agent().phase, Phase::Closed(Closed::Crashed));
    assert_eq!(bench.run(), [], "it makes no call any more");
    bench.clear();
    assert_eq!(bench.agent().phase, Phase::Closed(Closed::Crashed), "the consequence stays");
    bench.reset(ResetType::ForceOff);
    bench.pass(HOUR);
    bench.apply(eject(0)).unwrap();
    bench.serving();
    bench.apply(asked("clean.execute_clean_step", None, erase())).unwrap();
    assert!(bench.agent().serves());
}

#[test]
fn a_slow_download() {
    let slow = || {
        let mut bench = Bench::new();
        bench.serving();
        bench.bind(json!({}), json!({"slow-download": {"takes": "1h"}}));
        bench.apply(timed()).unwrap();
        assert_eq!(bench.fired(), 0, "it is no image");
        bench.pass(5_000);
        bench.apply(write_image()).unwrap();
        bench
    };
    let mut bench = slow();
    let begin = bench.now;
    bench.reread();
    while bench.run_agent() == [ipa::Effect::Heartbeat] {
        bench.beat();
    }
    assert_eq!((bench.now, bench.fired(), bench.is_on()), (begin.after_ms(HOUR), 1, false));
    let written =
        Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end: SimTime::from_ms(0) };
    bench.agent_answer(ipa::Answer::ImageWritten(Ok(written)));
    assert!(bench.node.installed());
    let mut bench = slow();
    bench.clear();
    assert_eq!(bench.effects().len(), 1, "the transfer goes on at once");
}

/// Attempts to download fire as the rule says.
fn attempts(what: Value, act: &Act) {
    let mut bench = Bench::new();
    bench.serving();
    bench.apply(write_image()).unwrap();
    bench.bind(json!({"skip": 1, "first": 2}), what.clone());
    let mut fired = Vec::new();
    for _ in 0..4 {
        fired.push(bench.node.meet_download(bench.now).as_ref() == Some(act));
        bench.reread();
    }
    assert_eq!(fired, [false, true, true, false]);
    bench.clear();
    bench.bind(json!({}), what);
    assert_eq!(bench.node.meet_download(bench.now).as_ref(), Some(act));
    bench.clear();
    assert_eq!(bench.node.meet_download(bench.now), None);
}

#[test]
fn a_wrong_checksum() {
    attempts(json!("checksum-mismatch"), &Act::WrongSum);
}

#[test]
fn a_cut_download() {
    attempts(json!("cut-download"), &Act::Cut(50));
    attempts(json!({"cut-download": {"percent": 7}}), &Act::Cut(7));
}

/// Whatever rules do to an agent, it happens at its own moment.
#[test]
fn settling_in_steps_is_settling_at_once() {
    let agent = |row: &&crate::fault::table::Row| row.seam == crate::fault::Seam::Agent;
    for row in crate::fault::What::ROWS.iter().filter(agent) {
        let mut bench = Bench::new();
        bench.looking_up();
        bench.bind(json!({"every": 2, "for": "3h"}), json!(row.name));
        bench.agent_answer(found(Some(Ipa::HIDDEN_TOKEN)));
        bench.apply(write_image()).unwrap();
        let (mut once, mut steps, mut now) = (bench.node.clone(), bench.node.clone(), bench.now);
        once.settle(bench.now.after_ms(5 * HOUR));
        for _ in 0..50 {
            now = now.after_ms(HOUR / 10);
            steps.settle(now);
        }
        assert_eq!(once.state, steps.state, "{}", row.name);
    }
}

#[test]
fn two_rules_that_hold_the_same_thing_release_it_together() {
    let mut bench = Bench::new();
    let one = super::faults::rule(json!({}), json!("agent-never-calls"));
    bench.bind(json!({"for": "1h"}), json!({"agent-calls-late": {"by": "2h"}}));
    let other = std::sync::Arc::new(crate::fault::Armed::new(8, one.rule.clone(), None, T0));
    bench.apply(Command::Lab(lab::Command::Bind(other))).unwrap();
    bench.ramdisk();
    bench.pass(10 * HOUR);
    let on: Vec<_> = bench.node.faults().rules().iter().map(|bound| bound.on.is_some()).collect();
    assert_eq!((on, bench.effects()), (vec![false, true], vec![]));
    bench.apply(Command::Lab(lab::Command::Unbind(8))).unwrap();
    assert_eq!(bench.until_effect(ipa::Effect::Inspect), 0);
}

#[test]
fn a_rule_that_is_gone_after_a_restart_holds_nothing() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!("agent-never-calls"));
    bench.ramdisk();
    bench.node.attach_rules(|_| None, bench.now);
    assert_eq!(bench.until_effect(ipa::Effect::Inspect), 0);
}
