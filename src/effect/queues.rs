//! Queues of effects, one per server, so that a slow or dead server delays only the calls to itself.

use crate::limit::Limits;
use std::collections::{BTreeMap, HashMap, VecDeque};
/// Images that are being written, including those that wait before a retry.
pub(super) const MAX_IMAGES: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum QueueKey {
    /// Calls to the server of this origin.
    Server(Box<str>),
    /// Images from all servers.
    Images,
}

/// All queues. Each node has only a few effects under way, so the size of the fleet bounds the length of the queues.
pub(super) struct Queues<T> {
    in_flight: HashMap<QueueKey, usize>,
    waiting: BTreeMap<QueueKey, VecDeque<T>>,
    total_in_flight: usize,
    limits: Limits,
    /// The queue that was served last. Round robin continues after it.
    last: Option<QueueKey>,
}

impl<T> Queues<T> {
    pub(super) fn new(limits: Limits) -> Self {
        Self { in_flight: HashMap::new(), waiting: BTreeMap::new(), total_in_flight: 0, limits, last: None }
    }

    /// Whether the limit of all calls is reached.
    pub(super) fn is_full(&self) -> bool {
        self.total_in_flight >= self.limits.calls
    }

    pub(super) fn in_flight(&self, key: &QueueKey) -> usize {
        self.in_flight.get(key).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, key: QueueKey, item: T) {
        self.waiting.entry(key).or_default().push_back(item);
    }

    /// Takes the next item that the limits allow, and counts it as in flight until [`finish`](Self::finish). Queues
    /// take turns. `server_limit` may lower the limit of a server.
    pub(super) fn pop(&mut self, server_limit: impl Fn(&str) -> usize) -> Option<(QueueKey, T)> {
        if self.is_full() {
            return None;
        }
        let limit = |key: &QueueKey| match key {
            QueueKey::Server(server) => server_limit(server).min(self.limits.calls_per_server),
            QueueKey::Images => MAX_IMAGES,
        };
        let free = |key: &&QueueKey| self.in_flight(key) < limit(key);
        let after =
            self.waiting.keys().filter(|k| self.last.as_ref().is_none_or(|last| *k > last)).find(free);
        let key = after.or_else(|| self.waiting.keys().find(free))?.clone();
        let queue = self.waiting.get_mut(&key)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&key);
        }
        *self.in_flight.entry(key.clone()).or_insert(0) += 1;
        self.total_in_flight += 1;
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER_SERVER: usize = 64;
    const TOTAL: usize = 256;

    fn server(name: &str) -> QueueKey {
        QueueKey::Server(name.into())
    }

    #[test]
    fn a_slow_server_does_not_delay_calls_to_others() {
        let mut queues = Queues::new(Limits::default());
        for n in 0..PER_SERVER + 5 {
            queues.push(server("slow"), n);
        }
        let mut taken = Vec::new();
        while let Some((key, _)) = queues.pop(|_| usize::MAX) {
            taken.push(key);
        }
        assert_eq!(taken.len(), PER_SERVER);
        queues.push(server("quick"), 0);
        assert_eq!(queues.pop(|_| usize::MAX), Some((server("quick"), 0)));
        assert_eq!(queues.pop(|_| usize::MAX), None);
        queues.finish(&server("slow"));
        assert_eq!(queues.pop(|_| usize::MAX), Some((server("slow"), PER_SERVER)));
    }

    #[test]
    fn the_limit_of_a_server_can_be_lower() {
        let mut queues = Queues::new(Limits::default());
        for n in 0..5 {
            queues.push(server("back"), n);
        }
        let mut taken = 0;
        while queues.pop(|_| 2).is_some() {
            taken += 1;
        }
        assert_eq!(taken, 2);
        queues.finish(&server("back"));
        assert!(queues.pop(|_| 3).is_some() && queues.pop(|_| 3).is_some() && queues.pop(|_| 3).is_none());
    }

    #[test]
    fn queues_take_turns_and_all_calls_together_are_limited() {
        let mut queues = Queues::new(Limits::default());
        for n in 0..100 {
            for name in ["a", "b", "c", "d", "e"] {
                queues.push(server(name), n);
            }
        }
        let first: Vec<_> = (0..5).map(|_| queues.pop(|_| usize::MAX).unwrap().0).collect();
        assert_eq!(first, ["a", "b", "c", "d", "e"].map(server));
        let mut more = 0;
        while queues.pop(|_| usize::MAX).is_some() {
            more += 1;
        }
        assert_eq!(5 + more, TOTAL);
    }

    #[test]
    fn an_empty_queue_leaves_nothing_behind() {
        let mut queues = Queues::new(Limits::default());
        queues.push(QueueKey::Images, 1);
        let (key, _) = queues.pop(|_| usize::MAX).unwrap();
        queues.finish(&key);
        assert!(queues.in_flight.is_empty() && queues.waiting.is_empty() && queues.total_in_flight == 0);
    }
}
