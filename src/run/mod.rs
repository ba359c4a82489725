//! Load runs: brings the items of a plan to their goals, measures them, and cleans up.

mod board;
mod cleanup;
mod document;
mod driver;
mod engine;
mod epoch;
mod http;
pub mod ironic;
mod lives;
pub mod machine;
mod machines;
mod process;
mod record;
pub mod redfish;
mod sampler;
mod scrape;
mod stop;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

pub use board::{Board, Place};
pub use driver::{Asked, Driver, Job, Part, Performed};
pub use epoch::{Epoch, now};
pub use http::{Http, HttpProblem};
pub use machines::{FleetOfOwn, calls, foreign, password};
pub use stop::{Level, Stop};

use crate::plan::{CleanupWhen, Items, Plan, Stage};
use crate::report::{Facts, Folder, Judged, Outcome, Summary, page};
use engine::Engine;
use machine::Machines;
use record::{Record, Writer};

/// A run that can begin.
pub struct Run<D> {
    engine: Arc<Engine<D>>,
    summary: Arc<Mutex<Summary>>,
    writer: Writer,
}

/// What a person sees of a run while it goes on.
#[derive(Clone)]
pub struct View {
    pub board: Arc<Board>,
    pub summary: Arc<Mutex<Summary>>,
    pub epoch: Epoch,
    phase: Arc<Mutex<Option<String>>>,
    states: Arc<dyn Fn() -> BTreeMap<String, u32> + Send + Sync>,
    cleans: Arc<AtomicBool>,
}

impl View {
    /// The items whose nodes still exist, if the run cleans up.
    pub fn left(&self) -> Option<usize> {
        let exists = |item: &u32| self.board.stage(*item) != Stage::Absent;
        self.cleans.load(Ordering::Relaxed).then(|| (0..self.board.len()).filter(exists).count())
    }

    /// The phase of the plan that runs.
    pub fn phase(&self) -> Option<String> {
        self.phase.lock().clone()
    }

    /// The items by state of the control plane, as seen last.
    pub fn states(&self) -> BTreeMap<String, u32> {
        (self.states)()
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub summary: Summary,
    pub folder: Folder,
    /// Nodes that should have been deleted, and could not be: name and reason.
    pub left: Vec<(String, String)>,
}

impl<D: Driver> Run<D> {
    /// Prepares a run, and creates its folder below `runs`. `plan_text` is the plan as it is run.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub fn new(
        plan: Plan,
        plan_text: &str,
        id: &str,
        runs: &Path,
        driver: D,
        machines: Arc<dyn Machines>,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        let epoch = Epoch::begin();
        let items = Items::new(&plan.groups);
        let board = Arc::new(Board::new(items.all.len()));
        let facts = Facts {
            id: id.to_owned(),
            plan: plan.name.to_string(),
            version: Facts::VERSION.to_owned(),
            target: plan.target.to_string(),
            start: epoch.rfc3339(epoch::now()),
        };
        let summary = Arc::new(Mutex::new(Summary::new(facts)));
        let lost = if plan.abort_on_fail { plan.assert.clone() } else { Vec::new() };
        let files = Folder::create(runs, id, plan_text)?;
        let (record, writer) = Record::begin(files, Arc::clone(&summary), lost, stop.clone())?;
        let processes = Arc::new(Mutex::new(process::Processes::new(&plan.watch)));
        let engine = Engine {
            groups: plan.groups.iter().cloned().map(Arc::new).collect(),
            plan: Arc::new(plan),
            items,
            run: id.into(),
            driver,
            machines,
            board,
            lives: lives::Lives::default(),
            processes,
            record,
            stop,
            epoch,
            phase: Arc::default(),
            cleans: Arc::default(),
            rooms: Mutex::default(),
        };
        Ok(Self { engine: Arc::new(engine), summary, writer })
    }

    /// What a person sees of the run.
    pub fn view(&self) -> View {
        let engine = Arc::clone(&self.engine);
        View {
            board: Arc::clone(&self.engine.board),
            summary: Arc::clone(&self.summary),
            epoch: self.engine.epoch,
            phase: Arc::clone(&self.engine.phase),
            cleans: Arc::clone(&self.engine.cleans),
            states: Arc::new(move || engine.driver.states()),
        }
    }

    /// Runs until the end, and cleans up as the plan says.
    ///
    /// # Errors
    /// If rules of faults or the files of the run cannot be written. The cleanup is done before.
    pub async fn go(self) -> anyhow::Result<Ended> {
        let Self { engine, summary, writer } = self;
        let worked = {
            let attending = engine.driver.attend();
            let listening = async {
                loop {
                    engine.lives.note(engine.machines.happened().await);
                }
            };
            let sampling = sampler::sample(&engine);
            let working = engine.phases();
            tokio::select! {
                worked = working => worked,
                () = attending => unreachable("the driver"),
                () = listening => unreachable("the journal"),
                () = sampling => unreachable("the sampler"),
            }
        };
        let is_stopped = engine.stop.level() > Level::Go;
        // Documents that wait are counted before the judgement.
        sampler::last(&engine).await;
        let is_good = {
            let mut summary = summary.lock();
            engine.judge(&mut summary);
            worked.is_ok() && !is_stopped && engine.board.count(Place::Failed) == 0 && holds(&summary)
        };
        let cleans = match engine.plan.cleanup.when {
            CleanupWhen::Always => true,
            CleanupWhen::OnSuccess => is_good,
            CleanupWhen::Never => false,
        };
        let left = if cleans { cleanup::clean(&engine).await } else { Vec::new() };
        engine.stop.unless(Level::Quit, engine.driver.end()).await;
        let seconds = engine.epoch.seconds(epoch::now());
        // The view that a person has keeps the engine alive, and only the engine's sender keeps the writer alive.
        engine.record.close();
        let files = writer.end().await?;
        let mut summary = summary.lock().clone();
        engine.judge(&mut summary);
        // A person who stops a run knows that it holds nothing; a run that stops itself has lost an assertion.
        let is_lost = engine.plan.abort_on_fail && !holds(&summary);
        let (outcome, code) = match (&worked, holds(&summary), is_stopped && !is_lost) {
            (Err(_), ..) => (Outcome::CouldNotRun, 1),
            (Ok(()), _, true) => (Outcome::Aborted, 1),
            (Ok(()), false, false) => (Outcome::NotHeld, 4),
            (Ok(()), true, false) => (Outcome::Held, 0),
        };
        if let Err(error) = &worked {
            summary.warn(format!("{error:#}"));
        }
        summary.finish(outcome, code, seconds);
        files.end(&summary)?;
        let folder = files.folder().clone();
        let drawn = folder.clone();
        // The page reads all documents of the run.
        tokio::task::spawn_blocking(move || page(&drawn).and_then(|page| drawn.write_report(&page)))
            .await??;
        worked?;
        Ok(Ended { summary, folder, left })
    }
}

/// Whether all assertions hold and all rules of faults were reached.
fn holds(summary: &Summary) -> bool {
    summary.assertions.iter().all(|judged: &Judged| judged.holds)
        && summary.rules.iter().all(|rule| rule.reached)
}

/// Tasks beside the phases never end.
fn unreachable(what: &str) -> anyhow::Result<()> {
    anyhow::bail!("{what} has ended before the run; this is a fault of the program")
}

/// Real time between two looks at what has changed, for people.
pub const VIEW_EVERY: Duration = Duration::from_millis(500);
