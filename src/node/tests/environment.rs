//! Alarms: hot air, fans that fail, power supplies without input.

use super::*;
use crate::dmtf::Health;
use crate::node::bmc::environment::{Level, SensorId, Side};
use crate::node::bmc::failures::Part;
use crate::node::bmc::plugs::Plug;
use crate::node::bmc::power_limit;
use crate::node::health::Scope;
use crate::node::lab;
use crate::profile::built_in_names;

const INLET: SensorId = SensorId::Temperature(0);

impl Bench {
    fn lab(&mut self, command: lab::Command) {
        self.apply(Command::Lab(command)).unwrap();
    }

    fn inlet(&mut self, celsius: Option<i8>) {
        self.lab(lab::Command::Inlet(celsius));
    }

    fn fan(&mut self, number: u8, works: bool) {
        let part = Part::Fan(number);
        self.lab(if works { lab::Command::Repair(part) } else { lab::Command::Fail(part) });
    }

    /// The alarms without their moments.
    fn alarms(&self) -> Vec<(SensorId, Side, Level)> {
        self.node.alarms().iter().map(|alarm| (alarm.sensor, alarm.side, alarm.level)).collect()
    }

    fn level(&self, sensor: SensorId) -> Option<Level> {
        self.node.bmc().environment.alarm(sensor).map(|alarm| alarm.level)
    }

    /// A machine with an operating system that runs, and waits for nothing.
    fn running(&mut self) {
        self.node.state.installed = true;
        self.reset(ResetType::On);
        self.run();
        assert_eq!(self.node.state_word(), "os-running");
    }
}

/// Settles from deadline to deadline, at most `most` times and not beyond an hour. Returns the alarms at each, where they differ.
fn lives(bench: &mut Bench, most: usize) -> Vec<Option<Level>> {
    let end = bench.now.after_ms(3_600_000);
    let mut seen = vec![bench.level(INLET)];
    for _ in 0..most {
        let next = bench.node.next_deadline();
        if next > end {
            break;
        }
        bench.now = next;
        bench.node.settle(next);
        let level = bench.level(INLET);
        if seen.last() != Some(&level) {
            seen.push(level);
        }
    }
    seen
}

#[test]
fn a_healthy_machine_has_no_alarm_and_no_deadline_for_one_whatever_it_does() {
    for name in built_in_names() {
        let mut bench = Bench::new();
        bench.node = Node::new(NodeId(3), Seed(1), built_in(name).unwrap());
        bench.reset(ResetType::On);
        for _ in 0..500 {
            assert!(bench.node.alarms().is_empty(), "{name}");
            assert!(bench.node.bmc().environment.next_deadline() == SimTime::NEVER, "{name}");
            bench.now = bench.now.after_ms(10_000);
            bench.node.settle(bench.now);
        }
        assert_eq!(bench.node.health(Scope::Machine), Health::Ok, "{name}");
    }
}

#[test]
fn hot_air_raises_an_alarm_at_once_and_cool_air_ends_it() {
    let mut bench = Bench::new();
    bench.running();
    let cpu = bench.node.celsius(1, bench.now);
    bench.inlet(Some(60));
    assert_eq!(bench.alarms(), [(INLET, Side::Upper, Level::Critical)]);
    assert_eq!(bench.node.alarms()[0].since, bench.now);
    assert!(bench.node.celsius(1, bench.now) > cpu + 10.0, "what is behind the inlet gets warmer");
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER, "no reading comes near a threshold");
    for scope in [Scope::Thermal, Scope::Machine, Scope::Sensor(INLET)] {
        assert_eq!(bench.node.health(scope), Health::Critical, "{scope:?}");
    }
    assert_eq!(bench.node.health(Scope::Power), Health::Ok);
    bench.now = bench.now.after_ms(1000);
    bench.inlet(Some(44));
    assert_eq!(bench.alarms(), [(INLET, Side::Upper, Level::Caution)]);
    assert_eq!(bench.node.alarms()[0].since, bench.now, "another level begins");
    assert_eq!(bench.node.health(Scope::Machine), Health::Warning);
    bench.inlet(None);
    assert!(
        bench.node.alarms().is_empty() && bench.node.bmc().environment == State::default().bmc.environment
    );
}

#[test]
fn a_machine_without_fans_and_power_supplies_lacks_none() {
    let mut profile = Profile::clone(&built_in("generic").unwrap());
    (profile.fans, profile.power_supplies) = (Vec::new(), Vec::new());
    let mut bench = Bench::new();
    bench.node = Node::new(NodeId(3), Seed(1), Arc::new(profile));
    bench.running();
    bench.inlet(Some(44));
    assert_eq!(bench.alarms(), [(INLET, Side::Upper, Level::Caution)]);
    for scope in [Scope::Power, Scope::FanRedundancy, Scope::SupplyRedundancy] {
        assert_eq!(bench.node.health(scope), Health::Ok, "{scope:?}");
    }
    assert_eq!(bench.node.health(Scope::Machine), Health::Warning);
}

#[test]
fn air_near_a_threshold_raises_the_alarm_at_a_moment_that_was_computed() {
    let mut bench = Bench::new();
    bench.inlet(Some(42));
    let thresholds = [bench.level(INLET), Some(Level::Caution)];
    let seen = lives(&mut bench, 100);
    assert!(seen.ends_with(&[Some(Level::Caution)]), "{seen:?}");
    assert!(thresholds.contains(&seen[0]) && seen.len() <= 2, "within the hysteresis it stays: {seen:?}");
    let since = bench.node.alarms()[0].since;
    assert!(bench.node.celsius(0, since) >= 42.0);
    assert_eq!(bench.node.next_deadline(), SimTime::NEVER, "the air cannot become cool enough by itself");
    // Between 40 and 42 an alarm stays, and none begins.
    bench.inlet(Some(41));
    assert_eq!(bench.level(INLET), Some(Level::Caution), "less than the hysteresis below the threshold");
    bench.inlet(Some(38));
    assert_eq!(bench.level(INLET), None);
}

#[test]
fn an_alarm_that_may_never_come_costs_a_wake_up_in_more_than_an_hour() {
    let mut bench = Bench::new();
    // 41 and the fluctuation of at most 1 degree reach 42 in one sample of two thousand.
    bench.inlet(Some(41));
    let next = bench.node.next_deadline();
    assert!(next != SimTime::NEVER && next.since_ms(bench.now) > 600_000, "{next:?}");
}

#[test]
fn a_fan_that_fails_stands_still_and_the_others_turn_faster() {
    let mut bench = Bench::new();
    bench.fan(0, false);
    assert!(bench.node.alarms().is_empty(), "the fans of a machine that is off stand still anyway");
    bench.running();
    assert_eq!(bench.alarms(), [(SensorId::Fan(0), Side::Lower, Level::Critical)]);
    assert_eq!(bench.node.health(Scope::FanRedundancy), Health::Warning, "the next failure is one too many");
    assert_eq!(bench.node.health(Scope::Thermal), Health::Critical);
    let (alone, now) = (bench.node.rpm(1, bench.now), bench.now);
    assert_eq!(bench.node.rpm(0, now), 0);
    bench.fan(1, false);
    assert_eq!(bench.node.health(Scope::FanRedundancy), Health::Critical);
    assert!(bench.node.rpm(2, now) > alone);
    let cpu = bench.node.celsius(1, now);
    bench.fan(2, false);
    bench.fan(3, false);
    assert!(bench.node.celsius(1, now) > cpu + 20.0, "no air moves");
    assert!(bench.level(SensorId::Temperature(1)) >= Some(Level::Caution));
    for fan in 0..4 {
        bench.fan(fan, true);
    }
    assert!(bench.alarms().is_empty() && bench.node.rpm(1, now) < alone);
    bench.fan(1, false);
    bench.reset(ResetType::ForceOff);
    bench.run();
    assert!(bench.node.alarms().is_empty(), "a fan that should not turn has no alarm");
}

#[test]
fn the_other_supply_carries_the_load_and_the_last_cord_stays() {
    let mut bench = Bench::new();
    bench.running();
    let (now, half) = (bench.now, bench.node.supply_watts(1, bench.now));
    bench.lab(lab::Command::Unplug(Plug::Cord(0)));
    assert_eq!((bench.node.volts(0, now), bench.node.supply_watts(0, now)), (0.0, 0.0));
    assert!(bench.node.supply_watts(1, now) > half * 1.8);
    assert_eq!(bench.alarms(), [(SensorId::Voltage(0), Side::Lower, Level::Critical)]);
    assert_eq!(bench.node.health(Scope::Supply(0)), Health::Critical);
    assert_eq!(bench.node.health(Scope::Supply(1)), Health::Ok);
    assert_eq!(bench.node.health(Scope::SupplyRedundancy), Health::Warning);
    let refused = bench.apply(Command::Lab(lab::Command::Unplug(Plug::Cord(1))));
    assert_eq!(refused, Err(Refusal::LastInput));
    bench.lab(lab::Command::Unplug(Plug::Cord(0)));
    bench.lab(lab::Command::Plug(Plug::Cord(0)));
    bench.lab(lab::Command::Plug(Plug::Cord(0)));
    assert!(bench.alarms().is_empty() && bench.node.bmc().environment == State::default().bmc.environment);
}

#[test]
fn a_power_limit_caps_the_power_draw_until_it_is_disabled() {
    let mut bench = Bench::new();
    bench.running();
    let limit = |bench: &mut Bench, set_point, enabled| {
        let change = power_limit::Change { set_point, enabled, ..power_limit::Change::default() };
        bench.apply(Command::Bmc(bmc::Command::LimitPower(change))).unwrap();
    };
    let free = bench.node.watts(bench.now);
    assert!(free > 300.0);
    limit(&mut bench, Some(250), None);
    assert!((bench.node.watts(bench.now) - 250.0).abs() < f64::EPSILON);
    limit(&mut bench, None, Some(false));
    assert!((bench.node.watts(bench.now) - free).abs() < f64::EPSILON);
    assert_eq!(bench.node.bmc().power_limit.set_point(), Some(250), "the set point stays");
    limit(&mut bench, Some(200), Some(false));
    assert_eq!(bench.node.bmc().power_limit.watts(), None);
}

#[test]
fn what_the_host_does_moves_alarms_at_that_moment() {
    let mut bench = Bench::new();
    // The self test needs more power than one supply should give.
    let mut profile = Profile::clone(bench.node.profile());
    profile.power_supplies.iter_mut().for_each(|supply| supply.watts = 560);
    bench.node = Node::new(NodeId(3), Seed(1), Arc::new(profile));
    bench.node.state.installed = true;
    bench.lab(lab::Command::Unplug(Plug::Cord(0)));
    let before = bench.alarms();
    bench.reset(ResetType::On);
    let mut during = None;
    while bench.node.next_deadline() != SimTime::NEVER && bench.node.state_word() != "os-running" {
        bench.now = bench.node.next_deadline();
        bench.node.settle(bench.now);
        if bench.node.state_word() == "post" {
            during = during.or(bench.level(SensorId::Output(1)));
        }
    }
    assert_eq!(during, Some(Level::Critical));
    assert_eq!(bench.alarms(), before, "and it ends with the load");
}
