//! Noise is no change, and a change is found.

use super::*;
use crate::report::testing::{facts, items};
use crate::report::{Item, Status};

fn of(items: &[Item]) -> Summary {
    let mut summary = Summary::new(facts("r1"));
    items.iter().for_each(|item| summary.add(item));
    summary
}

fn changed(items: &[Item], change: impl Fn(usize, &mut Item)) -> Summary {
    let mut items = items.to_vec();
    items.iter_mut().enumerate().for_each(|(n, item)| change(n, item));
    of(&items)
}

fn found(before: &Summary, after: &Summary) -> Vec<(Operation, Change, Change)> {
    let comparison = Comparison::of((before, ""), (after, ""));
    comparison.operations.iter().map(|one| (one.operation, one.change, one.failures)).collect()
}

fn deploy(before: &Summary, after: &Summary) -> (Change, Change) {
    let found = found(before, after);
    found.iter().find(|one| one.0 == Operation::Deploy).map(|one| (one.1, one.2)).unwrap()
}

#[test]
fn the_same_items_and_other_items_of_the_same_kind_do_not_differ() {
    let first = of(&items("seed 0", 0..120));
    assert!(!Comparison::of((&first, ""), (&first, "")).has_change());
    // 40 runs that differ by chance only, with 7 operations each.
    for seed in 1..=40 {
        let other = of(&items(&format!("seed {seed}"), 0..120));
        let found = found(&first, &other);
        assert!(
            found.iter().all(|one| (one.1, one.2) == (Change::None, Change::None)),
            "seed {seed}: {found:?}"
        );
    }
}

#[test]
fn a_shift_a_longer_tail_and_failures_are_found() {
    let before = items("seed 0", 0..200);
    let others = items("seed 1", 0..200);
    let is_deploy = |item: &Item| item.operation == Operation::Deploy;
    let scaled =
        |factor: f64| changed(&others, |_, item| item.duration *= if is_deploy(item) { factor } else { 1.0 });
    let base = of(&before);
    assert_eq!(deploy(&base, &scaled(1.3)), (Change::Slower, Change::None));
    assert_eq!(deploy(&base, &scaled(0.8)), (Change::Faster, Change::None));
    let tail =
        changed(&others, |n, item| item.duration *= if is_deploy(item) && n % 8 == 0 { 3.0 } else { 1.0 });
    assert_eq!(deploy(&base, &tail).0, Change::LongerTail);
    assert_eq!(deploy(&tail, &base).0, Change::ShorterTail);
    let failing = changed(&others, |n, item| {
        if is_deploy(item) && n % 3 == 0 {
            item.status = Status::Failed;
        }
    });
    assert_eq!(deploy(&base, &failing), (Change::None, Change::Slower));
    let few = of(&items("seed 1", 0..5));
    assert_eq!(deploy(&base, &few), (Change::TooFew, Change::TooFew));
}

#[test]
fn a_difference_that_does_not_matter_is_no_change() {
    let exact = |duration: f64| changed(&items("seed 0", 0..200), |_, item| item.duration = duration);
    assert_eq!(deploy(&exact(10.0), &exact(10.1)).0, Change::None, "one per cent");
    assert_eq!(deploy(&exact(10.0), &exact(10.5)).0, Change::Slower);
}

#[test]
fn what_makes_runs_hard_to_compare_is_named() {
    let (mut before, mut after) = (of(&[]), of(&[]));
    after.facts.target = "ironic http://192.0.2.1:6385".to_owned();
    (before.item_retries, after.item_retries) = (10, 15);
    before.finish(super::super::Outcome::Held, 0, 10.0);
    after.finish(super::super::Outcome::Aborted, 4, 12.5);
    let comparison = Comparison::of((&before, "count: 12\nsame: 1\n"), (&after, "count: 24\n same: 1\n"));
    assert_eq!(
        comparison.notes,
        [
            "the plans differ; only in the first: count: 12; only in the second: count: 24",
            "the targets differ: ironic http://127.0.0.1:6385 and ironic http://192.0.2.1:6385",
            "run r1 was aborted",
        ]
    );
    let shown: Vec<_> =
        comparison.values.iter().map(|value| (value.name.as_str(), value.percent())).collect();
    assert_eq!(shown, [("duration of the run, s", Some(25.0)), ("repeated requests", Some(50.0))]);
}
