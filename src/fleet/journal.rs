//! The log of the nodes' lives: one line for each event, at level info.
//!
//! An event is a difference between two views of a node: before and after it was settled, changed or answered. So no event has a
//! place of its own in the model, and none can be forgotten. The results of calls to the outside are logged where the calls
//! are made (`effect/performed.rs`).

use std::fmt;

use uuid::Uuid;

use crate::node::Node;
use crate::node::host::{Host, Running};
use crate::node::ipa::{Closed, Phase};
use crate::node::spec::Spec;
use crate::profile::boot_source::BootSource;

/// The target of the lines, for `--log`.
const TARGET: &str = "fauxmetal::node";

/// The parts of a node's state whose changes are events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    host: HostView,
    starts: u32,
    installed: bool,
    bmc_restarts: bool,
    /// Number of images in media slots.
    media: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HostView {
    Off,
    PoweringOn,
    Post,
    Booting(BootSource),
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
    /// The number of heartbeats that failed since the last accepted one; `None` before the first answer.
    Serving(Option<u16>),
    Closed(Closed),
}

/// The view of a node, if the log wants it.
#[inline]
pub(super) fn view(node: &Node) -> Option<View> {
    tracing::enabled!(target: TARGET, tracing::Level::INFO).then(|| View::of(node))
}

impl View {
    fn of(node: &Node) -> Self {
        let host = match node.host() {
            Host::Off => HostView::Off,
            Host::PoweringOn { .. } => HostView::PoweringOn,
            Host::Post { .. } => HostView::Post,
            Host::Booting(booting) => HostView::Booting(booting.from),
            Host::Running { what, .. } => match what {
                Running::NoBootDevice => HostView::NothingToBoot,
                Running::Setup => HostView::Running("the firmware's setup program"),
                Running::Os => HostView::Running("the operating system on the disk"),
                Running::Live => HostView::Running("a live system without an agent"),
                Running::Ipa(agent) => HostView::Agent(match &agent.phase {
                    Phase::Starting { .. } => AgentView::Starting,
                    Phase::Inspecting(_) => AgentView::Inspecting,
                    Phase::LookingUp(_) => AgentView::LookingUp,
                    Phase::Serving(serving) => {
                        AgentView::Serving((serving.last.ms() > 0).then_some(serving.failed))
                    }
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
            media: node.bmc().media.iter().count(),
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

macro_rules! event {
    ($node:expr, $text:literal $(, $($field:tt)+)?) => {
        tracing::info!(target: TARGET, { node = %Who($node.spec()), uuid = %$node.spec().uuid() $(, $($field)+)? }, $text)
    };
}

/// Logs what has happened to a node since `before`.
pub(super) fn note(before: View, node: &Node) {
    let now = View::of(node);
    if before == now {
        return;
    }
    if before.media > now.media {
        event!(node, "virtual media ejected");
    }
    if before.installed != now.installed {
        match now.installed {
            true => event!(node, "deployed: the disk holds an operating system"),
            false => event!(node, "the disks are empty"),
        }
    }
    match (before.bmc_restarts, now.bmc_restarts) {
        (false, true) => event!(node, "BMC restarts"),
        (true, false) => event!(node, "BMC is back"),
        (false, false) | (true, true) => {}
    }
    if before.host == HostView::Off && now.host != HostView::Off {
        event!(node, "power on");
    } else if before.starts != now.starts && before.host != HostView::PoweringOn {
        event!(node, "restart");
    }
    if before.host != now.host {
        host(before.host, now.host, node);
    }
}

fn host(before: HostView, now: HostView, node: &Node) {
    match now {
        HostView::Off => event!(node, "power off"),
        HostView::PoweringOn | HostView::Post => {}
        HostView::PoweringOff => event!(node, "shutting down"),
        HostView::Booting(from) => event!(node, "booting", from = from.as_str()),
        HostView::NothingToBoot => event!(node, "nothing to boot; the machine stays on"),
        HostView::Running(what) => event!(node, "booted", what),
        HostView::Agent(now) => agent(before, now, node),
    }
}

fn agent(before: HostView, now: AgentView, node: &Node) {
    match now {
        AgentView::Starting => event!(node, "booted", what = "a ramdisk with an agent"),
        AgentView::Inspecting => event!(node, "agent sends its inspection data"),
        AgentView::LookingUp => event!(node, "agent looks its node up in Ironic"),
        AgentView::Serving(answered) => {
            let before = if let HostView::Agent(AgentView::Serving(answered)) = before {
                Some(answered)
            } else {
                None
            };
            if before.is_none() {
                found(node);
            }
            match (before.flatten(), answered) {
                (None, Some(0)) => event!(node, "agent's first heartbeat accepted"),
                (Some(failed), Some(0)) => event!(node, "agent's heartbeat accepted again", failed),
                (_, Some(_) | None) => {}
            }
        }
        AgentView::Closed(why) => {
            let why = why.reason();
            event!(node, "agent stopped", why);
        }
    }
}

/// The lookup has succeeded. The UUID in Ironic is added if it is another one than the machine's.
fn found(node: &Node) {
    let uuid = node.spec().uuid();
    match node.ipa().and_then(|agent| agent.node_uuid()).filter(|ironic: &Uuid| *ironic != uuid) {
        Some(ironic_uuid) => event!(node, "agent found its node in Ironic", ironic_uuid = %ironic_uuid),
        None => event!(node, "agent found its node in Ironic"),
    }
}
