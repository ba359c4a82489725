//! Brings the items of a plan to their goals.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::board::{Board, Place};
use super::document::{self, Context};
use super::driver::{Driver, Job, Performed};
use super::epoch::{Epoch, now};
use super::lives::Lives;
use super::machine::Machines;
use super::process::Processes;
use super::record::Record;
use super::stop::{Level, Stop};
use crate::plan::{Group, Items, Operation, Pacing, Phase, Plan, Schedule, Stage, Until};
use crate::report::Summary;
use crate::seed::Seed;

/// The most items that start in one go without a look at other tasks.
const STARTS_IN_A_ROW: u32 = 64;

/// The parts of a run that its items share.
pub(super) struct Engine<D> {
    pub(super) plan: Arc<Plan>,
    pub(super) items: Items,
    pub(super) groups: Vec<Arc<Group>>,
    pub(super) run: Arc<str>,
    pub(super) driver: D,
    pub(super) machines: Arc<dyn Machines>,
    pub(super) board: Arc<Board>,
    pub(super) lives: Lives,
    pub(super) processes: Arc<Mutex<Processes>>,
    pub(super) record: Record,
    pub(super) stop: Stop,
    pub(super) epoch: Epoch,
    /// The phase that runs, for samples and for people.
    pub(super) phase: Arc<Mutex<Option<String>>>,
    /// Whether the run deletes its nodes.
    pub(super) cleans: Arc<AtomicBool>,
    /// The places for items in flight, by their number. Parked items keep theirs.
    pub(super) rooms: Mutex<BTreeMap<u32, Arc<Semaphore>>>,
}

/// What the items of a phase have in common.
#[derive(Clone)]
struct Round {
    phase: Option<Arc<str>>,
    cycle: u32,
    /// The goals, one after the other.
    goals: Vec<Goal>,
}

#[derive(Clone, Copy)]
enum Goal {
    OfGroup,
    Of(Until),
}

impl<D: Driver> Engine<D> {
    /// Runs the phases of the plan, until they end or the run is stopped.
    pub(super) async fn phases(self: &Arc<Self>) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        if self.plan.phases.is_empty() {
            let all: Vec<_> = (0..self.board.len()).collect();
            let round = Round { phase: None, cycle: 0, goals: vec![Goal::OfGroup] };
            self.start(&self.plan.pacing, &all, &round, &mut tasks).await;
        }
        for (number, (phase, cycle)) in self.plan.in_order().into_iter().enumerate() {
            if self.stop.level() > Level::Go {
                break;
            }
            if phase.after == crate::plan::After::All {
                self.wait(&mut tasks).await;
            }
            *self.phase.lock() = Some(phase.name.to_string());
            self.stop.unless(Level::Drain, tokio::time::sleep(Duration::from_millis(phase.grace.ms()))).await;
            self.phase(phase, cycle, u32::try_from(number).unwrap_or(u32::MAX), &mut tasks).await?;
        }
        self.wait(&mut tasks).await;
        Ok(())
    }

    async fn phase(
        self: &Arc<Self>,
        phase: &Phase,
        cycle: u32,
        number: u32,
        tasks: &mut JoinSet<()>,
    ) -> anyhow::Result<()> {
        self.machines.add_rules(&phase.faults).await?;
        let pacing = phase.pacing.as_ref().unwrap_or(&self.plan.pacing);
        let goal = phase.until.map_or(Goal::OfGroup, Goal::Of);
        let round = |cycle, goals| Round { phase: Some(phase.name.as_str().into()), cycle, goals };
        if let Some(quiet) = phase.quiet {
            self.wait(tasks).await;
            self.stop.unless(Level::Drain, tokio::time::sleep(Duration::from_millis(quiet.ms()))).await;
            self.check_health(phase).await;
        } else if let Some(churn) = &phase.churn {
            self.wait(tasks).await;
            let end = now() + Duration::from_millis(churn.duration.ms());
            let mut turn = 0;
            while now() < end && self.stop.level() == Level::Go {
                let mut all = self.participants(phase);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a part of the number of items, which is not negative"
                )]
                let count = ((all.len() as f64 * churn.percent / 100.0).ceil() as usize).max(1);
                let seed = Seed(self.plan.seed().hash(turn, crate::seed::Purpose::Order, number));
                all.sort_by_cached_key(|item| seed.hash(*item, crate::seed::Purpose::Order, 2));
                all.truncate(count);
                all.sort_unstable();
                if all.is_empty() {
                    break;
                }
                let goals = vec![Goal::Of(Until::Deleted), goal];
                self.start(pacing, &all, &round(turn, goals), tasks).await;
                self.wait(tasks).await;
                turn += 1;
                let pause = tokio::time::sleep(Duration::from_millis(churn.pause.ms()));
                self.stop.unless(Level::Drain, pause).await;
            }
        } else {
            let all = self.participants(phase);
            self.start(pacing, &all, &round(cycle, vec![goal]), tasks).await;
        }
        if !phase.faults.is_empty() {
            self.wait(tasks).await;
            for rule in self.machines.clear_rules(&phase.faults).await? {
                self.record.rule(phase.name.as_str(), rule);
            }
        }
        Ok(())
    }

    /// The items of a phase that have not failed. Parked items take part in nothing any more.
    fn participants(&self, phase: &Phase) -> Vec<u32> {
        self.well(phase).filter(|item| self.board.place(*item) != Place::Parked).collect()
    }

    /// The items of a phase that have not failed.
    fn well(&self, phase: &Phase) -> impl Iterator<Item = u32> {
        let takes_part = move |item: &u32| {
            let group = &self.groups[self.items.all[*item as usize].group as usize];
            phase.has(&group.name) && !matches!(self.board.place(*item), Place::Failed | Place::Aborted)
        };
        (0..self.board.len()).filter(takes_part)
    }

    /// Starts items at their times. It returns when the last one has started.
    async fn start(self: &Arc<Self>, pacing: &Pacing, items: &[u32], round: &Round, tasks: &mut JoinSet<()>) {
        let room = pacing.cap().map(|cap| self.room(cap));
        let units = self.items.units(&self.plan.groups, items);
        let start = now();
        let mut in_a_row = 0;
        for next in Schedule::new(pacing, units, self.plan.seed(), round.cycle) {
            let due = next.at.map(|at| start + at);
            let started = self.stop.unless(Level::Drain, async {
                if let Some(due) = due {
                    tokio::time::sleep_until(due).await;
                }
                let size = next.unit.items.end - next.unit.items.start;
                match &room {
                    // The semaphore is never closed.
                    Some(room) => Arc::clone(room).acquire_many_owned(size).await.ok(),
                    None => None,
                }
            });
            let Some(mut permits) = started.await else { break };
            while tasks.try_join_next().is_some() {}
            for item in next.unit.items {
                let permit = permits.as_mut().and_then(|permits| permits.split(1));
                self.board.put(item, Place::InFlight);
                let engine = Arc::clone(self);
                let round = round.clone();
                tasks.spawn(async move { engine.item(item, &round, due, permit).await });
            }
            in_a_row += 1;
            if in_a_row % STARTS_IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The places for items in flight. Phases with the same limit share them.
    fn room(&self, cap: u32) -> Arc<Semaphore> {
        let mut rooms = self.rooms.lock();
        let new = || Arc::new(Semaphore::new((cap as usize).min(Semaphore::MAX_PERMITS)));
        Arc::clone(rooms.entry(cap).or_insert_with(new))
    }

    async fn wait(&self, tasks: &mut JoinSet<()>) {
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended
                && error.is_panic()
            {
                self.record.warn("the program has a fault: the work on an item has ended without a result");
            }
        }
    }

    /// Brings an item to its goals.
    async fn item(
        self: Arc<Self>,
        item: u32,
        round: &Round,
        due: Option<Instant>,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        self.lives.begin(item);
        let job = self.job(item);
        let group = Arc::clone(&job.group);
        let mut context = Context {
            phase: round.phase.as_deref(),
            cycle: round.cycle,
            due,
            number: 0,
            set: self.items.set_and_role(&self.plan.groups, item),
        };
        let mut place = if group.park { Place::Parked } else { Place::Succeeded };
        'goals: for goal in &round.goals {
            let until = match goal {
                Goal::OfGroup => group.until,
                Goal::Of(until) => *until,
            };
            for operation in self.driver.path(&group, self.board.stage(item), until) {
                let ended = self.operation(&job, operation, &mut context).await;
                match ended {
                    None => {
                        place = Place::Aborted;
                        break 'goals;
                    }
                    Some(true) => self.board.reach(item, after(operation, self.board.stage(item))),
                    Some(false) => {
                        place = Place::Failed;
                        break 'goals;
                    }
                }
            }
        }
        self.board.put(item, place);
        self.record.count(&self.board);
        self.lives.end(item);
        if let (Place::Parked, Some(permit)) = (place, permit) {
            permit.forget();
        }
    }

    /// Carries out an operation, and records it. Returns whether it has succeeded; `None` if the run was stopped.
    async fn operation(&self, job: &Job, operation: Operation, context: &mut Context<'_>) -> Option<bool> {
        let started = now();
        let timeout = job.group.timeout.unwrap_or(self.plan.timeout);
        let job = Job { deadline: started + Duration::from_millis(timeout.ms()), ..job.clone() };
        if matches!(operation, Operation::Enroll) {
            // From here on a node can exist, so that the cleanup looks for it.
            self.board.reach(job.item, Stage::Enrolled);
        }
        let performed = self.stop.unless(Level::Abort, self.driver.perform(&job, operation)).await;
        let is_aborted = performed.is_none();
        let performed = performed.unwrap_or_else(|| Performed {
            error: Some("the run was stopped".to_owned()),
            ..Performed::default()
        });
        let ended = now();
        let lived = self.lives.take(job.item, &self.epoch);
        let failed = performed.error.is_some();
        let documents = document::documents(
            &self.epoch,
            &job,
            operation,
            context,
            (started, ended),
            performed,
            is_aborted,
            lived,
        );
        context.number += 1;
        context.due = None;
        for document in documents {
            self.record.item(document).await;
        }
        (!is_aborted).then_some(!failed)
    }

    /// Judges the assertions of the plan, and what quiet phases have found.
    pub(super) fn judge(&self, summary: &mut Summary) {
        summary.judge(&self.plan.assert);
        summary.assertions.extend(self.record.recoveries.lock().clone());
    }

    /// An item as the driver sees it.
    pub(super) fn job(&self, item: u32) -> Job {
        let facts = self.items.all[item as usize];
        let name = self.items.name(&self.plan.groups, item);
        Job {
            item,
            run: Arc::clone(&self.run),
            name: format!("{}-{name}", self.run).into(),
            group: Arc::clone(&self.groups[facts.group as usize]),
            machine: Arc::new(self.machines.machine(item)),
            values: Arc::new(self.items.values(&self.plan.groups, item)),
            deadline: now(),
        }
    }

    /// Asks whether each item that has not failed rests well in its state.
    async fn check_health(&self, phase: &Phase) {
        let mut sick = Vec::new();
        for item in self.well(phase) {
            let stage = self.board.stage(item);
            let job = self.job(item);
            if let Some(ailment) = self.driver.ailment(&job, stage).await {
                sick.push(format!("{}: {ailment}", job.name));
            }
        }
        self.record.recovered(phase.name.as_str(), &sick);
    }
}

/// The stage of an item after an operation that has succeeded.
const fn after(operation: Operation, before: Stage) -> Stage {
    match operation {
        Operation::Enroll => Stage::Enrolled,
        Operation::Manage | Operation::Inspect => Stage::Manageable,
        Operation::Provide | Operation::Undeploy => Stage::Available,
        Operation::Deploy | Operation::Unrescue => Stage::Active,
        Operation::Rescue => Stage::Rescued,
        Operation::Delete => Stage::Absent,
        _ => before,
    }
}
