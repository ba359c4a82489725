//! Who goes next: effects wait in a lane for each server, so that one that is slow or dead holds up nobody else.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::limit::Limits;

/// Images that are being written, those included that wait for their next attempt.
pub(super) const MAX_IMAGES: usize = 128;

/// A lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Calls to the server of that origin.
    Server(Box<str>),
    /// Images, wherever they come from.
    Images,
}

/// All lanes with what waits in them; `T` is an effect. As long as the fleet's nodes are patient, it is bounded by them.
pub(super) struct Lanes<T> {
    busy: HashMap<Lane, usize>,
    waiting: BTreeMap<Lane, VecDeque<T>>,
    in_flight: usize,
    limits: Limits,
    /// The lane that was served last; the others come first.
    last: Option<Lane>,
}

impl<T> Lanes<T> {
    /// None waits.
    pub(super) fn new(limits: Limits) -> Self {
        Self { busy: HashMap::new(), waiting: BTreeMap::new(), in_flight: 0, limits, last: None }
    }

    /// Whether everything is busy, so that whatever comes must wait.
    pub(super) fn is_full(&self) -> bool {
        self.in_flight >= self.limits.calls
    }

    /// How many of a lane are in flight.
    pub(super) fn busy(&self, lane: &Lane) -> usize {
        self.busy.get(lane).copied().unwrap_or(0)
    }

    /// Puts one at the end of its lane.
    pub(super) fn put(&mut self, lane: Lane, item: T) {
        self.waiting.entry(lane).or_default().push_back(item);
    }

    /// Takes the next one that may go, lane by lane in turn. `room` says how many may be in flight in a server's lane.
    pub(super) fn take(&mut self, room: impl Fn(&str) -> usize) -> Option<(Lane, T)> {
        if self.is_full() {
            return None;
        }
        let limit = |lane: &Lane| match lane {
            Lane::Server(server) => room(server).min(self.limits.calls_per_server),
            Lane::Images => MAX_IMAGES,
        };
        let free = |lane: &&Lane| self.busy(lane) < limit(lane);
        let after =
            self.waiting.keys().filter(|l| self.last.as_ref().is_none_or(|last| *l > last)).find(free);
        let lane = after.or_else(|| self.waiting.keys().find(free))?.clone();
        let queue = self.waiting.get_mut(&lane)?;
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&lane);
        }
        *self.busy.entry(lane.clone()).or_insert(0) += 1;
        self.in_flight += 1;
        self.last = Some(lane.clone());
        Some((lane, item))
    }

    /// One of that lane has ended.
    pub(super) fn ended(&mut self, lane: &Lane) {
        let busy = self.busy.get_mut(lane).expect("only what was taken can end");
        *busy -= 1;
        if *busy == 0 {
            self.busy.remove(lane);
        }
        self.in_flight -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: usize = 64;
    const ALL: usize = 256;

    fn server(name: &str) -> Lane {
        Lane::Server(name.into())
    }

    #[test]
    fn a_slow_server_holds_up_nobody_else() {
        let mut lanes = Lanes::new(Limits::default());
        for n in 0..ONE + 5 {
            lanes.put(server("slow"), n);
        }
        let mut taken = Vec::new();
        while let Some((lane, _)) = lanes.take(|_| usize::MAX) {
            taken.push(lane);
        }
        assert_eq!(taken.len(), ONE);
        lanes.put(server("quick"), 0);
        assert_eq!(lanes.take(|_| usize::MAX), Some((server("quick"), 0)));
        assert_eq!(lanes.take(|_| usize::MAX), None);
        lanes.ended(&server("slow"));
        assert_eq!(lanes.take(|_| usize::MAX), Some((server("slow"), ONE)));
    }

    #[test]
    fn a_server_that_returns_has_less_room() {
        let mut lanes = Lanes::new(Limits::default());
        for n in 0..5 {
            lanes.put(server("back"), n);
        }
        let mut taken = 0;
        while lanes.take(|_| 2).is_some() {
            taken += 1;
        }
        assert_eq!(taken, 2);
        lanes.ended(&server("back"));
        assert!(lanes.take(|_| 3).is_some() && lanes.take(|_| 3).is_some() && lanes.take(|_| 3).is_none());
    }

    #[test]
    fn lanes_take_turns_and_the_whole_is_bounded() {
        let mut lanes = Lanes::new(Limits::default());
        for n in 0..100 {
            for name in ["a", "b", "c", "d", "e"] {
                lanes.put(server(name), n);
            }
        }
        let first: Vec<_> = (0..5).map(|_| lanes.take(|_| usize::MAX).unwrap().0).collect();
        assert_eq!(first, ["a", "b", "c", "d", "e"].map(server));
        let mut more = 0;
        while lanes.take(|_| usize::MAX).is_some() {
            more += 1;
        }
        assert_eq!(5 + more, ALL);
    }

    #[test]
    fn nothing_is_remembered_of_a_lane_that_is_done() {
        let mut lanes = Lanes::new(Limits::default());
        lanes.put(Lane::Images, 1);
        let (lane, _) = lanes.take(|_| usize::MAX).unwrap();
        lanes.ended(&lane);
        assert!(lanes.busy.is_empty() && lanes.waiting.is_empty() && lanes.in_flight == 0);
    }
}
