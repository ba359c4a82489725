//! Commands to log services. The work that collects diagnostic data, and the machine as it was then.

use super::Node;
use super::bmc::diagnostics::Collected;
use super::bmc::licenses::{self, Licenses};
use super::bmc::logs;
use super::bmc::tasks::{End, Start, Work};
use super::command::Outcome;
use super::event::{Collection, Of, What};
use super::refusal::Refusal;
use super::state::State;
use crate::dmtf::OverWritePolicy;
use crate::seed::Purpose;
use crate::time::SimTime;

impl Node {
    /// `LogService.CollectDiagnosticData`, for a log service that allows the type. It becomes a task.
    pub(super) fn begin_collection(
        &mut self,
        collection: Box<Collection>,
        start: Start,
        now: SimTime,
    ) -> Result<Outcome, Refusal> {
        self.bmc().tasks.check(&start)?;
        let ms = self.draw_ms(self.timing().diagnostics, Purpose::Diagnostics);
        let work = Work::Diagnostics { collection, until: now.after_ms(ms), entry: None };
        let number = self.state.bmc.change(|bmc| bmc.tasks.change(|tasks| tasks.begin(work, start, now)));
        Ok(Outcome::Accepted(number))
    }

    /// Collects the data of every task whose work ends at `at`. The task ends afterwards, with its deadline.
    pub(super) fn collect(&mut self, at: SimTime) {
        for (task, collection) in self.bmc().due_collections(at) {
            let service = self.profile.logs.iter().find(|service| service.holds.contains(&collection.log));
            let is_full = service.is_none_or(|service| {
                let is_full = self.bmc().logs.is_full(service);
                service.overwrite == OverWritePolicy::NeverOverWrites && is_full
            });
            if is_full {
                let failed =
                    End::Failed("the log is full, and its OverWritePolicy is NeverOverWrites".into());
                self.state.bmc.change(|bmc| bmc.tasks.change(|tasks| tasks.end(task, failed, at)));
                continue;
            }
            let mut collected = self.outline(at);
            self.remember_one(What::Collected(collection), at);
            let entry = self.bmc().logs.last();
            collected.entry = entry;
            self.state.bmc.change(|bmc| {
                bmc.tasks.change(|tasks| tasks.collected(task, entry));
                bmc.keep(collected);
            });
        }
    }

    /// The machine at `at`, to which it is settled.
    fn outline(&self, at: SimTime) -> Collected {
        let State {
            host,
            boot,
            starts,
            draws: _,
            generation: _,
            installed,
            system_disk,
            bmc,
            labels: _,
            faults: _,
        } = &self.state;
        Collected {
            entry: 0,
            at,
            host: host.outline(),
            boot: boot.clone(),
            starts: *starts,
            installed: *installed,
            system_disk: *system_disk,
            bmc: Box::new(bmc.outline()),
        }
    }

    /// The machine as it was when data was collected. It is settled to that moment, and must not be settled further.
    #[must_use]
    pub fn at_collection(&self, collected: &Collected) -> Self {
        let Collected { entry: _, at: _, host, boot, starts, installed, system_disk, bmc } = collected;
        let mut node = Self::new(self.id, self.seed, std::sync::Arc::clone(&self.profile));
        node.state = State {
            host: host.clone(),
            boot: boot.clone(),
            starts: *starts,
            installed: *installed,
            system_disk: *system_disk,
            bmc: (**bmc).clone().into(),
            ..State::default()
        };
        node
    }

    pub(super) fn execute_license(
        &mut self,
        command: licenses::Command,
        now: SimTime,
    ) -> Result<Outcome, Refusal> {
        let profile = std::sync::Arc::clone(&self.profile);
        match command {
            licenses::Command::Install(digest) => {
                let install = |all: &mut Licenses| all.install(digest, now);
                self.state.bmc.change(|bmc| bmc.licenses.change(install)).map(Outcome::CreatedAs)
            }
            licenses::Command::Fetch { source, start } => {
                let task = self.state.bmc.change(|bmc| bmc.fetch_license(source, *start, now))?;
                self.effects_due = true;
                Ok(Outcome::Accepted(task))
            }
            licenses::Command::Delete(id) => {
                self.state.bmc.change(|bmc| bmc.licenses.change(|all| all.delete(&id, &profile)));
                Ok(Outcome::Done)
            }
        }
    }

    pub(super) fn execute_log(&mut self, command: logs::Command, now: SimTime) -> Result<Outcome, Refusal> {
        let (service, entry) = match command {
            logs::Command::Collect { collection, start } => {
                return self.begin_collection(collection, *start, now);
            }
            logs::Command::Clear(service) => (service, None),
            logs::Command::DeleteEntry { service, number } => (service, Some(number)),
        };
        let profile = &self.profile;
        let Some(of) = profile.logs.get(usize::from(service)) else { return Ok(Outcome::Done) };
        let changed = self.state.bmc.change(|bmc| match entry {
            Some(number) if of.holds_post_codes() => {
                bmc.post_codes.change(|codes| codes.delete_reported(number, profile, now))
            }
            None if of.holds_post_codes() => bmc.post_codes.change(|codes| codes.clear(profile, now)),
            Some(_) | None => {
                let changed = bmc.logs.change(|logs| logs.remove(of, entry));
                bmc.drop_diagnostics();
                changed
            }
        });
        if changed {
            self.remember_one(
                entry
                    .map_or(What::LogCleared(service), |number| What::Removed(Of::LogEntry(service, number))),
                now,
            );
        }
        Ok(Outcome::Done)
    }
}
