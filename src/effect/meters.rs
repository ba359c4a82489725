//! Metrics of the outgoing calls.

use std::time::Duration;

use super::performed::{Performed, kind};
use crate::journal::{CallKind, Outcome};
use crate::meter::{Counter, Gauge, Histogram, Page};
use crate::node::effect::EffectKind;
use crate::time::SimTime;

/// Number of kinds of calls, which are the values of label `kind`.
const KINDS: usize = CallKind::ALL.len();
/// Values of label `result`, in the order of [`Outcome`]. `held` means that the circuit was open.
const RESULTS: [&str; 4] = ["ok", "refused", "failed", "held"];

#[derive(Debug, Default)]
pub(super) struct Meters {
    calls: [[Counter; RESULTS.len()]; KINDS],
    pub(super) in_flight: Gauge,
    pub(super) waiting: Gauge,
    heartbeat_lateness: Histogram,
    pub(super) calls_limit: Counter,
    pub(super) server_limit: Counter,
    pub(super) downloads_limit: Counter,
    pub(super) download_time_limit: Counter,
    pub(super) download_part_limit: Counter,
    pub(super) boot_time_limit: Counter,
}

impl Meters {
    pub(super) fn performed(&self, effect: EffectKind, performed: &Performed) {
        self.calls[kind(effect) as usize][performed.outcome() as usize].one();
    }

    /// Events were delivered to a subscriber of the shared root, or not.
    pub(super) fn delivered(&self, good: bool) {
        let result = if good { Outcome::Ok } else { Outcome::Failed };
        self.calls[CallKind::Event as usize][result as usize].one();
    }

    /// All effects performed so far.
    #[cfg(test)]
    pub(super) fn all_performed(&self) -> u64 {
        self.calls.iter().flatten().map(Counter::get).sum()
    }

    /// A heartbeat that was due at `due` is sent `now`.
    pub(super) fn heartbeat(&self, due: SimTime, now: SimTime) {
        self.heartbeat_lateness.note(Duration::from_millis(now.since_ms(due)));
    }

    pub(super) fn meter(&self, page: &mut Page) {
        for (kind, results) in CallKind::ALL.map(CallKind::name).into_iter().zip(&self.calls) {
            for (result, count) in RESULTS.into_iter().zip(results) {
                let labels = [("kind", kind), ("result", result)];
                let help = "Outgoing calls on behalf of nodes, by kind and result";
                page.counter("fauxmetal_calls_total", help, &labels, count.get());
            }
        }
        page.gauge("fauxmetal_calls_in_flight", "Outgoing calls in flight", &[], self.in_flight.get());
        page.gauge("fauxmetal_calls_waiting", "Outgoing calls that wait in a queue", &[], self.waiting.get());
        page.histogram(
            "fauxmetal_heartbeat_lateness_seconds",
            "Time from when a heartbeat was due until it was sent, in simulated seconds",
            &[],
            &self.heartbeat_lateness,
        );
        page.limit("calls", &self.calls_limit);
        page.limit("calls-per-server", &self.server_limit);
        page.limit("downloads", &self.downloads_limit);
        page.limit("download-time", &self.download_time_limit);
        page.limit("download-part-time", &self.download_part_limit);
        page.limit("boot-read-time", &self.boot_time_limit);
    }
}
