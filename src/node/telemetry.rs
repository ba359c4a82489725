//! The values of reports, and the moments at which reports are made.

use std::borrow::Cow;
use std::sync::Arc;

use super::Node;
use super::bmc::Bmc;
use super::bmc::sums::Gathered;
use super::bmc::telemetry::{Command, Definition, Measured, Report};
use super::command::Outcome;
use super::event::{ReportMade, What};
use super::refusal::Refusal;
use super::remember::thousandths;
use super::sensors::SAMPLE_MS;
use crate::dmtf::ReportType;
use crate::time::SimTime;

impl Node {
    /// A value in a sample of the sensors, in thousandths of its unit. No sensor is more exact than hundredths.
    fn milli(&self, measured: Measured, sample: u64) -> i64 {
        let value = match measured {
            Measured::Sensor(sensor) => self.reading_in(sensor, sample),
            Measured::Power => self.watts_in(sample),
            Measured::Load => self.load_percent(),
        };
        thousandths(value / 10.0) * 10
    }

    /// The beginning of the sample after the one at `at`.
    fn next_sample(&self, at: SimTime) -> SimTime {
        self.samples_from().after_ms((self.sample(at) + 1) * SAMPLE_MS)
    }

    /// The report of a definition. One that is made on request has the values of this moment.
    pub fn report<'a>(&self, definition: &'a Definition, now: SimTime) -> Cow<'a, Report> {
        if definition.settings.kind != ReportType::OnRequest || !definition.settings.enabled {
            return Cow::Borrowed(&definition.report);
        }
        let sample = self.sample(now);
        let values = definition.values(now, |measured| self.milli(measured, sample));
        Cow::Owned(Report { at: Some(now), values })
    }

    pub(super) fn execute_telemetry(&mut self, command: Command, now: SimTime) -> Result<Outcome, Refusal> {
        let created = if let Command::Create { id, .. } = &command { Some(id.clone()) } else { None };
        let (profile, next_sample) = (Arc::clone(&self.profile), self.next_sample(now));
        self.state
            .bmc
            .change(|bmc| bmc.telemetry.change(|all| all.execute(command, &profile, now, next_sample)))?;
        Ok(created.map_or(Outcome::Done, Outcome::CreatedAs))
    }

    /// The values of functions up to `at`. They must be taken before each change of the node, because readings follow the state.
    pub(super) fn gathering(&self, at: SimTime) -> Gathered {
        let all = self.bmc().telemetry.gathering(at);
        let folded = all.map(|definition| {
            let sums = definition.folded(at, |sum, measured, begin| {
                for sample in self.sample(begin) + 1..=self.sample(at) {
                    sum.add(self.milli(measured, sample));
                }
            });
            (definition.id.clone(), sums)
        });
        folded.collect()
    }

    /// Keeps the values of functions up to `at`.
    pub(super) fn gathered(&mut self, gathered: Gathered, at: SimTime) {
        if !gathered.is_empty() {
            self.state.bmc.change(|bmc| bmc.telemetry.change(|all| all.gathered(gathered, at)));
        }
    }

    /// Makes one report that is due at `at`.
    pub(super) fn make_report(&mut self, at: SimTime) {
        let (sample, next_sample) = (self.sample(at), self.next_sample(at));
        let Some((place, definition)) = self.bmc().telemetry.due(at) else { return };
        let restarts = self.bmc().restarting_until.is_some();
        let values = (!restarts).then(|| definition.values(at, |measured| self.milli(measured, sample)));
        let id = definition.id.clone();
        let made = |bmc: &mut Bmc| bmc.telemetry.change(|all| all.made(place, values, at, next_sample));
        if let Some(values) = self.state.bmc.change(made) {
            let made = ReportMade { definition: id, values };
            self.remember_one(What::Report(Box::new(made)), at);
        }
    }
}
