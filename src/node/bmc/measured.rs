//! The values that a metric report can have.

use serde::{Deserialize, Serialize};

use super::environment::SensorId;
use crate::profile::Profile;
use crate::profile::telemetry::{Metric, Source};

/// A value that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measured {
    Sensor(SensorId),
    /// The power draw of the machine, W.
    Power,
    /// The load of the host, percent.
    Load,
}

impl Profile {
    /// The values that reports of the model can have, each with its metric.
    pub fn metric_values(&self) -> impl Iterator<Item = (Measured, &Metric)> {
        let of = |metric| Metric::measured(metric, self).into_iter().map(move |measured| (measured, metric));
        self.telemetry.metrics.iter().flat_map(of)
    }
}

impl Metric {
    /// The values that the metric stands for.
    pub fn measured(&self, profile: &Profile) -> Vec<Measured> {
        let sensors = |count: usize, of: fn(u8) -> SensorId| {
            (0u8..).take(count).map(|number| Measured::Sensor(of(number))).collect()
        };
        let (temperatures, supplies) = (&profile.temperatures, profile.power_supplies.len());
        match self.of {
            Source::Temperatures => sensors(temperatures.len(), SensorId::Temperature),
            Source::Inlet => (0u8..)
                .zip(temperatures)
                .filter(|(_, sensor)| sensor.is_inlet())
                .map(|(number, _)| Measured::Sensor(SensorId::Temperature(number)))
                .collect(),
            Source::Fans => sensors(profile.fans.len(), SensorId::Fan),
            Source::InputVoltages => sensors(supplies, SensorId::Voltage),
            Source::Outputs => sensors(supplies, SensorId::Output),
            Source::Power => vec![Measured::Power],
            Source::Load => vec![Measured::Load],
        }
    }
}
