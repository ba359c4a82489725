//! Phases, churn, faults and recovery.

use super::*;
use crate::report;

fn operations(items: &[Item], name: &str) -> String {
    let of = |item: &&Item| item.name == name;
    items.iter().filter(of).map(|item| item.operation.name()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn a_phase_starts_after_the_last_item_of_the_one_before() {
    let plan = "
groups:
  - {name: a, count: 5, until: active, image: {url: \"http://x/i\"}}
  - {name: b, count: 2, until: enrolled}
pacing: {maxInFlight: 2}
phases:
  - {name: prepare, until: manageable}
  - {name: deploy, groups: [a], grace: 30s}
  - {name: back, groups: [a], until: available}";
    let outcome = run(plan, Books { seconds: 10, ..Books::default() }).await;
    let bounds = |phase: &str| {
        let of = outcome.items.iter().filter(|item| item.phase.as_deref() == Some(phase));
        of.fold((f64::MAX, 0.0_f64), |(first, last), item| (first.min(item.started), last.max(item.ended)))
    };
    let (prepare, deploy, back) = (bounds("prepare"), bounds("deploy"), bounds("back"));
    assert!(deploy.0 >= prepare.1 + 30.0 && back.0 >= deploy.1, "{prepare:?} {deploy:?} {back:?}");
    assert_eq!(operations(&outcome.items, "r-a-0001"), "enroll manage provide deploy undeploy");
    assert_eq!(operations(&outcome.items, "r-b-0001"), "enroll manage");
    assert_eq!(outcome.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn phases_in_a_row_are_repeated_in_turn() {
    let plan = "
groups: [{name: a, count: 2, until: active, image: {url: \"http://x/i\"}}]
phases:
  - {name: first, until: available}
  - {name: up, until: active, repeat: 3}
  - {name: down, until: available, repeat: 3}";
    let outcome = run(plan, Books { seconds: 1, ..Books::default() }).await;
    let of_one = "enroll manage provide deploy undeploy deploy undeploy deploy undeploy";
    assert_eq!(operations(&outcome.items, "r-a-0000"), of_one);
    let ids: HashSet<_> = outcome.items.iter().map(|item| &item.id).collect();
    assert_eq!(ids.len(), outcome.items.len(), "each document has an id of its own");
}

#[tokio::test(start_paused = true)]
async fn churn_replaces_items_until_its_time_is_over() {
    let plan = ten("phases: [{name: up}, {name: churn, churn: {percent: 25, pause: 10s, duration: 50s}}]");
    let outcome = run(&plan, Books { seconds: 5, ..Books::default() }).await;
    // A round replaces 3 of 10 items, in 15 s, and there are 10 s between two: rounds begin at 0, 25 and 50 s, and the last is too late.
    let churned: Vec<_> =
        outcome.items.iter().filter(|item| item.phase.as_deref() == Some("churn")).collect();
    assert_eq!(churned.len(), 2 * 3 * 3);
    assert_eq!(churned.iter().map(|item| item.cycle).max(), Some(1));
    let replaced: HashSet<_> = churned.iter().map(|item| &item.name).collect();
    assert!(replaced.len() > 3, "each round draws anew: {replaced:?}");
    assert_eq!(outcome.ended.summary.outcome, report::Outcome::Held);
}

const FAULTS: &str = "phases:
  - {name: storm, faults: [{name: flaky, who: {all: true}, what: power-lost}]}
  - {name: calm, quiet: 30s}";

#[tokio::test(start_paused = true)]
async fn rules_of_a_phase_come_and_go_with_it() {
    let shelf = Arc::new(Shelf { fires: 3, ..Shelf::default() });
    let outcome = run_with(&ten(FAULTS), Books::default(), Arc::clone(&shelf), Stop::default()).await;
    assert_eq!(*shelf.rules.lock(), ["+flaky", "-flaky"]);
    assert_eq!(outcome.ended.summary.rules[0].fired, 3);
    assert_eq!(
        (outcome.ended.summary.outcome, outcome.ended.summary.exit_code),
        (report::Outcome::Held, Some(0))
    );
    let recovered = &outcome.ended.summary.assertions[0];
    assert_eq!((recovered.assertion.as_str(), recovered.holds), ("recovered(calm)", true));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_never_reached_makes_the_run_fail() {
    let shelf = Arc::new(Shelf::default());
    let outcome = run_with(&ten(FAULTS), Books::default(), shelf, Stop::default()).await;
    assert_eq!(outcome.ended.summary.exit_code, Some(4));
    assert!(!outcome.ended.summary.rules[0].reached);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_phase_finds_items_that_are_not_well() {
    let outcome = run(&ten(FAULTS), Books { sick: vec!["a-0003"], ..Books::default() }).await;
    assert_eq!(outcome.ended.summary.exit_code, Some(4));
    assert_eq!(outcome.ended.summary.warnings, ["phase 'calm': r-a-0003: it is in maintenance"]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_has_failed_takes_no_part_in_later_phases() {
    let plan = "
groups: [{name: a, count: 3, until: available}]
phases: [{name: one, until: manageable}, {name: two}]
cleanup: {keepFailed: true}
assert: [\"failed == 0\", \"failed(manage) <= 1\", \"count(provide) == 2\", \"p99(deploy) <= 1h\"]";
    let books = Books { fails: vec![("a-0001", Operation::Manage)], ..Books::default() };
    let outcome = run(plan, books).await;
    assert_eq!(operations(&outcome.items, "r-a-0001"), "enroll manage");
    assert_eq!(with_status(&outcome.items, Status::Failed), ["manage r-a-0001"]);
    assert_eq!(outcome.left, ["r-a-0001"], "only the failed node is kept");
    let held: Vec<_> = outcome.ended.summary.assertions.iter().map(|judged| judged.holds).collect();
    assert_eq!(held, [false, true, true, false], "a percentile without an item does not hold");
    assert_eq!(outcome.ended.summary.exit_code, Some(4));
    assert_eq!(outcome.ended.summary.failures[0].cause, "node NAME is broken");
}
