//! The figures of a run while it runs, and the thread that writes its files.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::board::Board;
use super::machine::Fired;
use super::stop::{Level, Stop};
use crate::plan::Assertion;
use crate::report::{Error, Item, Judged, Recorder, RuleUse, Sample, Summary};

/// Documents that wait to be written. Then items wait to end.
const QUEUE: usize = 4096;
/// The most items of a quiet phase whose problems are named.
const MAX_SICK: usize = 20;

enum Document {
    /// Asks for an answer when everything before is written.
    Flush(oneshot::Sender<()>),
    Item(Box<Item>),
    Sample(Box<Sample>),
}

/// Takes the documents of a run: the summary counts each at once, and the thread writes it.
#[derive(Clone)]
pub(super) struct Record {
    summary: Arc<Mutex<Summary>>,
    /// Assertions that end the run as soon as one of them cannot hold any more.
    lost: Arc<[Assertion]>,
    stop: Stop,
    /// What quiet phases have found, judged with the assertions of the plan.
    pub(super) recoveries: Arc<Mutex<Vec<Judged>>>,
    /// `None` after the end.
    queue: Arc<Mutex<Option<mpsc::Sender<Document>>>>,
}

/// The thread that writes the files.
pub(super) struct Writer(JoinHandle<Result<Recorder, Error>>);

impl Record {
    /// Starts the thread. `lost` are the assertions that end the run before its time.
    pub(super) fn begin(
        mut files: Recorder,
        summary: Arc<Mutex<Summary>>,
        lost: Vec<Assertion>,
        stop: Stop,
    ) -> anyhow::Result<(Self, Writer)> {
        let (queue, mut documents) = mpsc::channel(QUEUE);
        files.summary(&summary.lock())?;
        let (shared, unwritable) = (Arc::clone(&summary), stop.clone());
        let write = move || -> Result<Recorder, Error> {
            while let Some(document) = documents.blocking_recv() {
                match document {
                    // The asker waits no longer only if the run is dropped.
                    Document::Flush(done) => drop(done.send(())),
                    Document::Item(item) => files.item(&item)?,
                    Document::Sample(sample) => {
                        files.sample(&sample)?;
                        let summary = shared.lock().clone();
                        files.summary(&summary)?;
                    }
                }
            }
            Ok(files)
        };
        let guarded = move || {
            let written = write();
            if written.is_err() {
                // Without its files a run is of no use.
                unwritable.at_least(Level::Abort);
            }
            written
        };
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(guarded);
        let thread = thread.context("cannot start the thread that writes the files of the run")?;
        Ok((
            Self {
                summary,
                lost: lost.into(),
                stop,
                recoveries: Arc::default(),
                queue: Arc::new(Mutex::new(Some(queue))),
            },
            Writer(thread),
        ))
    }

    /// Records the end of an operation.
    pub(super) async fn item(&self, item: Item) {
        self.summary.lock().add(&item);
        self.send(Document::Item(Box::new(item))).await;
    }

    /// Takes over the counts of the items, and ends the run if an assertion is lost by them.
    pub(super) fn count(&self, board: &Board) {
        let mut summary = self.summary.lock();
        summary.count(board.items());
        let is_lost = |assertion: &&Assertion| assertion.is_lost(&*summary);
        if let Some(assertion) = self.lost.iter().find(is_lost)
            && self.stop.level() < Level::Abort
        {
            summary.warn(format!("the run was ended because '{assertion}' cannot hold any more"));
            self.stop.at_least(Level::Abort);
        }
    }

    /// Counts a sample, and has it written.
    pub(super) async fn sample(&self, sample: Sample) {
        self.summary.lock().sample(&sample);
        self.send(Document::Sample(Box::new(sample))).await;
    }

    /// Waits until all documents so far are counted and written.
    pub(super) async fn flushed(&self) {
        let (done, is_done) = oneshot::channel();
        self.send(Document::Flush(done)).await;
        // An error means that the thread has ended, and with it the queue.
        let _ = is_done.await;
    }

    /// Ends the thread when it has written the documents so far. Later ones are dropped.
    pub(super) fn close(&self) {
        *self.queue.lock() = None;
    }

    async fn send(&self, document: Document) {
        let queue = self.queue.lock().clone();
        if let Some(queue) = queue {
            // The thread has ended only if it cannot write; the run ends with its error.
            let _ = queue.send(document).await;
        }
    }

    /// Notes how often a rule of a phase has fired.
    pub(super) fn rule(&self, phase: &str, rule: Fired) {
        let Fired { name, fired } = rule;
        self.summary.lock().rules.push(RuleUse {
            name,
            phase: Some(phase.to_owned()),
            fired,
            reached: fired > 0,
        });
    }

    /// Notes whether all items were well at the end of a quiet phase.
    pub(super) fn recovered(&self, phase: &str, sick: &[String]) {
        let mut summary = self.summary.lock();
        for one in sick.iter().take(MAX_SICK) {
            summary.warn(format!("phase '{phase}': {one}"));
        }
        let value = Some(format!("{} items are not well", sick.len()));
        drop(summary);
        let assertion = format!("recovered({phase})");
        self.recoveries.lock().push(Judged { assertion, holds: sick.is_empty(), value });
    }

    /// Adds a warning to the summary.
    pub(super) fn warn(&self, warning: impl Into<String>) {
        self.summary.lock().warn(warning);
    }
}

impl Writer {
    /// Waits until all documents are written, after [`Record::close`].
    pub(super) async fn end(self) -> anyhow::Result<Recorder> {
        let joined = tokio::task::spawn_blocking(move || self.0.join()).await?;
        let files =
            joined.map_err(|_| anyhow::anyhow!("the thread that writes the files of the run has failed"))?;
        files.context("cannot write the files of the run")
    }
}
