//! The task of `LicenseService.Install`: the BMC fetches a file, and then it is a license.

use super::Bmc;
use super::source::{Fetch, Source};
use super::tasks::{End, Start, Tasks, Work};
use crate::node::call::Call;
use crate::node::effect::EffectKind;
use crate::node::refusal::Refusal;
use crate::note::Note;
use crate::time::SimTime;

impl Bmc {
    /// Begins to fetch a license, and returns the number of its task.
    pub(in crate::node) fn fetch_license(
        &mut self,
        source: Source,
        start: Start,
        now: SimTime,
    ) -> Result<u32, Refusal> {
        self.tasks.check(&start)?;
        self.licenses.check_room()?;
        let fetch = Some(Box::new(Fetch { source, call: Call::Due }));
        let work = Work::License { fetch, id: None };
        Ok(self.tasks.change(|tasks| tasks.begin(work, start, now)))
    }

    /// The result of fetching a license: its digest. Returns whether the task waits for it.
    pub(in crate::node) fn license_fetched(
        &mut self,
        task: u32,
        result: Result<Box<str>, Note>,
        now: SimTime,
    ) -> bool {
        let waits = self.tasks.fetch(task).is_some();
        if waits {
            let result = result.map_err(|why| why.as_str().into()).and_then(|digest| {
                let installed = self.licenses.change(|licenses| licenses.install(digest, now));
                installed.map_err(|refusal| refusal.to_string().into())
            });
            self.tasks.change(|tasks| tasks.license_installed(task, result, now));
        }
        waits
    }
}

impl Tasks {
    /// The file that the task with this number waits for.
    pub fn fetch(&self, number: u32) -> Option<&Fetch> {
        match &self.get(number)?.work {
            Work::License { fetch, .. } => fetch.as_deref(),
            Work::Firmware(_)
            | Work::Volume { .. }
            | Work::ManagerDefaults(_)
            | Work::BiosDefaults
            | Work::Diagnostics { .. } => None,
        }
    }

    /// Hands every due effect to `out`.
    pub(super) fn take_effects(&mut self, mut out: impl FnMut(EffectKind)) {
        for task in &mut self.kept {
            if let Work::License { fetch: Some(fetch), .. } = &mut task.work
                && fetch.call.take()
            {
                out(EffectKind::FetchLicense { task: task.number });
            }
        }
    }

    /// The file of a license is there, and the license with this id is installed; or there is none, for this reason.
    pub(super) fn license_installed(&mut self, number: u32, result: Result<Box<str>, Box<str>>, at: SimTime) {
        let Some(task) = self.kept.iter_mut().find(|task| task.number == number) else { return };
        let Work::License { fetch, id } = &mut task.work else { return };
        *fetch = None;
        let how = match result {
            Ok(new) => {
                *id = Some(new);
                End::Completed
            }
            Err(why) => End::Failed(why),
        };
        task.end(how, at);
    }
}
