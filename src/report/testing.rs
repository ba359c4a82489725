//! Items and samples of a run that never was, the same in each call.

use std::collections::BTreeMap;

use super::{Facts, Item, MachineEvent, Outcome, Process, Sample, Status, Summary};
use crate::plan::Operation;

/// The moment at which the run starts.
pub(crate) const START: &str = "2026-01-31T12:00:00Z";

pub(crate) fn facts(id: &str) -> Facts {
    Facts {
        id: id.to_owned(),
        plan: "plans/small.yaml".to_owned(),
        version: "0.1.0".to_owned(),
        target: "ironic http://127.0.0.1:6385".to_owned(),
        start: START.to_owned(),
    }
}

/// A moment of the run as RFC 3339.
fn moment(at: f64) -> String {
    let start: jiff::Timestamp = START.parse().unwrap();
    (start + jiff::SignedDuration::from_millis((at * 1000.0) as i64)).to_string()
}

/// A number of seconds in whole milliseconds, which JSON keeps exactly.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// A number from 0 to 1 that follows from two numbers and looks random.
fn chance(n: u64, salt: u64) -> f64 {
    let bits = xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), salt);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The operations of the item `n`: it is enrolled, inspected and deployed; every twentieth deployment fails. Two conductors
/// share the items, and the second is gone from second 60 on.
pub(crate) fn items_of(run: &str, n: u64) -> Vec<Item> {
    let chance = |n: u64, salt: u64| chance(n, salt ^ xxhash_rust::xxh3::xxh3_64(run.as_bytes()));
    let scheduled = (n / 10) as f64 * 5.0;
    let late = rounded(0.02 + 0.3 * chance(n, 1));
    let mut at = rounded(scheduled + late);
    let mut items = Vec::new();
    let steps = [(Operation::Enroll, 0.4), (Operation::Inspect, 20.0), (Operation::Deploy, 35.0)];
    for (number, (operation, typical)) in steps.into_iter().enumerate() {
        let duration = typical * (0.8 + 0.4 * chance(n, 2 + number as u64) + 2.0 * chance(n, 9).powi(20));
        let failed = operation == Operation::Deploy && n % 20 == 7;
        let (started, ended, duration) = (at, rounded(at + duration), rounded(duration));
        let conductor = if n.is_multiple_of(2) && ended < 60.0 { "conductor-b" } else { "conductor-a" };
        let mut item = Item {
            id: format!("{run}-{n:04}-{number}"),
            uuid: run.to_owned(),
            timestamp: moment(started),
            operation,
            status: if failed { Status::Failed } else { Status::Succeeded },
            duration,
            name: format!("small-{n:04}"),
            group: if n.is_multiple_of(3) { "control" } else { "workers" }.to_owned(),
            cluster_name: None,
            role: None,
            node: Some(format!("1be26c0b-03f2-4d2e-ae87-{n:012x}")),
            phase: None,
            cycle: 0,
            scheduled,
            started,
            ended,
            late: (number == 0).then_some(late),
            requests: 2,
            retries: u32::from(n % 10 == 3),
            error: failed.then(|| {
                format!("Deploy of small-{n:04} failed: HTTP 503 from http://10.0.0.{n}:9999/v1 after {n} s")
            }),
            cause: None,
            conductor: Some(conductor.to_owned()),
            endpoint: Some("http://127.0.0.1:6385".to_owned()),
            states: Vec::new(),
            machine: Vec::new(),
            machine_seconds: BTreeMap::new(),
            values: BTreeMap::from([("workers".to_owned(), (20 + n % 3 * 5).into())]),
        };
        if operation == Operation::Inspect {
            machine(&mut item, n);
        }
        at = rounded(ended + 0.1);
        items.push(item);
        if failed {
            break;
        }
    }
    items
}

fn machine(item: &mut Item, n: u64) {
    let event = |event: &str, share: f64| MachineEvent {
        event: event.to_owned(),
        at: rounded(item.started + share * item.duration),
        detail: String::new(),
    };
    let wait = 0.1 + 0.2 * chance(n, 7);
    item.machine = vec![
        event("power-on", 0.05),
        event("booted", 0.4),
        event("first-heartbeat", 0.5),
        event("command-started", 0.5 + wait),
        event("command-ended", 0.8),
        event("command-started", 0.85),
        event("power-off", 0.95),
    ];
    let seconds = [("power", 0.1), ("boot", 0.25), ("lookup", 0.05), ("heartbeat", 0.05)];
    item.machine_seconds =
        seconds.iter().map(|(name, share)| ((*name).to_owned(), rounded(share * item.duration))).collect();
}

/// The operations of some items in the order of their ends.
pub(crate) fn items(run: &str, numbers: std::ops::Range<u64>) -> Vec<Item> {
    let mut items: Vec<_> = numbers.flat_map(|n| items_of(run, n)).collect();
    items.sort_by(|one, other| one.ended.total_cmp(&other.ended));
    items
}

/// The samples of a run with these items, every `every` seconds and at its end.
pub(crate) fn samples(run: &str, items: &[Item], every: f64) -> Vec<Sample> {
    let end = items.iter().fold(0.0, |end, item| item.ended.max(end));
    let last: BTreeMap<&str, &Item> = items.iter().map(|item| (item.name.as_str(), item)).collect();
    let total = last.len() as u32;
    let mut at = 0.0;
    let mut samples = Vec::new();
    loop {
        let running = |item: &&Item| item.started <= at && at < item.ended;
        let mut states: BTreeMap<String, u32> = BTreeMap::new();
        for item in items.iter().filter(running) {
            let state = match item.operation {
                Operation::Enroll => "enroll",
                Operation::Inspect => "inspect wait",
                _ => "wait call-back",
            };
            *states.entry(state.to_owned()).or_default() += 1;
        }
        let in_flight: u32 = states.values().sum();
        let ended = |status: Status| {
            last.values().filter(|item| item.ended <= at && item.status == status).count() as u32
        };
        let (succeeded, failed) = (ended(Status::Succeeded), ended(Status::Failed));
        states.insert("active".to_owned(), succeeded);
        states.insert("deploy failed".to_owned(), failed);
        let done = items.iter().filter(|item| item.ended <= at).count() as u64;
        let process = |cpu, rss, count| Process { cpu, rss, count };
        samples.push(Sample {
            uuid: run.to_owned(),
            timestamp: moment(at),
            at,
            states,
            waiting: total.saturating_sub(in_flight + succeeded + failed),
            in_flight,
            succeeded,
            failed,
            requests: done * 2,
            polls: (at / 2.0) as u64,
            poll_requests: (at / 2.0) as u64 * 2,
            poll_seconds: rounded(at * 0.02),
            agent_requests: BTreeMap::from([
                ("heartbeat ok".to_owned(), done * 3),
                ("lookup refused".to_owned(), done / 9),
            ]),
            processes: BTreeMap::from([
                ("fauxmetal".to_owned(), process(rounded(at * 0.05), 40 << 20, 1)),
                ("ironic".to_owned(), process(rounded(at * 0.8), (180 << 20) + (at as u64 * (1 << 20)), 4)),
            ]),
            ..Sample::default()
        });
        if at >= end {
            return samples;
        }
        at = rounded((at + every).min(end));
    }
}

/// The summary of a whole run.
pub(crate) fn summary(run: &str, items: &[Item], samples: &[Sample]) -> Summary {
    let mut summary = Summary::new(facts(run));
    items.iter().for_each(|item| summary.add(item));
    samples.iter().for_each(|sample| summary.sample(sample));
    let assertions = [
        "failed == 0",
        "p99(inspect) <= 120s",
        "rate(deploy) >= 2/min",
        "cpu(ironic) <= 400s",
        "max(rescue) < 1s",
    ];
    summary.judge(&assertions.map(|text| text.parse().unwrap()));
    summary.finish(Outcome::NotHeld, 4, summary.seconds);
    summary
}

/// The plan of the committed runs.
const PLAN: &str = "\
target: {ironic: {url: \"http://127.0.0.1:6385\"}}
groups: [{name: control, count: 8, until: active}, {name: workers, count: 16, until: active}]
pacing: {batchSize: 10, delay: 5s}
assert: [\"failed == 0\", \"p99(inspect) <= 120s\", \"rate(deploy) >= 2/min\", \"cpu(ironic) <= 400s\", \"max(rescue) < 1s\"]
";

/// Writes a run of 24 items whose deployments take `slower` times as long.
pub(crate) fn write(runs: &std::path::Path, run: &str, slower: f64) {
    let mut items = items(run, 0..24);
    for item in items.iter_mut().filter(|item| item.operation == Operation::Deploy) {
        item.duration = rounded(item.duration * slower);
        item.ended = rounded(item.started + item.duration);
    }
    items.sort_by(|one, other| one.ended.total_cmp(&other.ended));
    let samples = samples(run, &items, 5.0);
    let mut recorder = super::Folder::create(runs, run, PLAN).unwrap();
    items.iter().for_each(|item| recorder.item(item).unwrap());
    samples.iter().for_each(|sample| recorder.sample(sample).unwrap());
    recorder.end(&summary(run, &items, &samples)).unwrap();
}
