//! The memory of a BMC: events go into its logs and to its subscribers.

use super::Node;
use super::bmc::{logs, subscriptions};
use super::event::{Of, What};
use super::refusal::Refusal;
use super::view::{self, View};
use crate::time::SimTime;

impl Node {
    /// Remembers the events since the view `before`.
    pub(super) fn remember(&mut self, before: &View, at: SimTime) {
        let now = View::of(&self.state);
        if *before == now {
            return;
        }
        let mut events = Vec::new();
        view::differences(before, &now, &self.state, &self.profile, |what| events.push(what));
        events.into_iter().for_each(|what| self.remember_one(what, at));
    }

    pub(super) fn remember_one(&mut self, what: What, at: SimTime) {
        let profile = &self.profile;
        self.state.bmc.change(|bmc| bmc.remember(what, at, profile));
        self.effects_due = true;
    }

    pub(super) fn execute_log(&mut self, command: &logs::Command, now: SimTime) {
        let changed =
            self.state.bmc.change(|bmc| bmc.logs.change(|logs| logs.execute(command, &self.profile)));
        if changed {
            let what = match *command {
                logs::Command::Clear(service) => What::LogCleared(service),
                logs::Command::DeleteEntry { service, number } => {
                    What::Removed(Of::LogEntry(service, number))
                }
            };
            self.remember_one(what, now);
        }
    }

    /// Returns the id of a new subscription.
    pub(super) fn execute_event(
        &mut self,
        command: subscriptions::Command,
        now: SimTime,
    ) -> Result<Option<u32>, Refusal> {
        if let subscriptions::Command::Submit(test) = command {
            self.remember_one(What::Test(test), now);
            return Ok(None);
        }
        let newest = u64::from(self.bmc().logs.last());
        let id = self.state.bmc.change(|bmc| bmc.subscriptions.change(|all| all.execute(command, newest)))?;
        self.effects_due = true;
        Ok(id)
    }
}
