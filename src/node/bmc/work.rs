//! Work that takes time: how it begins, how far it is, and what its end changes. The task is the client's view of it.

use super::Bmc;
use super::bios;
use super::firmware::{self, Numbered, Progress, Update, file_name};
use super::tasks::{Command, Doing, End, Ended, Part, Settings, Start, Task, Work};
use super::volume;
use crate::dmtf::{ResetToDefaultsType, TaskState};
use crate::node::call::Call;
use crate::node::effect::EffectKind;
use crate::node::event::Collection;
use crate::node::refusal::Refusal;
use crate::node::sparse::Sparse;
use crate::note::Note;
use crate::profile::Profile;
use crate::profile::inventory::FirmwareOf;
use crate::time::SimTime;

/// Maximum length of the name of an image in a task, characters.
const MAX_IMAGE: usize = 128;

impl Bmc {
    /// Hands every due effect to `out`.
    pub(in crate::node) fn take_effects(&mut self, mut out: impl FnMut(EffectKind)) {
        self.media.take_effects(&mut out);
        if let Some(firmware) = self.firmware.get_mut() {
            firmware.take_effects(&mut out);
        }
        if let Some(tasks) = self.tasks.get_mut() {
            tasks.take_effects(&mut out);
        }
        if let Some(subscriptions) = self.subscriptions.get_mut() {
            subscriptions.take_due(|subscription| out(EffectKind::Deliver { subscription }));
        }
    }

    /// Begins an update of firmware, and returns the number of its task.
    pub(in crate::node) fn update_firmware(
        &mut self,
        command: firmware::Command,
        now: SimTime,
    ) -> Result<u32, Refusal> {
        let firmware::Command { components, source, immediate, start } = command;
        self.tasks.check(&start)?;
        let (new, replaced) =
            self.firmware.change(|firmware| firmware.execute(&components, &source, immediate))?;
        let image: Box<str> = file_name(&source.uri).chars().take(MAX_IMAGE).collect::<String>().into();
        let part = |(component, update)| Part { component, update, image: image.clone(), ended: None };
        self.end_updates(&replaced, &End::Cancelled, now);
        let work = Work::Firmware(new.into_iter().map(part).collect());
        Ok(self.tasks.change(|tasks| tasks.begin(work, *start, now)))
    }

    /// The result of fetching an image. Returns whether the update waits for it.
    pub(in crate::node) fn fetched(
        &mut self,
        update: Numbered,
        result: Result<(), Note>,
        now: SimTime,
    ) -> bool {
        let Some(firmware) = self.firmware.get_mut() else { return false };
        let why = result.as_ref().err().map(|why| End::Failed(why.as_str().into()));
        let waits = firmware.fetched(update.0, update.1, result, now);
        if let Some(failed) = why.filter(|_| waits) {
            self.end_updates(&[update], &failed, now);
        }
        waits
    }

    /// A reset: the staged updates that `takes` selects take effect.
    pub(in crate::node) fn apply_firmware(
        &mut self,
        profile: &Profile,
        takes: impl Fn(FirmwareOf, &Update) -> bool,
        at: SimTime,
    ) {
        let bios = profile.component(|firmware| firmware.of == FirmwareOf::Bios).unwrap_or(0);
        let version = self.firmware.version(profile, bios).to_owned();
        let applied = self.firmware.get_mut().map(|firmware| firmware.apply(profile, takes));
        if self.firmware.version(profile, bios) != version
            && let Some(bios) = self.bios.get_mut()
        {
            bios.updated();
        }
        self.end_updates(&applied.unwrap_or_default(), &End::Completed, at);
    }

    fn end_updates(&mut self, updates: &[Numbered], how: &End, at: SimTime) {
        if let Some(tasks) = self.tasks.get_mut() {
            updates.iter().for_each(|(component, update)| tasks.end_update(*component, *update, how, at));
        }
    }

    /// Changes or resets the BIOS settings. Returns the number of the task, if it is one that `Tasks::check` has accepted.
    pub(in crate::node) fn change_bios(
        &mut self,
        command: bios::Command,
        profile: &Profile,
        now: SimTime,
    ) -> Option<u32> {
        let start = match &command {
            bios::Command::ResetAsTask(start) => Some(Start::clone(start)),
            bios::Command::Change(_) | bios::Command::Reset => None,
        };
        self.bios.change(|bios| bios.execute(command, profile));
        start.map(|start| self.tasks.change(|tasks| tasks.begin(Work::BiosDefaults, start, now)))
    }

    /// Begins work on a volume that takes until a moment, and returns the number of its task.
    pub(in crate::node) fn change_volume(
        &mut self,
        command: volume::Command,
        profile: &Profile,
        until: SimTime,
        now: SimTime,
    ) -> Result<u32, Refusal> {
        let (doing, storage, id, start) = match command {
            volume::Command::Create { storage, creation, start } => {
                self.tasks.check(&start)?;
                let id = self.volumes.change(|volumes| volumes.create(storage, creation, profile))?;
                (Doing::Create, storage, id, start)
            }
            volume::Command::Delete { storage, id, start } => (Doing::Delete, storage, id, start),
            volume::Command::Initialize { storage, id, start } => (Doing::Initialize, storage, id, start),
        };
        if doing != Doing::Create {
            self.tasks.check(&start)?;
            if !self.volumes.of(profile, storage).iter().any(|volume| volume.id == id) {
                return Err(Refusal::NoVolume);
            }
            if self.tasks.of_volume(storage, &id).is_some() {
                return Err(Refusal::VolumeInUse);
            }
        }
        let work = Work::Volume { doing, storage, id, until };
        Ok(self.tasks.change(|tasks| tasks.begin(work, *start, now)))
    }

    /// Executes a command to the tasks.
    pub(in crate::node) fn execute_task(
        &mut self,
        command: &Command,
        profile: &Profile,
        now: SimTime,
    ) -> Result<(), Refusal> {
        let number = match *command {
            Command::Change { enabled, auto_delete_minutes } => {
                self.tasks.change(|tasks| tasks.settings.change(enabled, auto_delete_minutes));
                return Ok(());
            }
            Command::Delete(number) | Command::DeleteMonitor(number) => number,
        };
        let Some(task) = self.tasks.get(number) else { return Ok(()) };
        let has_ended = task.ended.is_some();
        if !has_ended {
            if !task.can_be_cancelled() {
                return Err(Refusal::TaskNotCancellable);
            }
            let work = task.work.clone();
            self.cancel(work, profile);
        }
        let removes = has_ended && matches!(command, Command::Delete(_));
        self.tasks.change(|tasks| tasks.cancel(number, removes, now));
        Ok(())
    }

    /// Stops work, as far as it is not done.
    fn cancel(&mut self, work: Work, profile: &Profile) {
        match work {
            Work::Firmware(parts) => self.firmware.change(|firmware| {
                let left = parts.iter().filter(|part| part.ended.is_none());
                left.for_each(|part| firmware.cancel(part.component, part.update));
            }),
            // The drives are passed through again.
            Work::Volume { doing: Doing::Create, storage, id, until: _ } => {
                self.volumes.change(|volumes| volumes.remove(storage, &id, profile));
            }
            // A rule holds the task, or the license would be its normal end.
            Work::License { id: Some(id), .. } => {
                self.licenses.change(|licenses| licenses.delete(&id, profile));
            }
            Work::License { id: None, .. }
            | Work::Volume { doing: Doing::Delete | Doing::Initialize, .. }
            | Work::ManagerDefaults(_)
            | Work::BiosDefaults
            | Work::Diagnostics { .. } => {}
        }
    }

    /// The tasks whose diagnostic data is collected at `at`, if they pass this deadline next.
    pub(in crate::node) fn due_collections(&self, at: SimTime) -> Vec<(u32, Box<Collection>)> {
        if self.next_restart() <= at {
            return Vec::new();
        }
        let unfinished = self.tasks.iter().filter(|task| task.ended.is_none());
        let due = unfinished.filter_map(|task| match &task.work {
            Work::Diagnostics { collection, until, entry: None } if *until <= at => {
                Some((task.number, collection.clone()))
            }
            Work::Diagnostics { .. }
            | Work::Firmware(_)
            | Work::Volume { .. }
            | Work::ManagerDefaults(_)
            | Work::BiosDefaults
            | Work::License { .. } => None,
        });
        due.collect()
    }

    /// Passes a deadline of a task.
    pub(super) fn step_tasks(&mut self, at: SimTime, profile: &Profile) {
        let (gone, failed) = self.tasks.change(|tasks| tasks.step(at));
        failed.into_iter().for_each(|work| self.cancel(work, profile));
        for (storage, id) in gone {
            self.volumes.change(|volumes| volumes.remove(storage, &id, profile));
        }
    }

    /// Resets the settings of the BMC, if a client has asked for it. Called when the BMC restarts.
    pub(super) fn reset_to_defaults(&mut self) {
        let asked =
            self.tasks.iter().filter(|task| task.ended.is_none()).filter_map(|task| match task.work {
                Work::ManagerDefaults(kind) => Some(kind),
                Work::Firmware(_)
                | Work::Volume { .. }
                | Work::BiosDefaults
                | Work::Diagnostics { .. }
                | Work::License { .. } => None,
            });
        // `ResetAll` resets more than the others.
        let Some(kind) = asked.min() else { return };
        self.clock = Sparse::default();
        self.power_limit = Sparse::default();
        self.system = Sparse::default();
        self.telemetry = Sparse::default();
        self.https = Sparse::default();
        self.extras.change(|extras| extras.oem.clear());
        self.media = self.media.renewed();
        self.media_trust = Sparse::default();
        self.licenses = Sparse::default();
        self.sessions.forget_settings();
        self.tasks.change(|tasks| tasks.settings = Settings::NEW);
        match kind {
            ResetToDefaultsType::ResetAll => {
                self.accounts = Sparse::default();
                self.network = Sparse::default();
            }
            ResetToDefaultsType::PreserveNetwork => self.accounts = Sparse::default(),
            ResetToDefaultsType::PreserveNetworkAndUsers => {}
        }
    }

    /// `TaskState` of a task, which follows from its work until it has ended.
    pub fn task_state(&self, task: &Task) -> TaskState {
        if let Some(ended) = &task.ended {
            return ended.how.state();
        }
        match &task.work {
            Work::Firmware(parts) => {
                let states = parts.iter().filter(|part| part.ended.is_none()).map(|p| self.part_state(p));
                // While something runs, the task runs. It is pending once everything that is left waits for a reset.
                states.min_by_key(|state| match state {
                    TaskState::Running => 0,
                    TaskState::Starting => 1,
                    TaskState::Pending
                    | TaskState::Completed
                    | TaskState::Exception
                    | TaskState::Cancelled => 2,
                })
            }
            .unwrap_or(TaskState::Running),
            Work::Volume { .. } | Work::ManagerDefaults(_) | Work::Diagnostics { .. } => TaskState::Running,
            Work::License { fetch, id: _ } => match fetch.as_ref().map(|fetch| fetch.call) {
                Some(Call::At(_) | Call::Due) => TaskState::Starting,
                Some(Call::Underway) | None => TaskState::Running,
            },
            Work::BiosDefaults => TaskState::Pending,
        }
    }

    /// `TaskState` of a part.
    pub fn part_state(&self, part: &Part) -> TaskState {
        if let Some(ended) = &part.ended {
            return ended.how.state();
        }
        let update = self.firmware.update(part.component).filter(|update| update.number == part.update);
        match update.map(|update| &update.progress) {
            Some(Progress::Fetching(Call::At(_) | Call::Due)) => TaskState::Starting,
            Some(Progress::Fetching(Call::Underway)) => TaskState::Running,
            Some(Progress::Staged | Progress::Failed { .. }) | None => TaskState::Pending,
        }
    }

    /// `PercentComplete`, from the clock where the end of the work is known. The length of an image is not known while it is
    /// fetched, so an update has done nothing until then, and half when it waits for a reset.
    pub fn task_percent(&self, task: &Task, now: SimTime) -> u64 {
        match (&task.ended, &task.work) {
            (Some(Ended { how: End::Completed, .. }), _) => 100,
            (ended, Work::Firmware(parts)) => {
                let sum: u64 = parts.iter().map(|part| self.part_percent(part)).sum();
                // A task that a rule holds is not done, also with all of its parts done.
                let most = if ended.is_none() { 99 } else { 100 };
                (sum / parts.len().max(1) as u64).min(most)
            }
            (Some(ended), Work::Volume { until, .. } | Work::Diagnostics { until, .. }) => {
                share(task.started, *until, ended.at)
            }
            (None, Work::Volume { until, .. } | Work::Diagnostics { until, .. }) => {
                share(task.started, *until, now)
            }
            // The BMC does not answer while it restarts. Until then, it is half done at most.
            (_, Work::ManagerDefaults(_)) => {
                self.restarting_from.map_or(50, |from| share(task.started, from, now) / 2)
            }
            (_, Work::BiosDefaults | Work::License { .. }) => 0,
        }
    }

    /// `PercentComplete` of a part.
    pub fn part_percent(&self, part: &Part) -> u64 {
        match (&part.ended, self.part_state(part)) {
            (Some(Ended { how: End::Completed, .. }), _) => 100,
            (None, TaskState::Pending) => 50,
            _ => 0,
        }
    }
}

/// How much of the time from `from` to `until` has passed, percent: less than 100.
fn share(from: SimTime, until: SimTime, now: SimTime) -> u64 {
    (now.since_ms(from) * 100 / until.since_ms(from).max(1)).min(99)
}
