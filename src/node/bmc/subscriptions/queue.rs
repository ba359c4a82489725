//! The events that wait for subscribers, with their sizes.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::node::bmc::telemetry::Value;
use crate::node::event::What;
use crate::time::SimTime;

/// An event for subscribers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    pub number: u64,
    pub at: SimTime,
    pub what: What,
    /// The node that it happened to. `None` at the root of a BMC, and for an event of the service itself.
    #[serde(default)]
    pub node: Option<u32>,
}

/// The most that an event service keeps.
#[derive(Debug, PartialEq, Eq)]
pub struct Size {
    /// Events in the queue.
    pub events: usize,
    /// Bytes of memory of the events in the queue. The newest event is kept whatever its size.
    pub bytes: usize,
    /// Delivered events that stay in the queue for clients of the stream that connect again.
    pub replay: usize,
}

impl Size {
    /// At the root of one BMC.
    pub const OF_BMC: Self = Self { events: 512, bytes: 256 << 10, replay: 64 };
    /// At the root that all nodes share. An event without values takes about 100 bytes.
    pub const OF_FLEET: Self = Self { events: 262_144, bytes: 64 << 20, replay: 4096 };
}

impl Queued {
    /// The memory that it takes, bytes, without the words of the allocator.
    fn bytes(&self) -> usize {
        // What the other events have on the heap is a short text, or a few numbers.
        let more = if let What::Report(made) = &self.what {
            made.definition.len() + made.values.len() * size_of::<Value>()
        } else if let What::Test(test) = &self.what {
            let texts = [&test.message_id, &test.message, &test.severity, &test.event_id];
            let texts = texts.into_iter().chain([&test.event_type, &test.origin, &test.timestamp]);
            let texts = texts.flatten().chain(&test.args).map(|text| text.len());
            size_of_val(&**test) + texts.sum::<usize>()
        } else {
            0
        };
        size_of::<Self>() + more
    }
}

/// Events in the order of their numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Queue {
    events: VecDeque<Queued>,
    /// The sum of their sizes.
    bytes: usize,
    /// The most that it keeps. A stored queue is that of a BMC.
    size: &'static Size,
}

impl Queue {
    pub(super) const fn of_size(size: &'static Size) -> Self {
        Self { events: VecDeque::new(), bytes: 0, size }
    }

    /// A queue with these events, which are in order.
    pub(super) fn with(size: &'static Size, events: Vec<Queued>) -> Self {
        Self { bytes: events.iter().map(Queued::bytes).sum(), events: events.into(), size }
    }

    pub(super) fn size(&self) -> &'static Size {
        self.size
    }

    pub(super) fn push(&mut self, queued: Queued) {
        self.bytes += queued.bytes();
        self.events.push_back(queued);
    }

    /// Drops the oldest event.
    pub(super) fn pop(&mut self) {
        if let Some(queued) = self.events.pop_front() {
            self.bytes -= queued.bytes();
        }
        if self.events.is_empty() {
            // The memory of a queue that was long is not needed any more.
            self.events = VecDeque::new();
        }
    }

    /// Whether it holds more than its size allows.
    pub(super) fn is_over(&self) -> bool {
        let Size { events, bytes, replay: _ } = *self.size;
        self.events.len() > events || (self.bytes > bytes && self.events.len() > 1)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.events.front().map(|queued| queued.number)
    }

    pub(super) fn newest(&self) -> Option<u64> {
        self.events.back().map(|queued| queued.number)
    }

    /// The events from the one with this number on.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = &Queued> {
        let place = self.events.partition_point(|queued| queued.number < number);
        self.events.range(place..)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.events.iter()
    }

    pub(super) fn shift(&mut self, ms: u64) {
        for Queued { number: _, at, what, node: _ } in &mut self.events {
            at.shift(ms);
            what.shift(ms);
        }
    }
}

impl Serialize for Queue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.events.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Queue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Vec::deserialize(from).map(|events| Self::with(&Size::OF_BMC, events))
    }
}
