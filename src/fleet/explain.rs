//! Why a node is where it is: one sentence that says what it waits for, since when, and what would help.
//!
//! The sentence follows from the node's state. The last failed calls of the journal add the cause, if there is a journal.

use super::Fleet;
use super::causes::{self, Causes, cause, help, shown, time};
use crate::fault::Rule;
use crate::journal::{AGENT, CallKind, OPERATING_SYSTEM, stamp};
use crate::node::bmc::media::{Inserted, Opened};
use crate::node::call::Call;
use crate::node::host::{AfterOff, Booting, Found, Host, Running, Stage};
use crate::node::ipa::{Closed, CommandEnd, CommandStatus, Inspection, Ipa, Job, LookUp, Phase, Serving};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// What a node waits for. Displays itself as one sentence, whose subject is the node: "waits for ...".
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// The sentence, without a capital letter at its beginning and without a full stop.
    pub sentence: String,
    /// Since when the node is in this state, in simulated time; `None` if nothing knows it. In JSON RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<SimTime>,
    /// When the node goes on by itself, or tries again; `None` if it does not. In JSON RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    pub until: Option<SimTime>,
}

fn rfc3339<S: serde::Serializer>(at: &Option<SimTime>, output: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => output.collect_str(&stamp(*at)),
        None => output.serialize_none(),
    }
}

impl Explanation {
    /// A moment that does not come while the clock is held is none that the reader should wait for.
    fn while_held(mut self) -> Self {
        if self.until.is_some() {
            self.sentence +=
                "; the clock of the fleet is held, so no time passes until `fauxmetal clock run`";
        }
        self
    }
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Fleet {
    /// Why a node is where it is. `None` if there is no such node.
    #[doc(hidden)]
    pub fn explain(&self, id: NodeId) -> Option<Explanation> {
        let causes = Causes::of(&self.journal.entries(id));
        let explained = self.look(id, |node, now| explain(node, now, &causes))?;
        Some(if self.clock.is_held() { explained.while_held() } else { explained })
    }
}

/// The sentence about a node at the moment `now`.
pub(super) fn explain(node: &Node, now: SimTime, causes: &Causes) -> Explanation {
    let because = Because { node, now, causes };
    let said = because.bmc().unwrap_or_else(|| because.host());
    let until = said.until.or_else(|| Some(node.host().next_deadline()).filter(|at| *at != SimTime::NEVER));
    let mut sentence = said.what;
    if let Some(since) = said.since {
        sentence += &format!(", since {}", causes::moment(since));
    }
    for part in said.parts.iter().filter(|part| !part.is_empty()) {
        sentence += "; ";
        sentence += part;
    }
    for armed in node.faults().in_effect() {
        let Rule { name, what, .. } = &armed.rule;
        sentence += &format!("; the rule '{name}' ({}) is in effect", what.name());
    }
    Explanation { sentence, since: said.since, until }
}

/// The parts of a sentence.
#[derive(Default)]
struct Said {
    what: String,
    since: Option<SimTime>,
    until: Option<SimTime>,
    parts: Vec<String>,
}

impl Said {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    fn since(self, since: impl Into<Option<SimTime>>) -> Self {
        Self { since: since.into(), ..self }
    }

    fn until(self, until: SimTime) -> Self {
        Self { until: Some(until), ..self }
    }

    fn and(mut self, part: impl Into<String>) -> Self {
        self.parts.push(part.into());
        self
    }
}

/// What a sentence is made from.
struct Because<'a> {
    node: &'a Node,
    now: SimTime,
    causes: &'a Causes,
}

impl Because<'_> {
    /// The time from now until a moment.
    fn left(&self, until: SimTime) -> String {
        time(until.since_ms(self.now))
    }

    /// A BMC that restarts answers nothing, whatever the host does.
    fn bmc(&self) -> Option<Said> {
        let bmc = self.node.bmc();
        if self.node.faults().is_without_power() {
            let said = Said::new("has no mains power, so that neither the machine nor its BMC works");
            return Some(said.since(self.causes.bmc_restarts));
        }
        if let Some(until) = bmc.restarting_until {
            let said = Said::new("waits for its BMC, which restarts and answers no request")
                .since(self.causes.bmc_restarts);
            return Some(said.until(until).and(format!("the BMC is back in {}", self.left(until))));
        }
        let from = bmc.restarting_from?;
        let said = Said::new("waits for its BMC to begin the restart that a client asked for").until(from);
        Some(said.and(format!("that is in {}, and requests fail from then on", self.left(from))))
    }

    fn host(&self) -> Said {
        match self.node.host() {
            Host::Off => self.media(Said::new("is off").since(self.causes.since)),
            Host::PoweringOn { until: SimTime::NEVER } => {
                Said::new("powers on and never gets further").since(self.causes.since)
            }
            Host::Post { until: SimTime::NEVER, since } => Said::new("hangs in its self test").since(*since),
            Host::PoweringOn { until } => Said::new("powers on")
                .since(self.causes.since)
                .and(format!("the self test begins in {}", self.left(*until))),
            Host::Post { until, since } => Said::new("tests its hardware")
                .since(*since)
                .and(format!("it boots in {}", self.left(*until))),
            Host::Booting(booting) => self.booting(booting),
            Host::Running { what, since } => self.running(what, *since),
            Host::PoweringOff { until, then } => {
                let then = match then {
                    AfterOff::StayOff => "it is off",
                    AfterOff::PowerOn => "it powers on again",
                };
                Said::new("shuts down")
                    .since(self.causes.since)
                    .and(format!("{then} in {}", self.left(*until)))
            }
        }
    }

    /// Adds the medium that the BMC cannot open, or has not opened yet.
    fn media(&self, said: Said) -> Said {
        let open = |media: &Inserted| matches!(media.opened, Opened::Connected);
        let Some((_, media)) = self.node.bmc().media.iter().find(|(_, media)| !open(media)) else {
            return said.and("a client can power it on");
        };
        let image = shown(&media.insertion.image);
        match &media.opened {
            Opened::Failed(why) => said
                .and(format!("its BMC cannot open {image}: {}", causes::short(causes::after_url(why))))
                .and(help(None, why, None)),
            Opened::Trying(_) | Opened::Connected => {
                said.and(format!("its BMC waits for {image} to be opened"))
            }
        }
    }

    fn booting(&self, booting: &Booting) -> Said {
        let from = booting.from.as_str();
        match &booting.stage {
            Stage::Reading(_) => {
                let medium =
                    self.node.media_for(booting.from).and_then(|slot| self.node.bmc().media.get(slot));
                let url =
                    medium.map(|media| &*media.insertion.image).or(self.node.boot().http_uri.as_deref());
                let what = url.map_or_else(|| "the network".to_owned(), shown);
                let said = Said::new(format!("waits for {what} to be read, to boot from {from}"));
                said.since(self.causes.since)
                    .and("a server that is too slow ends the boot after the limit boot-read-time (180 s by default)")
            }
            Stage::Loading { until, what } => {
                let what = match what {
                    Found::Os => OPERATING_SYSTEM,
                    Found::Live => "a live system",
                    Found::Ipa(_) => AGENT,
                };
                let said = Said::new(format!("loads {what} from {from}")).since(self.causes.since);
                said.and(format!("it runs in {}", self.left(*until)))
            }
        }
    }

    fn running(&self, what: &Running, since: SimTime) -> Said {
        match what {
            Running::NoBootDevice => self.nothing_to_boot(since),
            Running::Setup => Said::new("waits in the firmware's setup program")
                .since(since)
                .and("a restart leaves it; choose another boot source before"),
            Running::Os => Said::new("runs the operating system on its disk").since(since).and("it waits for nothing"),
            Running::Live => Said::new("runs a live system without an agent").since(since).and(
                "if an agent was meant, name its image with --agent-iso, or give its kernel the parameter ipa-api-url",
            ),
            Running::Ipa(agent) => self.agent(agent),
        }
    }

    /// The firmware has tried every boot source in vain.
    fn nothing_to_boot(&self, since: SimTime) -> Said {
        let said = Said::new("found nothing to boot and stays on").since(since);
        match &self.node.bmc().boot_failure {
            Some(why) => {
                let restart = "then restart the machine";
                let said = said.and(causes::short(why));
                match help(Some(CallKind::Boot), why, None) {
                    "" => said.and(restart),
                    help => said.and(format!("{help}, {restart}")),
                }
            }
            None => said.and(
                "its disks are empty and no boot source is set; insert a medium or choose a boot source, then restart \
                 the machine",
            ),
        }
    }

    fn agent(&self, agent: &Ipa) -> Said {
        match &agent.phase {
            Phase::Starting { until: SimTime::NEVER } => {
                Said::new("has an agent that makes no call").since(agent.started)
            }
            Phase::Starting { until } => Said::new("starts its agent")
                .since(agent.started)
                .and(format!("the agent makes its first call in {}", self.left(*until))),
            Phase::Inspecting(inspection) => self.inspecting(agent, inspection),
            Phase::LookingUp(look_up) => self.looking_up(agent, look_up),
            Phase::Serving(serving) => self.serving(agent, serving),
            Phase::Closed(why) => self.closed(agent, *why),
        }
    }

    /// The failed tries of a call, why the last one failed, when the next one follows, and what helps.
    fn tries(&self, said: Said, kind: CallKind, failed: u16, call: Call) -> Said {
        let mut said = said;
        let last = self.causes.failed(kind);
        if failed > 0 {
            let tries = if failed == 1 { "1 try".to_owned() } else { format!("{failed} tries") };
            said = said.and(match last {
                Some(last) => format!("{tries} failed: {}", cause(last)),
                None => format!("{tries} failed"),
            });
        }
        if self.causes.is_held(kind) {
            said = said.and(
                "the circuit breaker of the server is open, so that only probes are sent until it answers",
            );
        }
        said = match call {
            Call::At(SimTime::NEVER) => said.and("the call is late"),
            Call::At(at) => said.until(at).and(format!("the next one in {}", self.left(at))),
            Call::Due | Call::Underway if failed > 0 => said.and("another one is under way"),
            Call::Due | Call::Underway => said.and("the call is under way"),
        };
        match last {
            Some(last) if failed > 0 => {
                said.and(help(Some(kind), last.error.as_deref().unwrap_or_default(), last.status))
            }
            Some(_) | None => said,
        }
    }

    fn inspecting(&self, agent: &Ipa, inspection: &Inspection) -> Said {
        let url = agent.params.inspection_urls.first().map_or_else(|| "Ironic".to_owned(), |url| shown(url));
        let said = Said::new(format!("waits for {url} to accept inspection data"));
        let said = said.since(self.causes.since.unwrap_or(agent.started));
        self.tries(said, CallKind::Inspection, inspection.failed, inspection.call)
    }

    fn looking_up(&self, agent: &Ipa, look_up: &LookUp) -> Said {
        let url = agent.api_url().map_or_else(|| "Ironic".to_owned(), shown);
        let begun = look_up.give_up.ms().saturating_sub(u64::from(agent.params.lookup_timeout_s) * 1000);
        let said = Said::new(format!("waits for {url} to answer a lookup")).since(SimTime::from_ms(begun));
        let said = self.tries(said, CallKind::Lookup, look_up.failed, look_up.call);
        said.and(format!("the agent gives up in {}", self.left(look_up.give_up)))
    }

    fn serving(&self, agent: &Ipa, serving: &Serving) -> Said {
        let url = agent.api_url().map_or_else(|| "Ironic".to_owned(), shown);
        if serving.failed > 0 {
            let said = Said::new(format!("waits for {url} to accept a heartbeat")).since(self.causes.since);
            return self.tries(said, CallKind::Heartbeat, serving.failed, serving.heartbeat);
        }
        let last = serving.commands.records().last();
        match (serving.commands.running(), last) {
            (Some(Job::Timed { until: SimTime::NEVER, .. }), Some(last)) => {
                Said::new(format!("hangs in the agent's command {}", last.name)).since(self.causes.since)
            }
            (Some(Job::Timed { until, .. }), Some(last)) => {
                Said::new(format!("runs the agent's command {}", last.name))
                    .since(self.causes.since)
                    .until(*until)
                    .and(format!("the command ends in {}", self.left(*until)))
            }
            (Some(Job::Image { image, .. }), _) => {
                let url = image.urls.first().map_or_else(|| "its image".to_owned(), |url| shown(url));
                let said =
                    Said::new(format!("waits for the image {url} to be downloaded")).since(self.causes.since);
                match self.causes.failed(CallKind::Image) {
                    Some(last) => said.and(format!("the last try failed: {}", cause(last))).and(help(
                        Some(CallKind::Image),
                        last.error.as_deref().unwrap_or_default(),
                        last.status,
                    )),
                    None => said,
                }
            }
            (Some(Job::ShutDown), _) => {
                Said::new("shuts down, as its agent was told").since(self.causes.since)
            }
            (Some(Job::Timed { .. }) | None, last) => {
                self.waiting(serving, &url, last.map(|last| (&*last.name, &last.status)))
            }
        }
    }

    /// An agent without a running command.
    fn waiting(&self, serving: &Serving, url: &str, last: Option<(&str, &CommandStatus)>) -> Said {
        if serving.last.ms() == 0 {
            let said = Said::new(format!("waits for {url} to accept the agent's first heartbeat"))
                .since(self.causes.since);
            return self.tries(said, CallKind::Heartbeat, 0, serving.heartbeat);
        }
        let mut said =
            Said::new("waits for a command of Ironic").since(self.causes.since.unwrap_or(serving.last));
        if self.causes.wrong_token {
            said = said.and(
                "Ironic's last request to the agent had a wrong token and got 401; let Ironic boot the ramdisk again, so \
                 that both have the same token",
            );
        }
        if let Some((
            name,
            CommandStatus::Ended(CommandEnd::Failed(error) | CommandEnd::VersionMismatch(error)),
        )) = last
        {
            said = said.and(format!("the last command {name} failed: {}", causes::short(&error.details)));
        }
        match serving.heartbeat {
            Call::At(SimTime::NEVER) => said.and("the next heartbeat is late"),
            Call::At(at) => said.until(at).and(format!(
                "Ironic took the last heartbeat {} ago, and continues at a heartbeat only: the next one in {}",
                time(self.now.since_ms(serving.last)),
                self.left(at)
            )),
            Call::Due | Call::Underway => said.and("a heartbeat is under way"),
        }
    }

    fn closed(&self, agent: &Ipa, why: Closed) -> Said {
        let url = agent.api_url().map_or_else(|| "Ironic".to_owned(), shown);
        let stopped =
            |why: &str| Said::new(format!("has an agent that stopped: {why}")).since(self.causes.since);
        match why {
            Closed::Inspected => stopped("its inspection is over, and its ramdisk was for nothing else"),
            Closed::NoApi => stopped("its ramdisk names no Ironic API, and --ironic names none")
                .and("set --ironic, or give its kernel the parameter ipa-api-url; then restart the machine"),
            Closed::GaveUp => {
                let said = stopped(&format!("{url} answered no lookup in time"));
                match self.causes.failed(CallKind::Lookup) {
                    Some(last) => said.and(format!("the last try failed: {}", cause(last))).and(help(
                        Some(CallKind::Lookup),
                        last.error.as_deref().unwrap_or_default(),
                        last.status,
                    )),
                    None => said,
                }
                .and("restart the machine to try again")
            }
            Closed::TokenUnknown => stopped(
                "Ironic has given the token of the node to another agent, and this one does not know it",
            )
            .and("let Ironic power the machine off and boot its ramdisk again, which makes a new token"),
            Closed::Rescued => stopped("it became a rescue system, as Ironic told it"),
            Closed::LockedDown => {
                stopped("Ironic locked it down").and("it waits for Ironic to power the machine off")
            }
            Closed::Crashed => {
                stopped("its program has crashed").and("restart the machine to start it again")
            }
        }
    }
}
