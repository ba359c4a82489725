//! Changes of the service's own resources, as requests ask for them.

use super::account_change::AccountChange;
use super::aggregate_change::Asking as AskingAggregates;
use super::certificate_change::Asking;
use super::directed::Directed;
use crate::node::bmc::subscriptions;
use crate::node::bmc::tasks::Payload;

/// A change of the service's own resources. At a root that belongs to one node it is a change of that node's BMC.
pub(super) enum ServiceChange {
    LogIn {
        user: Box<str>,
        password: Box<str>,
    },
    Accounts(AccountChange),
    /// Ends the session with that id.
    LogOut(Box<str>),
    /// Sets `SessionTimeout`, seconds.
    SessionTimeout(u32),
    /// Sets `ServiceEnabled` and `TaskAutoDeleteTimeoutMinutes`; `None` leaves a property unchanged.
    Tasks {
        enabled: Option<bool>,
        auto_delete_minutes: Option<u32>,
    },
    Directed(Directed),
    Events(subscriptions::Command),
    Certificate(Asking),
    Aggregates(AskingAggregates),
}

impl ServiceChange {
    /// The place for the request of a change that becomes a task.
    pub(super) fn payload_mut(&mut self) -> Option<&mut Option<Payload>> {
        match self {
            Self::Directed(directed) => Some(&mut directed.payload),
            Self::Aggregates(AskingAggregates::Act(act)) => Some(&mut act.payload),
            _ => None,
        }
    }
}
