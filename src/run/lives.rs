//! What the machines of items in flight live through.

use std::collections::BTreeMap;

use dashmap::DashMap;
use tokio::time::Instant;

use super::epoch::Epoch;
use super::machine::Happened;
use crate::plan::Operation;
use crate::report::MachineEvent;

/// The most events that an operation keeps; further ones are measured and not kept.
const MAX_EVENTS: usize = 256;

/// The events of machines whose items are in flight.
#[derive(Debug, Default)]
pub(super) struct Lives(DashMap<u32, Life>);

#[derive(Debug, Default)]
struct Life {
    events: Vec<(Instant, String, String)>,
    seconds: BTreeMap<String, f64>,
    /// The moment at which the part of a boot has begun that ends next.
    begun: Option<(Operation, Instant)>,
}

impl Life {
    /// Ends the part of a boot that goes on, and begins the next one.
    fn next(&mut self, ends: Operation, at: Instant, begins: Option<Operation>) {
        if let Some((operation, since)) = self.begun
            && operation == ends
        {
            let seconds = at.saturating_duration_since(since).as_secs_f64();
            *self.seconds.entry(ends.name().to_owned()).or_default() += seconds;
        }
        self.begun = begins.map(|operation| (operation, at));
    }

    fn note(&mut self, happened: Happened) {
        let Happened { at, event, detail, .. } = happened;
        match event.as_str() {
            "power-on" | "restart" => self.begun = Some((Operation::Power, at)),
            "reading" => self.next(Operation::Power, at, Some(Operation::Boot)),
            "booted" => self.next(Operation::Boot, at, Some(Operation::Lookup)),
            "found" => self.next(Operation::Lookup, at, Some(Operation::Heartbeat)),
            "first-heartbeat" => self.next(Operation::Heartbeat, at, None),
            "power-off" => self.begun = None,
            _ => {}
        }
        if self.events.len() < MAX_EVENTS {
            self.events.push((at, event, detail));
        }
    }
}

impl Lives {
    pub(super) fn begin(&self, item: u32) {
        self.0.insert(item, Life::default());
    }

    /// An item has ended.
    pub(super) fn end(&self, item: u32) {
        self.0.remove(&item);
    }

    /// Notes events. Those of machines whose items are not in flight are dropped.
    pub(super) fn note(&self, happened: Vec<Happened>) {
        for one in happened {
            if let Some(mut life) = self.0.get_mut(&one.machine) {
                life.note(one);
            }
        }
    }

    /// Takes what has happened since the last call: the events, and the seconds of the parts of a boot that have ended.
    pub(super) fn take(&self, item: u32, epoch: &Epoch) -> (Vec<MachineEvent>, BTreeMap<String, f64>) {
        let Some(mut life) = self.0.get_mut(&item) else { return Default::default() };
        let event = |(at, event, detail)| MachineEvent { event, at: epoch.seconds(at), detail };
        let events = std::mem::take(&mut life.events).into_iter().map(event).collect();
        (events, std::mem::take(&mut life.seconds))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_parts_of_a_boot_are_measured() {
        let (epoch, lives) = (Epoch::begin(), Lives::default());
        let start = super::super::epoch::now();
        let happen = |seconds: u64, event: &str| Happened {
            machine: 7,
            at: start + Duration::from_secs(seconds),
            event: event.to_owned(),
            detail: String::new(),
        };
        lives.note(vec![happen(0, "power-on")]);
        lives.begin(7);
        lives.note(vec![
            happen(1, "power-on"),
            happen(2, "self-test"),
            happen(5, "reading"),
            happen(9, "booted"),
        ]);
        let (events, seconds) = lives.take(7, &epoch);
        assert_eq!(events.len(), 4, "an item that is not in flight has no events");
        assert_eq!(seconds, BTreeMap::from([("boot".to_owned(), 4.0), ("power".to_owned(), 4.0)]));
        lives.note(vec![happen(10, "found"), happen(13, "first-heartbeat"), happen(20, "first-heartbeat")]);
        let (_, seconds) = lives.take(7, &epoch);
        assert_eq!(seconds, BTreeMap::from([("heartbeat".to_owned(), 3.0), ("lookup".to_owned(), 1.0)]));
        lives.note(vec![happen(30, "restart"), happen(31, "power-off"), happen(32, "reading")]);
        assert_eq!(lives.take(7, &epoch).1, BTreeMap::new(), "a boot that is cut short is not measured");
        lives.end(7);
        lives.note(vec![happen(40, "power-on")]);
        assert_eq!(lives.take(7, &epoch), Default::default());
    }
}
