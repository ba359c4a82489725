//! What surrounds and feeds the machine, as far as it differs from a healthy one: inlet air, failed parts, inputs of power supplies.
//! And the alarms that follow: which readings have crossed a threshold, and when the next one does.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::failures::{self, Failures};
use crate::dmtf::Health;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::inventory::{Fan, PowerSupply};
use crate::profile::sensors::Thresholds;
use crate::time::SimTime;

/// A sensor with thresholds. The number is that of the part in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SensorId {
    Temperature(u8),
    /// The speed of a fan.
    Fan(u8),
    /// The input voltage of a power supply.
    Voltage(u8),
    /// The output of a power supply.
    Output(u8),
}

impl SensorId {
    /// `Id` of the `Sensor` in Redfish. Empty if the model has no such sensor.
    pub fn redfish_id(self, profile: &Profile) -> String {
        let supply = |number: u8| profile.power_supplies.get(usize::from(number));
        let id = match self {
            Self::Temperature(number) => {
                profile.temperatures.get(usize::from(number)).map(|sensor| sensor.id.clone())
            }
            Self::Fan(number) => profile.fans.get(usize::from(number)).map(Fan::speed_sensor),
            Self::Voltage(number) => supply(number).map(PowerSupply::input_sensor),
            Self::Output(number) => supply(number).map(PowerSupply::output_sensor),
        };
        id.unwrap_or_default()
    }
}

/// The side of a reading on which a threshold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    Lower,
    Upper,
}

impl Side {
    /// The side in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
        }
    }
}

/// The worst threshold that a reading has crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    Caution,
    Critical,
    Fatal,
}

impl Level {
    const ALL: [Self; 3] = [Self::Caution, Self::Critical, Self::Fatal];

    /// The level in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caution => "caution",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
        }
    }

    /// The health of a part with an alarm of this level.
    pub fn health(self) -> Health {
        match self {
            Self::Caution => Health::Warning,
            Self::Critical | Self::Fatal => Health::Critical,
        }
    }
}

/// A reading that has crossed a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub sensor: SensorId,
    pub side: Side,
    pub level: Level,
    /// The moment at which the alarm got its side and its level.
    pub since: SimTime,
}

/// The environment of a machine. A healthy machine has the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// The temperature of the air that enters the machine, degrees Celsius. `None`: as in an idle machine of the profile.
    inlet_celsius: Option<i8>,
    /// The parts that have failed.
    #[serde(flatten)]
    failures: Failures,
    /// Numbers of the power supplies without input.
    dead_supplies: BTreeSet<u8>,
    /// The moment from which readings count their samples, so that a snapshot that continues later has the same readings.
    /// `None` while all readings are those of a healthy machine, which cross no threshold.
    origin: Option<SimTime>,
    /// The alarms, in the order of their sensors.
    alarms: Vec<Alarm>,
    /// The next moment at which an alarm may begin, change or end.
    next: Option<SimTime>,
}

impl Environment {
    pub(super) const NEW: Self = Self {
        inlet_celsius: None,
        failures: Failures::NEW,
        dead_supplies: BTreeSet::new(),
        origin: None,
        alarms: Vec::new(),
        next: None,
    };
    /// The lowest temperature that inlet air can have, degrees Celsius.
    pub const MIN_INLET: i8 = -20;
    /// The highest temperature that inlet air can have, degrees Celsius.
    pub const MAX_INLET: i8 = 80;

    /// The temperature of the inlet air, if somebody has set it, degrees Celsius.
    pub fn inlet_celsius(&self) -> Option<i8> {
        self.inlet_celsius
    }

    /// The parts that a person has let fail. [`Bmc::has_failed`](super::Bmc::has_failed) says whether a part has failed.
    pub(super) fn failures(&self) -> &Failures {
        &self.failures
    }

    pub(super) fn failures_mut(&mut self) -> &mut Failures {
        &mut self.failures
    }

    /// Whether the power supply with this number has input.
    pub fn has_input(&self, number: u8) -> bool {
        !self.dead_supplies.contains(&number)
    }

    /// The alarms, in the order of their sensors. Two lists are equal if no alarm has begun, changed or ended between them.
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// The moment from which readings count their samples.
    pub(in crate::node) fn origin(&self) -> Option<SimTime> {
        self.origin
    }

    /// The next moment at which an alarm may begin, change or end.
    pub(in crate::node) fn next_deadline(&self) -> SimTime {
        self.next.unwrap_or(SimTime::NEVER)
    }

    /// Sets the temperature of the inlet air; `None` makes it normal again.
    pub(in crate::node) fn set_inlet(&mut self, celsius: Option<i8>, now: SimTime) {
        self.inlet_celsius = celsius;
        self.count_from(now);
    }

    /// A part fails, or works again.
    pub(in crate::node) fn set_failed(&mut self, part: failures::Part, failed: bool, now: SimTime) {
        self.failures.set(part, failed);
        self.count_from(now);
    }

    /// A power supply loses its input, or has it again.
    pub(in crate::node) fn set_input(&mut self, number: u8, has: bool, now: SimTime) {
        let dead = &mut self.dead_supplies;
        if has {
            dead.remove(&number)
        } else {
            dead.insert(number)
        };
        self.count_from(now);
    }

    /// Whether all readings are those of a healthy machine.
    fn is_healthy(&self) -> bool {
        self.inlet_celsius.is_none() && !self.failures.change_readings() && self.dead_supplies.is_empty()
    }

    fn count_from(&mut self, now: SimTime) {
        if self.is_healthy() {
            self.origin = None;
        } else {
            self.origin.get_or_insert(now);
        }
    }

    /// The alarm of a sensor.
    pub fn alarm(&self, sensor: SensorId) -> Option<&Alarm> {
        let at = self.alarms.binary_search_by_key(&sensor, |alarm| alarm.sensor).ok()?;
        self.alarms.get(at)
    }

    /// Puts the alarm of a sensor in place of the one that it has.
    pub(in crate::node) fn set_alarm(&mut self, sensor: SensorId, alarm: Option<(Side, Level)>, at: SimTime) {
        let place = self.alarms.binary_search_by_key(&sensor, |alarm| alarm.sensor);
        let alarm = alarm.map(|(side, level)| Alarm { sensor, side, level, since: at });
        match (place, alarm) {
            (Ok(place), Some(alarm)) if (alarm.side, alarm.level) != self.alarms[place].state() => {
                self.alarms[place] = alarm;
            }
            (Ok(_), Some(_)) | (Err(_), None) => {}
            (Ok(place), None) => {
                self.alarms.remove(place);
            }
            (Err(place), Some(alarm)) => self.alarms.insert(place, alarm),
        }
    }

    pub(in crate::node) fn set_next(&mut self, next: Option<SimTime>) {
        self.next = next;
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { inlet_celsius: _, failures: _, dead_supplies: _, origin, alarms, next } = self;
        for moment in
            [origin, next].into_iter().flatten().chain(alarms.iter_mut().map(|alarm| &mut alarm.since))
        {
            moment.shift(ms);
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::NEW
    }
}

impl Part for Environment {
    fn of_new_machine() -> &'static Self {
        static NEW: Environment = Environment::NEW;
        &NEW
    }
}

impl Alarm {
    /// The threshold that the reading has crossed, in the unit of the reading. `None` if the model has it no more.
    pub fn threshold(&self, thresholds: &Thresholds) -> Option<f64> {
        let side = match self.side {
            Side::Lower => &thresholds.lower,
            Side::Upper => &thresholds.upper,
        };
        Level::ALL.into_iter().zip(*side).find(|(level, _)| *level == self.level)?.1
    }

    /// The part of an alarm that the next reading decides.
    pub fn state(&self) -> (Side, Level) {
        (self.side, self.level)
    }
}

/// The side and the level of the alarm that a sensor has after this reading, if it had `before` until then.
///
/// A threshold that has been crossed stays crossed until the reading is on its good side by the hysteresis.
pub(in crate::node) fn alarm_after(
    before: Option<(Side, Level)>,
    reading: f64,
    thresholds: &Thresholds,
) -> Option<(Side, Level)> {
    let worst = |side: Side, all: &[Option<f64>; 3]| {
        let had = before.filter(|(of, _)| *of == side).map(|(_, level)| level);
        let crossed = |(level, threshold): &(Level, Option<f64>)| {
            threshold.is_some_and(|threshold| {
                let margin = if had >= Some(*level) { thresholds.hysteresis } else { 0.0 };
                match side {
                    Side::Upper => reading >= threshold || (margin > 0.0 && reading > threshold - margin),
                    Side::Lower => reading <= threshold || (margin > 0.0 && reading < threshold + margin),
                }
            })
        };
        Level::ALL.into_iter().zip(*all).filter(crossed).map(|(level, _)| (side, level)).next_back()
    };
    worst(Side::Upper, &thresholds.upper).or_else(|| worst(Side::Lower, &thresholds.lower))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLDS: Thresholds = Thresholds {
        lower: [Some(10.0), Some(5.0), None],
        upper: [Some(40.0), Some(45.0), Some(50.0)],
        hysteresis: 2.0,
    };

    fn lives(readings: &[f64]) -> Vec<Option<(Side, Level)>> {
        let mut alarm = None;
        let next = |reading: &f64| {
            alarm = alarm_after(alarm, *reading, &THRESHOLDS);
            alarm
        };
        readings.iter().map(next).collect()
    }

    #[test]
    fn an_alarm_begins_at_its_threshold_and_ends_below_it_by_the_hysteresis() {
        let upper = |level| Some((Side::Upper, level));
        assert_eq!(
            lives(&[39.9, 40.0, 38.1, 38.0, 39.9]),
            [None, upper(Level::Caution), upper(Level::Caution), None, None]
        );
        assert_eq!(
            lives(&[50.0, 48.5, 48.0, 43.5, 43.0, 38.0]),
            [Level::Fatal, Level::Fatal, Level::Critical, Level::Critical, Level::Caution]
                .map(upper)
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
        let lower = |level| Some((Side::Lower, level));
        assert_eq!(
            lives(&[10.1, 10.0, 0.0, 6.9, 7.0, 12.0]),
            [
                None,
                lower(Level::Caution),
                lower(Level::Critical),
                lower(Level::Critical),
                lower(Level::Caution),
                None
            ]
        );
        assert_eq!(lives(&[0.0, 60.0]), [lower(Level::Critical), upper(Level::Fatal)]);
    }

    proptest! {
        /// The search for crossings relies on both: an alarm depends on the reading in one direction, and the same reading
        /// changes nothing again.
        #[test]
        fn an_alarm_is_monotone_and_stable(
            before in proptest::collection::vec(0.0f64..60.0, 0..5), a in 0.0f64..60.0, b in 0.0f64..60.0,
        ) {
            let before = lives(&before).pop().flatten();
            let rank = |alarm: Option<(Side, Level)>| match alarm {
                None => 0,
                Some((Side::Upper, level)) => 1 + level as i32,
                Some((Side::Lower, level)) => -1 - level as i32,
            };
            let (low, high) = (a.min(b), a.max(b));
            let after = |reading| alarm_after(before, reading, &THRESHOLDS);
            prop_assert!(rank(after(low)) <= rank(after(high)));
            prop_assert_eq!(alarm_after(after(a), a, &THRESHOLDS), after(a));
        }
    }
}
