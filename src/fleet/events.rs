//! The events of the nodes' lives, for the journal and for the log.
//!
//! An event is a difference between two views of a node: before and after it was settled, changed or answered. So no event has a
//! place of its own in the model, and none can be forgotten. The results of calls to the outside are recorded where the calls
//! are made (`effect/performed.rs`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use uuid::Uuid;

use super::causes::shown;
use super::stream::Stream;
use crate::journal::{AGENT, Event, Journal, OPERATING_SYSTEM};
use crate::node::Node;
use crate::node::bmc::failures::Part;
use crate::node::host::{Found, Host, Running, Stage};
use crate::node::ipa::{Closed, CommandEnd, CommandStatus, Job, Phase, Serving};
use crate::node::spec::Spec;
use crate::profile::boot_source::BootSource;
use crate::time::SimTime;

/// The target of the lines, for `--log`.
const TARGET: &str = "fauxmetal::node";

const LIVE: &str = "a live system without an agent";

/// The parts of a node's state whose changes are events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    host: HostView,
    starts: u32,
    installed: bool,
    bmc_restarts: bool,
    /// Number of images in media slots.
    media: usize,
    /// The address of the labels.
    labels: usize,
    /// Cables and drives that differ from a new machine's.
    plugs: (isize, usize),
    /// Number of parts that have failed.
    failed: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HostView {
    Off,
    PoweringOn,
    Post,
    /// The source, and what is loaded from it.
    Booting(BootSource, Option<&'static str>),
    NothingToBoot,
    Running(&'static str),
    Agent(AgentView),
    PoweringOff,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AgentView {
    Starting,
    Inspecting,
    LookingUp,
    Serving(ServingView),
    Closed(Closed),
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct ServingView {
    /// The number of heartbeats that failed since the last accepted one; `None` before the first answer.
    failed: Option<u16>,
    /// Number of commands so far.
    taken: u32,
    /// The last of them is running.
    runs: bool,
}

/// The view of a node, if the journal, a follower of the fleet or the log wants it.
#[inline]
pub(super) fn view(node: &Node, journal: &Journal, stream: &Stream) -> Option<View> {
    (journal.is_on() || stream.is_on() || tracing::enabled!(target: TARGET, tracing::Level::INFO))
        .then(|| View::of(node))
}

impl View {
    fn of(node: &Node) -> Self {
        let host = match node.host() {
            Host::Off => HostView::Off,
            Host::PoweringOn { .. } => HostView::PoweringOn,
            Host::Post { .. } => HostView::Post,
            Host::Booting(booting) => HostView::Booting(
                booting.from,
                match &booting.stage {
                    Stage::Reading(_) => None,
                    Stage::Loading { what, .. } => Some(match what {
                        Found::Os => OPERATING_SYSTEM,
                        Found::Live => LIVE,
                        Found::Ipa(_) => AGENT,
                    }),
                },
            ),
            Host::Running { what, .. } => match what {
                Running::NoBootDevice => HostView::NothingToBoot,
                Running::Setup => HostView::Running("the firmware's setup program"),
                Running::Os => HostView::Running(OPERATING_SYSTEM),
                Running::Live => HostView::Running(LIVE),
                Running::Ipa(agent) => HostView::Agent(match &agent.phase {
                    Phase::Starting { .. } => AgentView::Starting,
                    Phase::Inspecting(_) => AgentView::Inspecting,
                    Phase::LookingUp(_) => AgentView::LookingUp,
                    Phase::Serving(serving) => AgentView::Serving(ServingView::of(serving)),
                    Phase::Closed(why) => AgentView::Closed(*why),
                }),
            },
            Host::PoweringOff { .. } => HostView::PoweringOff,
        };
        Self {
            host,
            starts: node.starts(),
            installed: node.installed(),
            bmc_restarts: node.bmc().restarting_until.is_some(),
            media: node.bmc().media.count(),
            labels: node.labels().address(),
            plugs: node.bmc().plugs.changed(),
            failed: node.bmc().failed_parts().count(),
        }
    }
}

impl ServingView {
    fn of(serving: &Serving) -> Self {
        Self {
            failed: (serving.last.ms() > 0).then_some(serving.failed),
            taken: serving.commands.taken,
            runs: serving.commands.running().is_some(),
        }
    }
}

/// Name and UUID of a node, as every line about it has them.
#[derive(Clone, Copy)]
struct Who<'a>(Spec<'a>);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}

/// Records and logs what has happened to a node since `before`, at the moment `at`. Returns the view of now.
pub(super) fn note(before: View, node: &Node, at: SimTime, journal: &Journal, stream: &Stream) -> View {
    let now = View::of(node);
    if before != now {
        differences(before, now, node, |event, detail: Cow<'_, str>| {
            // Labels explain nothing about a machine, and a million nodes may get one at once.
            if event != Event::Labelled {
                journal.state(node.id(), at, event, &detail);
            }
            stream.publish(node, at, event, &detail);
            log(node, event, &detail);
        });
    }
    now
}

/// Records and logs one event of a node.
pub(super) fn tell(node: &Node, at: SimTime, event: Event, detail: &str, journal: &Journal, stream: &Stream) {
    journal.state(node.id(), at, event, detail);
    stream.publish(node, at, event, detail);
    log(node, event, detail);
}

/// Hands every event between two views to `event`, with its detail.
fn differences(before: View, now: View, node: &Node, mut event: impl FnMut(Event, Cow<'_, str>)) {
    if before.labels != now.labels {
        event(Event::Labelled, "".into());
    }
    if before.media > now.media {
        event(Event::MediaEjected, "".into());
    }
    let (cables, drives_out) = before.plugs;
    match now.plugs.0.cmp(&cables) {
        Ordering::Less => event(Event::CablePulled, "".into()),
        Ordering::Equal => {}
        Ordering::Greater => event(Event::CablePlugged, "".into()),
    }
    match now.plugs.1.cmp(&drives_out) {
        Ordering::Less => event(Event::DrivePlugged, "".into()),
        Ordering::Equal => {}
        Ordering::Greater => event(Event::DrivePulled, "".into()),
    }
    match now.failed.cmp(&before.failed) {
        Ordering::Less => event(Event::PartRepaired, failed_parts(node).into()),
        Ordering::Equal => {}
        Ordering::Greater => event(Event::PartFailed, failed_parts(node).into()),
    }
    // The operating system of a drive that is pulled or fails leaves with it.
    if before.installed != now.installed && (before.plugs, before.failed) == (now.plugs, now.failed) {
        event(if now.installed { Event::Deployed } else { Event::DisksEmpty }, "".into());
    }
    match (before.bmc_restarts, now.bmc_restarts) {
        (false, true) => event(Event::BmcRestarts, "".into()),
        (true, false) => event(Event::BmcBack, "".into()),
        (false, false) | (true, true) => {}
    }
    let cycled = before.host == HostView::PoweringOff && now.host == HostView::PoweringOn;
    if before.host == HostView::Off && now.host != HostView::Off {
        event(Event::PowerOn, "".into());
    } else if cycled || (before.starts != now.starts && before.host != HostView::PoweringOn) {
        event(Event::Restart, "".into());
    }
    if before.host != now.host {
        host(before.host, now.host, node, &mut event);
    }
}

/// The ids of the parts that have failed. `none` without one.
fn failed_parts(node: &Node) -> String {
    let profile = node.profile();
    let id = |part| match part {
        Part::Fan(number) => profile.fans.get(usize::from(number)).map(|fan| &fan.id),
        Part::Drive(number) => profile.drives().nth(usize::from(number)).map(|(.., drive)| &drive.id),
        Part::Memory(number) => profile.dimms.get(usize::from(number)).map(|module| &module.id),
        Part::Supply(number) => profile.power_supplies.get(usize::from(number)).map(|supply| &supply.id),
    };
    let ids: Vec<&str> = node.bmc().failed_parts().filter_map(id).map(String::as_str).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn host(before: HostView, now: HostView, node: &Node, event: &mut impl FnMut(Event, Cow<'_, str>)) {
    match now {
        HostView::Off => event(Event::PowerOff, "".into()),
        HostView::PoweringOn => {}
        HostView::Post => event(Event::SelfTest, "".into()),
        HostView::PoweringOff => event(Event::ShuttingDown, "".into()),
        HostView::Booting(from, loads) => {
            if !matches!(before, HostView::Booting(before, None) if before == from) {
                event(Event::Reading, from.as_str().into());
            }
            if let Some(what) = loads {
                event(Event::Loading, what.into());
            }
        }
        HostView::NothingToBoot => event(Event::NothingToBoot, "".into()),
        HostView::Running(what) => event(Event::Booted, what.into()),
        HostView::Agent(now) => {
            let before = if let HostView::Agent(before) = before { Some(before) } else { None };
            agent(before, now, node, event);
        }
    }
}

fn agent(
    before: Option<AgentView>,
    now: AgentView,
    node: &Node,
    event: &mut impl FnMut(Event, Cow<'_, str>),
) {
    match now {
        AgentView::Starting => event(Event::Booted, AGENT.into()),
        AgentView::Inspecting => event(Event::Inspecting, "".into()),
        AgentView::LookingUp => event(Event::LookingUp, "".into()),
        AgentView::Serving(now) => {
            let before = if let Some(AgentView::Serving(before)) = before {
                before
            } else {
                // The UUID in Ironic is a detail if it is another one than the machine's.
                let uuid = node.ipa().and_then(|agent| agent.node_uuid());
                let other = uuid.filter(|ironic: &Uuid| *ironic != node.spec().uuid());
                event(Event::Found, other.map_or(Cow::default(), |uuid| uuid.to_string().into()));
                ServingView { failed: None, taken: 0, runs: false }
            };
            match (before.failed, now.failed) {
                (None, Some(0)) => event(Event::FirstHeartbeat, "".into()),
                (Some(failed), Some(0)) if failed > 0 => {
                    event(Event::HeartbeatAgain, failed.to_string().into());
                }
                (_, Some(_) | None) => {}
            }
            if before.taken != now.taken || before.runs != now.runs {
                command(node, now.runs, event);
            }
        }
        AgentView::Closed(why) => {
            event(Event::AgentStopped, why.reason().into());
        }
    }
}

/// A command has begun or ended.
fn command(node: &Node, runs: bool, event: &mut impl FnMut(Event, Cow<'_, str>)) {
    let Some(serving) = node.ipa().and_then(|agent| agent.serving()) else { return };
    let Some(last) = serving.commands.records().last() else { return };
    let what = match &last.status {
        _ if runs => Event::CommandStarted,
        CommandStatus::Ended(CommandEnd::Failed(_) | CommandEnd::VersionMismatch(_)) => Event::CommandFailed,
        CommandStatus::Ended(CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. })
        | CommandStatus::Running(_) => Event::CommandEnded,
    };
    event(what, (&*last.name).into());
    if let Some(Job::Image { image, .. }) = serving.commands.running() {
        event(Event::Downloading, image.urls.first().map_or(Cow::default(), |url| shown(url).into()));
    }
}

macro_rules! line {
    ($level:ident, $node:expr, $text:literal $(, $($field:tt)+)?) => {
        tracing::$level!(target: TARGET, { node = %Who($node.spec()), uuid = %$node.spec().uuid() $(, $($field)+)? }, $text)
    };
}

/// Logs an event: at level info if people wait for it, at level debug if it is a step on the way. Each event is a place of its
/// own in the code, so that the log limits and counts each alone.
fn log(node: &Node, event: Event, detail: &str) {
    match event {
        Event::PowerOn => line!(info, node, "power on"),
        Event::Restart => line!(info, node, "restart"),
        Event::SelfTest => line!(debug, node, "self test"),
        Event::Reading => line!(info, node, "booting", from = detail),
        Event::Loading => line!(debug, node, "loading", what = detail),
        Event::NothingToBoot => line!(info, node, "nothing to boot; the machine stays on"),
        Event::Booted => line!(info, node, "booted", what = detail),
        Event::Inspecting => line!(info, node, "agent sends its inspection data"),
        Event::LookingUp => line!(info, node, "agent looks its node up in Ironic"),
        Event::Found if detail.is_empty() => line!(info, node, "agent found its node in Ironic"),
        Event::Found => line!(info, node, "agent found its node in Ironic", ironic_uuid = %detail),
        Event::FirstHeartbeat => line!(info, node, "agent's first heartbeat accepted"),
        Event::HeartbeatAgain => line!(info, node, "agent's heartbeat accepted again", failed = %detail),
        Event::CommandStarted => line!(debug, node, "agent begins a command", command = detail),
        Event::Downloading => line!(debug, node, "agent downloads an image", from = %detail),
        Event::CommandEnded => line!(debug, node, "agent ended a command", command = detail),
        Event::CommandFailed => line!(debug, node, "agent failed in a command", command = detail),
        Event::AgentStopped => line!(info, node, "agent stopped", why = detail),
        Event::Deployed => line!(info, node, "deployed: the disk holds an operating system"),
        Event::DisksEmpty => line!(info, node, "the disks are empty"),
        Event::ShuttingDown => line!(info, node, "shutting down"),
        Event::PowerOff => line!(info, node, "power off"),
        Event::BmcRestarts => line!(info, node, "BMC restarts"),
        Event::BmcBack => line!(info, node, "BMC is back"),
        Event::MediaEjected => line!(info, node, "virtual media ejected"),
        Event::CablePulled => line!(info, node, "network cable pulled"),
        Event::CablePlugged => line!(info, node, "network cable plugged in"),
        Event::DrivePulled => line!(info, node, "drive pulled"),
        Event::DrivePlugged => line!(info, node, "drive plugged in"),
        Event::FaultFired => line!(info, node, "fault", rule = detail),
        Event::FaultEnded => line!(info, node, "fault ended", rule = detail),
        Event::PartFailed => line!(info, node, "a part failed", failed = detail),
        Event::PartRepaired => line!(info, node, "a part works again", failed = detail),
        Event::Labelled => line!(debug, node, "labels changed"),
        Event::Added => line!(debug, node, "added to the fleet"),
        Event::Removed => line!(debug, node, "removed from the fleet"),
    }
}
