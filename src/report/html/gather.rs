//! What the charts of a report need of items and samples, in bounded memory.

use std::collections::BTreeMap;

use super::bins::{Bins, Fold};
use crate::plan::Operation;
use crate::report::item::{Item, Status};
use crate::report::sample::{Process, Sample};
use crate::report::summary::OTHER;

/// The most items that are drawn one by one.
pub(super) const MAX_ROWS: usize = 400;
/// The most operations of these items.
const MAX_SEGMENTS: usize = 4000;
/// The most conductors with a colour of their own.
const MAX_CONDUCTORS: usize = 8;
/// The most runs of a merged folder whose samples are drawn.
const MAX_RUNS: usize = 32;
/// The most states of a control plane. Ironic has 36.
const MAX_STATES: usize = 64;

/// What happened in a bin of time.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) started: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    /// Ends by conductor, in the order of [`Charts::conductors`].
    pub(super) conductors: Vec<u64>,
    /// The lateness of items that started: the largest, the sum, and the number.
    pub(super) latest: f64,
    pub(super) late: f64,
    pub(super) late_count: u64,
}

impl Fold for Ends {
    fn fold(&mut self, later: Self) {
        self.started += later.started;
        self.succeeded += later.succeeded;
        self.failed += later.failed;
        self.conductors.resize(self.conductors.len().max(later.conductors.len()), 0);
        self.conductors.iter_mut().zip(later.conductors).for_each(|(mine, theirs)| *mine += theirs);
        self.latest = self.latest.max(later.latest);
        self.late += later.late;
        self.late_count += later.late_count;
    }
}

/// The last sample of each run in a bin of time, by the number of the run.
#[derive(Debug, Default)]
struct Sampled(BTreeMap<usize, Point>);

impl Fold for Sampled {
    fn fold(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

/// A sample, or the sum of the samples of several runs at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    /// Seconds since the start of the run.
    pub(super) at: f64,
    pub(super) states: BTreeMap<String, u64>,
    /// Not started, in flight, succeeded, failed, parked.
    pub(super) progress: [u64; 5],
    /// Requests of the run, of polls, and of agents, since the start.
    pub(super) requests: [u64; 3],
    pub(super) processes: BTreeMap<String, Process>,
}

impl Point {
    fn of(sample: &Sample) -> Self {
        let Sample { waiting, in_flight, succeeded, failed, parked, .. } = sample;
        let mut states = BTreeMap::new();
        for (state, count) in &sample.states {
            let name = if states.len() < MAX_STATES { state } else { OTHER };
            *states.entry(name.to_owned()).or_default() += u64::from(*count);
        }
        Self {
            at: sample.at,
            states,
            progress: [waiting, in_flight, succeeded, failed, parked].map(|count| u64::from(*count)),
            requests: [sample.requests, sample.poll_requests, sample.agent_requests.values().sum()],
            processes: sample
                .processes
                .iter()
                .take(MAX_CONDUCTORS)
                .map(|(name, process)| (name.clone(), *process))
                .collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.at = self.at.max(other.at);
        for (state, count) in &other.states {
            *self.states.entry(state.clone()).or_default() += count;
        }
        self.progress.iter_mut().zip(other.progress).for_each(|(mine, theirs)| *mine += theirs);
        self.requests.iter_mut().zip(other.requests).for_each(|(mine, theirs)| *mine += theirs);
        for (name, process) in &other.processes {
            let mine = self.processes.entry(name.clone()).or_default();
            (mine.cpu, mine.rss, mine.count) =
                (mine.cpu + process.cpu, mine.rss + process.rss, mine.count + process.count);
        }
    }
}

/// An operation of an item that is drawn.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) operation: Operation,
    pub(super) status: Status,
    pub(super) started: f64,
    pub(super) ended: f64,
}

/// The content of all charts.
#[derive(Debug)]
pub(super) struct Charts {
    pub(super) ends: Bins<Ends>,
    samples: Bins<Sampled>,
    /// The ids of the runs whose samples are drawn.
    runs: Vec<String>,
    /// Their number includes [`OTHER`], which is the last one if there is one.
    pub(super) conductors: Vec<String>,
    /// The operations of each item; `None` if there are too many.
    pub(super) rows: Option<BTreeMap<String, Vec<Segment>>>,
    segments: usize,
}

impl Charts {
    pub(super) fn new() -> Self {
        Self {
            ends: Bins::new(),
            samples: Bins::new(),
            runs: Vec::new(),
            conductors: Vec::new(),
            rows: Some(BTreeMap::new()),
            segments: 0,
        }
    }

    pub(super) fn item(&mut self, item: &Item) {
        let started = self.ends.at(item.started);
        started.started += 1;
        if let Some(late) = item.late {
            started.latest = started.latest.max(late);
            (started.late, started.late_count) = (started.late + late, started.late_count + 1);
        }
        let conductor = item.conductor.as_deref().map(|name| self.conductor(name));
        let ended = self.ends.at(item.ended);
        match item.status {
            Status::Succeeded => ended.succeeded += 1,
            Status::Failed => ended.failed += 1,
            Status::Aborted => {}
        }
        if let Some(conductor) = conductor {
            ended.conductors.resize(ended.conductors.len().max(conductor + 1), 0);
            ended.conductors[conductor] += 1;
        }
        self.row(item);
    }

    fn conductor(&mut self, name: &str) -> usize {
        let name = match self.conductors.iter().any(|known| known == name)
            || self.conductors.len() < MAX_CONDUCTORS
        {
            true => name,
            false => OTHER,
        };
        self.conductors.iter().position(|known| known == name).unwrap_or_else(|| {
            self.conductors.push(name.to_owned());
            self.conductors.len() - 1
        })
    }

    fn row(&mut self, item: &Item) {
        let Some(rows) = &mut self.rows else { return };
        self.segments += 1;
        if self.segments > MAX_SEGMENTS || (rows.len() >= MAX_ROWS && !rows.contains_key(&item.name)) {
            self.rows = None;
            return;
        }
        let Item { operation, status, started, ended, .. } = *item;
        rows.entry(item.name.clone()).or_default().push(Segment { operation, status, started, ended });
    }

    pub(super) fn sample(&mut self, sample: &Sample) {
        let run = self.runs.iter().position(|run| *run == sample.uuid);
        if run.is_none() && self.runs.len() >= MAX_RUNS {
            return;
        }
        let run = run.unwrap_or_else(|| {
            self.runs.push(sample.uuid.clone());
            self.runs.len() - 1
        });
        self.samples.at(sample.at).0.insert(run, Point::of(sample));
    }

    /// The samples in the order of time, each the sum of all runs.
    pub(super) fn points(&self) -> Vec<Point> {
        let mut last: BTreeMap<usize, &Point> = BTreeMap::new();
        let mut points = Vec::new();
        for (_, bin) in self.samples.iter().filter(|(_, bin)| !bin.0.is_empty()) {
            last.extend(bin.0.iter().map(|(run, point)| (*run, point)));
            let mut sum = Point::default();
            last.values().for_each(|point| sum.add(point));
            sum.at = bin.0.values().fold(0.0, |at, point| point.at.max(at));
            points.push(sum);
        }
        points
    }
}
