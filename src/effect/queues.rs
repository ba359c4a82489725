//! Queues of effects, one per server, so that a slow or dead server delays only the calls to itself.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::limit::Limits;

/// Images that are being written, including those that wait before a retry.
pub(super) const MAX_IMAGES: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum QueueKey {
    /// Agents' calls to the Ironic API at this origin.
    Ironic(Box<str>),
    /// Reads of boot media and boot configurations from the server of this origin.
    Boot(Box<str>),
    /// Events to the subscriber of this origin.
    Events(Box<str>),
    /// Images from all servers.
    Images,
}

impl QueueKey {
    fn is_ironic(&self) -> bool {
        matches!(self, Self::Ironic(_))
    }
}

/// The limit that keeps an item waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// All calls, or those that are not to an Ironic API.
    Calls,
    Server,
}

/// All queues. Each node has only a few effects under way, so the size of the fleet bounds the length of the queues.
///
/// A quarter of all calls is reserved for Ironic's API. In its part, a server has at most as many calls in flight as it
/// leaves free ("dynamic threshold", Choudhury and Hahne 1998): however many slow servers there are, the next server
/// finds room at once. An Ironic API of the settings is trusted and has no such threshold.
pub(super) struct Queues<T> {
    in_flight: HashMap<QueueKey, usize>,
    waiting: BTreeMap<QueueKey, VecDeque<T>>,
    total_in_flight: usize,
    /// Those of `total_in_flight` that are not to an Ironic API.
    others_in_flight: usize,
    limits: Limits,
    /// The origins of the Ironic APIs of the settings.
    known: Vec<Box<str>>,
    /// The queue that was served last. Round robin continues after it.
    last: Option<QueueKey>,
}

impl<T> Queues<T> {
    pub(super) fn new(limits: Limits, known: Vec<Box<str>>) -> Self {
        Self {
            in_flight: HashMap::new(),
            waiting: BTreeMap::new(),
            total_in_flight: 0,
            others_in_flight: 0,
            limits,
            known,
            last: None,
        }
    }

    /// Calls that may start now, for this queue and for those that share its part.
    fn free(&self, key: &QueueKey) -> usize {
        let all = self.limits.calls.saturating_sub(self.total_in_flight);
        if key.is_ironic() {
            return all;
        }
        let others = self.limits.calls - self.limits.calls / 4;
        all.min(others.saturating_sub(self.others_in_flight))
    }

    /// The limit that keeps an item of this queue waiting now. `server_limit` may lower the limit of a server.
    pub(super) fn full(&self, key: &QueueKey, server_limit: impl Fn(&str) -> usize) -> Option<Full> {
        let (free, in_flight) = (self.free(key), self.in_flight(key));
        let (limit, threshold) = match key {
            QueueKey::Ironic(server) => {
                let limit = server_limit(server).min(self.limits.calls_per_server);
                (limit, if self.known.contains(server) { usize::MAX } else { free })
            }
            QueueKey::Boot(_) | QueueKey::Events(_) => (self.limits.calls_per_server, free),
            QueueKey::Images => (MAX_IMAGES, free),
        };
        match () {
            () if free == 0 => Some(Full::Calls),
            () if in_flight >= limit => Some(Full::Server),
            () if in_flight >= threshold => Some(Full::Calls),
            () => None,
        }
    }

    fn in_flight(&self, key: &QueueKey) -> usize {
        self.in_flight.get(key).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, key: QueueKey, item: T) {
        self.waiting.entry(key).or_default().push_back(item);
    }

    /// Takes the next item that the limits allow, and counts it as in flight until [`finish`](Self::finish). Queues
    /// take turns. `server_limit` may lower the limit of a server.
    pub(super) fn pop(&mut self, server_limit: impl Fn(&str) -> usize) -> Option<(QueueKey, T)> {
        if self.total_in_flight >= self.limits.calls {
            return None;
        }
        let may_start = |key: &&QueueKey| self.full(key, &server_limit).is_none();
        let after =
            self.waiting.keys().filter(|k| self.last.as_ref().is_none_or(|last| *k > last)).find(may_start);
        let key = after.or_else(|| self.waiting.keys().find(may_start))?.clone();
        let queue = self.waiting.get_mut(&key)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&key);
        }
        *self.in_flight.entry(key.clone()).or_insert(0) += 1;
        self.total_in_flight += 1;
        self.others_in_flight += usize::from(!key.is_ironic());
        self.last = Some(key.clone());
        Some((key, item))
    }

    /// Records the end of an item that [`pop`](Self::pop) returned.
    pub(super) fn finish(&mut self, key: &QueueKey) {
        let in_flight = self.in_flight.get_mut(key).expect("only a popped item can finish");
        *in_flight -= 1;
        if *in_flight == 0 {
            self.in_flight.remove(key);
        }
        self.total_in_flight -= 1;
        self.others_in_flight -= usize::from(!key.is_ironic());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_SERVER: usize = 64;
    const TOTAL: usize = 256;

    fn queues() -> Queues<usize> {
        Queues::new(Limits::default(), vec!["ironic".into()])
    }

    fn boot(name: &str) -> QueueKey {
        QueueKey::Boot(name.into())
    }

    fn ironic(name: &str) -> QueueKey {
        QueueKey::Ironic(name.into())
    }

    /// Takes all items that the limits allow.
    fn take(queues: &mut Queues<usize>) -> Vec<QueueKey> {
        std::iter::from_fn(|| queues.pop(|_| usize::MAX)).map(|(key, _)| key).collect()
    }

    #[test]
    fn a_slow_server_does_not_delay_calls_to_others() {
        let mut queues = queues();
        for n in 0..PER_SERVER + 5 {
            queues.push(boot("slow"), n);
        }
        assert_eq!(take(&mut queues).len(), PER_SERVER);
        assert_eq!(queues.full(&boot("slow"), |_| usize::MAX), Some(Full::Server));
        queues.push(boot("quick"), 0);
        assert_eq!(queues.pop(|_| usize::MAX), Some((boot("quick"), 0)));
        assert_eq!(queues.pop(|_| usize::MAX), None);
        queues.finish(&boot("slow"));
        assert_eq!(queues.pop(|_| usize::MAX), Some((boot("slow"), PER_SERVER)));
    }

    #[test]
    fn slow_servers_leave_room_for_another_server_and_for_ironic() {
        for slow in [4, 5, 20, 150] {
            let mut queues = queues();
            for n in 0..slow * 66 {
                queues.push(boot(&format!("slow-{}", n % slow)), n);
            }
            let taken = take(&mut queues).len();
            assert!(taken < TOTAL - TOTAL / 4, "{slow} slow servers take {taken} calls");
            for n in 0..100 {
                queues.push(ironic("ironic"), n);
                queues.push(boot("good"), n);
            }
            let more = take(&mut queues);
            let (of_ironic, good): (Vec<_>, Vec<_>) = more.into_iter().partition(QueueKey::is_ironic);
            assert_eq!(of_ironic.len(), PER_SERVER, "{slow} slow servers");
            assert!(!good.is_empty(), "{slow} slow servers");
        }
    }

    #[test]
    fn slow_apis_that_images_name_leave_room_for_those_of_the_settings() {
        let mut queues = queues();
        for n in 0..6 * 66 {
            queues.push(ironic(&format!("slow-{}", n % 6)), n);
        }
        assert!(take(&mut queues).len() < TOTAL);
        queues.push(ironic("ironic"), 0);
        assert_eq!(take(&mut queues), [ironic("ironic")]);
    }

    #[test]
    fn one_call_at_a_time_serves_every_queue() {
        let mut queues = Queues::new(Limits { calls: 1, ..Limits::default() }, Vec::new());
        for key in [boot("a"), ironic("b"), QueueKey::Images] {
            queues.push(key.clone(), 0);
            assert_eq!(take(&mut queues), std::slice::from_ref(&key));
            assert_eq!(queues.full(&key, |_| usize::MAX), Some(Full::Calls));
            queues.finish(&key);
        }
    }

    #[test]
    fn the_limit_of_a_server_can_be_lower() {
        let mut queues = queues();
        for n in 0..5 {
            queues.push(ironic("back"), n);
        }
        let mut taken = 0;
        while queues.pop(|_| 2).is_some() {
            taken += 1;
        }
        assert_eq!(taken, 2);
        queues.finish(&ironic("back"));
        assert!(queues.pop(|_| 3).is_some() && queues.pop(|_| 3).is_some() && queues.pop(|_| 3).is_none());
    }

    #[test]
    fn queues_take_turns() {
        let mut queues = queues();
        for n in 0..100 {
            for name in ["a", "b", "c", "d", "e"] {
                queues.push(boot(name), n);
            }
        }
        let taken = take(&mut queues);
        assert_eq!(taken[..5], ["a", "b", "c", "d", "e"].map(boot));
        assert_eq!(taken[5..10], taken[..5]);
    }

    #[test]
    fn an_empty_queue_leaves_nothing_behind() {
        let mut queues = queues();
        queues.push(QueueKey::Images, 1);
        let (key, _) = queues.pop(|_| usize::MAX).unwrap();
        queues.finish(&key);
        assert!(queues.in_flight.is_empty() && queues.waiting.is_empty());
        assert_eq!((queues.total_in_flight, queues.others_in_flight), (0, 0));
    }
}
