//! The sentence of every state, with and without a journal; the events and the chains of a life.

use std::fmt::Write as _;

use super::*;
use crate::clock::Clock;
use crate::dmtf::{BootOverride, BootTarget, ResetType, TransferMethod, TransferProtocol};
use crate::journal::{Asked, Call, CallKind, Chain, ChainOf, Face, Outcome, What};
use crate::node::bmc;
use crate::node::bmc::media::{self, Insertion};
use crate::node::boot::BootChange;
use crate::node::effect::{Answer, Bootable, EffectKind};
use crate::node::host::{self, SystemChange};
use crate::node::ipa::{
    self, Beat, Closed, CommandEnd, Inspected, IpaCommand, IpaError, LookedUp, Params, Then, Work, Written,
};
use crate::node::tests::image;
use crate::note::Note;
use crate::profile::built_in;
use crate::seed::Seed;
use crate::time::{SimTime, Span};

const T0: SimTime = SimTime::from_ms(1_767_268_800_000); // 2026-01-01T12:00:00Z
const ID: NodeId = NodeId(0);

/// A node whose calls the test answers.
struct Life {
    fleet: Fleet,
    effects: Effects,
    /// The sentences so far.
    said: String,
}

impl Life {
    fn new(journal_bytes: usize) -> Self {
        let (fleet, effects) = Fleet::new(Seed(1), Clock::by_hand(T0));
        let fleet = fleet.with_journal(journal_bytes);
        fleet.add(&built_in("generic").unwrap(), 1).unwrap();
        Self { fleet, effects, said: String::new() }
    }

    fn say(&mut self, state: &str) {
        let Explanation { sentence, .. } = self.fleet.explain(ID).unwrap();
        writeln!(self.said, "{state}\n    {sentence}").unwrap();
    }

    fn apply(&self, command: Command) {
        self.fleet.apply(ID, command).unwrap().unwrap();
    }

    fn reset(&self, kind: ResetType) {
        self.apply(Command::Host(host::Command::Reset(kind)));
    }

    fn boot_once(&self, target: BootTarget) {
        let (target, enabled) = (Some(target.into()), Some(BootOverride::Once));
        let boot = BootChange { target, enabled, ..BootChange::default() };
        self.apply(Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() })));
    }

    fn insert(&self, image: &str) {
        let insertion = Insertion {
            image: image.into(),
            write_protected: true,
            credentials: None,
            method: TransferMethod::Stream,
            protocol: TransferProtocol::Http,
        };
        self.apply(Command::Media(media::Command::Insert { slot: 0, insertion }));
    }

    /// Moves the clock to the node's next deadline.
    fn next(&self) {
        let next = self.fleet.look(ID, |node, _| node.next_deadline()).unwrap();
        assert_ne!(next, SimTime::NEVER, "nothing is left to wait for; so far:\n{}", self.said);
        self.fleet.clock().set(next);
        self.fleet.wake_due();
    }

    /// Moves the clock until an effect is due, and returns it.
    fn effect(&mut self) -> EffectKind {
        loop {
            match self.effects.try_recv() {
                Ok((_, effect)) => return effect.kind,
                Err(_) => self.next(),
            }
        }
    }

    /// Answers as the room `effect` does: the call is in the journal first.
    fn answer(&self, kind: CallKind, error: Option<(&str, Option<u16>)>, answer: Answer) {
        let outcome = match error {
            None => Outcome::Ok,
            Some((_, Some(_))) => Outcome::Refused,
            Some((_, None)) => Outcome::Failed,
        };
        let (status, error) = (error.and_then(|e| e.1), error.map(|e| e.0.into()));
        let call = Call { call: kind, url: "http://ironic/x".into(), outcome, status, error };
        self.fleet.journal().call(ID, self.fleet.clock().now(), &call);
        self.fleet.answer(ID, answer);
    }

    fn start(&self) -> u32 {
        self.fleet.look(ID, |node, _| node.starts()).unwrap()
    }

    fn boot_read(&self, result: Result<Bootable, &str>) {
        let error = result.as_ref().err().map(|why| (*why, None));
        let answer = Answer::BootRead { start: self.start(), result: result.map_err(Note::from) };
        self.answer(CallKind::Boot, error, answer);
    }

    fn agent(&self, kind: CallKind, error: Option<(&str, Option<u16>)>, answer: ipa::Answer) {
        self.answer(kind, error, Answer::Ipa { start: self.start(), answer });
    }

    /// Boots an agent that looks its node up.
    fn looking_up(&mut self, inspects: bool) {
        self.boot_once(BootTarget::Pxe);
        self.reset(ResetType::On);
        assert!(matches!(self.effect(), EffectKind::ReadBoot { .. }));
        let params = Params {
            api_urls: ["http://user:secret@ironic:6385?x=secret".into()].into(),
            inspection_urls: if inspects {
                ["http://ironic:6385/v1/continue_inspection".into()].into()
            } else {
                [].into()
            },
            token: Some("8Cz5rcX1".into()),
            lookup_timeout_s: 600,
            ..Params::default()
        };
        self.boot_read(Ok(Bootable::Ipa(Box::new(params))));
        if !inspects {
            self.effect();
        }
    }

    fn found(&self, token: Option<&str>) {
        let token = token.map(Into::into);
        let found =
            LookedUp::Found { uuid: Default::default(), token, heartbeat_timeout_s: 300, md5_enabled: false };
        self.agent(CallKind::Lookup, None, ipa::Answer::LookedUp(found));
    }

    /// Boots an agent that serves.
    fn serving(&mut self) {
        self.looking_up(false);
        self.found(None);
        self.effect();
        self.agent(CallKind::Heartbeat, None, ipa::Answer::Beat(Beat::Accepted));
    }

    fn command(&self, name: &str, work: Work) {
        self.apply(Command::Ipa(IpaCommand::new(name, work)));
    }
}

const REFUSED: &str =
    "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)";

/// The host: off, on, booting, without anything to boot.
fn host(life: &mut Life) {
    life.say("off");
    life.insert("http://images/x.iso?sig=secret");
    life.say("off, the medium is being opened");
    let EffectKind::OpenMedia { slot, insertion } = life.effect() else { panic!("another effect") };
    let why = format!("http://images/x.iso?...: {REFUSED}");
    let answer = Answer::MediaOpened { slot, insertion, result: Err(Note::from(&*why)) };
    life.answer(CallKind::Media, Some((REFUSED, None)), answer);
    life.say("off, the medium cannot be opened");
    life.boot_once(BootTarget::Cd);
    life.reset(ResetType::On);
    life.say("powering on");
    life.next();
    life.say("self test");
    life.effect();
    life.fleet.clock().set(life.fleet.clock().now().after_ms(100_000));
    life.say("reading a medium");
    life.boot_read(Err(&why));
    life.effect();
    life.say("reading the network");
    life.boot_read(Err("no network boot is configured"));
    life.say("nothing to boot, after a failure");
    life.reset(ResetType::GracefulShutdown);
    life.say("powering off");
    life.next();
    life.boot_once(BootTarget::BiosSetup);
    life.reset(ResetType::On);
    life.next();
    life.next();
    life.say("setup");
    life.reset(ResetType::PowerCycle);
    life.say("power cycle");
    life.effect();
    life.boot_read(Ok(Bootable::Live));
    life.say("loading");
    life.next();
    life.say("live system");
    life.apply(Command::Bmc(bmc::Command::Reset));
    life.say("the BMC is about to restart");
    life.next();
    life.say("the BMC restarts");
    life.next();
}

/// The agent: from its start to its ends.
fn agent(life: &mut Life) {
    life.looking_up(true);
    life.next();
    life.say("agent starts");
    life.effect();
    life.say("inspecting");
    life.agent(CallKind::Inspection, Some(("", Some(409))), ipa::Answer::Inspected(Inspected::Retry));
    life.say("inspecting, locked");
    life.effect();
    life.agent(CallKind::Inspection, None, ipa::Answer::Inspected(Inspected::Accepted(None, None)));
    life.effect();
    life.say("looking up");
    for _ in 0..3 {
        life.agent(CallKind::Lookup, Some((REFUSED, None)), ipa::Answer::LookedUp(LookedUp::Unreachable));
        life.effect();
    }
    let held = Call {
        call: CallKind::Lookup,
        url: "http://ironic:6385".into(),
        outcome: Outcome::Held,
        status: None,
        error: None,
    };
    life.fleet.journal().call(ID, life.fleet.clock().now(), &held);
    life.fleet.answer(
        ID,
        Answer::Ipa { start: life.start(), answer: ipa::Answer::LookedUp(LookedUp::Unreachable) },
    );
    life.say("looking up, held back");
    life.effect();
    life.say("looking up, another try under way");
    life.found(None);
    life.effect();
    life.say("serving, before the first heartbeat");
    life.agent(CallKind::Heartbeat, None, ipa::Answer::Beat(Beat::Accepted));
    life.fleet.clock().set(life.fleet.clock().now().after_ms(20_000));
    life.say("serving");
    let request = |status| Asked {
        at: life.fleet.clock().now(),
        face: Face::Agent,
        client: None,
        user_agent: None,
        method: "POST",
        path: "/v1/commands/",
        query: None,
        changed: "",
        status: Some(status),
        message: None,
    };
    life.fleet.journal().request(ID, &request(401));
    let wrong = request(200);
    life.say("serving, Ironic has another token");
    life.fleet.journal().request(ID, &wrong);
    let failed = IpaError { kind: "E".into(), code: 500, message: "m".into(), details: "no disk".into() };
    life.command("get_deploy_steps", Work::Done(CommandEnd::Failed(Box::new(failed))));
    life.say("serving, a command failed");
    let end = CommandEnd::Succeeded("{}".into());
    life.command("execute_clean_step", Work::Timed(Span::exactly_ms(90_000), end, Then::EmptyDisks));
    life.say("running a command");
    life.next();
    life.command("prepare_image", Work::Image(Box::new(image())));
    assert!(matches!(life.effect(), EffectKind::Ipa { effect: ipa::Effect::WriteImage, .. }));
    life.say("writing an image");
    life.effect();
    life.agent(CallKind::Heartbeat, Some(("down", Some(503))), ipa::Answer::Beat(Beat::Refused));
    life.say("heartbeats fail");
    life.effect();
    life.agent(CallKind::Heartbeat, None, ipa::Answer::Beat(Beat::Accepted));
    life.fleet.clock().set(life.fleet.clock().now().after_ms(3000));
    let written =
        Written { result: "{}".into(), partition_uuids: "{}".into(), earliest_end: life.fleet.clock().now() };
    life.agent(CallKind::Image, None, ipa::Answer::ImageWritten(Ok(written)));
    life.command("reboot", Work::Reboot);
    while !life.fleet.look(ID, |node, _| matches!(node.host(), host::Host::Running { .. })).unwrap() {
        life.next();
    }
    life.say("operating system");
}

fn closed(journal_bytes: usize, said: &mut String) {
    for why in [Closed::LockedDown, Closed::Rescued] {
        let mut life = Life::new(journal_bytes);
        life.serving();
        life.command("lockdown", Work::Close("{}".into(), why));
        life.say(&format!("{why:?}"));
        *said += &life.said;
    }
    let mut life = Life::new(journal_bytes);
    life.looking_up(false);
    life.found(Some(ipa::Ipa::HIDDEN_TOKEN));
    life.say("the token of the kernel command line is known");
    *said += &life.said;
    for (params, state) in [
        (
            Params { api_urls: ["http://ironic".into()].into(), lookup_timeout_s: 600, ..Params::default() },
            "TokenUnknown",
        ),
        (Params::default(), "NoApi"),
        (Params { inspection_urls: ["http://i".into()].into(), ..Params::default() }, "Inspected"),
        (
            Params { api_urls: ["http://ironic".into()].into(), lookup_timeout_s: 3, ..Params::default() },
            "GaveUp",
        ),
    ] {
        let mut life = Life::new(journal_bytes);
        life.boot_once(BootTarget::Pxe);
        life.reset(ResetType::On);
        life.effect();
        life.boot_read(Ok(Bootable::Ipa(Box::new(params))));
        match state {
            "TokenUnknown" => {
                life.effect();
                life.found(Some(ipa::Ipa::HIDDEN_TOKEN));
            }
            "Inspected" => {
                life.effect();
                life.agent(CallKind::Inspection, None, ipa::Answer::Inspected(Inspected::Refused));
            }
            "GaveUp" => {
                life.effect();
                let not_found = ipa::Answer::LookedUp(LookedUp::NotFound);
                life.agent(CallKind::Lookup, Some(("no node", Some(404))), not_found);
                let closed = |node: &Node| node.next_deadline() == SimTime::NEVER;
                while !life.fleet.look(ID, |node, _| closed(node)).unwrap() {
                    life.next();
                }
            }
            _ => {
                life.next();
                life.next();
            }
        }
        life.say(state);
        *said += &life.said;
    }
}

fn sentences(journal_bytes: usize) -> String {
    let mut said = String::new();
    for part in [host, agent] {
        let mut life = Life::new(journal_bytes);
        part(&mut life);
        said += &life.said;
    }
    let mut life = Life::new(journal_bytes);
    life.reset(ResetType::On);
    life.effect();
    life.boot_read(Ok(Bootable::Disk));
    life.say("nothing to boot, the network says so");
    said += &life.said;
    closed(journal_bytes, &mut said);
    said
}

#[test]
fn every_state_has_a_sentence() {
    let said = sentences(1 << 20);
    assert!(!said.contains("secret"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn every_state_has_a_sentence_without_a_journal() {
    let said = sentences(0);
    assert!(!said.contains("secret"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn what_a_rule_holds_has_no_end() {
    let add = |life: &Life, what: &str| {
        let rule = serde_json::json!({"name": "r", "who": {"all": true}, "what": what});
        life.fleet.add_rule(serde_json::from_value(rule).unwrap(), true, false).unwrap();
    };
    let mut life = Life::new(0);
    add(&life, "agent-never-calls");
    life.looking_up(true);
    life.next();
    life.say("never calls");
    assert_eq!(life.fleet.explain(ID).unwrap().until, None);
    add(&life, "heartbeats-late");
    life.effect();
    life.agent(CallKind::Inspection, None, ipa::Answer::Inspected(Inspected::Accepted(None, None)));
    life.effect();
    life.found(None);
    life.say("late");
    life.effect();
    life.agent(CallKind::Heartbeat, None, ipa::Answer::Beat(Beat::Accepted));
    life.next();
    life.say("late again");
    add(&life, "command-hangs");
    life.command("sync", Work::Done(CommandEnd::Succeeded("{}".into())));
    life.say("hangs");
    insta::assert_snapshot!(life.said);
}

#[test]
fn the_moments_of_an_explanation_are_rfc_3339() {
    let life = Life::new(1 << 20);
    let json = |life: &Life| serde_json::to_value(life.fleet.explain(ID).unwrap()).unwrap();
    let off =
        serde_json::json!({"sentence": "is off; a client can power it on", "since": null, "until": null});
    assert_eq!(json(&life), off);
    life.reset(ResetType::On);
    let until = life.fleet.look(ID, |node, _| node.next_deadline()).unwrap();
    let (since, until) = ("2026-01-01T12:00:00Z".to_owned(), crate::journal::stamp(until).to_string());
    assert_eq!((&json(&life)["since"], &json(&life)["until"]), (&since.into(), &until.into()));
}

#[test]
fn a_life_is_in_the_journal_and_its_chains_have_the_times() {
    let mut life = Life::new(1 << 20);
    agent(&mut life);
    let entries = life.fleet.journal().entries(ID);
    let events = entries.iter().filter(|entry| matches!(entry.what, What::State(_)));
    let events: String = events.fold(String::new(), |text, entry| text + &entry.to_string() + "\n");
    let now = life.fleet.clock().now();
    let chain = |of| Chain::new(of, &entries, now).unwrap().to_string();
    insta::assert_snapshot!(format!("{events}\n{}\n{}", chain(ChainOf::Boot), chain(ChainOf::Deployment)));
    let json = serde_json::to_value(Chain::new(ChainOf::Boot, &entries, now).unwrap()).unwrap();
    assert_eq!(json["of"], "boot");
    assert_eq!(json["end"], "booted the operating system on the disk");
    let steps = json["steps"].as_array().unwrap();
    let sum: u64 = steps.iter().map(|step| step["tookMs"].as_u64().unwrap()).sum();
    assert_eq!(json["tookMs"], sum, "the steps have no gap");
}

#[test]
fn a_chain_that_goes_on_ends_now_and_without_a_start_there_is_none() {
    let mut life = Life::new(1 << 20);
    let now = || T0;
    assert_eq!(Chain::new(ChainOf::Boot, &life.fleet.journal().entries(ID), now()), None);
    life.boot_once(BootTarget::Pxe);
    life.reset(ResetType::On);
    life.effect();
    let later = life.fleet.clock().now().after_ms(7_000);
    let entries = life.fleet.journal().entries(ID);
    let chain = Chain::new(ChainOf::Boot, &entries, later).unwrap();
    let last = chain.steps.last().unwrap();
    assert_eq!(
        (&*last.name, last.took_ms, chain.end.as_deref()),
        ("reading the boot source Pxe", 7_000, None)
    );
    assert_eq!(Chain::new(ChainOf::Deployment, &entries, later), None);
}

#[test]
fn events_have_their_own_moments_even_if_the_node_is_looked_at_late() {
    let times = |late: bool| {
        let life = Life::new(1 << 20);
        life.boot_once(BootTarget::Pxe);
        life.reset(ResetType::On);
        if late {
            life.fleet.clock().set(T0.after_ms(3_600_000));
        } else {
            life.next();
            life.next();
        }
        life.fleet.look(ID, |_, _| ());
        life.fleet
            .journal()
            .entries(ID)
            .iter()
            .map(|entry| (entry.first, entry.what.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(times(true), times(false));
    assert_eq!(times(true).len(), 3, "power on, self test, booting");
}
