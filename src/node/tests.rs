//! The model's own tests: a node is driven by hand through the lives that Ironic leads it.

use proptest::prelude::*;

use super::boot::BootChange;
use super::command::Bootable;
use super::host::Running;
use super::ipa::{Beat, CommandStatus, ImageJob, Inspected, IpaError, LookedUp, Params};
use super::*;
use crate::dmtf::{BootOverride, BootTarget, PowerState, ResetType, TransferMethod, TransferProtocol};
use crate::profile::built_in;

const T0: SimTime = SimTime::from_ms(1_800_000_000_000);

/// A node with its clock, and the other side of its effects.
pub(super) struct Bench {
    pub(super) node: Node,
    pub(super) now: SimTime,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self { node: Node::new(NodeId(3), Seed(1), built_in("generic").unwrap()), now: T0 }
    }

    pub(super) fn apply(&mut self, command: Command) -> Result<Outcome, Refusal> {
        self.node.apply(command, self.now)
    }

    pub(super) fn effects(&mut self) -> Vec<EffectKind> {
        let mut out = Vec::new();
        self.node.take_effects(SimTime::from_ms(0), |e| out.push(e.kind));
        out
    }

    /// Jumps from deadline to deadline until something is due outside or nothing is left to do.
    pub(super) fn run(&mut self) -> Vec<EffectKind> {
        loop {
            let due = self.effects();
            let next = self.node.next_deadline();
            if !due.is_empty() || next == SimTime::NEVER {
                return due;
            }
            self.now = next;
            self.node.settle(next);
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        self.node.answer(self.node.starts(), answer, self.now);
    }

    fn insert_and_arm(&mut self) {
        self.apply(Command::InsertMedia(insertion("http://ironic/boot.iso"))).unwrap();
        self.effects();
        let boot = BootChange {
            target: Some(BootTarget::Cd),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        };
        self.apply(Command::ChangeSystem(SystemChange { boot, ..SystemChange::default() })).unwrap();
    }

    /// Up to an agent that serves.
    pub(super) fn serving(&mut self) {
        self.insert_and_arm();
        self.apply(Command::Reset(ResetType::On)).unwrap();
        assert_eq!(self.run(), [EffectKind::ReadBoot]);
        self.answer(Answer::BootRead(Ok(Bootable::Ipa(Box::new(params())))));
        assert_eq!(self.run(), [EffectKind::Inspect]);
        self.answer(Answer::Inspected(Inspected::Accepted(None, None)));
        assert_eq!(self.run(), [EffectKind::LookUp]);
        self.answer(found(Some(ipa::Ipa::HIDDEN_TOKEN)));
        assert_eq!(self.run(), [EffectKind::Heartbeat]);
        self.answer(Answer::Beat(Beat::Accepted));
    }
}

fn insertion(image: &str) -> Insertion {
    Insertion {
        slot: 0,
        image: image.into(),
        write_protected: true,
        credentials: None,
        method: TransferMethod::Stream,
        protocol: TransferProtocol::Http,
    }
}

pub(super) fn params() -> Params {
    Params {
        api_urls: ["http://one".into(), "http://two".into()].into(),
        spread: 2,
        inspection_urls: ["http://one/v1/continue_inspection".into()].into(),
        token: Some("secret".into()),
        lookup_timeout_s: 600,
        ..Params::default()
    }
}

fn found(token: Option<&str>) -> Answer {
    Answer::LookedUp(LookedUp::Found {
        uuid: uuid::Uuid::nil(),
        token: token.map(Into::into),
        heartbeat_timeout_s: 300,
        md5_enabled: false,
    })
}

pub(super) fn timed() -> Command {
    Command::Ipa(IpaCommand {
        name: "execute_clean_step".into(),
        work: Work::Timed(Span::exactly_ms(2_000), CommandStatus::Succeeded("{}".into()), Then::EmptyDisks),
    })
}

pub(crate) fn image() -> ImageJob {
    ImageJob {
        id: "x".into(),
        urls: ["http://images/x".into()].into(),
        format: "raw".into(),
        checksum: None,
        stream: true,
        credentials: None,
        authorization: None,
        proxies: [].into(),
        no_proxy: None,
        device: "/dev/sda".into(),
        partitions: None,
        configdrive_url: None,
        node_uuid: "local".into(),
        step: None,
    }
}

#[test]
fn a_new_machine_waits_for_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER);
    assert_eq!(bench.node.host().power_state(), PowerState::Off);
}

#[test]
fn a_machine_with_nothing_to_boot_stays_on() {
    let mut bench = Bench::new();
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    // The order of the generic profile: no disk to boot, then the network, which has nothing either.
    assert_eq!(bench.run(), [EffectKind::ReadBoot]);
    bench.answer(Answer::BootRead(Err("no network boot is configured".into())));
    assert_eq!(bench.run(), []);
    assert_eq!(bench.node.host().power_state(), PowerState::On);
    assert!(matches!(bench.node.host(), Host::Running { what: Running::NoBootDevice, .. }));
}

#[test]
fn an_image_that_cannot_be_read_is_remembered_and_the_next_source_tried() {
    let mut bench = Bench::new();
    bench.insert_and_arm();
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    assert_eq!(bench.run(), [EffectKind::ReadBoot]);
    bench.answer(Answer::BootRead(Err("404 Not Found".into())));
    assert_eq!(bench.node.bmc().boot_failure.as_deref(), Some("Cd: 404 Not Found"));
    assert_eq!(bench.run(), [EffectKind::ReadBoot]);
    assert!(matches!(bench.node.host(), Host::Booting(b) if b.from == BootTarget::Pxe));
}

#[test]
fn an_agent_inspects_looks_up_and_beats() {
    let mut bench = Bench::new();
    bench.serving();
    let agent = bench.node.ipa().unwrap();
    assert_eq!(agent.token.as_deref(), Some("secret"), "the token of the image is kept when lookup hides it");
    let wait = bench.node.next_deadline().since_ms(bench.now);
    assert!((90_000..=180_000).contains(&wait), "IPA beats at 0.3 to 0.6 of 300 s, not after {wait} ms");
    assert_eq!(bench.node.boot().enabled, BootOverride::Disabled, "once is used up");
}

#[test]
fn an_agent_without_the_token_shuts_itself_off() {
    let mut bench = Bench::new();
    bench.insert_and_arm();
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    bench.run();
    let params = Params { token: None, inspection_urls: [].into(), ..params() };
    bench.answer(Answer::BootRead(Ok(Bootable::Ipa(Box::new(params)))));
    assert_eq!(bench.run(), [EffectKind::LookUp]);
    bench.answer(found(Some(ipa::Ipa::HIDDEN_TOKEN)));
    assert!(!bench.node.ipa().unwrap().serves());
    assert_eq!(bench.run(), []);
}

#[test]
fn a_command_ends_and_brings_a_heartbeat_on() {
    let mut bench = Bench::new();
    bench.serving();
    let beat = bench.now;
    bench.apply(timed()).unwrap();
    assert_eq!(bench.apply(timed()), Err(Refusal::AgentBusy));
    assert_eq!(bench.run(), [EffectKind::Heartbeat]);
    assert_eq!(bench.now.since_ms(beat), 5_000, "not sooner than 5 s after the last");
    let agent = bench.node.ipa().unwrap();
    assert_eq!(agent.commands.last().unwrap().status, CommandStatus::Succeeded("{}".into()));
    assert!(agent.commands.len() == 1 && bench.apply(timed()).is_ok());
}

#[test]
fn a_command_that_ends_during_a_heartbeat_is_followed_by_another() {
    let mut bench = Bench::new();
    bench.serving();
    assert_eq!(bench.run(), [EffectKind::Heartbeat]);
    bench.apply(timed()).unwrap();
    assert_eq!(bench.run(), []);
    bench.answer(Answer::Beat(Beat::Accepted));
    assert!(bench.node.next_deadline().since_ms(bench.now) <= 5_000);
}

#[test]
fn a_written_image_makes_the_disk_bootable_and_power_off_takes_the_agent_along() {
    let mut bench = Bench::new();
    bench.serving();
    let command = IpaCommand { name: "execute_deploy_step".into(), work: Work::Image(Box::new(image())) };
    bench.apply(Command::Ipa(command)).unwrap();
    assert_eq!(bench.run(), [EffectKind::WriteImage]);
    bench
        .answer(Answer::ImageWritten(Ok(ipa::Written { result: "{}".into(), partition_uuids: "{}".into() })));
    assert!(bench.node.installed());
    bench.apply(Command::Ipa(IpaCommand { name: "power_off".into(), work: Work::PowerOff })).unwrap();
    assert_eq!(bench.node.host().power_state(), PowerState::PoweringOff);
    bench.run();
    assert_eq!(bench.node.host().power_state(), PowerState::Off);
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    bench.run();
    assert!(matches!(bench.node.host(), Host::Running { what: Running::Os, .. }));
}

#[test]
fn a_failed_image_leaves_the_disk_empty_and_says_why() {
    let mut bench = Bench::new();
    bench.serving();
    let error =
        IpaError { kind: "ImageChecksumError".into(), code: 500, message: "m".into(), details: "d".into() };
    bench.answer(Answer::ImageWritten(Err(error)));
    assert!(!bench.node.installed());
}

#[test]
fn an_unreachable_api_is_left_for_the_next() {
    let mut bench = Bench::new();
    bench.serving();
    let before = bench.node.ipa().unwrap().api_url().unwrap().to_owned();
    assert_eq!(bench.run(), [EffectKind::Heartbeat]);
    bench.answer(Answer::Beat(Beat::Unreachable));
    assert_ne!(bench.node.ipa().unwrap().api_url().unwrap(), before);
    let wait = bench.node.next_deadline().since_ms(bench.now);
    assert!((5_000..=10_000).contains(&wait));
}

#[test]
fn a_late_answer_of_an_earlier_start_is_ignored() {
    let mut bench = Bench::new();
    bench.insert_and_arm();
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    bench.run();
    let old = bench.node.starts();
    bench.apply(Command::Reset(ResetType::ForceRestart)).unwrap();
    bench.node.answer(old, Answer::BootRead(Ok(Bootable::Live)), bench.now);
    assert!(matches!(bench.node.host(), Host::Post { .. }));
}

#[test]
fn a_restart_never_shows_the_power_off() {
    let mut bench = Bench::new();
    bench.serving();
    bench.apply(Command::Reset(ResetType::ForceRestart)).unwrap();
    assert_eq!(bench.node.host().power_state(), PowerState::On);
    assert!(bench.node.ipa().is_none(), "the agent is gone with its ramdisk");
}

#[test]
fn bios_values_come_into_force_at_the_next_start() {
    let mut bench = Bench::new();
    let off = crate::profile::bios::Value::Text("Disabled".into());
    bench.apply(Command::ChangeBios(vec![("LogicalProc".into(), off.clone())])).unwrap();
    assert!(bench.node.bmc().bios.is_empty() && bench.node.bmc().bios_pending.len() == 1);
    bench.apply(Command::Reset(ResetType::On)).unwrap();
    bench.run();
    assert_eq!(bench.node.bmc().bios.get("LogicalProc"), Some(&off));
    assert!(bench.node.bmc().bios_pending.is_empty());
}

#[test]
fn a_restarting_controller_refuses_and_comes_back() {
    let mut bench = Bench::new();
    bench.apply(Command::ResetManager).unwrap();
    assert!(matches!(bench.apply(Command::ResetBios), Err(Refusal::ManagerRestarting(_))));
    bench.run();
    assert_eq!(bench.apply(Command::ResetBios), Ok(Outcome::Done));
}

pub(super) fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        proptest::sample::select(ResetType::ALL).prop_map(Command::Reset),
        Just(Command::InsertMedia(insertion("http://x/y"))),
        Just(Command::EjectMedia(0)),
        Just(Command::ResetBios),
        Just(Command::ResetManager),
        Just(timed()),
        Just(Command::Ipa(IpaCommand { name: "x".into(), work: Work::Image(Box::new(image())) })),
        Just(Command::ChangeBios(vec![(
            "LogicalProc".into(),
            crate::profile::bios::Value::Text("Disabled".into())
        )])),
        Just(Command::SetDriveLed(1, crate::dmtf::IndicatorLed::Lit)),
        Just(Command::EnableSecureBoot(true)),
        Just(Command::SetManagerClock { ahead_ms: Some(-7), offset_minutes: Some(60) }),
        Just(Command::ChangeSystem(SystemChange {
            asset_tag: Some("é\"".into()),
            ..SystemChange::default()
        })),
        proptest::sample::select(BootTarget::ALL).prop_map(|t| {
            let boot = BootChange { target: Some(t), ..BootChange::default() };
            Command::ChangeSystem(SystemChange { boot, ..SystemChange::default() })
        }),
    ]
}

proptest! {
    /// Whatever is done when: settling by way of a moment between is settling at once, and a refusal changes nothing.
    #[test]
    fn settling_twice_is_settling_once(steps in proptest::collection::vec((any_command(), 0u64..20_000, 0u64..30_000), 1..12)) {
        let mut bench = Bench::new();
        for (command, wait, more) in steps {
            bench.now = bench.now.after_ms(wait);
            bench.node.settle(bench.now);
            let before = bench.node.state.clone();
            if bench.apply(command).is_err() {
                // Draws are luck used up, not a change that anybody sees.
                prop_assert_eq!(State { draws: 0, ..bench.node.state.clone() }, State { draws: 0, ..before });
            }
            if bench.effects().contains(&EffectKind::ReadBoot) {
                bench.answer(Answer::BootRead(Ok(Bootable::Ipa(Box::new(params())))));
            }
            let (mut once, mut twice) = (bench.node.clone(), bench.node.clone());
            let end = bench.now.after_ms(more);
            once.settle(end);
            twice.settle(bench.now.after_ms(more / 3));
            twice.settle(end);
            prop_assert_eq!(once.state, twice.state);
        }
    }
}
