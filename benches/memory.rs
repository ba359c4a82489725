//! Bytes per node: what the resident memory of this process grows by when a fleet is added to it.
//!
//! `cargo bench --bench memory`. Idle nodes; then the same with each powered on and looking for something to boot.

#![expect(clippy::print_stdout, reason = "a table is what a bench is for")]

use std::sync::Arc;

use fauxmetal::clock::Clock;
use fauxmetal::dmtf::ResetType;
use fauxmetal::fleet::Fleet;
use fauxmetal::node::command::Command;
use fauxmetal::node::{Node, NodeId};
use fauxmetal::profile::built_in;
use fauxmetal::seed::Seed;
use fauxmetal::time::SimTime;

const NODES: u32 = 100_000;

fn main() {
    let before = resident_bytes();
    let (fleet, _effects) = Fleet::new(Seed(1), Clock::by_hand(SimTime::from_ms(1_767_225_600_000)));
    let fleet = Arc::new(fleet);
    let profile = built_in("generic").expect("a built-in profile");
    fleet.add(&profile, NODES).expect("room for them");
    let idle = resident_bytes();
    for id in fleet.ids() {
        let done = fleet.apply(id, Command::Reset(ResetType::On));
        assert!(matches!(done, Some(Ok(_))), "a new machine can be turned on");
    }
    let on = resident_bytes();
    let each = |bytes: u64| bytes / u64::from(NODES);
    println!("nodes              {NODES}");
    println!("a node's own value {} bytes", size_of::<Node>());
    println!("whole process      {:.1} MiB before, {:.1} MiB with them", mib(before), mib(idle));
    println!("idle               {} bytes a node", each(idle - before));
    println!("being powered on   {} bytes a node", each(on - before));
    assert!(fleet.look(NodeId(NODES - 1), |n, _| n.starts()).is_some());
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// `VmRSS` of this process.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}
