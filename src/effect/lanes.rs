//! Who goes next: effects wait in a lane for each server, so that one that is slow or dead holds up nobody else.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Calls in flight, all in all. Each holds a connection and its buffers.
pub(super) const MAX_CALLS: usize = 256;
/// Calls in flight to one server: enough to keep an Ironic API busy, and few enough not to flood it.
pub(super) const MAX_CALLS_TO_ONE: usize = 64;
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

impl Lane {
    fn limit(&self) -> usize {
        match self {
            Self::Server(_) => MAX_CALLS_TO_ONE,
            Self::Images => MAX_IMAGES,
        }
    }
}

/// All lanes with what waits in them; `T` is an effect. As long as the fleet's nodes are patient, it is bounded by them.
pub(super) struct Lanes<T> {
    busy: HashMap<Lane, usize>,
    waiting: BTreeMap<Lane, VecDeque<T>>,
    in_flight: usize,
    /// The lane that was served last; the others come first.
    last: Option<Lane>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { busy: HashMap::new(), waiting: BTreeMap::new(), in_flight: 0, last: None }
    }
}

impl<T> Lanes<T> {
    /// Puts one at the end of its lane.
    pub(super) fn put(&mut self, lane: Lane, item: T) {
        self.waiting.entry(lane).or_default().push_back(item);
    }

    /// Takes the next one that may go, lane by lane in turn.
    pub(super) fn take(&mut self) -> Option<(Lane, T)> {
        if self.in_flight >= MAX_CALLS {
            return None;
        }
        let free = |lane: &&Lane| self.busy.get(*lane).copied().unwrap_or(0) < lane.limit();
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

    fn server(name: &str) -> Lane {
        Lane::Server(name.into())
    }

    #[test]
    fn a_slow_server_holds_up_nobody_else() {
        let mut lanes = Lanes::default();
        for n in 0..MAX_CALLS_TO_ONE + 5 {
            lanes.put(server("slow"), n);
        }
        let mut taken = Vec::new();
        while let Some((lane, _)) = lanes.take() {
            taken.push(lane);
        }
        assert_eq!(taken.len(), MAX_CALLS_TO_ONE);
        lanes.put(server("quick"), 0);
        assert_eq!(lanes.take(), Some((server("quick"), 0)));
        assert_eq!(lanes.take(), None);
        lanes.ended(&server("slow"));
        assert_eq!(lanes.take(), Some((server("slow"), MAX_CALLS_TO_ONE)));
    }

    #[test]
    fn lanes_take_turns_and_the_whole_is_bounded() {
        let mut lanes = Lanes::default();
        for n in 0..100 {
            for name in ["a", "b", "c", "d", "e"] {
                lanes.put(server(name), n);
            }
        }
        let first: Vec<_> = (0..5).map(|_| lanes.take().unwrap().0).collect();
        assert_eq!(first, ["a", "b", "c", "d", "e"].map(server));
        let mut more = 0;
        while lanes.take().is_some() {
            more += 1;
        }
        assert_eq!(5 + more, MAX_CALLS);
    }

    #[test]
    fn nothing_is_remembered_of_a_lane_that_is_done() {
        let mut lanes = Lanes::default();
        lanes.put(Lane::Images, 1);
        let (lane, _) = lanes.take().unwrap();
        lanes.ended(&lane);
        assert!(lanes.busy.is_empty() && lanes.waiting.is_empty() && lanes.in_flight == 0);
    }
}
