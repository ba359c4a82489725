//! What rules of faults hold: the start of an agent, its heartbeat, and its command. What is held waits until it is released.

use super::command::{Commands, Job};
use super::{Ipa, Phase};
use crate::node::call::Call;
use crate::time::SimTime;

/// What can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The first call of the agent.
    Start,
    /// The heartbeat that is due.
    Heartbeat,
    /// The command that is running.
    Command,
}

const FOR_EVER: Call = Call::At(SimTime::NEVER);

impl Ipa {
    /// Whether it is held.
    pub fn is_held(&self, what: Held) -> bool {
        match what {
            Held::Start => self.phase == Phase::Starting { until: SimTime::NEVER },
            Held::Heartbeat => self.serving().is_some_and(|s| s.late && s.heartbeat == FOR_EVER),
            Held::Command => self.job().is_some_and(Job::is_held),
        }
    }

    /// The moment at which the services of a ramdisk that starts are ready; `None` if they are.
    pub(in crate::node) fn ready_at(&self) -> Option<SimTime> {
        match self.phase {
            Phase::Starting { until } => Some(until),
            Phase::Inspecting(_) | Phase::LookingUp(_) | Phase::Serving(_) | Phase::Closed(_) => None,
        }
    }

    /// Holds it, if it is there.
    pub(in crate::node) fn hold(&mut self, what: Held) {
        self.set(what, SimTime::NEVER);
    }

    /// Lets it go on, if it is held.
    pub(in crate::node) fn release(&mut self, what: Held, now: SimTime) {
        if self.is_held(what) {
            self.set(what, now);
        }
    }

    fn set(&mut self, what: Held, at: SimTime) {
        match (what, &mut self.phase) {
            (Held::Start, Phase::Starting { until }) => *until = at,
            (Held::Heartbeat, Phase::Serving(serving)) => {
                (serving.heartbeat, serving.late) = (Call::At(at), true);
            }
            (Held::Command, Phase::Serving(serving)) => serving.commands.go_on_at(at),
            (
                Held::Start | Held::Heartbeat | Held::Command,
                Phase::Starting { .. }
                | Phase::Inspecting(_)
                | Phase::LookingUp(_)
                | Phase::Serving(_)
                | Phase::Closed(_),
            ) => {}
        }
    }
}

impl Job {
    fn is_held(&self) -> bool {
        match self {
            Self::Timed { until, .. } => *until == SimTime::NEVER,
            Self::Image { call, .. } => *call == FOR_EVER,
            Self::ShutDown => false,
        }
    }
}

impl Commands {
    /// The running command goes on at `at`.
    fn go_on_at(&mut self, at: SimTime) {
        match self.running_mut() {
            Some(Job::Timed { until, .. }) => *until = at,
            Some(Job::Image { call, .. }) => *call = Call::At(at),
            Some(Job::ShutDown) | None => {}
        }
    }
}
