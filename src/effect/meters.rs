//! What of the calls outside is counted.

use std::time::Duration;

use super::{Done, Outside};
use crate::meter::{Counter, Histogram, Level, Page};
use crate::node::effect::{Answer, EffectKind};
use crate::node::ipa::{self, Beat, Inspected, LookedUp};
use crate::time::SimTime;

const KINDS: [&str; 6] = ["boot", "media", "inspection", "lookup", "heartbeat", "image"];
const RESULTS: [&str; 4] = ["ok", "refused", "failed", "held"];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Meters {
    calls: [[Counter; RESULTS.len()]; KINDS.len()],
    pub(super) in_flight: Level,
    pub(super) waiting: Level,
    lateness: Histogram,
    pub(super) calls_limit: Counter,
    pub(super) server_limit: Counter,
    pub(super) downloads_limit: Counter,
}

fn kind(kind: EffectKind) -> usize {
    match kind {
        EffectKind::ReadBoot { .. } => 0,
        EffectKind::OpenMedia { .. } => 1,
        EffectKind::Ipa { effect, .. } => match effect {
            ipa::Effect::Inspect => 2,
            ipa::Effect::LookUp => 3,
            ipa::Effect::Heartbeat => 4,
            ipa::Effect::WriteImage => 5,
        },
    }
}

fn result(done: &Done) -> usize {
    let good = match &done.answer {
        _ if done.held => return 3,
        Answer::BootRead { result, .. } => result.is_ok(),
        Answer::MediaOpened { result, .. } => result.is_ok(),
        Answer::Ipa { answer, .. } => match answer {
            ipa::Answer::Inspected(Inspected::Retry | Inspected::Refused)
            | ipa::Answer::LookedUp(LookedUp::NotFound | LookedUp::Locked)
            | ipa::Answer::Beat(Beat::Refused) => return 1,
            ipa::Answer::Inspected(Inspected::Accepted(..))
            | ipa::Answer::LookedUp(LookedUp::Found { .. })
            | ipa::Answer::Beat(Beat::Accepted) => true,
            ipa::Answer::LookedUp(LookedUp::Unreachable) | ipa::Answer::Beat(Beat::Unreachable) => false,
            ipa::Answer::ImageWritten(result) => result.is_ok(),
        },
    };
    if good { 0 } else { 2 }
}

impl Meters {
    /// An effect has been performed.
    pub(super) fn done(&self, of: EffectKind, done: &Done) {
        self.calls[kind(of)][result(done)].one();
    }

    /// Effects that have been performed.
    #[cfg(test)]
    pub(super) fn all_done(&self) -> u64 {
        self.calls.iter().flatten().map(Counter::get).sum()
    }

    /// A heartbeat goes out.
    pub(super) fn beat(&self, due: SimTime, now: SimTime) {
        self.lateness.note(Duration::from_millis(now.since_ms(due)));
    }
}

impl Outside {
    /// Puts what was counted on the page.
    pub fn meter(&self, page: &mut Page) {
        let Meters { calls, in_flight, waiting, lateness, calls_limit, server_limit, downloads_limit } =
            &self.meters;
        for (kind, results) in KINDS.into_iter().zip(calls) {
            for (result, count) in RESULTS.into_iter().zip(results) {
                let labels = [("kind", kind), ("result", result)];
                page.counter("fauxmetal_calls_total", "Things done outside for nodes", &labels, count.get());
            }
        }
        page.gauge("fauxmetal_calls_in_flight", "Things being done outside", &[], in_flight.get());
        page.gauge("fauxmetal_calls_waiting", "Things that wait to be done outside", &[], waiting.get());
        page.histogram(
            "fauxmetal_heartbeat_lateness_seconds",
            "From when a heartbeat was due until it went out, simulated seconds",
            &[],
            lateness,
        );
        page.limit("calls", calls_limit);
        page.limit("calls-per-server", server_limit);
        page.limit("downloads", downloads_limit);
        let refused = self.clients.egress.refused.get();
        page.counter(
            "fauxmetal_egress_refused_total",
            "Calls to addresses that may not be called",
            &[],
            refused,
        );
        self.circuits.meter(page);
    }
}
