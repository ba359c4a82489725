//! The last events of all nodes in one order, for readers that follow the whole fleet.
//!
//! It begins with the first reader. Until then an event costs the look at one flag.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use uuid::Uuid;

use crate::journal::Event;
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// The largest number of events that are kept for readers, about 150 bytes each.
const MAX: usize = 16_384;
/// The largest number of events that a reader gets at once.
const MAX_BATCH: usize = 512;

/// An event of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its number, from 1.
    pub number: u64,
    pub at: SimTime,
    pub node: NodeId,
    pub name: Box<str>,
    pub uuid: Uuid,
    pub event: Event,
    pub detail: Box<str>,
}

/// The events, and the readers that wait for more.
#[derive(Debug)]
pub struct Stream {
    on: AtomicBool,
    events: Mutex<VecDeque<Happened>>,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
}

impl Default for Stream {
    fn default() -> Self {
        Self { on: AtomicBool::new(false), events: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Stream {
    /// Whether there is or was a reader.
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, node: &Node, at: SimTime, event: Event, detail: &str) {
        if !self.is_on() {
            return;
        }
        let spec = node.spec();
        let (name, uuid) = (spec.name().into(), spec.uuid());
        let mut events = self.events.lock();
        if events.len() >= MAX {
            events.pop_front();
        }
        let number = *self.newest.borrow() + 1;
        events.push_back(Happened { number, at, node: node.id(), name, uuid, event, detail: detail.into() });
        self.newest.send_replace(number);
    }

    /// Follows the events after number `after`, or from now on.
    pub fn follow(self: &Arc<Self>, after: Option<u64>) -> Reader {
        let _events = self.events.lock();
        self.on.store(true, Ordering::Relaxed);
        let newest = self.newest.subscribe();
        let seen = after.unwrap_or(*newest.borrow());
        Reader { stream: Arc::clone(self), newest, seen }
    }
}

/// Follows the events of the fleet.
#[derive(Debug)]
pub struct Reader {
    stream: Arc<Stream>,
    newest: watch::Receiver<u64>,
    /// The number of the last event that the reader has got.
    seen: u64,
}

impl Reader {
    /// Waits for events, and returns the number of those that were dropped before the reader has seen them. The future can be
    /// dropped at any moment without a loss.
    pub async fn next(&mut self) -> (u64, Vec<Happened>) {
        loop {
            let newest = *self.newest.borrow_and_update();
            // A number from the future belongs to another daemon: the reader goes on with what comes next.
            self.seen = self.seen.min(newest);
            if self.seen < newest {
                let events = self.stream.events.lock();
                let oldest = events.front().map_or(newest, |first| first.number);
                let missed = oldest.saturating_sub(self.seen + 1);
                self.seen += missed;
                let skipped = usize::try_from(self.seen + 1 - oldest).unwrap_or(usize::MAX);
                let batch: Vec<_> = events.iter().skip(skipped).take(MAX_BATCH).cloned().collect();
                self.seen = batch.last().map_or(self.seen, |last| last.number);
                return (missed, batch);
            }
            if self.newest.changed().await.is_err() {
                // The reader holds the stream, so its sender lives.
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::built_in;
    use crate::seed::Seed;

    fn node() -> Node {
        Node::new(NodeId(3), Seed(1), built_in("generic").unwrap())
    }

    #[tokio::test]
    async fn a_reader_gets_every_event_in_order_and_is_told_what_it_missed() {
        let (stream, node) = (Arc::new(Stream::default()), node());
        let publish = || stream.publish(&node, SimTime::from_ms(5), Event::PowerOn, "");
        publish();
        let mut reader = stream.follow(None);
        publish();
        publish();
        let (missed, events) = reader.next().await;
        assert_eq!((missed, events.iter().map(|event| event.number).collect::<Vec<_>>()), (0, vec![1, 2]));
        assert_eq!((&*events[0].name, events[0].event), ("generic-3", Event::PowerOn));
        for _ in 0..MAX + 10 {
            publish();
        }
        let (missed, events) = reader.next().await;
        assert_eq!((missed, events[0].number, events.len()), (10, 13, MAX_BATCH));
        let (missed, next) = reader.next().await;
        assert_eq!((missed, next[0].number), (0, 13 + MAX_BATCH as u64));
        let (missed, again) = stream.follow(Some(12)).next().await;
        assert_eq!((missed, &again), (0, &events), "a reader comes back");
    }

    #[tokio::test]
    async fn a_reader_from_the_future_goes_on_with_what_comes_next() {
        let (stream, node) = (Arc::new(Stream::default()), node());
        let mut reader = stream.follow(Some(1_000));
        let waiting = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        stream.publish(&node, SimTime::from_ms(5), Event::PowerOff, "");
        let (missed, events) = waiting.await.unwrap();
        assert_eq!((missed, events[0].number), (0, 1));
    }
}
