//! Servers that cannot be reached are left alone for a while, so that a fleet is no storm against an Ironic that is down,
//! nor against one that comes back.
//!
//! After a few calls in a row without an answer (or with one that says "overloaded"), calls to that server are held: whoever
//! wants to make one is told at once that nobody answers, which costs no network. Now and then one call is let through to
//! see; the longer it is down, the rarer. Once one is answered, calls go again, at first a few at a time.
//!
//! Calls to Ironic's API pass here, for agents repeat them as long as they live. Reading boot media does not: a machine does
//! that once for each start, and must not be told of a failure that it did not see.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use parking_lot::Mutex;

use crate::meter::{Counter, Page};

/// Calls in a row that must fail before the next ones are held.
const TOLERATED: u32 = 5;
/// The first hold and the longest, ms. Each is twice the one before, give or take a quarter.
const FIRST_HOLD_MS: u64 = 1_000;
const LONGEST_HOLD_MS: u64 = 60_000;
/// A server's own `Retry-After` is believed up to this, ms.
const LONGEST_WISH_MS: u64 = 300_000;
/// Servers whose failures are remembered. Beyond it the others are called as if they were well.
const MAX_SERVERS: usize = 1024;

/// What is known of servers that are not well. The others have no entry.
pub(super) struct Circuits {
    servers: Mutex<HashMap<Box<str>, State>>,
    /// For jitter: two fleets that lost one server must not come back in step.
    dice: RandomState,
    /// Calls at once to a server that is well again.
    full: usize,
    sent: Counter,
    held: Counter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls go. So many in a row failed.
    Failing(u32),
    /// Calls are held until then, real ms; it has been so many holds in a row.
    Held { until_ms: u64, holds: u32, probing: bool },
    /// It answers again. So many calls may go at once.
    Returning(usize),
}

/// A call that may go; say how it went with [`Pass::went`].
pub(super) struct Pass<'a> {
    circuits: &'a Circuits,
    server: &'a str,
    open: bool,
}

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// It was answered.
    Well,
    /// There was no answer, or one that says that the server is overloaded; perhaps with its wish of how long to wait, ms.
    Badly(Option<u64>),
}

impl Circuits {
    /// All servers are well; `full` calls may go to each at once.
    pub(super) fn new(full: usize) -> Self {
        Self {
            servers: Mutex::default(),
            dice: RandomState::new(),
            full,
            sent: Counter::default(),
            held: Counter::default(),
        }
    }

    /// Whether a call to `server` may go now; if not, for how many ms calls are held still.
    pub(super) fn enter<'a>(&'a self, server: &'a str, now_ms: u64) -> Result<Pass<'a>, u64> {
        if let Some(State::Held { until_ms, probing, .. }) = self.servers.lock().get_mut(server) {
            if *probing || now_ms < *until_ms {
                self.held.one();
                return Err(until_ms.saturating_sub(now_ms));
            }
            *probing = true;
        }
        self.sent.one();
        Ok(Pass { circuits: self, server, open: true })
    }

    /// Whether calls to `server` are held; one that would be is counted as held.
    pub(super) fn holds(&self, server: &str, now_ms: u64) -> bool {
        let held = matches!(
            self.servers.lock().get(server),
            Some(State::Held { until_ms, probing, .. }) if *probing || now_ms < *until_ms
        );
        if held {
            self.held.one();
        }
        held
    }

    /// How many calls to `server` may be under way at once.
    pub(super) fn room(&self, server: &str) -> usize {
        match self.servers.lock().get(server) {
            Some(State::Returning(room)) => *room,
            _ => self.full,
        }
    }

    fn went(&self, server: &str, went: Went, now_ms: u64) {
        let mut servers = self.servers.lock();
        let state = servers.get(server).copied();
        let next = match (state, went) {
            (None | Some(State::Failing(_)), Went::Well) => None,
            (Some(State::Held { .. }), Went::Well) => {
                tracing::info!(target: "fauxmetal::effect", server, "a server answers again");
                (self.full > 2).then_some(State::Returning(2))
            }
            (Some(State::Returning(room)), Went::Well) => {
                (room + 1 < self.full).then_some(State::Returning(room + 1))
            }
            (None, Went::Badly(_)) if servers.len() >= MAX_SERVERS => None,
            (None, Went::Badly(_)) => Some(State::Failing(1)),
            (Some(State::Failing(failed)), Went::Badly(_)) if failed + 1 < TOLERATED => {
                Some(State::Failing(failed + 1))
            }
            (Some(State::Failing(_)), Went::Badly(wish_ms)) => {
                tracing::warn!(
                    target: "fauxmetal::effect",
                    server,
                    "a server does not answer; calls to it are held back until it does"
                );
                Some(self.hold(server, 0, wish_ms, now_ms))
            }
            (Some(State::Returning(_)), Went::Badly(wish_ms)) => Some(self.hold(server, 0, wish_ms, now_ms)),
            (Some(State::Held { holds, probing: true, .. }), Went::Badly(wish_ms)) => {
                Some(self.hold(server, holds + 1, wish_ms, now_ms))
            }
            // It set out before the others were held.
            (Some(held @ State::Held { .. }), Went::Badly(_)) => Some(held),
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

    fn hold(&self, server: &str, holds: u32, wish_ms: Option<u64>, now_ms: u64) -> State {
        let ms = FIRST_HOLD_MS.saturating_mul(1 << holds.min(16)).min(LONGEST_HOLD_MS);
        let jitter = self.dice.hash_one((server, holds, now_ms)) % (ms / 2);
        let wish_ms = wish_ms.unwrap_or(0).min(LONGEST_WISH_MS);
        let until_ms = now_ms + (ms * 3 / 4 + jitter).max(wish_ms);
        State::Held { until_ms, holds, probing: false }
    }

    /// Puts what was counted on the page.
    pub(super) fn meter(&self, page: &mut Page) {
        let name = "fauxmetal_ironic_requests_total";
        page.counter(name, "Requests to Ironic's API that went out", &[], self.sent.get());
        let name = "fauxmetal_ironic_requests_held_total";
        page.counter(name, "Requests that did not, for their server did not answer", &[], self.held.get());
        let held = self.servers.lock().values().filter(|s| matches!(s, State::Held { .. })).count();
        page.gauge(
            "fauxmetal_servers_held",
            "Servers that do not answer and are left alone",
            &[],
            held as u64,
        );
    }

    /// Requests that went out.
    #[cfg(test)]
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }
}

impl Pass<'_> {
    /// Says how the call went, at `now_ms`.
    pub(super) fn went(mut self, went: Went, now_ms: u64) {
        self.open = false;
        self.circuits.went(self.server, went, now_ms);
    }
}

impl Drop for Pass<'_> {
    /// A call whose end nobody saw says nothing; the next one may look.
    fn drop(&mut self) {
        if self.open
            && let Some(State::Held { probing, .. }) = self.circuits.servers.lock().get_mut(self.server)
        {
            *probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BADLY: Went = Went::Badly(None);

    fn held_for(circuits: &Circuits, now_ms: u64) -> u64 {
        circuits.enter("a", now_ms).err().expect("calls are held")
    }

    fn call(circuits: &Circuits, now_ms: u64, went: Went) {
        circuits
            .enter("a", now_ms)
            .unwrap_or_else(|ms| panic!("calls are held for {ms} ms"))
            .went(went, now_ms);
    }

    /// A server that was lost at 0.
    fn lost() -> Circuits {
        let circuits = Circuits::new(8);
        for _ in 0..TOLERATED {
            call(&circuits, 0, BADLY);
        }
        circuits
    }

    #[test]
    fn a_few_failures_in_a_row_hold_the_rest_and_an_answer_between_them_does_not() {
        let circuits = Circuits::new(8);
        for _ in 0..3 * TOLERATED {
            call(&circuits, 0, BADLY);
            call(&circuits, 0, Went::Well);
        }
        assert!(circuits.servers.lock().is_empty(), "nothing is remembered of who is well");
        let circuits = lost();
        assert!((750..1250).contains(&held_for(&circuits, 0)));
        assert!(circuits.enter("b", 0).is_ok(), "others are none the worse");
    }

    #[test]
    fn one_call_at_a_time_looks_and_ever_more_rarely() {
        let circuits = lost();
        let (mut now, mut holds) = (0, Vec::new());
        for _ in 0..9 {
            let hold = held_for(&circuits, now);
            holds.push(hold);
            now += hold;
            let probe = circuits.enter("a", now).ok().unwrap();
            assert!(circuits.enter("a", now).is_err(), "one is enough");
            probe.went(BADLY, now);
        }
        for (n, hold) in holds.into_iter().enumerate() {
            let middle = (1000u64 << n).min(60_000);
            assert!((middle * 3 / 4..middle * 5 / 4).contains(&hold), "{n}: {hold}");
        }
    }

    #[test]
    fn what_set_out_before_changes_nothing_and_a_lost_look_is_made_again() {
        let circuits = Circuits::new(8);
        let early: Vec<_> = (0..20).map(|_| circuits.enter("a", 0).ok().unwrap()).collect();
        for pass in early {
            pass.went(BADLY, 5);
        }
        let hold = held_for(&circuits, 5);
        assert!(hold < 1250);
        drop(circuits.enter("a", 5 + hold).ok().unwrap());
        assert!(circuits.enter("a", 5 + hold).is_ok());
    }

    #[test]
    fn a_server_that_returns_is_not_run_over() {
        let circuits = lost();
        let now = held_for(&circuits, 0);
        call(&circuits, now, Went::Well);
        let mut rooms = vec![circuits.room("a")];
        for _ in 0..6 {
            call(&circuits, now, Went::Well);
            rooms.push(circuits.room("a"));
        }
        assert_eq!(rooms, [2, 3, 4, 5, 6, 7, 8]);
        assert!(circuits.servers.lock().is_empty());
        let circuits = lost();
        let now = held_for(&circuits, 0);
        call(&circuits, now, Went::Well);
        call(&circuits, now, BADLY);
        assert!(held_for(&circuits, now) < 1250, "one failure on the way back is enough");
    }

    #[test]
    fn a_servers_own_wish_is_followed_within_reason() {
        for (wish_ms, held_ms) in [(20_000, 20_000), (u64::MAX, LONGEST_WISH_MS)] {
            let circuits = Circuits::new(8);
            for _ in 0..TOLERATED {
                call(&circuits, 0, Went::Badly(Some(wish_ms)));
            }
            assert_eq!(held_for(&circuits, 0), held_ms);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let circuits = Circuits::new(8);
        for n in 0..2 * MAX_SERVERS {
            let server = n.to_string();
            circuits.enter(&server, 0).ok().unwrap().went(BADLY, 0);
        }
        assert_eq!(circuits.servers.lock().len(), MAX_SERVERS);
    }
}
