//! When items start.

use super::*;

#[tokio::test(start_paused = true)]
async fn batches_start_on_time_whatever_happened_to_the_last() {
    let outcome =
        run(&ten("pacing: {batchSize: 2, delay: 5s}"), Books { seconds: 60, ..Books::default() }).await;
    let mut starts: Vec<_> = spans(&outcome.items).iter().map(|(_, start, _)| start.round() as u64).collect();
    starts.sort_unstable();
    assert_eq!(starts, [0, 0, 5, 5, 10, 10, 15, 15, 20, 20]);
    assert_eq!(outcome.ended.summary.lateness.count(), 10);
}

#[tokio::test(start_paused = true)]
async fn no_more_items_than_the_cap_are_in_flight() {
    for pacing in
        ["{maxInFlight: 3}", "{batchSize: 3}", "{maxInFlight: 3, arrivals: [{rate: 100/s, duration: 1s}]}"]
    {
        let outcome = run(&ten(&format!("pacing: {pacing}")), Books { seconds: 7, ..Books::default() }).await;
        let spans = spans(&outcome.items);
        assert_eq!((spans.len(), most_at_once(&spans)), (10, 3), "{pacing}");
        // 10 items of 14 s, 3 at a time.
        assert_eq!(outcome.items.iter().map(|item| item.ended.round() as u64).max(), Some(56), "{pacing}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_waits_for_room_is_late() {
    let plan = ten("pacing: {maxInFlight: 5, batchSize: 5, delay: 1s}");
    let outcome = run(&plan, Books { seconds: 5, ..Books::default() }).await;
    let late: Vec<_> =
        outcome.items.iter().filter_map(|item| item.late).map(|late| late.round() as u64).collect();
    assert_eq!(
        late,
        [0, 0, 0, 0, 0, 9, 9, 9, 9, 9],
        "the second batch was due at 1 s, and there was room at 10 s"
    );
}

const GANGS: &str = "
groups:
  - {name: c, count: 6, until: enrolled, roles: {head: 1, worker: workers}, values: {workers: [1, 2, 3]}, gang: true}
  - {name: single, count: 9, until: enrolled}
pacing: {maxInFlight: 5, order: shuffled}
seed: SEED";

#[tokio::test(start_paused = true)]
async fn a_gang_starts_as_a_whole() {
    for seed in 1..20 {
        let plan = GANGS.replace("SEED", &seed.to_string());
        let outcome = run(&plan, Books { seconds: 4, ..Books::default() }).await;
        let all = spans(&outcome.items);
        assert_eq!(all.len(), 2 + 3 + 4 + 2 + 3 + 4 + 9);
        assert!(most_at_once(&all) <= 5);
        let mut gangs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for item in outcome.items.iter().filter(|item| item.cluster_name.is_some()) {
            gangs.entry(item.cluster_name.as_deref().unwrap()).or_default().push(item.started);
        }
        assert_eq!(gangs.len(), 6);
        for (name, starts) in gangs {
            assert!(starts.iter().all(|start| (start - starts[0]).abs() < 0.1), "{name} {starts:?}");
        }
        let member = outcome.items.iter().find(|item| item.name == "r-c-0001-worker-1").unwrap();
        assert_eq!((member.role.as_deref(), &member.values["workers"]), (Some("worker"), &2.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_parked_item_keeps_its_place() {
    let plan = "
groups:
  - {name: parked, count: 2, until: enrolled, park: true}
  - {name: b, count: 4, until: enrolled}
pacing: {maxInFlight: 3}";
    let outcome = run(plan, Books { seconds: 10, ..Books::default() }).await;
    let mut ends: Vec<_> = spans(&outcome.items).iter().map(|(_, _, end)| end.round() as u64).collect();
    ends.sort_unstable();
    assert_eq!(ends, [10, 10, 10, 20, 30, 40], "one place is left for four items");
    let items = outcome.ended.summary.items();
    assert_eq!((items.succeeded, items.parked, items.failed), (4, 2, 0));
}
