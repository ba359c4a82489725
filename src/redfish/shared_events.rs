//! The event service of the root that all nodes share: it gets the events of all nodes, and its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::fleet::Witness;
use crate::fleet::persist::Ledger;
use crate::meter::Counter;
use crate::node::NodeId;
use crate::node::bmc::subscriptions::{Command, Queued, Settings, Size, Subscription, Subscriptions, Wanted};
use crate::node::command::Refusal;
use crate::node::event::{Event, Of, What};
use crate::time::SimTime;

/// The event service of the shared root.
pub struct SharedEvents {
    inner: Mutex<Inner>,
    /// Whether somebody wants events. Without a subscriber, an event costs the look at this flag.
    observed: AtomicBool,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
    /// Subscriptions refused because of the limit.
    pub refused: Counter,
    /// Events that were dropped because the queue was full.
    pub lost: Counter,
    ledger: Option<Arc<Ledger>>,
}

struct Inner {
    all: Subscriptions,
    /// The number of the newest event.
    last: u64,
}

impl SharedEvents {
    /// The prefix of the records' keys.
    pub const RECORDS: &str = "events/";
    const SETTINGS: &str = "events/service";
    const SUBSCRIPTION: &str = "events/subscription/";
    const QUEUED: &str = "events/queued/";

    pub(super) fn kept_in(ledger: Option<Arc<Ledger>>) -> Self {
        Self {
            inner: Mutex::new(Inner { all: Subscriptions::of_size(&Size::OF_FLEET), last: 0 }),
            observed: AtomicBool::new(false),
            newest: watch::Sender::new(0),
            refused: Counter::default(),
            lost: Counter::default(),
            ledger,
        }
    }

    /// Sets the most that the queue holds, for a test that fills it.
    #[cfg(test)]
    pub(super) fn resize(&self, size: &'static Size) {
        self.inner.lock().all = Subscriptions::of_size(size);
    }

    /// Restores the service from the records below [`SharedEvents::RECORDS`].
    ///
    /// # Errors
    /// The key of a record that cannot be read, and the reason.
    pub fn restore(&self, records: &[(String, Vec<u8>)]) -> Result<(), String> {
        let (mut settings, mut last) = (Settings::NEW, (0, 0, false));
        let (mut list, mut queue) = (Vec::<Subscription>::new(), Vec::<Queued>::new());
        for (key, value) in records {
            let wrong = |error| format!("record '{key}': {error}");
            if key == Self::SETTINGS {
                (settings, last) = serde_json::from_slice(value).map_err(wrong)?;
            } else if key.starts_with(Self::SUBSCRIPTION) {
                list.push(serde_json::from_slice(value).map_err(wrong)?);
            } else {
                queue.push(serde_json::from_slice(value).map_err(wrong)?);
            }
        }
        let mut inner = self.inner.lock();
        queue.sort_unstable_by_key(|queued| queued.number);
        // An event that has left the queue was delivered, so the subscription that got it last has its number. A number that is used
        // again would be one that a subscription has behind it, and the event would be lost.
        let delivered = list.iter().map(Subscription::received);
        inner.last = queue.iter().map(|queued| queued.number).chain(delivered).fold(last.1, u64::max);
        inner.all = Subscriptions::restored(&Size::OF_FLEET, settings, list, (last.0, last.2), queue);
        self.observed.store(inner.all.are_observed(), Ordering::Release);
        self.newest.send_replace(inner.last);
        Ok(())
    }

    /// Whether somebody wants events.
    pub(super) fn are_observed(&self) -> bool {
        self.observed.load(Ordering::Acquire)
    }

    /// Looks at the subscriptions. The response that shows them waits until they are on disk.
    pub(super) fn see<R>(&self, see: impl FnOnce(&Subscriptions) -> R) -> R {
        if let Some(ledger) = &self.ledger {
            ledger.note_records();
        }
        see(&self.inner.lock().all)
    }

    /// Executes a command. Returns the id of a new subscription.
    pub(super) fn execute(&self, command: Command, now: SimTime) -> Result<Option<u32>, Refusal> {
        let mut inner = self.inner.lock();
        let (before, settings) = (ids(&inner.all), inner.all.settings);
        let last = inner.last;
        let touched = match &command {
            Command::Submit(_) | Command::Set { .. } | Command::Subscribe { .. } => None,
            Command::Change(id, _)
            | Command::Delete(id)
            | Command::Suspend(id)
            | Command::Resume { id, .. } => Some(*id),
        };
        let test = if let Command::Submit(test) = &command { Some(What::Test(test.clone())) } else { None };
        let created = self.stored(&mut inner, touched, |inner| inner.all.execute(command, last));
        let created = created.inspect_err(|_| self.refused.one())?;
        if let Some(id) = created {
            self.store_subscription(&inner, id);
        }
        self.store_settings(&inner);
        let after = ids(&inner.all);
        let added =
            after.iter().filter(|id| !before.contains(id)).map(|id| What::Created(Of::Subscription(*id)));
        let gone =
            before.iter().filter(|id| !after.contains(id)).map(|id| What::Removed(Of::Subscription(*id)));
        let changed = touched.filter(|id| before.contains(id) && after.contains(id));
        let changed = changed.map(|id| What::Changed(Of::Subscription(id)));
        let set = (settings != inner.all.settings).then_some(What::Changed(Of::EventService));
        let events: Vec<What> = added.chain(gone).chain(changed).chain(set).chain(test).collect();
        self.observed.store(inner.all.are_observed(), Ordering::Release);
        for what in events {
            self.publish(&mut inner, None, now, what);
        }
        self.newest.send_replace(inner.last);
        Ok(created)
    }

    /// Queues events of the service itself.
    pub(super) fn happened(&self, events: Vec<What>, now: SimTime) {
        if events.is_empty() || !self.observed.load(Ordering::Acquire) {
            return;
        }
        let mut inner = self.inner.lock();
        for what in events {
            self.publish(&mut inner, None, now, what);
        }
        self.newest.send_replace(inner.last);
    }

    fn publish(&self, inner: &mut Inner, node: Option<u32>, at: SimTime, what: What) {
        if !inner.all.want(&what) {
            return;
        }
        inner.last += 1;
        let queued = Queued { number: inner.last, at, what, node };
        if let Some(ledger) = &self.ledger {
            let key = format!("{}{:020}", Self::QUEUED, queued.number);
            let json = serde_json::to_vec(&queued).expect("an event is valid JSON");
            match node {
                Some(node) => ledger.record_with(NodeId(node), &key, json),
                None => ledger.record(&key, Some(json)),
            }
        }
        let lost = self.stored(inner, None, |inner| inner.all.publish(queued));
        self.lost.add(lost as u64);
    }

    /// Makes a change. Afterwards the records of the events that have left the queue are deleted, and that of the subscription
    /// `touched` is written.
    fn stored<R>(&self, inner: &mut Inner, touched: Option<u32>, change: impl FnOnce(&mut Inner) -> R) -> R {
        let oldest = inner.all.oldest();
        let result = change(inner);
        if let Some(ledger) = &self.ledger {
            let first = inner.all.oldest().unwrap_or(inner.last + 1);
            for number in oldest.unwrap_or(first)..first {
                ledger.record(&format!("{}{number:020}", Self::QUEUED), None);
            }
        }
        if let Some(id) = touched {
            self.store_subscription(inner, id);
        }
        result
    }

    fn store_subscription(&self, inner: &Inner, id: u32) {
        let Some(ledger) = &self.ledger else { return };
        // A stream ends with the process.
        let kept = inner.all.get(id).filter(|subscription| !subscription.wanted.is_stream);
        let json = kept.map(|kept| serde_json::to_vec(kept).expect("a subscription is valid JSON"));
        ledger.record(&format!("{}{id:010}", Self::SUBSCRIPTION), json);
    }

    fn store_settings(&self, inner: &Inner) {
        let Some(ledger) = &self.ledger else { return };
        let json = serde_json::to_vec(&(
            inner.all.settings,
            (inner.all.last_id(), inner.last, inner.all.is_listened_to()),
        ));
        ledger.record(Self::SETTINGS, Some(json.expect("numbers are valid JSON")));
    }

    /// Makes the caller inside [`Fleet::noting`](crate::fleet::Fleet::noting) wait until all that is recorded so far is durable.
    pub fn note(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.note_records();
        }
    }

    /// The subscriptions with a due delivery; each is handed out once, and its result must come to [`SharedEvents::delivered`].
    pub fn take_due(&self) -> Vec<u32> {
        let mut due = Vec::new();
        if self.observed.load(Ordering::Acquire) {
            self.inner.lock().all.take_due(|id| due.push(id));
        }
        due
    }

    /// The subscription and the events that it gets next. `None` if there are none.
    pub fn batch(&self, id: u32) -> Option<(Wanted, Vec<Queued>)> {
        let inner = self.inner.lock();
        let (subscription, events) = inner.all.batch(id)?;
        Some((subscription.wanted.clone(), events.cloned().collect()))
    }

    /// The result of a delivery of the events up to number `through`.
    pub fn delivered(&self, id: u32, through: u64, good: bool, now: SimTime) {
        let mut inner = self.inner.lock();
        if inner.all.get(id).is_none() {
            // A client has deleted it meanwhile.
            return;
        }
        self.stored(&mut inner, Some(id), |inner| inner.all.delivered(id, through, good, now));
        if inner.all.get(id).is_none() {
            self.publish(&mut inner, None, now, What::Removed(Of::Subscription(id)));
        }
        self.observed.store(inner.all.are_observed(), Ordering::Release);
        self.newest.send_replace(inner.last);
    }

    /// Makes the retries due whose time has come. Returns the moment of the next one.
    pub(super) fn settle(&self, now: SimTime) -> SimTime {
        if !self.observed.load(Ordering::Acquire) {
            return SimTime::NEVER;
        }
        let mut inner = self.inner.lock();
        if inner.all.next_deadline() <= now {
            inner.all.step(now);
            self.newest.send_replace(inner.last);
        }
        inner.all.next_deadline()
    }

    /// Wakes those who follow the events, although there is no new one: a deadline of the root may be earlier than they know.
    pub(super) fn wake(&self) {
        self.newest.send_modify(|_| ());
    }

    /// Whether no delivery is due or under way.
    pub fn is_idle(&self) -> bool {
        !self.observed.load(Ordering::Acquire) || !self.inner.lock().all.are_delivered()
    }

    /// Waits until no delivery is due or under way. Clients of the stream are not waited for.
    pub async fn until_idle(&self) {
        let mut news = self.follow();
        loop {
            news.borrow_and_update();
            if self.is_idle() || news.changed().await.is_err() {
                return;
            }
        }
    }

    /// The number of the newest event, which can be awaited.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The events from number `number` on, at most [`Subscriptions::BATCH`], for a client of the stream that has read those before.
    /// `None` if the subscription has ended, or the client was too slow.
    pub(super) fn read(&self, id: u32, number: u64) -> Option<Vec<Queued>> {
        let mut inner = self.inner.lock();
        inner.all.get(id).filter(|subscription| !subscription.is_cut_off())?;
        self.stored(&mut inner, None, |inner| inner.all.advance(id, number));
        Some(inner.all.from(number).take(Subscriptions::BATCH).cloned().collect())
    }
}

fn ids(all: &Subscriptions) -> Vec<u32> {
    all.iter().map(|subscription| subscription.id).collect()
}

impl Witness for SharedEvents {
    fn is_on(&self) -> bool {
        self.observed.load(Ordering::Acquire)
    }

    fn see(&self, node: NodeId, events: &mut dyn Iterator<Item = &Event>) {
        let mut inner = self.inner.lock();
        for event in events.filter(|event| event.what.is_of_machine()) {
            self.publish(&mut inner, Some(node.0), event.at, event.what.clone());
        }
        self.newest.send_replace(inner.last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_after_a_restart_has_a_new_number() {
        let (before, after) = (SharedEvents::kept_in(None), SharedEvents::kept_in(None));
        let now = SimTime::from_ms(1_800_000_000_000);
        let happen = |events: &SharedEvents| events.happened(vec![What::Changed(Of::EventService)], now);
        let id = before.execute(Command::Subscribe { asked: Box::default(), most: 1 }, now).unwrap().unwrap();
        // The settings were stored with the subscription; since then the queue has been filled and emptied.
        let settings = (Settings::NEW, (id, 0, false));
        happen(&before);
        let through = before.batch(id).unwrap().1.last().unwrap().number;
        before.take_due();
        before.delivered(id, through, true, now);
        assert_eq!(before.batch(id), None);
        let subscription = before.see(|all| serde_json::to_vec(all.get(id).unwrap()).unwrap());
        let settings = serde_json::to_vec(&settings).unwrap();
        let key = format!("{}{id:010}", SharedEvents::SUBSCRIPTION);
        after.restore(&[(SharedEvents::SETTINGS.to_owned(), settings), (key, subscription)]).unwrap();
        happen(&after);
        let (_, events) = after.batch(id).expect("the subscription gets the event");
        assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), [through + 1]);
    }
}
