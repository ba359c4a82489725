//! Runs that end before their time, and their cleanup.

use super::*;
use crate::report;

async fn stopped(more: &str, at: u64, levels: u32) -> Outcome {
    let stop = Stop::default();
    let press = stop.clone();
    let pressing = after(at, move || {
        for _ in 0..levels {
            press.further();
        }
    });
    let plan = ten(more);
    let running =
        run_with(&plan, Books { seconds: 10, ..Books::default() }, Arc::new(Shelf::default()), stop);
    tokio::join!(running, pressing).0
}

#[tokio::test(start_paused = true)]
async fn a_first_stop_lets_items_in_flight_end() {
    let outcome = stopped("pacing: {maxInFlight: 4}", 15, 1).await;
    assert_eq!(spans(&outcome.items).len(), 4);
    assert_eq!(with_status(&outcome.items, Status::Aborted), Vec::<String>::new());
    assert_eq!(
        (outcome.ended.summary.outcome, outcome.ended.summary.exit_code),
        (report::Outcome::Aborted, Some(1))
    );
    assert_eq!(outcome.ended.summary.items().not_started, 6);
    assert_eq!(outcome.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_second_stop_gives_up_items_in_flight_and_cleans_up() {
    let outcome = stopped("pacing: {maxInFlight: 4}", 15, 2).await;
    assert_eq!(with_status(&outcome.items, Status::Aborted).len(), 4);
    assert_eq!(
        outcome.items.iter().filter(|item| item.status == Status::Succeeded).count(),
        4,
        "they were enrolled"
    );
    assert_eq!(outcome.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_third_stop_ends_the_cleanup() {
    let outcome = stopped("pacing: {maxInFlight: 4}\ncleanup: {delay: 1h}", 15, 3).await;
    assert_eq!(outcome.left.len(), 4);
    assert!(outcome.ended.summary.warnings.iter().any(|warning| warning.contains("cleanup was stopped")));
}

#[tokio::test(start_paused = true)]
async fn the_plan_decides_whether_a_stopped_run_cleans_up() {
    for (when, left) in [("never", 4), ("onSuccess", 4), ("always", 0)] {
        let more = format!("pacing: {{maxInFlight: 4}}\ncleanup: {{when: {when}}}");
        assert_eq!(stopped(&more, 15, 2).await.left.len(), left, "{when}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_failure_is_cleaned_up_on_success() {
    let clean = "cleanup: {when: onSuccess}";
    assert_eq!(run(&ten(clean), Books::default()).await.left.len(), 0);
    let books = || Books { fails: vec![("a-0003", Operation::Manage)], ..Books::default() };
    assert_eq!(
        run(&ten(clean), books()).await.left.len(),
        10,
        "no assertion is needed for a failure to count"
    );
    assert_eq!(run(&ten("cleanup: {keepFailed: true}"), books()).await.left, ["r-a-0003"]);
    assert_eq!(run(&ten("cleanup: {keepFailed: false}"), books()).await.left.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_an_assertion_is_lost() {
    let plan = ten("pacing: {maxInFlight: 1}\nassert: [\"failed == 0\"]\nabortOnFail: true");
    let books = Books { seconds: 10, fails: vec![("a-0002", Operation::Manage)], ..Books::default() };
    let outcome = run(&plan, books).await;
    assert_eq!(outcome.ended.summary.exit_code, Some(4));
    assert!(spans(&outcome.items).len() <= 4, "the items behind the failed one have not started");
    assert!(outcome.ended.summary.warnings[0].contains("'failed == 0' cannot hold any more"));
    assert_eq!(outcome.left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_folder_is_not_used_twice() {
    let folder = tempfile::tempdir().unwrap();
    let new = || {
        let shelf: Arc<Shelf> = Arc::default();
        Run::new(read(&ten("")), "", "r", folder.path(), Books::default(), shelf, Stop::default()).map(drop)
    };
    new().unwrap();
    assert!(new().unwrap_err().to_string().contains("exists already"));
}
