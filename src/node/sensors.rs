//! Sensor readings: computed from the model, the state of the host, and the time. Nothing is stored.
//!
//! Readings fluctuate a little, as real ones do. The same fleet has the same readings at the same moment.

use super::Node;
use super::host::{Host, Running};
use crate::profile::inventory::{Fan, Temperature};
use crate::seed::Purpose;
use crate::time::SimTime;

/// Time between two different readings of a sensor, simulated milliseconds.
const SAMPLE_MS: u64 = 10_000;
/// Input voltage of every power supply, V.
pub const LINE_VOLTS: u32 = 230;

/// The kinds of sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Temperature,
    Fan,
    Power,
    Voltage,
}

impl Node {
    /// The load of the host, from 0 (idle) to 1; `None` if the host is off.
    fn load(&self) -> Option<f64> {
        match self.host() {
            Host::Off => None,
            Host::PoweringOn { .. } | Host::PoweringOff { .. } => Some(0.2),
            Host::Post { .. } => Some(0.7),
            Host::Booting(_) => Some(0.4),
            Host::Running { what, .. } => Some(match what {
                Running::NoBootDevice | Running::Setup => 0.05,
                Running::Os | Running::Live => 0.3,
                Running::Ipa(_) => 0.15,
            }),
        }
    }

    /// The current fluctuation of a reading, from -1 to 1.
    fn drift(&self, kind: Kind, number: usize, now: SimTime) -> f64 {
        let sample = (now.ms() / SAMPLE_MS) as u32;
        let sensor = (kind as u32) << 8 | number as u32 & 0xff;
        let dice = self.seed.hash(self.id.0, Purpose::Sensor, sample.rotate_left(12) ^ sensor);
        (dice % 2001) as f64 / 1000.0 - 1.0
    }

    /// The reading of temperature sensor number `number`, degrees Celsius.
    pub fn celsius(&self, number: usize, sensor: &Temperature, now: SimTime) -> f64 {
        let drift = self.drift(Kind::Temperature, number, now);
        let celsius = match self.load() {
            _ if sensor.context == "Intake" => sensor.idle_celsius + drift,
            Some(load) => {
                sensor.idle_celsius + (sensor.caution_celsius - sensor.idle_celsius) * 0.5 * load + drift
            }
            // A host that is off has the temperature of the intake air.
            None => {
                let intake = self.profile().temperatures.iter().find(|t| t.context == "Intake");
                intake.map_or(22.0, |t| t.idle_celsius).min(sensor.idle_celsius) + drift * 0.5
            }
        };
        if self.profile().chassis.whole_degrees { celsius.round() } else { celsius }
    }

    /// The speed of fan number `number`, rotations per minute.
    pub fn rpm(&self, number: usize, fan: &Fan, now: SimTime) -> u32 {
        let Some(load) = self.load() else { return 0 };
        let span = f64::from(fan.max_rpm - fan.idle_rpm);
        let rpm =
            f64::from(fan.idle_rpm) + span * load * 0.6 + span * 0.01 * self.drift(Kind::Fan, number, now);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least zero, and at most the maximum speed of the fan"
        )]
        let rpm = rpm.max(0.0) as u32;
        rpm / 20 * 20
    }

    /// The power draw of the machine, W: from `Chassis.MinPowerWatts` to `Chassis.MaxPowerWatts`.
    pub fn watts(&self, now: SimTime) -> f64 {
        let chassis = &self.profile().chassis;
        let drift = self.drift(Kind::Power, 0, now);
        let (standby, max) = (f64::from(chassis.standby_watts), f64::from(chassis.max_watts));
        let watts = match self.load() {
            None => standby * (1.0 + 0.05 * drift.abs()),
            Some(load) => {
                let idle = f64::from(chassis.idle_watts);
                (idle + (max - idle) * load) * (1.0 + 0.02 * drift)
            }
        };
        watts.round().max(standby).min(max)
    }

    /// The output power of each power supply, W. All supplies share the load equally.
    pub fn supply_watts(&self, now: SimTime) -> f64 {
        (self.watts(now) / self.profile().power_supplies.len().max(1) as f64).round()
    }

    /// The input voltage of power supply number `number`, V.
    pub fn volts(&self, number: usize, now: SimTime) -> f64 {
        f64::from(LINE_VOLTS) + self.drift(Kind::Voltage, number, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmtf::ResetType;
    use crate::node::NodeId;
    use crate::node::{command::Command, host};
    use crate::profile::built_in;
    use crate::seed::Seed;

    const T0: SimTime = SimTime::from_ms(1_000_000_000);

    #[test]
    fn a_host_that_is_on_has_higher_readings() {
        let profile = built_in("generic").unwrap();
        let mut node = Node::new(NodeId(3), Seed(1), profile.clone());
        let (cpu, fan) = (&profile.temperatures[1], &profile.fans[0]);
        let off = (node.celsius(1, cpu, T0), node.rpm(0, fan, T0), node.watts(T0));
        assert_eq!(off.1, 0);
        node.apply(Command::Host(host::Command::Reset(ResetType::On)), T0).unwrap();
        let now = T0.after_ms(1000);
        node.settle(now);
        assert!(node.celsius(1, cpu, now) > off.0 + 5.0);
        assert!((fan.idle_rpm..=fan.max_rpm).contains(&node.rpm(0, fan, now)));
        assert!(
            node.watts(now) > f64::from(profile.chassis.idle_watts)
                && node.watts(now) <= f64::from(profile.chassis.max_watts)
        );
    }

    #[test]
    fn the_power_draw_is_never_below_the_least_that_the_chassis_reports() {
        for name in crate::profile::built_in_names() {
            let profile = built_in(name).unwrap();
            let node = Node::new(NodeId(3), Seed(1), profile.clone());
            for n in 0..200 {
                let watts = node.watts(T0.after_ms(n * SAMPLE_MS));
                assert!(watts >= f64::from(profile.chassis.standby_watts), "{name}: {watts}");
            }
        }
    }

    #[test]
    fn a_model_can_have_sensors_of_whole_degrees() {
        for (name, whole) in [("hpe-dl380-gen11", true), ("generic", false)] {
            let profile = built_in(name).unwrap();
            let node = Node::new(NodeId(3), Seed(1), profile.clone());
            let readings =
                profile.temperatures.iter().enumerate().map(|(n, sensor)| node.celsius(n, sensor, T0));
            assert_eq!(readings.map(f64::fract).all(|part| part == 0.0), whole, "{name}");
        }
    }

    #[test]
    fn readings_change_with_time_and_can_be_repeated() {
        let profile = built_in("generic").unwrap();
        let node = Node::new(NodeId(3), Seed(1), profile.clone());
        let reading = |at: SimTime| node.celsius(0, &profile.temperatures[0], at);
        assert_eq!(reading(T0), reading(T0.after_ms(1)));
        assert!((1..20u64).any(|n| reading(T0) != reading(T0.after_ms(n * SAMPLE_MS))));
        for n in 0..200 {
            let celsius = reading(T0.after_ms(n * SAMPLE_MS));
            assert!((21.0..=25.0).contains(&celsius), "{celsius}");
        }
    }
}
