//! The event service: its subscribers, and the events that each has still to get. At the service root of one BMC, or at the root
//! that all nodes share.
//!
//! All subscribers read one queue. Each knows the number of the event that it gets next, so an event is stored once. Retries follow
//! from the clock, so they are deadlines of the BMC.
//!
//! Source: DSP0266, "Eventing"; the schema `EventDestination`.

mod queue;
mod wanted;

use serde::{Deserialize, Serialize};

use queue::Queue;
pub use queue::{Queued, Size};
pub use wanted::{Change, Filter, Wanted};

use crate::dmtf::DeliveryRetryPolicy;
use crate::node::call::Call;
use crate::node::event::{TestEvent, What};
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::time::SimTime;

/// Commands to the `EventService` and its subscriptions.
#[derive(Clone, Debug)]
pub enum Command {
    /// A new subscription. The outcome is its id. `most` is the largest number of subscriptions, with this one.
    Subscribe {
        asked: Box<Wanted>,
        most: usize,
    },
    Change(u32, Change),
    Delete(u32),
    /// `EventDestination.SuspendSubscription`: nothing is delivered until a client resumes it.
    Suspend(u32),
    /// `EventDestination.ResumeSubscription`. Events from this moment on are still delivered; `None` stands for all that are in
    /// the queue.
    Resume {
        id: u32,
        since: Option<SimTime>,
    },
    /// New settings of the service; `None` leaves a setting unchanged.
    Set {
        enabled: Option<bool>,
        attempts: Option<u16>,
        interval_s: Option<u32>,
    },
    /// `EventService.SubmitTestEvent`: subscribers get this event.
    Submit(Box<TestEvent>),
}

/// The event service of a root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscriptions {
    pub settings: Settings,
    /// In the order of their ids.
    list: Vec<Subscription>,
    /// The id of the newest subscription.
    last: u32,
    /// A client has read the stream of events.
    listening: bool,
    /// Events for subscribers, in order.
    queue: Queue,
}

/// The settings of an event service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// `ServiceEnabled`. Without it, no event is queued.
    pub enabled: bool,
    /// `DeliveryRetryAttempts`: retries before the policy of a subscription acts.
    pub attempts: u16,
    /// `DeliveryRetryIntervalSeconds`: simulated seconds between two tries.
    pub interval_s: u32,
}

/// A subscription with the state of its deliveries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// A number that is not used again.
    pub id: u32,
    pub wanted: Wanted,
    pub suspended: bool,
    /// The number of the next event to deliver.
    next: u64,
    /// The next delivery. `None` if there is nothing to deliver.
    call: Option<Call>,
    /// Deliveries that have failed since the last one that has not.
    failures: u16,
}

static NEW: Subscriptions = Subscriptions {
    settings: Settings::NEW,
    list: Vec::new(),
    last: 0,
    listening: false,
    queue: Queue::of_size(&Size::OF_BMC),
};

impl Settings {
    /// `DeliveryRetryAttempts` is 3 at all BMCs that were looked at.
    pub const NEW: Self = Self { enabled: true, attempts: 3, interval_s: 30 };
    /// The allowed values of `DeliveryRetryAttempts`.
    pub const ATTEMPTS: std::ops::RangeInclusive<i64> = 0..=100;
    /// The allowed values of `DeliveryRetryIntervalSeconds`.
    pub const INTERVAL_S: std::ops::RangeInclusive<i64> = 1..=86_400;
}

impl Default for Settings {
    fn default() -> Self {
        Self::NEW
    }
}

impl Default for Subscriptions {
    fn default() -> Self {
        NEW.clone()
    }
}

impl Part for Subscriptions {
    fn of_new_machine() -> &'static Self {
        &NEW
    }
}

impl Subscriptions {
    /// The most events of one delivery.
    pub const BATCH: usize = 32;
    /// The longest time between two retries with back-off, seconds.
    const LONGEST_S: u64 = 3600;

    /// The event service of a new root that keeps as much as `size` says.
    pub fn of_size(size: &'static Size) -> Self {
        Self { queue: Queue::of_size(size), ..Self::default() }
    }

    /// Whether an event has to be queued.
    pub fn are_observed(&self) -> bool {
        self.settings.enabled && (self.listening || !self.list.is_empty())
    }

    /// Whether this event has to be queued: a metric report only for a subscriber that wants reports.
    pub fn want(&self, what: &What) -> bool {
        let is_report = matches!(what, What::Report(_));
        let want_reports = || self.list.iter().any(|subscription| subscription.wanted.filter.wants_reports);
        self.are_observed() && (!is_report || want_reports())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.list.iter()
    }

    pub fn get(&self, id: u32) -> Option<&Subscription> {
        self.list.iter().find(|subscription| subscription.id == id)
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Subscription> {
        self.list.iter_mut().find(|subscription| subscription.id == id)
    }

    /// The events in the queue from the one with this number on.
    pub fn from(&self, number: u64) -> impl Iterator<Item = &Queued> {
        self.queue.since(number)
    }

    /// The number of the newest event in the queue; 0 if it is empty.
    pub fn newest(&self) -> u64 {
        self.queue.newest().unwrap_or_default()
    }

    /// The number of the oldest event in the queue.
    pub fn oldest(&self) -> Option<u64> {
        self.queue.oldest()
    }

    /// The id of the newest subscription.
    pub fn last_id(&self) -> u32 {
        self.last
    }

    /// Whether a client has read the stream of events.
    pub fn is_listened_to(&self) -> bool {
        self.listening
    }

    /// The service after a restart of the process, from its parts. What was not delivered is due. The events are in order. `last` is
    /// the id of the newest subscription, and `listening` whether a client has read the stream.
    pub fn restored(
        size: &'static Size,
        settings: Settings,
        mut list: Vec<Subscription>,
        (last, listening): (u32, bool),
        queue: Vec<Queued>,
    ) -> Self {
        list.sort_unstable_by_key(|subscription| subscription.id);
        let mut all = Self { settings, last, listening, queue: Queue::with(size, queue), list };
        all.last = all.list.iter().map(|subscription| subscription.id).fold(last, u32::max);
        let newest = all.newest();
        for subscription in all.list.iter_mut().filter(|subscription| subscription.is_delivered_to()) {
            if subscription.next <= newest {
                subscription.call.get_or_insert(Call::Due);
            }
        }
        all
    }

    /// Executes a command, except [`Command::Submit`]. `after` is the number of the newest event: a new subscription gets the
    /// events after it. Returns the id of a new subscription.
    pub fn execute(&mut self, command: Command, after: u64) -> Result<Option<u32>, Refusal> {
        match command {
            Command::Subscribe { most, .. } if self.list.len() >= most => {
                return Err(Refusal::TooManySubscriptions);
            }
            Command::Subscribe { asked, most: _ } => {
                self.last += 1;
                // From now on, the queue keeps the last events for clients that connect again.
                self.listening |= asked.is_stream;
                self.list.reserve_exact(1);
                self.list.push(Subscription {
                    id: self.last,
                    wanted: *asked,
                    suspended: false,
                    next: after + 1,
                    call: None,
                    failures: 0,
                });
                return Ok(Some(self.last));
            }
            Command::Change(id, Change { context, headers, policy, verify_certificate }) => {
                if let Some(Subscription { wanted, .. }) = self.get_mut(id) {
                    if let Some(context) = context {
                        wanted.context = context;
                    }
                    if let Some(headers) = headers {
                        wanted.headers = headers;
                    }
                    wanted.policy = policy.or(wanted.policy);
                    wanted.verify_certificate = verify_certificate.unwrap_or(wanted.verify_certificate);
                }
            }
            Command::Delete(id) => {
                self.list.retain(|subscription| subscription.id != id);
                self.trim();
            }
            Command::Suspend(id) => {
                if let Some(subscription) = self.get_mut(id) {
                    subscription.suspended = true;
                    // A request that is under way keeps its place, so that no other one begins before it ends.
                    subscription.call = subscription.call.filter(|call| *call == Call::Underway);
                }
            }
            Command::Resume { id, since } => self.resume(id, since),
            Command::Set { enabled, attempts, interval_s } => {
                self.settings.enabled = enabled.unwrap_or(self.settings.enabled);
                self.settings.attempts = attempts.unwrap_or(self.settings.attempts);
                self.settings.interval_s = interval_s.unwrap_or(self.settings.interval_s);
            }
            Command::Submit(_) => {}
        }
        Ok(None)
    }

    fn resume(&mut self, id: u32, since: Option<SimTime>) {
        let newest = self.newest();
        let first = since.map(|since| {
            let young = self.queue.iter().find(|queued| queued.at >= since);
            young.map_or(newest + 1, |queued| queued.number)
        });
        if let Some(subscription) = self.get_mut(id).filter(|subscription| subscription.suspended) {
            subscription.suspended = false;
            subscription.failures = 0;
            subscription.next = first.unwrap_or(0).max(subscription.next);
            if subscription.call != Some(Call::Underway) {
                subscription.call = (subscription.next <= newest).then_some(Call::Due);
            }
        }
        self.trim();
    }

    /// Queues an event for all subscribers. In a full queue, the oldest events make room. They are lost for the subscribers that have
    /// not got them, and a client of the stream that has not read them is cut off. Returns the number of lost events.
    pub fn publish(&mut self, queued: Queued) -> usize {
        if !self.want(&queued.what) {
            return 0;
        }
        self.queue.push(queued);
        for subscription in self.list.iter_mut().filter(|subscription| subscription.is_delivered_to()) {
            subscription.call.get_or_insert(Call::Due);
        }
        self.trim()
    }

    /// Drops what nobody reads any more, and the oldest events of a queue that is too long. Returns the number of events that a
    /// subscriber had still to get.
    fn trim(&mut self) -> usize {
        let replay = if self.listening { self.queue.size().replay } else { 0 };
        let (mut needed, mut lost) = (self.needed(), 0);
        while let Some(oldest) = self.queue.oldest() {
            let is_needed = oldest >= needed;
            if !self.queue.is_over() {
                if is_needed || self.queue.len() <= replay {
                    break;
                }
            } else if is_needed {
                let streams = self.list.iter_mut().filter(|subscription| subscription.wanted.is_stream);
                for stream in streams.filter(|stream| stream.next <= oldest) {
                    stream.next = Subscription::CUT_OFF;
                }
                needed = self.needed();
                // The client of a stream that is cut off learns of it. The other subscribers do not.
                lost += usize::from(oldest >= needed);
            }
            self.queue.pop();
        }
        lost
    }

    /// The number of the oldest event that a subscriber has still to get.
    fn needed(&self) -> u64 {
        self.list.iter().map(|subscription| subscription.next).min().unwrap_or(u64::MAX)
    }

    /// The subscription with this id and the events that it gets next. `None` if there are none.
    pub fn batch(&self, id: u32) -> Option<(&Subscription, impl Iterator<Item = &Queued>)> {
        let subscription = self.get(id).filter(|subscription| subscription.next <= self.newest())?;
        Some((subscription, self.from(subscription.next).take(Self::BATCH)))
    }

    /// A client of the stream has read all events before the one with number `next`.
    pub fn advance(&mut self, id: u32, next: u64) {
        if let Some(subscription) = self.get_mut(id).filter(|subscription| subscription.next < next) {
            subscription.next = next;
            self.trim();
        }
    }

    /// Ends the subscriptions of clients whose connections are gone.
    pub fn end_streams(&mut self) {
        self.list.retain(|subscription| !subscription.wanted.is_stream);
    }

    /// The result of a delivery of the events up to number `through`. Returns whether the subscription waits for it.
    pub fn delivered(&mut self, id: u32, through: u64, good: bool, now: SimTime) -> bool {
        let (settings, newest) = (self.settings, self.newest());
        let waits = |subscription: &&mut Subscription| subscription.call == Some(Call::Underway);
        let Some(subscription) = self.get_mut(id).filter(waits) else { return false };
        if good {
            subscription.failures = 0;
            subscription.next = subscription.next.max(through + 1);
            let more = !subscription.suspended && subscription.next <= newest;
            subscription.call = more.then_some(Call::Due);
            self.trim();
            return true;
        }
        if subscription.suspended {
            // A client has suspended it meanwhile.
            subscription.call = None;
            return true;
        }
        subscription.failures = subscription.failures.saturating_add(1);
        let policy = subscription.wanted.policy.unwrap_or(DeliveryRetryPolicy::SuspendRetries);
        let is_last = subscription.failures > settings.attempts;
        let seconds = u64::from(settings.interval_s);
        let wait_s = match policy {
            DeliveryRetryPolicy::TerminateAfterRetries if is_last => {
                self.list.retain(|subscription| subscription.id != id);
                self.trim();
                return true;
            }
            DeliveryRetryPolicy::SuspendRetries if is_last => {
                (subscription.suspended, subscription.call) = (true, None);
                return true;
            }
            DeliveryRetryPolicy::RetryForeverWithBackoff => {
                let doubled = seconds << subscription.failures.saturating_sub(1).min(12);
                doubled.min(Self::LONGEST_S.max(seconds))
            }
            DeliveryRetryPolicy::TerminateAfterRetries
            | DeliveryRetryPolicy::SuspendRetries
            | DeliveryRetryPolicy::RetryForever => seconds,
        };
        subscription.call = Some(Call::At(now.after_ms(wait_s * 1000)));
        true
    }

    /// Hands the id of every subscription with a due delivery to `out`.
    pub fn take_due(&mut self, mut out: impl FnMut(u32)) {
        // After a restart of the process, a call of a suspended one can be due: the one that was under way.
        for subscription in self.list.iter_mut().filter(|subscription| !subscription.suspended) {
            if subscription.call.as_mut().is_some_and(Call::take) {
                out(subscription.id);
            }
        }
    }

    /// Whether a delivery is due or under way.
    pub fn are_delivered(&self) -> bool {
        let mut calls = self.list.iter().filter_map(|subscription| subscription.call);
        calls.any(|call| matches!(call, Call::Due | Call::Underway))
    }

    /// The next moment of a retry.
    pub fn next_deadline(&self) -> SimTime {
        let calls = self.list.iter().filter_map(|subscription| subscription.call);
        calls.map(Call::deadline).min().unwrap_or(SimTime::NEVER)
    }

    /// Passes a deadline: retries are due.
    pub fn step(&mut self, at: SimTime) {
        self.list
            .iter_mut()
            .filter_map(|subscription| subscription.call.as_mut())
            .for_each(|call| call.settle(at));
    }

    /// The event service of a machine that is new again. The ids go on.
    pub(in crate::node) fn renewed(&self) -> Self {
        Self { last: self.last, ..Self::default() }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        let Self { settings: _, list, last: _, listening: _, queue } = self;
        for Subscription { id: _, wanted: _, suspended: _, next: _, call, failures: _ } in list {
            if let Some(call) = call {
                call.shift(ms);
            }
        }
        queue.shift(ms);
    }
}

impl Subscription {
    /// The number of the next event of a client of the stream that was too slow.
    const CUT_OFF: u64 = u64::MAX;

    /// Whether the client of the stream was too slow, so that its connection has to end.
    pub fn is_cut_off(&self) -> bool {
        self.next == Self::CUT_OFF
    }

    /// The number of the last event that it has received or does not want.
    pub fn received(&self) -> u64 {
        self.next - 1
    }

    /// Whether the last delivery has failed.
    pub fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Whether it gets requests with events.
    fn is_delivered_to(&self) -> bool {
        !self.suspended && !self.wanted.is_stream
    }
}

#[cfg(test)]
mod tests;
