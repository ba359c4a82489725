//! Telemetry: the definitions of reports that differ from the model's, and the last values of each.
//!
//! Readings are functions of the state and of the time. A report stores them, because the state may have changed when a client
//! asks. Source: DSP0266 and the schemas `MetricReportDefinition` and `MetricReport`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::environment::SensorId;
use crate::dmtf::{CollectionFunction, ReportType, ReportUpdates};
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::telemetry::{Metric, Source, Telemetry as OfModel};
use crate::time::SimTime;

/// Commands to the definitions of reports.
#[derive(Clone, Debug)]
pub enum Command {
    /// A new definition. `most` is the largest number of definitions that clients have created, with this one.
    Create {
        id: Box<str>,
        name: Option<Box<str>>,
        settings: Box<Settings>,
        most: usize,
    },
    /// New settings of a definition.
    Change {
        id: Box<str>,
        settings: Box<Settings>,
    },
    Delete(Box<str>),
}

/// The telemetry of a BMC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    /// The definitions that clients have created or changed. A definition of the model that no client has changed is not here.
    kept: Vec<Definition>,
    /// The moment from which readings count their samples, so that a snapshot that continues later has the same readings. `None`
    /// without a definition.
    origin: Option<SimTime>,
}

/// A definition of a report, with the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub id: Box<str>,
    pub name: Option<Box<str>>,
    pub settings: Settings,
    /// The moment of the next report.
    next: Option<SimTime>,
    /// The functions cover the values up to this moment.
    gathered: SimTime,
    /// One for each value that a function is made of.
    sums: Vec<Sum>,
    pub report: Report,
}

/// The settings of a definition. The names are those of `MetricReportDefinition`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub enabled: bool,
    pub kind: ReportType,
    /// `Schedule.RecurrenceInterval`, seconds, of a periodic report.
    pub interval_s: u32,
    /// `ReportActions` has `LogToMetricReportsCollection`: the report is a resource.
    pub logged: bool,
    /// `ReportActions` has `RedfishEvent`: subscribers get the report.
    pub sent: bool,
    pub updates: ReportUpdates,
    pub groups: Vec<Group>,
}

/// An entry of `Metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// `MetricId`, which each value of the group has.
    pub label: Option<Box<str>>,
    /// The values at `MetricProperties`.
    pub measured: Vec<Measured>,
    /// `CollectionFunction`, of a periodic report.
    pub function: Option<CollectionFunction>,
    /// `CollectionDuration`, seconds: the end of each interval that the function covers.
    pub duration_s: u32,
}

/// A value that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measured {
    Sensor(SensorId),
    /// The power draw of the machine, W.
    Power,
    /// The load of the host, percent.
    Load,
}

/// The content of a `MetricReport`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The moment of the last values. `None` if there has been no report.
    pub at: Option<SimTime>,
    pub values: Vec<Value>,
}

/// A value of a report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The number of its group in the definition.
    pub group: u8,
    pub measured: Measured,
    /// The value in thousandths of its unit: a number with a fraction would be another one after it was stored.
    pub milli: i64,
    pub at: SimTime,
}

/// The sums of definitions, by their ids.
pub(in crate::node) type Gathered = Vec<(Box<str>, Vec<Sum>)>;

/// What the functions of a value need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct Sum {
    low: i64,
    high: i64,
    total: i64,
    count: u32,
}

impl Part for Telemetry {
    fn of_new_machine() -> &'static Self {
        static NEW: Telemetry = Telemetry { kept: Vec::new(), origin: None };
        &NEW
    }
}

impl Command {
    /// The largest number of definitions that clients create, to be set by the root at which the client asks.
    pub fn most_mut(&mut self) -> Option<&mut usize> {
        if let Self::Create { most, .. } = self { Some(most) } else { None }
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

impl Settings {
    /// The most entries of `Metrics`.
    pub const MAX_GROUPS: usize = 16;
    /// The most values of a report that is made at once.
    pub const MAX_VALUES: usize = 128;

    /// The number of values of a report that is made at once.
    pub fn values(&self) -> usize {
        self.groups.iter().map(|group| group.measured.len()).sum()
    }
}

impl Definition {
    /// `AppendLimit`: the most values of a report to which later values are appended.
    pub const APPEND_LIMIT: usize = 256;

    fn new(id: Box<str>, name: Option<Box<str>>, settings: Settings) -> Self {
        let gathered = SimTime::from_ms(0);
        Self { id, name, settings, next: None, gathered, sums: Vec::new(), report: Report::default() }
    }

    /// The definition with this id that a new machine of the model has.
    fn of_model(id: &str, profile: &Profile) -> Option<Self> {
        let report = profile.telemetry.reports.iter().find(|report| report.id == id)?;
        let group = |id: &String| {
            let metric = profile.telemetry.metric(id);
            Group {
                label: Some(id.as_str().into()),
                measured: metric.map_or_else(Vec::new, |metric| metric.measured(profile)),
                function: report.function,
                duration_s: report.duration_s,
            }
        };
        let settings = Settings {
            enabled: report.kind == ReportType::OnRequest,
            kind: report.kind,
            interval_s: report.interval_s,
            logged: true,
            sent: false,
            updates: ReportUpdates::Overwrite,
            groups: report.metrics.iter().map(group).collect(),
        };
        Some(Self::new(report.id.as_str().into(), Some(report.name.as_str().into()), settings))
    }

    /// Begins again with new settings. The next sample of the sensors is at `next_sample`.
    fn begin(&mut self, now: SimTime, next_sample: SimTime) {
        self.next = self.after(now, next_sample);
        self.gathered = now;
        self.sums = vec![Sum::NONE; if self.has_functions() { self.settings.values() } else { 0 }];
    }

    /// The moment of the report after `at`.
    fn after(&self, at: SimTime, next_sample: SimTime) -> Option<SimTime> {
        match self.settings.kind {
            _ if !self.settings.enabled => None,
            ReportType::Periodic => Some(at.after_ms(u64::from(self.settings.interval_s) * 1000)),
            ReportType::OnChange => Some(next_sample),
            ReportType::OnRequest => None,
        }
    }

    fn has_functions(&self) -> bool {
        self.settings.groups.iter().any(|group| group.function.is_some())
    }

    /// The values of a report that is made at once. `measure` gives the present value in thousandths.
    pub(in crate::node) fn values(
        &self,
        at: SimTime,
        mut measure: impl FnMut(Measured) -> i64,
    ) -> Vec<Value> {
        let mut values = Vec::with_capacity(self.settings.values());
        for (number, group) in (0u8..).zip(&self.settings.groups) {
            for measured in &group.measured {
                let sum = self.sums.get(values.len()).filter(|sum| sum.count > 0);
                let milli = match (group.function, sum) {
                    (Some(function), Some(sum)) => sum.of(function),
                    _ => measure(*measured),
                };
                values.push(Value { group: number, measured: *measured, milli, at });
            }
        }
        values
    }

    /// The functions of the definition with the values up to `at`. `fold` adds the values of a group's period to a sum.
    pub(in crate::node) fn folded(
        &self,
        at: SimTime,
        mut fold: impl FnMut(&mut Sum, Measured, SimTime),
    ) -> Vec<Sum> {
        let mut sums = self.sums.clone();
        let all = self.settings.groups.iter().flat_map(|group| {
            let end = self.next.unwrap_or(SimTime::NEVER);
            let begin = end.before_ms(u64::from(group.duration_s) * 1000).max(self.gathered);
            group.measured.iter().map(move |measured| (group.function, *measured, begin))
        });
        for (sum, (function, measured, begin)) in sums.iter_mut().zip(all) {
            if function.is_some() && begin < at {
                fold(sum, measured, begin);
            }
        }
        sums
    }

    /// Takes the values of a report. `None`: the BMC restarts, and makes none. Returns whether there is a report.
    fn made(&mut self, values: Option<Vec<Value>>, at: SimTime, next_sample: SimTime) -> bool {
        self.begin(at, next_sample);
        let Some(values) = values else { return false };
        let before = &self.report.values[self.report.values.len().saturating_sub(values.len())..];
        let is_same = |(old, new): (&Value, &Value)| (old.measured, old.milli) == (new.measured, new.milli);
        let repeats = before.len() == values.len() && before.iter().zip(&values).all(is_same);
        if self.settings.kind == ReportType::OnChange && repeats {
            return false;
        }
        self.report.at = Some(at);
        let kept = &mut self.report.values;
        match self.settings.updates {
            ReportUpdates::Overwrite => *kept = values,
            ReportUpdates::AppendStopsWhenFull => {
                kept.extend(values.into_iter().take(Self::APPEND_LIMIT.saturating_sub(kept.len())));
            }
            ReportUpdates::AppendWrapsWhenFull => {
                let too_many = (kept.len() + values.len()).saturating_sub(Self::APPEND_LIMIT);
                kept.drain(..too_many.min(kept.len()));
                kept.extend(values);
            }
        }
        true
    }
}

impl Telemetry {
    /// The ids of all definitions: those of the model first.
    pub fn ids<'a>(&'a self, model: &'a OfModel) -> impl Iterator<Item = &'a str> {
        let own = self.kept.iter().map(|definition| &*definition.id);
        let of_model = model.reports.iter().map(|report| report.id.as_str());
        of_model.chain(own.filter(|id| model.reports.iter().all(|report| report.id != **id)))
    }

    /// The definition with this id.
    pub fn get<'a>(&'a self, id: &str, profile: &Profile) -> Option<Cow<'a, Definition>> {
        let kept = self.kept.iter().find(|definition| *definition.id == *id);
        kept.map(Cow::Borrowed).or_else(|| Definition::of_model(id, profile).map(Cow::Owned))
    }

    /// The id and the settings of each definition that a client has created or changed.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &Settings)> {
        self.kept.iter().map(|definition| (&*definition.id, &definition.settings))
    }

    pub(in crate::node) fn execute(
        &mut self,
        command: Command,
        profile: &Profile,
        now: SimTime,
        next_sample: SimTime,
    ) -> Result<(), Refusal> {
        match command {
            Command::Create { id, name, settings, most } => {
                if self.get(&id, profile).is_some() {
                    return Err(Refusal::ReportExists(id));
                }
                let created = self.ids(&profile.telemetry).count() - profile.telemetry.reports.len();
                if created >= most {
                    return Err(Refusal::TooManyReports);
                }
                let mut definition = Definition::new(id, name, *settings);
                definition.begin(now, next_sample);
                self.kept.push(definition);
            }
            Command::Change { id, settings } => {
                let Some(found) = self.get(&id, profile) else { return Ok(()) };
                let mut definition = found.into_owned();
                let same_values = definition.settings.groups == settings.groups
                    && definition.settings.updates == settings.updates;
                if !same_values {
                    definition.report = Report::default();
                }
                definition.settings = *settings;
                definition.begin(now, next_sample);
                match self.kept.iter_mut().find(|kept| kept.id == id) {
                    Some(kept) => *kept = definition,
                    None => self.kept.push(definition),
                }
            }
            Command::Delete(id) => self.kept.retain(|definition| definition.id != id),
        }
        self.origin = if self.kept.is_empty() { None } else { self.origin.or(Some(now)) };
        Ok(())
    }

    /// The beginning of the first sample.
    pub(in crate::node) fn origin(&self) -> Option<SimTime> {
        self.origin
    }

    /// The moment of the next report.
    pub(in crate::node) fn next_deadline(&self) -> SimTime {
        self.kept.iter().filter_map(|definition| definition.next).min().unwrap_or(SimTime::NEVER)
    }

    /// The definitions whose functions have values to gather before `at`.
    pub(in crate::node) fn gathering(&self, at: SimTime) -> impl Iterator<Item = &Definition> {
        let has_some = move |d: &&Definition| !d.sums.is_empty() && d.next.is_some() && d.gathered < at;
        self.kept.iter().filter(has_some)
    }

    /// The functions of definitions have these values up to `at`. A definition that has begun again since then has none.
    pub(in crate::node) fn gathered(&mut self, all: Gathered, at: SimTime) {
        for (id, sums) in all {
            let same = |kept: &&mut Definition| kept.id == id && kept.gathered < at;
            if let Some(definition) = self.kept.iter_mut().find(same) {
                (definition.sums, definition.gathered) = (sums, at);
            }
        }
    }

    /// The first definition whose report is due at `at`.
    pub(in crate::node) fn due(&self, at: SimTime) -> Option<(usize, &Definition)> {
        self.kept.iter().enumerate().find(|(_, definition)| definition.next.is_some_and(|next| next <= at))
    }

    /// The report of the definition at a place is made. Returns whether subscribers get it.
    pub(in crate::node) fn made(
        &mut self,
        place: usize,
        values: Option<Vec<Value>>,
        at: SimTime,
        next_sample: SimTime,
    ) -> bool {
        let definition = &mut self.kept[place];
        definition.made(values, at, next_sample) && definition.settings.sent
    }

    /// Drops the values of all reports: they can be as large as everything else that a BMC knows.
    pub(super) fn forget_values(&mut self) {
        for definition in &mut self.kept {
            definition.report = Report::default();
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { kept, origin } = self;
        origin.iter_mut().for_each(|origin| origin.shift(ms));
        for definition in kept {
            let Definition { id: _, name: _, settings: _, next, gathered, sums: _, report } = definition;
            next.iter_mut().for_each(|next| next.shift(ms));
            gathered.shift(ms);
            let Report { at, values } = report;
            at.iter_mut().for_each(|at| at.shift(ms));
            values.iter_mut().for_each(|value| value.shift(ms));
        }
    }
}

impl Value {
    pub(in crate::node) fn shift(&mut self, ms: u64) {
        let Self { group: _, measured: _, milli: _, at } = self;
        at.shift(ms);
    }
}

impl Sum {
    const NONE: Self = Self { low: 0, high: 0, total: 0, count: 0 };

    pub(in crate::node) fn add(&mut self, milli: i64) {
        let is_first = self.count == 0;
        self.low = if is_first { milli } else { self.low.min(milli) };
        self.high = if is_first { milli } else { self.high.max(milli) };
        self.total += milli;
        self.count += 1;
    }

    fn of(&self, function: CollectionFunction) -> i64 {
        match function {
            CollectionFunction::Average => self.total / i64::from(self.count.max(1)),
            CollectionFunction::Maximum => self.high,
            CollectionFunction::Minimum => self.low,
            CollectionFunction::Summation => self.total,
        }
    }
}
