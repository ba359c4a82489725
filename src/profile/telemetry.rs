//! The metrics of a model and the reports that it has from the beginning.

use serde::{Deserialize, Serialize};

use crate::dmtf::{CollectionFunction, ReportType};

/// The table `[telemetry]` of `profile.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// `TelemetryService.MinCollectionInterval`, seconds: [`Telemetry::LEAST_S`] or more.
    #[serde(default = "least")]
    pub min_interval_s: u32,
    /// `TelemetryService.SupportedCollectionFunctions`; all functions by default.
    #[serde(default = "all_functions")]
    pub functions: Vec<CollectionFunction>,
    /// The `MetricDefinition`s of each machine.
    #[serde(rename = "metric")]
    pub metrics: Vec<Metric>,
    /// The `MetricReportDefinition`s of a new machine. Those that are not of the type `OnRequest` are disabled.
    #[serde(rename = "report", default)]
    pub reports: Vec<Report>,
}

/// A `MetricDefinition`: an entry `[[telemetry.metric]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub id: String,
    pub name: String,
    pub of: Source,
}

/// What a metric measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// All temperature sensors, degrees Celsius.
    Temperatures,
    /// The temperature sensor of the inlet air, degrees Celsius.
    Inlet,
    /// The speeds of all fans, in the unit of the model.
    Fans,
    /// The input voltages of all power supplies, V.
    InputVoltages,
    /// The output of each power supply, W.
    Outputs,
    /// The power draw of the machine, W.
    Power,
    /// The load of the host, percent.
    Load,
}

/// A `MetricReportDefinition`: an entry `[[telemetry.report]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ReportType,
    /// `Schedule.RecurrenceInterval`, seconds, of the type `Periodic`.
    #[serde(default)]
    pub interval_s: u32,
    /// The ids of its metrics.
    pub metrics: Vec<String>,
    /// `CollectionFunction` of its metrics, of the type `Periodic`.
    #[serde(default)]
    pub function: Option<CollectionFunction>,
    /// `CollectionDuration`, seconds: the end of each interval that the function covers.
    #[serde(default)]
    pub duration_s: u32,
}

fn least() -> u32 {
    Telemetry::LEAST_S
}

fn all_functions() -> Vec<CollectionFunction> {
    CollectionFunction::ALL.to_vec()
}

impl Telemetry {
    /// The shortest interval, seconds: the time between two readings of a sensor.
    pub const LEAST_S: u32 = 10;
    /// The longest interval, seconds: 30 days.
    pub const LONGEST_S: u32 = 30 * 86_400;
    /// The longest time that a function covers, seconds. It bounds the work for a report.
    pub const LONGEST_DURATION_S: u32 = 3600;

    /// The telemetry of a model without `[telemetry]`.
    pub(super) fn usual() -> Self {
        let metric = |id: &str, name: &str, of| Metric { id: id.to_owned(), name: name.to_owned(), of };
        let report = |id: &str, name: &str, kind, interval_s, metrics: &[&str]| Report {
            id: id.to_owned(),
            name: name.to_owned(),
            kind,
            interval_s,
            metrics: metrics.iter().map(|id| (*id).to_owned()).collect(),
            function: None,
            duration_s: 0,
        };
        let (thermal, power) =
            (["Temperature", "FanSpeed"], ["PowerConsumed", "PowerOutput", "InputVoltage"]);
        Self {
            min_interval_s: least(),
            functions: all_functions(),
            metrics: vec![
                metric("Temperature", "Temperature", Source::Temperatures),
                metric("FanSpeed", "Fan Speed", Source::Fans),
                metric("PowerConsumed", "Power Consumed", Source::Power),
                metric("PowerOutput", "Power Supply Output", Source::Outputs),
                metric("InputVoltage", "Power Supply Input Voltage", Source::InputVoltages),
                metric("SystemLoad", "System Load", Source::Load),
            ],
            reports: vec![
                report("ThermalMetrics", "Thermal Metrics", ReportType::Periodic, 60, &thermal),
                report("PowerMetrics", "Power Metrics", ReportType::Periodic, 60, &power),
                report("SystemLoad", "System Load", ReportType::OnRequest, 0, &["SystemLoad"]),
            ],
        }
    }

    pub fn metric(&self, id: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }

    /// # Errors
    /// The key that is wrong, and what is allowed.
    pub(super) fn check(&self) -> Result<(), String> {
        let (least, longest) = (self.min_interval_s, Self::LONGEST_S);
        if !(Self::LEAST_S..=Self::LONGEST_DURATION_S).contains(&least) {
            return Err(format!(
                "telemetry: min_interval_s is {least}; allowed are {} to {}",
                Self::LEAST_S,
                Self::LONGEST_DURATION_S
            ));
        }
        for Report { id, kind, interval_s, metrics, function, duration_s, .. } in &self.reports {
            if let Some(wrong) = metrics.iter().find(|id| self.metric(id).is_none()) {
                return Err(format!("telemetry.report '{id}': there is no telemetry.metric '{wrong}'"));
            }
            let periodic = *kind == ReportType::Periodic;
            if periodic && !(least..=longest).contains(interval_s) {
                return Err(format!(
                    "telemetry.report '{id}': interval_s is {interval_s}; allowed are {least} to {longest}"
                ));
            }
            if !periodic && (*interval_s != 0 || function.is_some()) {
                return Err(format!(
                    "telemetry.report '{id}': interval_s and function belong to type = \"Periodic\""
                ));
            }
            let most = (*interval_s).min(Self::LONGEST_DURATION_S);
            if function.is_some() && !(least..=most).contains(duration_s) {
                return Err(format!(
                    "telemetry.report '{id}': duration_s is {duration_s}; allowed are {least} to {most}"
                ));
            }
            if function.is_some_and(|function| !self.functions.contains(&function)) {
                return Err(format!(
                    "telemetry.report '{id}': its function is not one of telemetry.functions"
                ));
            }
        }
        Ok(())
    }
}
