//! Sensor readings: computed from the model, the state of the machine, and the time. Nothing is stored.
//!
//! Readings fluctuate a little, as real ones do. The same fleet has the same readings at the same moment.

use super::Node;
use super::bmc::environment::SensorId;
use super::bmc::failures::Part;
use super::host::{Host, Running};
use crate::profile::inventory::{Fan, Temperature};
use crate::profile::sensors::{FAN_SPREAD, LINE_VOLTS, RPM_STEP, SPREAD};
use crate::seed::Purpose;
use crate::time::SimTime;

/// Time between two different readings of a sensor, simulated milliseconds.
pub(super) const SAMPLE_MS: u64 = 10_000;
/// Temperature of the inlet air in a model without a sensor for it, degrees Celsius.
const ROOM_CELSIUS: f64 = 22.0;
/// The range of a temperature sensor, degrees Celsius.
pub const CELSIUS_RANGE: (i32, i32) = (-40, 125);
/// The share of its range by which a fan turns faster at full load.
const FAN_PER_LOAD: f64 = 0.6;
/// The share of its range by which a fan turns faster for each degree that the inlet air is too warm.
const FAN_PER_DEGREE: f64 = 0.03;
/// The share of the normal air flow that is left without a fan.
const LEAST_FLOW: f64 = 0.05;

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
                // The agent cleans disks or writes an image.
                Running::Ipa(agent) if agent.job().is_some() => 0.6,
                Running::Ipa(_) => 0.15,
            }),
        }
    }

    /// The load of the host, percent. Zero if it is off.
    pub fn load_percent(&self) -> f64 {
        self.load().unwrap_or_default() * 100.0
    }

    /// Whether the fans should turn.
    pub(super) fn is_cooled(&self) -> bool {
        self.load().is_some()
    }

    /// The number of the sample that a moment belongs to. The readings of a sensor are the same during a sample.
    pub(super) fn sample(&self, now: SimTime) -> u64 {
        now.since_ms(self.samples_from()) / SAMPLE_MS
    }

    /// The beginning of sample 0.
    pub(super) fn samples_from(&self) -> SimTime {
        let bmc = self.bmc();
        bmc.environment.origin().or(bmc.telemetry.origin()).unwrap_or(SimTime::from_ms(0))
    }

    /// The fluctuation of a reading in a sample, from -1 to 1.
    fn drift(&self, kind: Kind, number: u8, sample: u64) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "the number wraps around after a thousand years")]
        let sample = sample as u32;
        let sensor = (kind as u32) << 8 | u32::from(number);
        let dice = self.seed.hash(self.id.0, Purpose::Sensor, sample.rotate_left(12) ^ sensor);
        (dice % 2001) as f64 / 1000.0 - 1.0
    }

    /// The reading of a sensor in a sample, as [`Node::reading`].
    pub(super) fn reading_in(&self, sensor: SensorId, sample: u64) -> f64 {
        let drift = match sensor {
            SensorId::Temperature(number) => self.drift(Kind::Temperature, number, sample),
            SensorId::Fan(number) => self.drift(Kind::Fan, number, sample),
            SensorId::Voltage(number) => self.drift(Kind::Voltage, number, sample),
            SensorId::Output(_) => self.drift(Kind::Power, 0, sample),
        };
        self.reading_at(sensor, drift)
    }

    /// The reading of a sensor as documents show it: degrees Celsius, rotations per minute, V or W. Zero if the model has no
    /// such sensor.
    pub fn reading(&self, sensor: SensorId, now: SimTime) -> f64 {
        self.reading_in(sensor, self.sample(now))
    }

    /// The reading of a sensor with a fluctuation from -1 to 1. It rises with the fluctuation, or stays the same.
    pub(super) fn reading_at(&self, sensor: SensorId, drift: f64) -> f64 {
        let profile = self.profile();
        match sensor {
            SensorId::Temperature(number) => profile
                .temperatures
                .get(usize::from(number))
                .map_or(0.0, |sensor| self.celsius_at(sensor, drift)),
            SensorId::Fan(number) => {
                let fan = profile.fans.get(usize::from(number));
                fan.map_or(0.0, |fan| f64::from(self.rpm_at(number, fan, drift)))
            }
            SensorId::Voltage(number) if self.bmc().environment.has_input(number) => {
                LINE_VOLTS + SPREAD * drift
            }
            SensorId::Output(number) if self.bmc().feeds(number) => {
                let supplies = (0..=u8::MAX).zip(&profile.power_supplies);
                let alive = supplies.filter(|(supply, _)| self.bmc().feeds(*supply)).count();
                (self.watts_at(drift) / alive.max(1) as f64).round()
            }
            SensorId::Voltage(_) | SensorId::Output(_) => 0.0,
        }
    }

    /// The reading of a temperature sensor, degrees Celsius.
    pub fn celsius(&self, number: u8, now: SimTime) -> f64 {
        self.reading(SensorId::Temperature(number), now)
    }

    /// The temperature of the inlet air that the model has in a room of normal temperature, and the present one.
    fn inlet(&self) -> (f64, f64) {
        let sensor = self.profile().temperatures.iter().find(|sensor| sensor.is_inlet());
        let normal = sensor.map_or(ROOM_CELSIUS, |sensor| sensor.idle_celsius);
        (normal, self.bmc().environment.inlet_celsius().map_or(normal, f64::from))
    }

    /// The inlet air warms what is behind it. What the parts add themselves depends on the load, and on the air that the fans
    /// move: half of it cools less, but not half as much.
    fn celsius_at(&self, sensor: &Temperature, drift: f64) -> f64 {
        let (normal, inlet) = self.inlet();
        let celsius = match self.load() {
            _ if sensor.is_inlet() => inlet + SPREAD * drift,
            Some(load) => {
                let idle = sensor.idle_celsius - normal;
                let added = idle + (sensor.lowest_threshold() - sensor.idle_celsius) * 0.5 * load;
                let added = if added > 0.0 { added / self.air_flow(load).sqrt() } else { added };
                inlet + added + SPREAD * drift
            }
            // A host that is off has the temperature of the intake air.
            None => inlet + (sensor.idle_celsius - normal).min(0.0) + SPREAD * drift * 0.5,
        };
        let celsius = celsius.clamp(f64::from(CELSIUS_RANGE.0), f64::from(CELSIUS_RANGE.1));
        if self.profile().chassis.whole_degrees { celsius.round() } else { celsius }
    }

    /// The air that the fans move, as a share of what they move at this load in a healthy machine.
    fn air_flow(&self, load: f64) -> f64 {
        if self.bmc().environment.origin().is_none() {
            return 1.0;
        }
        let (mut normal, mut present) = (0.0, 0.0);
        for (number, fan) in (0u8..).zip(&self.profile().fans) {
            normal += f64::from(fan.idle_rpm) + fan_span(fan) * FAN_PER_LOAD * load;
            if self.has_fan(number) {
                present += self.speed(fan, load);
            }
        }
        if normal > 0.0 { (present / normal).max(LEAST_FLOW) } else { 1.0 }
    }

    /// The speed of a fan that works, without its fluctuation, rotations per minute. The fans turn faster with the load and
    /// with the temperature of the inlet air, and do the work of those that have failed.
    fn speed(&self, fan: &Fan, load: f64) -> f64 {
        let (normal, inlet) = self.inlet();
        let share = FAN_PER_LOAD * load + FAN_PER_DEGREE * (inlet - normal).max(0.0);
        let alone = f64::from(fan.idle_rpm) + fan_span(fan) * share.min(1.0);
        let all = self.profile().fans.len();
        let failed = self.bmc().failed_parts().filter(|part| matches!(part, Part::Fan(_))).count();
        let alive = all.saturating_sub(failed);
        (alone * all as f64 / alive.max(1) as f64).min(f64::from(fan.max_rpm))
    }

    /// The speed of a fan, rotations per minute.
    pub fn rpm(&self, number: u8, now: SimTime) -> u32 {
        let drift = self.drift(Kind::Fan, number, self.sample(now));
        let fan = self.profile().fans.get(usize::from(number));
        fan.map_or(0, |fan| self.rpm_at(number, fan, drift))
    }

    fn rpm_at(&self, number: u8, fan: &Fan, drift: f64) -> u32 {
        let Some(load) = self.load().filter(|_| self.has_fan(number)) else { return 0 };
        let rpm = self.speed(fan, load) + fan_span(fan) * FAN_SPREAD * drift;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least zero, and at most the maximum speed of the fan"
        )]
        let rpm = rpm.clamp(0.0, f64::from(fan.max_rpm)) as u32;
        rpm / RPM_STEP * RPM_STEP
    }

    /// Whether the fan with this number works.
    fn has_fan(&self, number: u8) -> bool {
        !self.has_failed(Part::Fan(number))
    }

    /// The power draw of the machine, W: from `Chassis.MinPowerWatts` to `Chassis.MaxPowerWatts`.
    pub fn watts(&self, now: SimTime) -> f64 {
        self.watts_in(self.sample(now))
    }

    /// The power draw in a sample, as [`Node::watts`].
    pub(super) fn watts_in(&self, sample: u64) -> f64 {
        self.watts_at(self.drift(Kind::Power, 0, sample))
    }

    fn watts_at(&self, drift: f64) -> f64 {
        let chassis = &self.profile().chassis;
        let (standby, max) = (f64::from(chassis.standby_watts), f64::from(chassis.max_watts));
        let watts = match self.load() {
            None => standby * (1.0 + 0.025 * (1.0 + drift)),
            Some(load) => {
                let idle = f64::from(chassis.idle_watts);
                (idle + (max - idle) * load) * (1.0 + 0.02 * drift)
            }
        };
        let most = self.bmc().power_limit.watts().map_or(max, f64::from);
        watts.round().max(standby).min(most)
    }

    /// The output power of a power supply, W. All supplies with input that work share the load equally.
    pub fn supply_watts(&self, number: u8, now: SimTime) -> f64 {
        self.reading(SensorId::Output(number), now)
    }

    /// The input voltage of a power supply, V.
    pub fn volts(&self, number: u8, now: SimTime) -> f64 {
        self.reading(SensorId::Voltage(number), now)
    }
}

/// The difference between the maximum speed of a fan and its speed in an idle machine, rotations per minute.
fn fan_span(fan: &Fan) -> f64 {
    f64::from(fan.max_rpm) - f64::from(fan.idle_rpm)
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
        let fan = &profile.fans[0];
        let off = (node.celsius(1, T0), node.rpm(0, T0), node.watts(T0));
        assert_eq!(off.1, 0);
        node.apply(Command::Host(host::Command::Reset(ResetType::On)), T0).unwrap();
        let now = T0.after_ms(1000);
        node.settle(now);
        assert!(node.celsius(1, now) > off.0 + 5.0);
        assert!((fan.idle_rpm..=fan.max_rpm).contains(&node.rpm(0, now)));
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
            let readings = (0u8..).zip(&profile.temperatures).map(|(number, _)| node.celsius(number, T0));
            assert_eq!(readings.map(f64::fract).all(|part| part == 0.0), whole, "{name}");
        }
    }

    #[test]
    fn readings_change_with_time_and_can_be_repeated() {
        let profile = built_in("generic").unwrap();
        let node = Node::new(NodeId(3), Seed(1), profile.clone());
        let reading = |at: SimTime| node.celsius(0, at);
        assert_eq!(reading(T0), reading(T0.after_ms(1)));
        assert!((1..20u64).any(|n| reading(T0) != reading(T0.after_ms(n * SAMPLE_MS))));
        for n in 0..200 {
            let celsius = reading(T0.after_ms(n * SAMPLE_MS));
            assert!((21.0..=25.0).contains(&celsius), "{celsius}");
        }
    }
}
