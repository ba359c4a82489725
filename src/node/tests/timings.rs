//! Times of phases that rules set in place of the profile.

use serde_json::json;

use super::super::lab;
use super::*;
use crate::fault::Armed;
use crate::time::timing::Timing;

const HOUR: u64 = 3_600_000;

impl Bench {
    fn with(seed: u64, profile: Arc<Profile>) -> Self {
        Self { node: Node::new(NodeId(3), Seed(seed), profile), now: T0 }
    }

    /// Goes to the end of what the machine does now.
    fn next_phase(&mut self) {
        self.now = self.node.next_deadline();
        self.node.settle(self.now);
    }

    /// The time until the end of what the host does now, ms.
    fn host_ms(&self) -> u64 {
        self.node.host().next_deadline().since_ms(self.now)
    }

    /// The time until the BMC has something to do, ms.
    fn bmc_ms(&self) -> u64 {
        self.node.bmc().next_deadline(self.node.profile()).since_ms(self.now)
    }

    /// The self test of a restart, ms.
    fn post_ms(&mut self) -> u64 {
        self.reset(ResetType::ForceRestart);
        self.host_ms()
    }
}

/// Brings a new machine to the beginning of a phase. Returns how long the phase takes, ms; `None` for the commands of an agent, which
/// `src/ipa/tests/faults.rs` has.
fn length(timing: &str, bench: &mut Bench) -> Option<u64> {
    let found = || Ok(Bootable::Ipa(Box::new(params())));
    let ms = match timing {
        "power_on" => {
            bench.reset(ResetType::On);
            bench.host_ms()
        }
        "post" => {
            bench.reset(ResetType::On);
            bench.next_phase();
            bench.host_ms()
        }
        "power_off" => {
            bench.reset(ResetType::On);
            bench.next_phase();
            bench.reset(ResetType::ForceOff);
            bench.host_ms()
        }
        "boot_os" => {
            bench.node.state.installed = true;
            bench.reset(ResetType::On);
            bench.next_phase();
            bench.next_phase();
            bench.host_ms()
        }
        "shutdown" => {
            length("boot_os", bench);
            bench.next_phase();
            bench.reset(ResetType::GracefulShutdown);
            bench.host_ms()
        }
        "boot_ramdisk" => {
            bench.boot_from_cd();
            bench.boot_read(found());
            bench.host_ms()
        }
        "agent_start" => {
            length("boot_ramdisk", bench);
            bench.next_phase();
            bench.host_ms()
        }
        "shutdown_ramdisk" => {
            length("agent_start", bench);
            bench.reset(ResetType::GracefulShutdown);
            bench.host_ms()
        }
        "manager_grace" => {
            bench.apply(Command::Bmc(bmc::Command::Reset)).unwrap();
            bench.bmc_ms()
        }
        "manager_reset" => {
            length("manager_grace", bench);
            bench.next_phase();
            bench.bmc_ms()
        }
        "volume" => {
            bench.apply(mirror(&[0, 1])).unwrap();
            bench.bmc_ms()
        }
        "diagnostics" => {
            bench.apply(logs::collection()).unwrap();
            bench.bmc_ms()
        }
        "command" | "erase_disk" | "burnin" | "bootc_install" => return None,
        _ => panic!("write how the timing {timing} is met"),
    };
    Some(ms)
}

/// A rule gives a machine the times that a profile with the same range gives it, and changes no other phase.
#[test]
fn every_phase_takes_the_time_of_a_rule() {
    for (timing, ..) in Timing::default().list() {
        let mut seen = Vec::new();
        for seed in 0..4 {
            let mut profile = Profile::clone(&built_in("generic").unwrap());
            profile.timing.set(timing, "1h..3h".parse().unwrap()).unwrap();
            let mut of_profile = Bench::with(seed, Arc::new(profile));
            let mut of_rule = Bench::with(seed, built_in("generic").unwrap());
            of_rule.bind(json!({}), json!({"timing": {timing: "1h..3h"}}));
            of_rule.restart();
            let Some(ms) = length(timing, &mut of_rule) else { continue };
            assert_eq!(length(timing, &mut of_profile), Some(ms), "{timing}");
            assert_eq!(of_profile.now, of_rule.now, "{timing}: the phases before are as always");
            assert!((HOUR..=3 * HOUR).contains(&ms), "{timing}: {ms}");
            assert_eq!(of_rule.fired(), 1);
            seen.push(ms);
        }
        let first = seen.first();
        assert!(
            seen.is_empty() || seen.iter().any(|ms| Some(ms) != first),
            "{timing}: {seen:?} by four seeds"
        );
    }
}

#[test]
fn a_phase_under_way_keeps_its_end() {
    let mut bench = Bench::new();
    bench.reset(ResetType::On);
    bench.next_phase();
    let end = bench.node.host().next_deadline();
    bench.bind(json!({}), json!({"timing": {"post": "1h"}}));
    assert_eq!(bench.node.host().next_deadline(), end, "it began before the rule");
    assert_eq!(bench.post_ms(), HOUR);
    let end = bench.node.host().next_deadline();
    bench.restart();
    bench.clear();
    assert_eq!(bench.node.host().next_deadline(), end, "it began with the rule");
    assert!(bench.post_ms() <= 4_000, "the rule is gone");
}

#[test]
fn the_first_rule_that_names_a_phase_decides_and_a_hang_before_it() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!({"timing": {"post": "1h"}}));
    let next = faults::rule(json!({}), json!({"timing": {"post": "2h", "power_on": "3h"}}));
    let next = Arc::new(Armed::new(8, next.rule.clone(), None, T0));
    bench.apply(Command::Lab(lab::Command::Bind(next))).unwrap();
    bench.reset(ResetType::On);
    assert_eq!(bench.host_ms(), 3 * HOUR);
    bench.next_phase();
    assert_eq!(bench.host_ms(), HOUR);
    let hang = faults::rule(json!({}), json!({"post-hangs": {"takes": "5h"}}));
    let hang = Arc::new(Armed::new(9, hang.rule.clone(), None, T0));
    bench.apply(Command::Lab(lab::Command::Bind(hang))).unwrap();
    assert_eq!(bench.post_ms(), 5 * HOUR);
}

#[test]
fn a_rule_with_an_end_ends_by_itself_and_begins_again() {
    let mut bench = Bench::new();
    bench.bind(json!({"after": {"state": "post"}, "for": "10m"}), json!({"timing": {"post": "5m"}}));
    bench.reset(ResetType::On);
    bench.next_phase();
    assert!(bench.host_ms() <= 4_000, "the state is entered with the phase");
    assert_eq!(bench.post_ms(), HOUR / 12);
    bench.pass(HOUR / 6);
    assert!(bench.post_ms() <= 4_000);
    assert_eq!(bench.post_ms(), HOUR / 12);
    assert_eq!((bench.fired(), bench.node.take_fault_news().unwrap().len()), (2, 3));
}

/// The times are no part of the machine, so they stay where its conditions end.
#[test]
fn a_machine_that_is_made_new_has_the_times_of_its_rules() {
    let mut bench = Bench::new();
    bench.bind(json!({}), json!({"timing": {"power_on": "1h"}}));
    bench.apply(Command::Lab(lab::Command::Renew)).unwrap();
    bench.restart();
    assert_eq!(length("power_on", &mut bench), Some(HOUR));
}
