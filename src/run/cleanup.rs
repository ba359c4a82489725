//! Deletes the nodes that a run has created.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::board::Place;
use super::driver::Driver;
use super::engine::Engine;
use super::stop::Level;
use crate::plan::Stage;

/// Deletes the nodes of all items that have one, except those of failed items that the plan keeps. Returns those that could not be
/// deleted, with the reasons.
pub(super) async fn clean<D: Driver>(engine: &Arc<Engine<D>>) -> Vec<(String, String)> {
    engine.cleans.store(true, Ordering::Relaxed);
    let cleanup = &engine.plan.cleanup;
    let board = &engine.board;
    let kept = |item: u32| cleanup.keep_failed && board.place(item) == Place::Failed;
    let items = (0..board.len()).filter(|item| board.stage(*item) != Stage::Absent && !kept(*item));
    let delete = |item: u32| {
        let engine = Arc::clone(engine);
        async move {
            let job = engine.job(item);
            match engine.driver.delete(&job).await {
                Ok(()) => {
                    engine.board.reach(item, Stage::Absent);
                    None
                }
                Err(error) => Some((job.name.to_string(), error)),
            }
        }
    };
    let paced = futures_util::stream::iter(items).then(|item| async move {
        if cleanup.delay.ms() > 0 {
            tokio::time::sleep(Duration::from_millis(cleanup.delay.ms())).await;
        }
        item
    });
    let mut left = Vec::new();
    let work = async {
        let mut deletions = std::pin::pin!(paced.map(delete).buffer_unordered(cleanup.concurrency as usize));
        while let Some(outcome) = deletions.next().await {
            left.extend(outcome);
        }
        // What was not deleted is not tried again.
        let names = (0..board.len()).filter(|item| kept(*item)).map(|item| engine.job(item).name.to_string());
        let names = names.chain(left.iter().map(|(name, _)| name.clone())).collect();
        left.extend(engine.driver.sweep(&engine.run, &names).await);
    };
    let is_whole = engine.stop.unless(Level::Quit, work).await.is_some();
    if !is_whole {
        engine.record.warn("the cleanup was stopped before its end");
    }
    left
}
