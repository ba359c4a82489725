//! Alarms: readings that have crossed a threshold, and the moment at which the next reading does.

use super::Node;
use super::bmc::environment::{Alarm, Environment, Level, SensorId, Side, alarm_after};
use super::sensors::SAMPLE_MS;
use crate::profile::Profile;
use crate::profile::sensors::Thresholds;
use crate::time::SimTime;

/// Samples that are searched for the next crossing. A search without a result goes on at their end: 85 simulated minutes later.
const SEARCHED: u64 = 512;

type State = Option<(Side, Level)>;

/// The sensors of a model that have thresholds, in their order.
fn sensors(profile: &Profile) -> impl Iterator<Item = (SensorId, Thresholds)> {
    let rules = &profile.sensors;
    let temperatures = (0u8..).zip(&profile.temperatures);
    let fans = (0u8..).zip(&profile.fans);
    let supplies = || (0u8..).zip(&profile.power_supplies);
    let (count, chassis) = (profile.power_supplies.len(), &profile.chassis);
    temperatures
        .map(|(number, sensor)| (SensorId::Temperature(number), rules.of_temperature(sensor)))
        .chain(fans.map(|(number, fan)| (SensorId::Fan(number), rules.of_fan(fan))))
        .chain(supplies().map(|(number, _)| (SensorId::Voltage(number), rules.of_voltage())))
        .chain(
            supplies().map(move |(number, supply)| {
                (SensorId::Output(number), rules.of_output(supply, count, chassis))
            }),
        )
}

impl Node {
    /// The readings that have crossed a threshold, in the order of their sensors.
    pub fn alarms(&self) -> &[Alarm] {
        self.bmc().environment.alarms()
    }

    /// The thresholds of a sensor, in the unit of [`Node::reading`]. `None` if the model has no such sensor.
    pub fn thresholds(&self, sensor: SensorId) -> Option<Thresholds> {
        sensors(&self.profile).find(|(id, _)| *id == sensor).map(|(_, thresholds)| thresholds)
    }

    /// The alarms follow the readings at the moment `at`, and the next moment at which they change is computed. To be called at
    /// that moment, and after every change of what the readings depend on.
    ///
    /// The readings of a healthy machine cross no threshold (`SensorRules::check`), so it has nothing to compute.
    pub(super) fn watch(&mut self, at: SimTime) {
        self.keep_hours(at);
        let environment: &Environment = &self.bmc().environment;
        if environment.origin().is_none() && environment.alarms().is_empty() {
            if environment.next_deadline() != SimTime::NEVER {
                self.change_environment(|environment| environment.set_next(None));
            }
            return;
        }
        let sample = self.sample(at);
        let after = |(sensor, thresholds): (SensorId, Thresholds)| {
            let before = environment.alarm(sensor).map(Alarm::state);
            let is_watched = self.is_cooled() || !matches!(sensor, SensorId::Fan(_));
            let alarm = if is_watched {
                alarm_after(before, self.reading_in(sensor, sample), &thresholds)
            } else {
                None
            };
            (sensor, thresholds, is_watched, before, alarm)
        };
        let all: Vec<_> = sensors(&self.profile).map(after).collect();
        let restless =
            |(sensor, thresholds, is_watched, _, alarm): &(SensorId, Thresholds, bool, State, State)| {
                let moves =
                    |drift| alarm_after(*alarm, self.reading_at(*sensor, drift), thresholds) != *alarm;
                (*is_watched && (moves(-1.0) || moves(1.0))).then_some((*sensor, *thresholds, *alarm))
            };
        let restless: Vec<_> = all.iter().filter_map(restless).collect();
        let next = self.next_crossing(&restless, sample);
        self.change_environment(|environment| {
            for (sensor, _, _, before, alarm) in all {
                if before != alarm {
                    environment.set_alarm(sensor, alarm, at);
                }
            }
            environment.set_next(next);
        });
    }

    /// The beginning of the first sample after `sample` in which an alarm of these sensors changes, or of the sample up to which
    /// was searched. `None` without sensors.
    fn next_crossing(&self, sensors: &[(SensorId, Thresholds, State)], sample: u64) -> Option<SimTime> {
        let changes = |sample: u64| {
            sensors.iter().any(|(sensor, thresholds, alarm)| {
                alarm_after(*alarm, self.reading_in(*sensor, sample), thresholds) != *alarm
            })
        };
        let last = sample.saturating_add(SEARCHED);
        let found =
            (!sensors.is_empty()).then(|| (sample + 1..last).find(|sample| changes(*sample)).unwrap_or(last));
        found.map(|sample| self.samples_from().after_ms(sample.saturating_mul(SAMPLE_MS)))
    }

    fn change_environment(&mut self, change: impl FnOnce(&mut Environment)) {
        self.state.bmc.change(|bmc| bmc.environment.change(change));
    }
}
