//! The deadlines of the root that all nodes share: its sessions and the lockouts of its accounts end, actions on many
//! resources go on, and deliveries to its subscribers are repeated.

use super::service::Redfish;
use crate::node::event::{Of, TaskEvent, What};
use crate::time::SimTime;

impl Redfish {
    /// Advances the root that all nodes share to `now`. Returns its next deadline, or an earlier moment. The root of a BMC follows its
    /// node.
    pub fn settle(&self, now: SimTime) -> SimTime {
        if self.sessions.next_deadline() <= now {
            let _alone = self.service_changes.lock();
            self.end_idle_sessions(now);
        }
        if self.next_of_aggregates(now) <= now {
            let _alone = self.service_changes.lock();
            self.act_on_due(now);
            for (at, number) in self.aggregates.step(now) {
                self.events.happened(vec![What::Task(number, TaskEvent::Removed)], at);
            }
        }
        for (at, events) in self.accounts.step(now) {
            self.events.happened(events, at);
        }
        let of_clients = self.sessions.next_deadline().min(self.accounts.next_deadline());
        self.events.settle(now).min(of_clients).min(self.next_of_aggregates(now))
    }

    /// The next thing that happens at the root that all nodes share by time. [`SimTime::NEVER`] if nothing will.
    pub fn coming(&self, now: SimTime) -> SimTime {
        self.settle(now);
        let of_clients = self.sessions.first_end().min(self.accounts.next_deadline());
        self.events.settle(now).min(of_clients).min(self.next_of_aggregates(now))
    }

    /// Ends the sessions that have not been used for too long. The caller has locked `service_changes`.
    pub(super) fn end_idle_sessions(&self, now: SimTime) {
        for (at, id) in self.sessions.step(now) {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            self.events.happened(vec![What::Removed(Of::Session(id))], at);
        }
    }
}
