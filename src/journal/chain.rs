//! The chain of steps that set the time of a boot or of a deployment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entry::{Change, Entry, What};
use super::event::Event;
use super::show::Took;
use crate::time::SimTime;

/// What a chain is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum ChainOf {
    /// The last start of the machine, until a system runs, or until an agent has sent its first heartbeat.
    Boot,
    /// The last deployment: from the start of its agent until the installed system runs.
    Deployment,
}

/// Steps that follow each other without a gap. Displays itself with the last step first, as `systemd-analyze critical-chain`
/// does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Chain {
    /// What the chain is about.
    pub of: ChainOf,
    /// From the beginning to the end, or until now, simulated ms.
    pub took_ms: u64,
    /// In order of time. Steps without a duration are left out.
    pub steps: Vec<Step>,
    /// The end of the chain. `None` if its last step goes on.
    pub end: Option<Box<str>>,
}

/// A step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Step {
    /// The step in a few words.
    pub name: Box<str>,
    /// From the beginning of the chain to that of the step, simulated ms.
    pub at_ms: u64,
    /// Duration of the step, or its duration until now, simulated ms.
    pub took_ms: u64,
}

/// The program that a deployment ends with.
pub(crate) const OPERATING_SYSTEM: &str = "the operating system on the disk";

impl Chain {
    /// The chain at the moment `now`, from the entries of a node. `None` if the journal has no beginning of such a chain.
    pub fn new(of: ChainOf, entries: &[Entry], now: SimTime) -> Option<Self> {
        let changes: Vec<(SimTime, &Change)> = entries
            .iter()
            .filter_map(|entry| match &entry.what {
                What::State(change) => Some((entry.first, change)),
                What::Request(_) | What::Call(_) => None,
            })
            .collect();
        let part = match of {
            ChainOf::Boot => &changes[last_start(&changes)?..],
            ChainOf::Deployment => deployment(&changes)?,
        };
        let (begin, _) = *part.first()?;
        let end = part.iter().position(|(_, change)| of.ends_with(change));
        let marks =
            part[..=end.unwrap_or(part.len() - 1)].iter().filter(|(_, change)| step(change).is_some());
        let marks: Vec<_> = marks.collect();
        let mut steps = Vec::new();
        for (number, (at, change)) in marks.iter().enumerate() {
            let next = marks.get(number + 1).map(|(at, _)| *at);
            let (Some(name), Some(until)) = (step(change), next.or(end.is_none().then_some(now))) else {
                continue;
            };
            let took_ms = until.since_ms(*at);
            if took_ms > 0 {
                steps.push(Step { name: name.into(), at_ms: at.since_ms(begin), took_ms });
            }
        }
        let ended = end.map(|end| part[end]);
        let took_ms = ended.map_or(now, |(at, _)| at).since_ms(begin);
        Some(Self { of, took_ms, steps, end: ended.map(|(_, change)| change.to_string().into()) })
    }
}

impl ChainOf {
    fn ends_with(self, change: &Change) -> bool {
        match self {
            Self::Boot => match change.event {
                Event::Booted => change.detail.as_ref() != AGENT,
                Event::FirstHeartbeat
                | Event::NothingToBoot
                | Event::AgentStopped
                | Event::ShuttingDown
                | Event::PowerOff => true,
                _ => false,
            },
            Self::Deployment => change.event == Event::Booted && change.detail.as_ref() == OPERATING_SYSTEM,
        }
    }
}

/// The detail of [`Event::Booted`] if an agent runs now.
pub(crate) const AGENT: &str = "a ramdisk with an agent";

fn starts(change: &Change) -> bool {
    matches!(change.event, Event::PowerOn | Event::Restart)
}

/// The place of the last start.
fn last_start(changes: &[(SimTime, &Change)]) -> Option<usize> {
    changes.iter().rposition(|(_, change)| starts(change))
}

/// The changes of the last deployment, or of the one that an agent is at.
fn deployment<'c, 'e>(changes: &'c [(SimTime, &'e Change)]) -> Option<&'c [(SimTime, &'e Change)]> {
    let deployed = changes.iter().rposition(|(_, change)| change.event == Event::Deployed);
    let command = || changes.iter().rposition(|(_, change)| change.event == Event::CommandStarted);
    let begin = last_start(&changes[..deployed.or_else(command)?])?;
    Some(&changes[begin..])
}

/// The step that begins with a change; `None` if the change begins none.
fn step(change: &Change) -> Option<String> {
    let detail = &change.detail;
    Some(match change.event {
        Event::PowerOn => "power on".to_owned(),
        Event::Restart => "restart".to_owned(),
        Event::SelfTest => "self test".to_owned(),
        Event::Reading => format!("reading the boot source {detail}"),
        Event::Loading => format!("loading {detail}"),
        Event::Booted if detail.as_ref() == AGENT => "start of the agent".to_owned(),
        Event::Booted => format!("runs {detail}"),
        Event::Inspecting => "inspection".to_owned(),
        Event::LookingUp => "lookup".to_owned(),
        Event::Found => "first heartbeat".to_owned(),
        Event::FirstHeartbeat | Event::CommandEnded | Event::CommandFailed => {
            "wait for the next command of Ironic".to_owned()
        }
        Event::CommandStarted => format!("command {detail}"),
        Event::Downloading => format!("download of the image {detail}"),
        Event::ShuttingDown => "shutdown".to_owned(),
        Event::PowerOff => "off, until a client powers it on".to_owned(),
        Event::NothingToBoot => "nothing to boot".to_owned(),
        Event::AgentStopped => "the agent has stopped".to_owned(),
        Event::HeartbeatAgain
        | Event::Deployed
        | Event::DisksEmpty
        | Event::BmcRestarts
        | Event::BmcBack
        | Event::MediaEjected
        | Event::CablePulled
        | Event::CablePlugged
        | Event::DrivePulled
        | Event::DrivePlugged
        | Event::PartFailed
        | Event::PartRepaired
        | Event::Labelled
        | Event::FaultFired
        | Event::FaultEnded
        | Event::Added
        | Event::Removed => return None,
    })
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.of {
            ChainOf::Boot => "boot",
            ChainOf::Deployment => "deployment",
        };
        match &self.end {
            Some(end) => {
                writeln!(f, "The {what} took {}.\n{end} @{}", Took(self.took_ms), Took(self.took_ms))?;
            }
            None => writeln!(f, "The {what} has taken {} so far.", Took(self.took_ms))?,
        }
        let indented = usize::from(self.end.is_some());
        for (depth, Step { name, at_ms, took_ms }) in self.steps.iter().rev().enumerate() {
            let depth = depth + indented;
            if depth > 0 {
                write!(f, "{:indent$}└─", "", indent = 2 * (depth - 1))?;
            }
            writeln!(f, "{name} @{} +{}", Took(*at_ms), Took(*took_ms))?;
        }
        Ok(())
    }
}
