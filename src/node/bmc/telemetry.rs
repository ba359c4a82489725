//! Telemetry: the definitions of reports that differ from the model's, and the last values of each.
//!
//! Readings are functions of the state and of the time. A report stores them, because the state may have changed when a client
//! asks. Source: DSP0266 and the schemas `MetricReportDefinition` and `MetricReport`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use super::measured::Measured;
use super::sums::{Gathered, Sum};
use crate::dmtf::{CollectionFunction, ReportType, ReportUpdates};
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::telemetry::Telemetry as OfModel;
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
    /// The values of the last report, in thousandths, if the next one is compared with it.
    #[serde(default)]
    last: Vec<i64>,
    /// The moment of the last report with all values, if others leave out repeated ones.
    #[serde(default)]
    whole_at: Option<SimTime>,
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
    /// `SuppressRepeatedMetricValue`: a report leaves out the values that are the same as in the last one.
    #[serde(default)]
    pub suppressed: bool,
    /// `MetricReportHeartbeatInterval`, seconds: after this time, a report has all values. 0 stands for no heartbeat.
    #[serde(default)]
    pub heartbeat_s: u32,
    /// `ReportTimespan`, seconds: the time that the values of a report can be apart. 0 stands for no limit.
    #[serde(default)]
    pub timespan_s: u32,
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
    /// It is not an entry of `Metrics`, but the list `MetricProperties` of the definition.
    #[serde(default)]
    pub is_plain: bool,
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

impl Settings {
    /// The most entries of `Metrics`.
    pub const MAX_GROUPS: usize = 16;
    /// The most values of a report that is made at once.
    pub const MAX_VALUES: usize = 128;

    /// A definition of this type without values: enabled, and its report is a resource.
    pub fn new(kind: ReportType) -> Self {
        Self {
            enabled: true,
            kind,
            interval_s: 0,
            logged: true,
            sent: false,
            updates: ReportUpdates::Overwrite,
            suppressed: false,
            heartbeat_s: 0,
            timespan_s: 0,
            groups: Vec::new(),
        }
    }

    /// The number of values of a report that is made at once.
    pub fn values(&self) -> usize {
        self.groups.iter().map(|group| group.measured.len()).sum()
    }

    /// Whether the report is a resource. `ReportActions` has no meaning for a report that is made on request.
    pub fn is_in_collection(&self) -> bool {
        self.logged || self.kind == ReportType::OnRequest
    }

    /// Whether a report is compared with the last one.
    fn are_compared(&self) -> bool {
        self.suppressed || self.kind == ReportType::OnChange
    }
}

impl Definition {
    /// `AppendLimit`: the most values of a report to which later values are appended.
    pub const APPEND_LIMIT: usize = 256;

    fn new(id: Box<str>, name: Option<Box<str>>, settings: Settings) -> Self {
        let gathered = SimTime::from_ms(0);
        let (next, sums, last, whole_at) = (None, Vec::new(), Vec::new(), None);
        Self { id, name, settings, next, gathered, sums, last, whole_at, report: Report::default() }
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
                is_plain: false,
            }
        };
        let settings = Settings {
            enabled: report.kind == ReportType::OnRequest,
            interval_s: report.interval_s,
            groups: report.metrics.iter().map(group).collect(),
            ..Settings::new(report.kind)
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
                let sum = self.sums.get(values.len());
                let of_function = group.function.and_then(|function| sum?.of(function));
                let milli = of_function.unwrap_or_else(|| measure(*measured));
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

    /// Takes the values of a report. `None`: the BMC restarts, and makes none. Returns the values of the new report, if there is one.
    fn made(&mut self, values: Option<Vec<Value>>, at: SimTime, next_sample: SimTime) -> Option<Vec<Value>> {
        self.begin(at, next_sample);
        let new = self.left_of(values?, at)?;
        let Settings { kind: _, updates, timespan_s, .. } = self.settings;
        self.report.at = Some(at);
        let kept = &mut self.report.values;
        if updates == ReportUpdates::Overwrite {
            kept.clone_from(&new);
            return Some(new);
        }
        if timespan_s > 0 {
            let first = at.before_ms(u64::from(timespan_s) * 1000);
            kept.retain(|value| value.at >= first);
        }
        let room = Self::APPEND_LIMIT.saturating_sub(kept.len());
        if updates == ReportUpdates::AppendWrapsWhenFull {
            kept.drain(..new.len().saturating_sub(room).min(kept.len()));
            kept.extend(&new);
        } else {
            kept.extend(new.iter().take(room));
            if self.is_full() {
                // The schema: "should be set to `false` when the append limit is reached".
                (self.settings.enabled, self.next) = (false, None);
            }
        }
        Some(new)
    }

    /// Those of the values that a report of this moment has. `None`: there is none, because nothing has changed.
    fn left_of(&mut self, values: Vec<Value>, at: SimTime) -> Option<Vec<Value>> {
        let Settings { suppressed, heartbeat_s, .. } = self.settings;
        if !self.settings.are_compared() {
            return Some(values);
        }
        let last: Vec<i64> = values.iter().map(|value| value.milli).collect();
        let before = std::mem::replace(&mut self.last, last);
        let heartbeat = |whole: SimTime| at >= whole.after_ms(u64::from(heartbeat_s) * 1000);
        let is_whole =
            before.is_empty() || !suppressed || (heartbeat_s > 0 && self.whole_at.is_none_or(heartbeat));
        let is_beat = suppressed && is_whole;
        if self.settings.kind == ReportType::OnChange && !is_beat && before == self.last {
            return None;
        }
        if is_whole {
            self.whole_at = suppressed.then_some(at);
            return Some(values);
        }
        let changed = values.into_iter().zip(before).filter(|(value, before)| value.milli != *before);
        Some(changed.map(|(value, _)| value).collect())
    }

    /// Whether the report takes no more values.
    fn is_full(&self) -> bool {
        self.settings.updates == ReportUpdates::AppendStopsWhenFull
            && self.report.values.len() >= Self::APPEND_LIMIT
    }

    /// Takes other settings.
    fn change(&mut self, settings: Settings) {
        let old = &self.settings;
        let same_values = old.groups == settings.groups && old.updates == settings.updates;
        // A client that enables it again begins a new report.
        let is_full_again = self.is_full() && !old.enabled && settings.enabled;
        if !same_values || is_full_again {
            self.report = Report::default();
        }
        self.settings = settings;
        (self.last, self.whole_at) = (Vec::new(), None);
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
                definition.change(*settings);
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

    /// The report of the definition at a place is made. Returns the values that subscribers get.
    pub(in crate::node) fn made(
        &mut self,
        place: usize,
        values: Option<Vec<Value>>,
        at: SimTime,
        next_sample: SimTime,
    ) -> Option<Vec<Value>> {
        let definition = &mut self.kept[place];
        definition.made(values, at, next_sample).filter(|_| definition.settings.sent)
    }

    /// Drops the values of all reports: they can be as large as everything else that a BMC knows.
    pub(super) fn forget_values(&mut self) {
        for definition in &mut self.kept {
            (definition.report, definition.last) = (Report::default(), Vec::new());
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { kept, origin } = self;
        origin.iter_mut().for_each(|origin| origin.shift(ms));
        for definition in kept {
            let Definition {
                id: _,
                name: _,
                settings: _,
                next,
                gathered,
                sums: _,
                last: _,
                whole_at,
                report,
            } = definition;
            next.iter_mut().chain(whole_at).for_each(|moment| moment.shift(ms));
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
