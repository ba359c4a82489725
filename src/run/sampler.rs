//! Takes samples: the states of the items, processes, metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::board::Place;
use super::driver::Driver;
use super::engine::Engine;
use super::epoch::now;
use super::http::Http;
use super::scrape;
use crate::report::Sample;

/// The longest page of metrics, bytes.
const MAX_PAGE: usize = 8 << 20;
/// The longest wait for a page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Takes a sample at each interval of the plan, for ever.
pub(super) async fn sample<D: Driver>(engine: &Arc<Engine<D>>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(engine.plan.watch.every.ms()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let http = Http::plain();
    loop {
        ticks.tick().await;
        let mut sample = of(engine, now()).await;
        sample.scraped = scraped(engine, http.as_ref().ok()).await;
        engine.record.sample(sample).await;
    }
}

/// Takes the sample of the end.
pub(super) async fn last<D: Driver>(engine: &Arc<Engine<D>>) {
    let sample = of(engine, now()).await;
    engine.record.sample(sample).await;
    engine.record.flushed().await;
}

async fn of<D: Driver>(engine: &Engine<D>, at: Instant) -> Sample {
    let (board, asked) = (&engine.board, engine.driver.asked());
    if let Some(problem) = asked.problem {
        engine.record.warn(format!("the list of nodes cannot be read: {problem}"));
    }
    let phase = engine.phase.lock().clone();
    let watched = Arc::clone(&engine.processes);
    // `/proc` has a file for each process of the host.
    let processes = tokio::task::spawn_blocking(move || watched.lock().sample()).await.unwrap_or_default();
    Sample {
        uuid: engine.run.to_string(),
        timestamp: engine.epoch.rfc3339(at),
        at: engine.epoch.seconds(at),
        phase,
        states: engine.driver.states(),
        waiting: board.count(Place::Waiting),
        in_flight: board.count(Place::InFlight),
        succeeded: board.count(Place::Succeeded),
        failed: board.count(Place::Failed),
        parked: board.count(Place::Parked),
        requests: asked.requests,
        polls: asked.polls,
        poll_requests: asked.poll_requests,
        poll_seconds: asked.poll_seconds,
        agent_requests: engine.machines.requests().await,
        processes,
        scraped: BTreeMap::new(),
    }
}

/// The values of all pages of metrics; those of several pages have the URL before the name.
async fn scraped<D>(engine: &Engine<D>, http: Option<&Http>) -> BTreeMap<String, f64> {
    let (mut all, pages) = (BTreeMap::new(), &engine.plan.watch.scrape);
    for url in pages {
        let Some(http) = http else { break };
        let page = tokio::time::timeout(PAGE_TIMEOUT, http.text(url.url(), MAX_PAGE)).await;
        let Ok(Ok(page)) = page else {
            engine.record.warn(format!("{url}: the metrics could not be read"));
            continue;
        };
        let values = scrape::values(&page);
        match pages.len() {
            1 => all.extend(values),
            _ => all.extend(values.into_iter().map(|(name, value)| (format!("{url} {name}"), value))),
        }
    }
    all
}
