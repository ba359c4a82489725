//! A summary counts what it should, adds up, and stays small.

use super::*;
use crate::plan::Figures as _;
use crate::report::testing::{facts, items, items_of, samples};
use crate::report::{MachineEvent, Process};

fn value(summary: &Summary, function: &str) -> Option<f64> {
    summary.value(&function.parse().unwrap())
}

fn of(id: &str, items: &[Item]) -> Summary {
    let mut summary = Summary::new(facts(id));
    items.iter().for_each(|item| summary.add(item));
    summary
}

#[test]
fn the_figures_are_those_of_the_items() {
    let all = items("r1", 0..40);
    let summary = of("r1", &all);
    let deploys: Vec<_> = all.iter().filter(|item| item.operation == Operation::Deploy).collect();
    let longest = deploys
        .iter()
        .filter(|item| item.status == Status::Succeeded)
        .map(|item| item.duration)
        .fold(0.0, f64::max);
    assert_eq!(value(&summary, "failed(deploy)"), Some(2.0));
    assert_eq!(value(&summary, "count(deploy)"), Some(38.0));
    assert_eq!(value(&summary, "failed"), Some(2.0), "without a sample, failed operations count");
    assert!((value(&summary, "max(deploy)").unwrap() - longest).abs() < 1e-5);
    let span = deploys.iter().map(|item| item.ended).fold(0.0, f64::max)
        - deploys.iter().map(|item| item.started).fold(f64::MAX, f64::min);
    assert!((value(&summary, "rate(deploy)").unwrap() - 38.0 * 60.0 / span).abs() < 1e-6);
    assert_eq!(value(&summary, "count(power)"), Some(40.0), "a part of the boot is an operation, too");
    for without_items in ["count(rescue)", "failed(rescue)", "rate(rescue)", "p99(rescue)", "cpu(ironic)"] {
        assert_eq!(value(&summary, without_items), None, "{without_items}");
    }
    let tallied: u64 = summary
        .groups
        .values()
        .flat_map(|group| group.values())
        .map(|tally| tally.succeeded + tally.failed)
        .sum();
    assert_eq!(tallied, 120);
    assert_eq!((summary.item_requests, summary.item_retries, summary.lateness.count()), (240, 12, 40));
    assert_eq!(summary.failures.len(), 1, "{:?}", summary.failures);
    assert_eq!(summary.failures[0].cause, "Deploy of NAME failed: HTTP 503 from URL after N s");
    assert_eq!(summary.failures[0].names.iter().collect::<Vec<_>>(), ["small-0007", "small-0027"]);
}

#[test]
fn a_sample_has_the_counts_of_items_and_the_use_of_processes() {
    let mut summary = Summary::new(facts("r1"));
    for sample in samples("r1", &items("r1", 0..20), 7.0) {
        summary.sample(&sample);
    }
    let Items { succeeded, failed, in_flight, not_started, parked } = summary.items();
    assert_eq!([succeeded, failed, in_flight, not_started, parked], [19, 1, 0, 0, 0]);
    assert_eq!(summary.requests().changes, 120);
    // The memory is the largest of all samples, and the CPU that of the last one.
    let later = Process { cpu: 500.0, rss: 1 << 20, count: 1 };
    let sample =
        Sample { uuid: "r1".into(), processes: [("ironic".into(), later)].into(), ..Sample::default() };
    summary.sample(&sample);
    assert_eq!(value(&summary, "cpu(ironic)"), Some(500.0));
    assert!(value(&summary, "rss(ironic)").unwrap() > f64::from(180 << 20));
}

#[test]
fn merged_shards_are_the_whole() {
    let all = items("r1", 0..60);
    let whole = of("a", &all);
    let (left, right): (Vec<Item>, Vec<Item>) =
        all.into_iter().partition(|item| item.name.as_str() < "small-0023");
    let mut merged = of("a", &left);
    merged.merge(&of("b", &right)).unwrap();
    merged.runs.remove("b");
    assert_eq!(merged, whole);
    // Also if they were stored, and in the other order.
    let stored: Summary = serde_json::from_str(&serde_json::to_string(&of("a", &right)).unwrap()).unwrap();
    let mut other = stored;
    other.merge(&of("b", &left)).unwrap();
    other.runs.remove("b");
    assert_eq!(other, whole);
}

#[test]
fn a_shard_that_started_earlier_moves_the_times() {
    let early = Summary {
        facts: Facts { start: "2026-01-31T11:59:00Z".into(), ..facts("b") },
        ..of("b", &items("b", 0..1))
    };
    let mut merged = of("a", &items("a", 0..1));
    let end = merged.operations[&Operation::Deploy].last_end.unwrap();
    merged.merge(&early).unwrap();
    assert_eq!(merged.facts.start, "2026-01-31T11:59:00Z");
    let figures = &merged.operations[&Operation::Deploy];
    assert_eq!((figures.last_end, figures.ends.succeeded), (Some(end + 60.0), 2));
    assert_eq!(figures.first_start, early.operations[&Operation::Deploy].first_start);
}

#[test]
fn no_run_is_counted_twice_and_a_refusal_changes_nothing() {
    let mut merged = of("a", &items("a", 0..2));
    merged.merge(&of("b", &items("b", 0..2))).unwrap();
    let before = merged.clone();
    let again = merged.merge(&of("b", &items("b", 0..2))).unwrap_err();
    assert_eq!(again.to_string(), "both count the items of b; each run may be counted once");
    let broken = Summary { facts: Facts { start: "soon".into(), ..facts("c") }, ..of("c", &[]) };
    assert!(merged.merge(&broken).unwrap_err().to_string().starts_with("run c: start 'soon' is no time"));
    assert_eq!(merged, before);
}

#[test]
fn assertions_are_judged_again_by_the_figures_of_all() {
    let mut one = of("a", &items("a", 0..5));
    one.judge(&["count(deploy) >= 8".parse().unwrap()]);
    assert!(!one.assertions[0].holds);
    let judged = |assertion: &str, holds, value: &str| Judged {
        assertion: assertion.into(),
        holds,
        value: Some(value.into()),
    };
    one.assertions.push(judged("recovered(quiet)", true, "0 items are not well"));
    let mut other = of("b", &items("b", 0..5));
    other.assertions.push(judged("recovered(quiet)", false, "1 items are not well"));
    one.merge(&other).unwrap();
    let expected =
        [judged("count(deploy) >= 8", true, "10"), judged("recovered(quiet)", false, "1 items are not well")];
    assert_eq!(one.assertions, expected);
}

#[test]
fn the_waits_for_the_control_plane_are_found() {
    let mut item = items_of("r1", 1).remove(1);
    let event = |(event, at): (&str, f64)| MachineEvent { event: event.into(), at, detail: String::new() };
    let events = [
        ("first-heartbeat", 10.0),
        ("command-started", 18.0),
        ("command-ended", 20.0),
        ("command-started", 20.5),
        ("command-failed", 30.0),
        ("power-off", 31.0),
        ("command-started", 99.0),
    ];
    item.machine = events.map(event).into();
    let summary = of("r1", &[item]);
    let longest = |gap| summary.idle.get(&gap).map(|idle| idle.longest.clone());
    assert_eq!(longest(Gap::HeartbeatToCommand), Some(vec![("small-0001".into(), 8.0)]));
    assert_eq!(longest(Gap::CommandToCommand), Some(vec![("small-0001".into(), 0.5)]));
}

#[test]
fn the_memory_of_a_summary_is_bounded() {
    let mut summary = Summary::new(facts("r1"));
    let numbers = || 0..1000_u64;
    for n in numbers() {
        let mut item = items_of("r1", 7).remove(2);
        // A word for each number, which a cause does not leave out.
        let word: String = n.to_string().bytes().map(|digit| char::from(b'a' + digit - b'0')).collect();
        (item.error, item.group) = (Some(format!("no {word}")), word.clone());
        (item.conductor, item.endpoint) = (Some(word.clone()), Some(word));
        summary.add(&item);
        summary.warn(format!("warning {n}"));
    }
    let other = summary.failures.iter().find(|failure| failure.cause == OTHER).unwrap();
    assert_eq!((summary.failures.len(), other.count, other.names.len()), (65, 1000 - 64, 1));
    assert_eq!((summary.groups.len(), summary.conductors.len(), summary.endpoints.len()), (65, 65, 65));
    assert_eq!(summary.warnings.len(), 100);
    assert!(serde_json::to_vec(&summary).unwrap().len() < 64 << 10);
    let agents = numbers().map(|n| (format!("kind {n}"), 1)).collect();
    let processes = numbers().map(|n| (format!("p{n}"), Process::default())).collect();
    summary.sample(&Sample { uuid: "r1".into(), agent_requests: agents, processes, ..Sample::default() });
    assert_eq!((summary.requests().agents.len(), summary.process_names().count()), (65, 33));
    assert_eq!(summary.requests().agents.values().sum::<u64>(), 1000);
    for n in 0..2000 {
        summary.sample(&Sample { uuid: format!("run {n}"), ..Sample::default() });
    }
    assert_eq!(summary.runs.len(), 1000);
}
