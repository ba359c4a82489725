//! How many nodes are in which state.

use super::Fleet;
use crate::meter::Page;
use crate::node::host::{Host, Running};
use crate::node::ipa::Phase;

/// The states that are told apart, in the order of a node's life.
const STATES: [&str; 15] = [
    "off",
    "powering_on",
    "post",
    "booting",
    "no_boot_device",
    "setup",
    "os",
    "live",
    "agent_starting",
    "agent_inspecting",
    "agent_looking_up",
    "agent_serving",
    "agent_working",
    "agent_closed",
    "powering_off",
];

fn state(host: &Host) -> usize {
    match host {
        Host::Off => 0,
        Host::PoweringOn { .. } => 1,
        Host::Post { .. } => 2,
        Host::Booting(_) => 3,
        Host::Running { what, .. } => match what {
            Running::NoBootDevice => 4,
            Running::Setup => 5,
            Running::Os => 6,
            Running::Live => 7,
            Running::Ipa(agent) => match agent.phase {
                Phase::Starting { .. } => 8,
                Phase::Inspecting { .. } => 9,
                Phase::LookingUp { .. } => 10,
                Phase::Serving { .. } if agent.job.is_none() => 11,
                Phase::Serving { .. } => 12,
                Phase::Closed(_) => 13,
            },
        },
        Host::PoweringOff { .. } => 14,
    }
}

impl Fleet {
    /// How many nodes are in each state.
    ///
    /// Goes through all of them, one lock after the other, and settles none: what is due is done by its own timer. No
    /// request pays for it; a scrape costs some 25 ms of CPU for each million nodes.
    pub fn states(&self) -> [(&'static str, u64); STATES.len()] {
        let mut counts = STATES.map(|name| (name, 0));
        for id in self.ids() {
            let Some(slot) = self.slots.get(id) else { continue };
            if let Some(node) = &slot.lock().node {
                counts[state(node.host())].1 += 1;
            }
        }
        counts
    }

    /// Puts what is counted of it on the page.
    pub fn meter(&self, page: &mut Page) {
        for (state, count) in self.states() {
            page.gauge("fauxmetal_nodes", "Nodes by what they do", &[("state", state)], count);
        }
        let deadlines = self.wake.len() as u64;
        page.gauge("fauxmetal_deadlines", "Deadlines that nodes wait for", &[], deadlines);
    }
}
