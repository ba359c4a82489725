//! Circuit breakers, one per server. They keep a fleet from flooding an Ironic that is down, and one that recovers.
//!
//! After a few calls in a row that got no response (or one that says "overloaded"), the circuit of that server opens:
//! calls fail at once, without using the network. From time to time one probe is sent; the longer the server is down,
//! the less often. After the first response the circuit closes, and the concurrency limit grows back one by one.
//!
//! Only calls to Ironic's API pass a circuit breaker, because agents repeat them for as long as they live. Reads of
//! boot media do not: a machine reads them once per start, so a failure that it reports must be one that happened.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use parking_lot::Mutex;

use crate::meter::{Counter, Page};

/// Failures in a row that open a circuit.
const FAILURES_TO_OPEN: u32 = 5;
/// Time until the first probe, and the longest time between two probes. Each is twice the one before, plus or minus
/// 25 %.
const FIRST_OPEN_MS: u64 = 1_000;
const LONGEST_OPEN_MS: u64 = 60_000;
/// The longest `Retry-After` of a server that is respected.
const MAX_RETRY_AFTER_MS: u64 = 300_000;
/// Servers with a recorded failure. Failures of further servers are not recorded.
const MAX_SERVERS: usize = 1024;
/// The concurrency limit of a server after its first response.
const FIRST_LIMIT: usize = 2;

/// The circuits of all servers.
pub(super) struct Circuits {
    /// Servers with a recent failure. A server without an entry works.
    servers: Mutex<HashMap<Box<str>, State>>,
    /// Random, so that two fleets that lost the same server do not send their probes at the same moments.
    jitter: RandomState,
    /// Concurrency limit of a server that works.
    full_limit: usize,
    sent: Counter,
    rejected: Counter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The circuit is closed.
    Failing { failures: u32 },
    Open {
        /// When the next probe may be sent, in real ms.
        until_ms: u64,
        /// Probes in a row that failed.
        failed_probes: u32,
        /// A probe is in flight.
        probing: bool,
    },
    /// The circuit is closed again, with a lower concurrency limit.
    Recovering { limit: usize },
}

/// The permission to make one call. Its result is recorded with [`Permit::record`].
pub(super) struct Permit<'a> {
    circuits: &'a Circuits,
    server: &'a str,
    recorded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallResult {
    Answered,
    /// No response, or one that says that the server is overloaded; with its `Retry-After` if it has one.
    Failed {
        retry_after_ms: Option<u64>,
    },
}

impl Circuits {
    pub(super) fn new(full_limit: usize) -> Self {
        Self {
            servers: Mutex::default(),
            jitter: RandomState::new(),
            full_limit,
            sent: Counter::default(),
            rejected: Counter::default(),
        }
    }

    /// Asks to call `server` now.
    ///
    /// # Errors
    /// If the circuit is open: the time until the next probe, in ms.
    pub(super) fn permit<'a>(&'a self, server: &'a str, now_ms: u64) -> Result<Permit<'a>, u64> {
        if let Some(State::Open { until_ms, probing, .. }) = self.servers.lock().get_mut(server) {
            if *probing || now_ms < *until_ms {
                self.rejected.one();
                return Err(until_ms.saturating_sub(now_ms));
            }
            *probing = true;
        }
        self.sent.one();
        Ok(Permit { circuits: self, server, recorded: false })
    }

    /// Whether a call to `server` would be rejected now. If so, it is counted as rejected.
    pub(super) fn rejects(&self, server: &str, now_ms: u64) -> bool {
        let rejects = matches!(
            self.servers.lock().get(server),
            Some(State::Open { until_ms, probing, .. }) if *probing || now_ms < *until_ms
        );
        if rejects {
            self.rejected.one();
        }
        rejects
    }

    /// The concurrency limit of `server`.
    pub(super) fn limit(&self, server: &str) -> usize {
        match self.servers.lock().get(server) {
            Some(State::Recovering { limit }) => *limit,
            Some(State::Failing { .. } | State::Open { .. }) | None => self.full_limit,
        }
    }

    fn record(&self, server: &str, result: CallResult, now_ms: u64) {
        let mut servers = self.servers.lock();
        let next = match (servers.get(server).copied(), result) {
            (None | Some(State::Failing { .. }), CallResult::Answered) => None,
            (Some(State::Open { .. }), CallResult::Answered) => {
                tracing::info!(target: "fauxmetal::effect", server, "server answers again; circuit closed");
                (self.full_limit > FIRST_LIMIT).then_some(State::Recovering { limit: FIRST_LIMIT })
            }
            (Some(State::Recovering { limit }), CallResult::Answered) => {
                (limit + 1 < self.full_limit).then_some(State::Recovering { limit: limit + 1 })
            }
            (None, CallResult::Failed { .. }) if servers.len() >= MAX_SERVERS => None,
            (None, CallResult::Failed { .. }) => Some(State::Failing { failures: 1 }),
            (Some(State::Failing { failures }), CallResult::Failed { .. })
                if failures + 1 < FAILURES_TO_OPEN =>
            {
                Some(State::Failing { failures: failures + 1 })
            }
            (Some(State::Failing { .. }), CallResult::Failed { retry_after_ms }) => {
                tracing::warn!(
                    target: "fauxmetal::effect",
                    server,
                    "server does not answer; circuit open: only probes are sent until it does"
                );
                Some(self.open(server, 0, retry_after_ms, now_ms))
            }
            (Some(State::Recovering { .. }), CallResult::Failed { retry_after_ms }) => {
                Some(self.open(server, 0, retry_after_ms, now_ms))
            }
            (
                Some(State::Open { failed_probes, probing: true, .. }),
                CallResult::Failed { retry_after_ms },
            ) => Some(self.open(server, failed_probes + 1, retry_after_ms, now_ms)),
            // The call was sent before the circuit opened.
            (Some(open @ State::Open { probing: false, .. }), CallResult::Failed { .. }) => Some(open),
        };
        match next {
            Some(next) => {
                servers.insert(server.into(), next);
            }
            None => {
                servers.remove(server);
            }
        }
    }

    fn open(&self, server: &str, failed_probes: u32, retry_after_ms: Option<u64>, now_ms: u64) -> State {
        let ms = FIRST_OPEN_MS.saturating_mul(1 << failed_probes.min(16)).min(LONGEST_OPEN_MS);
        let jitter = self.jitter.hash_one((server, failed_probes, now_ms)) % (ms / 2);
        let retry_after_ms = retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS);
        let until_ms = now_ms + (ms * 3 / 4 + jitter).max(retry_after_ms);
        State::Open { until_ms, failed_probes, probing: false }
    }

    /// The names of the metrics call an open circuit `held`.
    pub(super) fn meter(&self, page: &mut Page) {
        let name = "fauxmetal_ironic_requests_total";
        page.counter(name, "Requests sent to Ironic's API", &[], self.sent.get());
        let name = "fauxmetal_ironic_requests_held_total";
        let help = "Requests to Ironic's API not sent because the circuit was open";
        page.counter(name, help, &[], self.rejected.get());
        let open = self.servers.lock().values().filter(|s| matches!(s, State::Open { .. })).count();
        page.gauge("fauxmetal_servers_held", "Servers whose circuit is open", &[], open as u64);
    }

    #[cfg(test)]
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }
}

impl Permit<'_> {
    pub(super) fn record(mut self, result: CallResult, now_ms: u64) {
        self.recorded = true;
        self.circuits.record(self.server, result, now_ms);
    }
}

impl Drop for Permit<'_> {
    /// A probe without a recorded result says nothing about the server, so another probe may follow.
    fn drop(&mut self) {
        if !self.recorded
            && let Some(State::Open { probing, .. }) = self.circuits.servers.lock().get_mut(self.server)
        {
            *probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: CallResult = CallResult::Failed { retry_after_ms: None };

    /// The time until the next probe of server "a".
    fn open_ms(circuits: &Circuits, now_ms: u64) -> u64 {
        circuits.permit("a", now_ms).err().expect("the circuit is open")
    }

    fn call(circuits: &Circuits, now_ms: u64, result: CallResult) {
        circuits
            .permit("a", now_ms)
            .unwrap_or_else(|ms| panic!("the circuit is open for another {ms} ms"))
            .record(result, now_ms);
    }

    /// Circuits of which that of "a" opened at 0.
    fn opened() -> Circuits {
        let circuits = Circuits::new(8);
        for _ in 0..FAILURES_TO_OPEN {
            call(&circuits, 0, FAILED);
        }
        circuits
    }

    #[test]
    fn failures_in_a_row_open_the_circuit_of_their_server_only() {
        let circuits = Circuits::new(8);
        for _ in 0..3 * FAILURES_TO_OPEN {
            call(&circuits, 0, FAILED);
            call(&circuits, 0, CallResult::Answered);
        }
        assert!(circuits.servers.lock().is_empty(), "a server that works has no entry");
        let circuits = opened();
        assert!((750..1250).contains(&open_ms(&circuits, 0)));
        assert!(circuits.permit("b", 0).is_ok(), "other servers are not affected");
    }

    #[test]
    fn one_probe_is_sent_at_a_time_and_less_and_less_often() {
        let circuits = opened();
        let (mut now, mut waits) = (0, Vec::new());
        for _ in 0..9 {
            let wait = open_ms(&circuits, now);
            waits.push(wait);
            now += wait;
            let probe = circuits.permit("a", now).ok().unwrap();
            assert!(circuits.permit("a", now).is_err(), "one probe at a time");
            probe.record(FAILED, now);
        }
        for (n, wait) in waits.into_iter().enumerate() {
            let middle = (1000u64 << n).min(60_000);
            assert!((middle * 3 / 4..middle * 5 / 4).contains(&wait), "{n}: {wait}");
        }
    }

    #[test]
    fn calls_sent_before_the_circuit_opened_change_nothing_and_a_lost_probe_is_repeated() {
        let circuits = Circuits::new(8);
        let early: Vec<_> = (0..20).map(|_| circuits.permit("a", 0).ok().unwrap()).collect();
        for permit in early {
            permit.record(FAILED, 5);
        }
        let wait = open_ms(&circuits, 5);
        assert!(wait < 1250);
        drop(circuits.permit("a", 5 + wait).ok().unwrap());
        assert!(circuits.permit("a", 5 + wait).is_ok());
    }

    #[test]
    fn the_limit_of_a_server_that_recovers_grows_one_by_one() {
        let circuits = opened();
        let now = open_ms(&circuits, 0);
        call(&circuits, now, CallResult::Answered);
        let mut limits = vec![circuits.limit("a")];
        for _ in 0..6 {
            call(&circuits, now, CallResult::Answered);
            limits.push(circuits.limit("a"));
        }
        assert_eq!(limits, [2, 3, 4, 5, 6, 7, 8]);
        assert!(circuits.servers.lock().is_empty());
        let circuits = opened();
        let now = open_ms(&circuits, 0);
        call(&circuits, now, CallResult::Answered);
        call(&circuits, now, FAILED);
        assert!(open_ms(&circuits, now) < 1250, "one failure during recovery opens the circuit again");
    }

    #[test]
    fn retry_after_is_respected_up_to_a_limit() {
        for (retry_after_ms, open_for_ms) in [(20_000, 20_000), (u64::MAX, MAX_RETRY_AFTER_MS)] {
            let circuits = Circuits::new(8);
            for _ in 0..FAILURES_TO_OPEN {
                call(&circuits, 0, CallResult::Failed { retry_after_ms: Some(retry_after_ms) });
            }
            assert_eq!(open_ms(&circuits, 0), open_for_ms);
        }
    }

    #[test]
    fn the_number_of_recorded_servers_is_bounded() {
        let circuits = Circuits::new(8);
        for n in 0..2 * MAX_SERVERS {
            let server = n.to_string();
            circuits.permit(&server, 0).ok().unwrap().record(FAILED, 0);
        }
        assert_eq!(circuits.servers.lock().len(), MAX_SERVERS);
    }
}
