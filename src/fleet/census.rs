//! Metrics of the fleet: the number of nodes in each state.

use super::Fleet;
use crate::clock::unix_ms;
use crate::meter::Page;
use crate::node::host::{Host, Running};
use crate::node::ipa::Phase;

/// Values of the label `state`, in the order in which a node passes through them.
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
            Running::Ipa(agent) => match &agent.phase {
                Phase::Starting { .. } => 8,
                Phase::Inspecting { .. } => 9,
                Phase::LookingUp(_) => 10,
                Phase::Serving(serving) if serving.commands.running().is_none() => 11,
                Phase::Serving(_) => 12,
                Phase::Closed(_) => 13,
            },
        },
        Host::PoweringOff { .. } => 14,
    }
}

impl Fleet {
    /// The number of nodes in each state.
    ///
    /// This locks all nodes, one after the other, and settles none of them: the task that waits for deadlines does that.
    /// So counting costs nothing for requests, and a scrape costs about 25 ms of CPU time for a million nodes.
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

    /// Adds the metrics of the fleet to the page.
    pub fn meter(&self, page: &mut Page) {
        for (state, count) in self.states() {
            page.gauge("fauxmetal_nodes", "Number of nodes by state", &[("state", state)], count);
        }
        let deadlines = self.deadlines.len() as u64;
        page.gauge("fauxmetal_deadlines", "Deadlines in the queue of the fleet", &[], deadlines);
        let clock = self.clock.going();
        let help = "1 while the clock is held, so that no node moves by time";
        page.gauge("fauxmetal_clock_held", help, &[], u64::from(clock.held));
        let help = "Simulated seconds per real second, while the clock is not held";
        page.number("fauxmetal_clock_speed", help, clock.speed);
        let help = "Simulated time minus the system's date";
        let ahead_ms = clock.now.ms() as f64 - unix_ms() as f64;
        page.number("fauxmetal_clock_ahead_seconds", help, ahead_ms / 1000.0);
        self.journal.meter(page);
    }
}
