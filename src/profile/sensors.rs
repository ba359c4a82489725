//! The rules of a model's sensors: thresholds that are not those of a single part, hysteresis, units, and how many fans and
//! power supplies the machine needs.

use serde::{Deserialize, Serialize};

use super::inventory::{Chassis, Fan, PowerSupply, Temperature};

/// The key `[sensors]` of a profile. Everything has a default.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SensorRules {
    /// An alarm of a temperature ends this far below its threshold, degrees Celsius.
    pub temperature_hysteresis: f64,
    /// `LowerCaution` of a fan, percent of its speed in an idle machine.
    pub fan_caution_percent: u32,
    /// `LowerCritical` of a fan, percent of its speed in an idle machine.
    pub fan_critical_percent: u32,
    /// An alarm of a fan ends this far above its threshold, percent of its speed in an idle machine.
    pub fan_hysteresis_percent: u32,
    /// The unit of `Fans` in `Thermal`.
    pub fan_units: FanUnits,
    /// Number of fans that a running machine needs. Without it, all but one.
    pub fans_needed: Option<u32>,
    /// Thresholds of the input voltage of power supplies, V.
    pub voltage_lower_critical: f64,
    pub voltage_lower_caution: f64,
    pub voltage_upper_caution: f64,
    pub voltage_upper_critical: f64,
    /// An alarm of an input voltage ends this far within its threshold, V.
    pub voltage_hysteresis: f64,
    /// `UpperCaution` of the output of a power supply, percent of its rated power.
    pub supply_caution_percent: u32,
    /// `UpperCritical` of the output of a power supply, percent of its rated power.
    pub supply_critical_percent: u32,
    /// An alarm of the output of a power supply ends this far below its threshold, percent of its rated power.
    pub supply_hysteresis_percent: u32,
    /// Number of power supplies that a running machine needs. Without it, one of several.
    pub supplies_needed: Option<u32>,
    /// How the power supplies replace each other.
    pub supply_redundancy: RedundancyType,
}

/// `RedundancyType` of a group of parts, from the `Redundancy` schema: the types that servers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum RedundancyType {
    /// The others go on without the part.
    NPlusM,
    /// Another part takes the place of the part.
    Failover,
}

impl RedundancyType {
    /// The type as the newer resources have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NPlusM => "NPlusM",
            Self::Failover => "Failover",
        }
    }

    /// `Redundancy.Mode`: the type as the older resources have it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::NPlusM => "N+m",
            Self::Failover => "Failover",
        }
    }
}

/// `ReadingUnits` of a fan in `Thermal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum FanUnits {
    /// Rotations per minute, a whole number.
    #[serde(rename = "RPM")]
    Rpm,
    /// Percent of the maximum speed.
    Percent,
}

impl Default for SensorRules {
    fn default() -> Self {
        Self {
            temperature_hysteresis: 2.0,
            fan_caution_percent: 50,
            fan_critical_percent: 25,
            fan_hysteresis_percent: 5,
            fan_units: FanUnits::Rpm,
            fans_needed: None,
            voltage_lower_critical: 180.0,
            voltage_lower_caution: 190.0,
            voltage_upper_caution: 256.0,
            voltage_upper_critical: 264.0,
            voltage_hysteresis: 2.0,
            supply_caution_percent: 90,
            supply_critical_percent: 100,
            supply_hysteresis_percent: 5,
            supplies_needed: None,
            supply_redundancy: RedundancyType::NPlusM,
        }
    }
}

/// Thresholds of a sensor in the unit of its reading, from the mildest to the worst: caution, critical, fatal.
///
/// As in IPMI 2.0 (35.14), a reading that is equal to a threshold has crossed it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    pub lower: [Option<f64>; 3],
    pub upper: [Option<f64>; 3],
    /// An alarm ends when the reading is this far on the good side of its threshold.
    pub hysteresis: f64,
}

/// Input voltage of every power supply with input, V.
pub const LINE_VOLTS: f64 = 230.0;
/// The largest fluctuation of a temperature, degrees Celsius, and of an input voltage, V.
pub const SPREAD: f64 = 1.0;
/// A fan's speed is shown as a multiple of this, rotations per minute.
pub const RPM_STEP: u32 = 20;
/// The fluctuation of a fan's speed, as a share of the difference between its idle and its maximum speed.
pub const FAN_SPREAD: f64 = 0.01;

/// Maximum number of temperature sensors, of fans, and of power supplies.
const MAX_SENSORS: usize = 255;

impl SensorRules {
    /// A speed as a percentage of the maximum speed of a fan. A model that shows percentages in `Thermal` has whole ones.
    pub fn percent(&self, fan: &Fan, rpm: f64) -> f64 {
        let percent = rpm * 100.0 / f64::from(fan.max_rpm);
        match self.fan_units {
            FanUnits::Rpm => percent,
            FanUnits::Percent => percent.round(),
        }
    }

    /// The thresholds of a temperature sensor, degrees Celsius.
    pub fn of_temperature(&self, sensor: &Temperature) -> Thresholds {
        Thresholds {
            lower: [None; 3],
            upper: [sensor.caution_celsius, Some(sensor.critical_celsius), sensor.fatal_celsius],
            hysteresis: self.temperature_hysteresis,
        }
    }

    /// The thresholds of a fan, rotations per minute.
    pub fn of_fan(&self, fan: &Fan) -> Thresholds {
        let share = |percent: u32| (f64::from(fan.idle_rpm) * f64::from(percent) / 100.0).round();
        let lower = [Some(share(self.fan_caution_percent)), Some(share(self.fan_critical_percent)), None];
        Thresholds { lower, upper: [None; 3], hysteresis: share(self.fan_hysteresis_percent) }
    }

    /// The thresholds of the input voltage of a power supply, V.
    pub fn of_voltage(&self) -> Thresholds {
        Thresholds {
            lower: [Some(self.voltage_lower_caution), Some(self.voltage_lower_critical), None],
            upper: [Some(self.voltage_upper_caution), Some(self.voltage_upper_critical), None],
            hysteresis: self.voltage_hysteresis,
        }
    }

    /// The thresholds of the output of one of `supplies`, W. It has none if its share of the maximum power draw of the chassis
    /// crosses them while all supplies have input: an alarm would then say nothing.
    pub fn of_output(&self, supply: &PowerSupply, supplies: usize, chassis: &Chassis) -> Thresholds {
        let share = |percent: u32| (f64::from(supply.watts) * f64::from(percent) / 100.0).round();
        let (caution, hysteresis) =
            (share(self.supply_caution_percent), share(self.supply_hysteresis_percent));
        let most = f64::from(chassis.max_watts) / supplies.max(1) as f64;
        let upper = if most + 1.0 < caution - hysteresis {
            [Some(caution), Some(share(self.supply_critical_percent)), None]
        } else {
            [None; 3]
        };
        Thresholds { lower: [None; 3], upper, hysteresis }
    }

    /// Number of fans that a running machine needs of `fans`.
    pub fn fans_needed(&self, fans: usize) -> usize {
        self.fans_needed.map_or(fans.saturating_sub(1).max(1), |needed| needed as usize)
    }

    /// Number of power supplies that a running machine needs.
    pub fn supplies_needed(&self) -> usize {
        self.supplies_needed.map_or(1, |needed| needed as usize)
    }

    /// Checks the rules together with the parts that they are about.
    ///
    /// No reading may cross a threshold unless something is wrong with the machine. So a machine that just runs has no alarm,
    /// and needs no deadline for one.
    pub(super) fn check(
        &self,
        temperatures: &[Temperature],
        fans: &[Fan],
        supplies: &[PowerSupply],
    ) -> Result<(), String> {
        for (what, count) in
            [("temperature", temperatures.len()), ("fan", fans.len()), ("power_supply", supplies.len())]
        {
            if count > MAX_SENSORS {
                return Err(format!("{what}: there are {count}; at most {MAX_SENSORS} are allowed"));
            }
        }
        for (key, hysteresis) in [
            ("temperature_hysteresis", self.temperature_hysteresis),
            ("voltage_hysteresis", self.voltage_hysteresis),
        ] {
            if !(0.0..=100.0).contains(&hysteresis) {
                return Err(format!("sensors.{key}: {hysteresis}; 0 to 100 is allowed"));
            }
        }
        temperatures.iter().try_for_each(|sensor| self.check_temperature(sensor))?;
        fans.iter().try_for_each(|fan| self.check_fan(fan))?;
        self.check_voltages()?;
        for (lower, low, upper, high) in [
            (
                "fan_critical_percent",
                self.fan_critical_percent,
                "fan_caution_percent",
                self.fan_caution_percent,
            ),
            (
                "supply_caution_percent",
                self.supply_caution_percent,
                "supply_critical_percent",
                self.supply_critical_percent,
            ),
        ] {
            if low >= high {
                return Err(format!("sensors.{lower}: {low} must be less than {upper}, which is {high}"));
            }
        }
        for (key, needed, parts) in [
            ("fans_needed", self.fans_needed, fans.len()),
            ("supplies_needed", self.supplies_needed, supplies.len()),
        ] {
            if let Some(needed) = needed.filter(|needed| *needed == 0 || *needed as usize > parts) {
                return Err(format!(
                    "sensors.{key}: {needed}; 1 to {parts} are allowed, the number of these parts"
                ));
            }
        }
        Ok(())
    }

    fn check_temperature(&self, sensor: &Temperature) -> Result<(), String> {
        let Temperature { id, idle_celsius: idle, .. } = sensor;
        let levels = [sensor.caution_celsius, Some(sensor.critical_celsius), sensor.fatal_celsius];
        if !levels.iter().flatten().is_sorted_by(|a, b| a < b) {
            return Err(format!(
                "temperature '{id}': caution_celsius, critical_celsius and fatal_celsius must ascend"
            ));
        }
        // The load raises a temperature by less than half of the way to its lowest threshold. Half a degree is for rounding.
        let distance = 2.0 * (self.temperature_hysteresis + SPREAD + 0.5);
        let (lowest, least) = (sensor.lowest_threshold(), idle + distance);
        if lowest.partial_cmp(&least).is_none_or(std::cmp::Ordering::is_lt) {
            return Err(format!(
                "temperature '{id}': the lowest threshold is {lowest}; at least {least} is allowed, {distance} degrees above \
                 idle_celsius"
            ));
        }
        Ok(())
    }

    fn check_fan(&self, fan: &Fan) -> Result<(), String> {
        let Fan { id, idle_rpm: idle, max_rpm: max, .. } = fan;
        if *idle == 0 || max < idle {
            return Err(format!(
                "fan '{id}': idle_rpm is {idle} and max_rpm is {max}; idle_rpm must be at least 1 and at most max_rpm"
            ));
        }
        let thresholds = self.of_fan(fan);
        // A speed is a multiple of [`RPM_STEP`].
        let slowest = f64::from(*idle) - f64::from(max - idle) * FAN_SPREAD - f64::from(RPM_STEP);
        if thresholds.lower[0].is_some_and(|caution| caution + thresholds.hysteresis >= slowest) {
            let sum = self.fan_caution_percent + self.fan_hysteresis_percent;
            let most = (slowest * 100.0 / f64::from(*idle)).floor();
            return Err(format!(
                "sensors.fan_caution_percent and fan_hysteresis_percent: their sum is {sum}; less than {most} is allowed, so \
                 that fan '{id}' has no alarm in an idle machine"
            ));
        }
        Ok(())
    }

    fn check_voltages(&self) -> Result<(), String> {
        let margin = SPREAD + self.voltage_hysteresis;
        let volts = [
            self.voltage_lower_critical,
            self.voltage_lower_caution,
            LINE_VOLTS - margin,
            LINE_VOLTS + margin,
            self.voltage_upper_caution,
            self.voltage_upper_critical,
        ];
        if volts.is_sorted_by(|a, b| a < b) {
            return Ok(());
        }
        Err(format!(
            "sensors.voltage_lower_critical, voltage_lower_caution, voltage_upper_caution and voltage_upper_critical must \
             ascend, the second below {} and the third above {}",
            volts[2], volts[3]
        ))
    }
}
