//! Tests of the model: a node is driven by hand through the lives that Ironic gives it.

mod agent_faults;
mod agents;
mod boots;
mod commands;
mod environment;
mod failures;
mod faults;
mod firmwares;
mod late;
mod licenses;
mod logs;
mod plugs;
mod tasks;
mod telemetry;
mod timings;
mod volumes;

use proptest::prelude::*;

use super::bmc::media::Insertion;
use super::bmc::{bios, firmware, media, secure_boot, session, volume};
use super::boot::BootChange;
use super::effect::{Bootable, EffectKind};
use super::host::{Stage, SystemChange};
use super::ipa::{
    Beat, Closed, CommandEnd, CommandStatus, ImageJob, Inspected, IpaCommand, LookedUp, Params, Phase, Work,
};
use super::*;
use crate::dmtf::{
    BootOverride, BootProgress, BootTarget, IndicatorLed, PowerState, RaidType, ResetKeysType, ResetType,
    TransferMethod, TransferProtocol,
};
use crate::note::Note;
use crate::profile::bios::Value;
use crate::profile::boot_source::BootSource;
use crate::profile::built_in;
pub(super) use commands::any_command;

pub(super) const T0: SimTime = SimTime::from_ms(1_800_000_000_000);

/// A node, its clock, and the other side of its effects.
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

    fn reset(&mut self, kind: ResetType) {
        self.apply(Command::Host(host::Command::Reset(kind))).unwrap();
    }

    fn effects(&mut self) -> Vec<EffectKind> {
        let mut out = Vec::new();
        self.node.take_effects(SimTime::from_ms(0), |e| out.push(e.kind));
        out
    }

    /// Jumps from deadline to deadline until an effect is due or nothing is left to do.
    fn run(&mut self) -> Vec<EffectKind> {
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

    /// As [`Bench::run`], up to the effects of the agent of the current start.
    pub(super) fn run_agent(&mut self) -> Vec<ipa::Effect> {
        let current = self.node.starts();
        let agent = |kind| {
            let EffectKind::Ipa { start, effect } = kind else { panic!("{kind:?} is not for an agent") };
            assert_eq!(start, current);
            effect
        };
        self.run().into_iter().map(agent).collect()
    }

    /// As [`Bench::run`], up to the moment when the host of the current start reads a boot source.
    fn run_to_boot(&mut self) {
        assert_eq!(self.run(), [EffectKind::ReadBoot { start: self.node.starts() }]);
    }

    fn answer(&mut self, answer: Answer) {
        self.node.answer(answer, self.now);
    }

    fn boot_read(&mut self, result: Result<Bootable, Note>) {
        self.answer(Answer::BootRead { start: self.node.starts(), result });
    }

    /// Takes the effects, and answers one that reads a boot source. Every third image of firmware and every third license
    /// cannot be read, and every third is never answered.
    pub(super) fn answer_boot(&mut self, result: Result<Bootable, Note>) {
        let effects = self.effects();
        if effects.contains(&EffectKind::ReadBoot { start: self.node.starts() }) {
            self.boot_read(result);
        }
        for effect in effects {
            let result = |number: u32| if number % 3 == 1 { Ok(()) } else { Err("gone".into()) };
            match effect {
                EffectKind::FetchFirmware { component, update } if update % 3 > 0 => {
                    let result = result(update);
                    self.answer(Answer::FirmwareFetched { component, update, result });
                }
                EffectKind::FetchLicense { task } if task % 3 > 0 => {
                    let result = result(task).map(|()| "license 1".into());
                    self.answer(Answer::LicenseFetched { task, result });
                }
                EffectKind::FetchFirmware { .. }
                | EffectKind::FetchLicense { .. }
                | EffectKind::ReadBoot { .. }
                | EffectKind::OpenMedia { .. }
                | EffectKind::Deliver { .. }
                | EffectKind::Ipa { .. } => {}
            }
        }
    }

    fn agent_answer(&mut self, answer: ipa::Answer) {
        self.answer(Answer::Ipa { start: self.node.starts(), answer });
    }

    fn agent(&self) -> &Ipa {
        self.node.ipa().unwrap()
    }

    fn serving_agent(&self) -> &ipa::Serving {
        self.agent().serving().unwrap()
    }

    /// Inserts an image and boots from it once.
    fn boot_from_cd(&mut self) {
        self.apply(insert(0, "http://ironic/boot.iso")).unwrap();
        self.effects();
        let boot = BootChange {
            target: Some(BootTarget::Cd.into()),
            enabled: Some(BootOverride::Once),
            ..BootChange::default()
        };
        self.apply(change(SystemChange { boot, ..SystemChange::default() })).unwrap();
        self.reset(ResetType::On);
        self.run_to_boot();
    }

    /// Up to an agent that inspects.
    fn inspecting(&mut self) {
        self.boot_from_cd();
        self.boot_read(Ok(Bootable::Ipa(Box::new(params()))));
        assert_eq!(self.run_agent(), [ipa::Effect::Inspect]);
    }

    /// Up to an agent that looks its node up.
    fn looking_up(&mut self) {
        self.inspecting();
        self.agent_answer(ipa::Answer::Inspected(Inspected::Accepted(None, None)));
        assert_eq!(self.run_agent(), [ipa::Effect::LookUp]);
    }

    /// Up to an agent that serves and has sent its first heartbeat.
    pub(super) fn serving(&mut self) {
        self.looking_up();
        self.agent_answer(found(Some(Ipa::HIDDEN_TOKEN)));
        assert_eq!(self.run_agent(), [ipa::Effect::Heartbeat]);
        self.agent_answer(ipa::Answer::Beat(Beat::Accepted));
    }
}

pub(in crate::node) fn insert(slot: u8, image: &str) -> Command {
    let insertion = Insertion {
        image: image.into(),
        write_protected: true,
        credentials: None,
        method: TransferMethod::Stream,
        protocol: TransferProtocol::Http,
    };
    Command::Media(media::Command::Insert { slot, insertion })
}

fn eject(slot: u8) -> Command {
    Command::Media(media::Command::Eject { slot })
}

fn update(component: u8, image: &str) -> Command {
    let credentials = Some(Box::new(("user".into(), "secret".into())));
    let source = bmc::source::Source { uri: image.into(), credentials };
    let start = Box::default();
    Command::Firmware(firmware::Command { components: [component].into(), source, immediate: false, start })
}

/// A RAID 1 volume of drives of the first controller.
fn mirror(drives: &[u8]) -> Command {
    let creation = volume::Creation {
        raid_type: RaidType::Raid1,
        drives: drives.into(),
        capacity_bytes: None,
        name: Some("root".into()),
    };
    Command::Volume(volume::Command::Create { storage: 0, creation, start: Box::default() })
}

fn change(change: SystemChange) -> Command {
    Command::Host(host::Command::Change(change))
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

fn found(token: Option<&str>) -> ipa::Answer {
    ipa::Answer::LookedUp(LookedUp::Found {
        uuid: uuid::Uuid::nil(),
        token: token.map(Into::into),
        heartbeat_timeout_s: 300,
        md5_enabled: false,
    })
}

fn agent_command(name: &str, work: Work) -> Command {
    Command::Ipa(IpaCommand::new(name, work))
}

fn succeeded() -> CommandEnd {
    CommandEnd::Succeeded("{}".into())
}

pub(super) fn timed() -> Command {
    let work = Work::Timed(Span::exactly_ms(2_000), succeeded(), Then::EmptyDisks);
    agent_command("execute_clean_step", work)
}

fn write_image() -> Command {
    agent_command("execute_deploy_step", Work::Image(Box::new(image())))
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
fn a_reset_of_a_machine_that_is_off_needs_a_machine_that_is_on() {
    for kind in ResetType::ALL {
        let refused = matches!(
            kind,
            ResetType::GracefulRestart | ResetType::PowerCycle | ResetType::FullPowerCycle | ResetType::Nmi
        );
        let mut bench = Bench::new();
        let outcome = bench.apply(Command::Host(host::Command::Reset(*kind)));
        let expected = if refused { Err(Refusal::PoweredOff) } else { Ok(Outcome::Done) };
        assert_eq!(outcome, expected, "{kind:?}");
    }
}

#[test]
fn a_forced_restart_powers_a_machine_on_unless_its_model_refuses() {
    let restart = || Command::Host(host::Command::Reset(ResetType::ForceRestart));
    let mut bench = Bench::new();
    assert_eq!(bench.apply(restart()), Ok(Outcome::Done));
    assert_eq!(bench.node.host().power_state(), PowerState::PoweringOn);
    bench.node = Node::new(NodeId(3), Seed(1), built_in("hpe-dl380-gen11").unwrap());
    assert_eq!(bench.apply(restart()), Err(Refusal::PoweredOff));
    assert_eq!(bench.node.host().power_state(), PowerState::Off);
}

#[test]
fn bios_values_take_effect_at_the_next_start() {
    let mut bench = Bench::new();
    let off = Value::Text("Disabled".into());
    let change = bios::Command::Change(vec![("LogicalProc".into(), off.clone())]);
    bench.apply(Command::Bios(change.clone())).unwrap();
    assert!(bench.node.bmc().bios.current.is_empty() && bench.node.bmc().bios.pending.len() == 1);
    bench.reset(ResetType::On);
    bench.run();
    assert_eq!(bench.node.bmc().bios.current.get("LogicalProc"), Some(&off));
    assert!(bench.node.bmc().bios.pending.is_empty());
    let applied = bench.node.bmc().bios.applied.unwrap();
    assert!(applied.at <= bench.now && !applied.updated_since);
    bench.apply(Command::Bios(change)).unwrap();
    assert!(bench.node.bmc().bios.pending.is_empty(), "the value is already in force");
    bench.reset(ResetType::ForceRestart);
    assert_eq!(bench.node.bmc().bios.applied, Some(applied), "that start has applied nothing");
    bench.apply(Command::Bios(bios::Command::Reset)).unwrap();
    bench.reset(ResetType::ForceRestart);
    assert!(bench.node.bmc().bios.current.is_empty(), "the default is in force again");
}

#[test]
fn secure_boot_takes_effect_at_the_next_start_and_needs_uefi_and_keys() {
    let mut bench = Bench::new();
    let enable = || Command::SecureBoot(secure_boot::Command::Enable(true));
    bench.apply(enable()).unwrap();
    assert!(bench.node.bmc().secure_boot.enable && !bench.node.bmc().secure_boot.current);
    bench.reset(ResetType::On);
    bench.run();
    assert!(bench.node.bmc().secure_boot.current);
    bench.apply(Command::SecureBoot(secure_boot::Command::ResetKeys(ResetKeysType::DeletePk))).unwrap();
    bench.reset(ResetType::ForceRestart);
    assert!(!bench.node.bmc().secure_boot.current, "no platform key");
    let boot = BootChange { mode: Some(crate::dmtf::BootMode::Legacy), ..BootChange::default() };
    bench.apply(change(SystemChange { boot, ..SystemChange::default() })).unwrap();
    assert_eq!(bench.apply(enable()), Err(Refusal::SecureBootNeedsUefi));
}

#[test]
fn a_slot_holds_one_image_at_a_time() {
    let mut bench = Bench::new();
    assert_eq!(bench.apply(eject(0)), Ok(Outcome::Done), "the slot is already empty");
    bench.apply(insert(0, "http://one")).unwrap();
    assert_eq!(bench.apply(insert(0, "http://two")), Err(Refusal::MediaInserted));
    bench.apply(insert(2, "http://three")).unwrap();
    let images = |bench: &Bench| {
        let media = &bench.node.bmc().media;
        media.iter().map(|(slot, inserted)| (slot, inserted.insertion.image.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(images(&bench), [(0, "http://one".to_owned()), (2, "http://three".to_owned())]);
    bench.apply(eject(0)).unwrap();
    assert_eq!(images(&bench), [(2, "http://three".to_owned())]);
}

#[test]
fn a_restarting_bmc_refuses_commands_and_comes_back_without_sessions() {
    let mut bench = Bench::new();
    let begin = || session::Command::Begin {
        user: "admin".into(),
        account: 1,
        client: None,
        secret: [7; 24],
        most: 1,
    };
    assert_eq!(bench.apply(Command::Session(begin())), Ok(Outcome::Created(1)));
    assert_eq!(bench.apply(Command::Session(begin())), Err(Refusal::TooManySessions));
    assert_eq!(bench.node.session(&[7; 24], bench.now), Some(1));
    bench.apply(Command::Bmc(bmc::Command::Reset)).unwrap();
    let leaves = bench.node.next_deadline();
    assert_eq!(bench.apply(Command::Bmc(bmc::Command::Reset)), Ok(Outcome::Done), "it still answers");
    assert_eq!(bench.node.session(&[7; 24], bench.now), Some(1));
    assert_eq!(bench.node.next_deadline(), leaves, "a second reset does not put off the first");
    bench.now = leaves;
    bench.node.settle(leaves);
    assert_eq!(bench.node.session(&[7; 24], bench.now), None);
    let reset = || Command::Bios(bios::Command::Reset);
    assert!(matches!(bench.apply(reset()), Err(Refusal::ManagerRestarting(_))));
    bench.run();
    assert_eq!(bench.apply(reset()), Ok(Outcome::Done));
    assert_eq!(bench.node.session(&[7; 24], bench.now), None);
    assert_eq!(bench.apply(Command::Session(begin())), Ok(Outcome::Created(2)));
}

#[test]
fn one_command_changes_boot_asset_tag_and_led() {
    let mut bench = Bench::new();
    let boot = BootChange { target: Some(BootTarget::Pxe.into()), ..BootChange::default() };
    let (asset_tag, led) = (Some("rack 7".into()), Some(IndicatorLed::Lit));
    let all = SystemChange { boot, asset_tag, led, ..SystemChange::default() };
    bench.apply(change(all)).unwrap();
    let (boot, bmc) = (bench.node.boot(), bench.node.bmc());
    assert_eq!((boot.target, boot.enabled), (BootTarget::Pxe.into(), BootOverride::Once));
    assert_eq!((bmc.asset_tag.as_deref(), bmc.leds.system), (Some("rack 7"), IndicatorLed::Lit));
}

proptest! {
    /// Settling by way of a moment in between gives the same state as settling at once, and a refusal changes nothing.
    #[test]
    fn settling_twice_is_settling_once(
        steps in proptest::collection::vec((any_command(), 0u64..20_000, 0u64..30_000), 1..12),
        serving in proptest::bool::ANY,
    ) {
        let mut bench = Bench::new();
        if serving {
            bench.serving();
        }
        for (command, wait, more) in steps {
            bench.now = bench.now.after_ms(wait);
            bench.node.settle(bench.now);
            let before = bench.node.state.clone();
            if bench.apply(command).is_err() {
                prop_assert_eq!(&bench.node.state, &before);
            }
            bench.answer_boot(Ok(Bootable::Ipa(Box::new(params()))));
            let (mut once, mut twice) = (bench.node.clone(), bench.node.clone());
            let end = bench.now.after_ms(more);
            once.settle(end);
            twice.settle(bench.now.after_ms(more / 3));
            twice.settle(end);
            prop_assert_eq!(once.state, twice.state);
        }
    }
}
