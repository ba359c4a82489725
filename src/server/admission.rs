//! Admission control: the limits on connections, waiting requests and body memory, and the metrics of the server.
//!
//! A connection takes a slot. If none is free for it, it can still take one of a few refusal slots, in which its requests are
//! answered 503. Without either, the server closes it at once. `pool.rs` says how slots are divided.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::date::Dates;
use super::memory::BodyMemory;
use super::pool::{Full, Pool};
use crate::face::{Peer, Refused};
use crate::limit::{CountedBy, Limit, Limits};
use crate::meter::{Counter, Gauge, GaugeGuard, Page};

/// The admission control that all listeners of one server share.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) limits: Limits,
    pub(super) bodies: BodyMemory,
    pub(super) dates: Dates,
    connections: Pool,
    refusals: Pool,
    /// The connections that have a refusal slot, the oldest first.
    refused: Mutex<VecDeque<Arc<Refusal>>>,
    /// The connections whose refusal slot was taken and whose socket is still open.
    ending: AtomicUsize,
    by_bmc: Tally<SocketAddr>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Metrics {
    accepted: Counter,
    refused: Counter,
    refused_unanswered: Counter,
    reset: Counter,
    failed_handshakes: Counter,
    open: Gauge,
    waiting_requests: Gauge,
    hits: [Counter; Limit::ALL.len()],
}

/// The right of one connection to exist. Dropping it frees the slot.
#[derive(Debug)]
pub(super) struct Slot {
    admission: Arc<Admission>,
    listener: usize,
    client: IpAddr,
    /// The key in `by_bmc`, if connections per local address are limited.
    bmc: Option<SocketAddr>,
    /// `None` for a connection that is served.
    refusal: Option<Arc<Refusal>>,
    /// If set, every request of the connection is refused with this reason.
    pub(super) refuse: Option<Refused>,
}

/// The most connections whose refusal slot was taken and whose socket is still open. Each has an open file that no limit
/// counts; [`Limits::fit`] leaves room for these few.
const MAX_ENDING: usize = 8;

/// A refusal slot. It can be taken from a connection for a newer one: a polite client has its 503 within milliseconds, and
/// silent clients could occupy all slots.
#[derive(Debug)]
pub(super) struct Refusal {
    listener: usize,
    client: IpAddr,
    is_held: AtomicBool,
    taken: Notify,
}

impl Refusal {
    /// Resolves when the slot is taken from the connection.
    pub(super) async fn taken(&self) {
        self.taken.notified().await;
    }
}

/// A count for each key. A count of zero has no entry, so the map is at most as large as the number of connections.
#[derive(Debug)]
struct Tally<K>(Mutex<HashMap<K, usize>>);

impl<K: Eq + Hash> Tally<K> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    /// Adds one unless the count has reached `limit`. Returns whether it added one.
    fn enter(&self, key: K, limit: usize) -> bool {
        let mut counts = self.0.lock();
        let count = counts.entry(key).or_insert(0);
        let room = *count < limit;
        *count += usize::from(room);
        room
    }

    fn leave(&self, key: &K) {
        let mut counts = self.0.lock();
        if let Some(count) = counts.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(key);
            }
        }
    }
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Admission {
        Admission {
            bodies: BodyMemory::new(limits.bodies_bytes),
            dates: Dates::default(),
            connections: Pool::new(limits.connections, limits.connections_per_client),
            refusals: Pool::new(limits.refusals, limits.refusals.div_ceil(2)),
            refused: Mutex::default(),
            ending: AtomicUsize::new(0),
            by_bmc: Tally::new(),
            metrics: Metrics::default(),
            limits,
        }
    }

    /// Divides the slots among one more listener. Returns its index.
    pub(super) fn add_listener(&self) -> usize {
        self.refusals.add_listener();
        self.connections.add_listener()
    }

    /// Gives a connection a slot, which is a refusal slot if a limit is reached. `None` if there is no refusal slot
    /// either.
    pub(super) fn admit(self: &Arc<Self>, listener: usize, peer: &Peer) -> Option<Slot> {
        self.metrics.accepted.one();
        let client = peer.remote.ip();
        let (bmc, refusal) = match self.within_limits(listener, peer) {
            Ok(bmc) => (bmc, None),
            Err(limit) => {
                self.hit(limit);
                self.metrics.refused.one();
                let Some(refusal) = self.refusal(listener, client) else {
                    self.metrics.refused_unanswered.one();
                    return None;
                };
                (None, Some(refusal))
            }
        };
        self.metrics.open.up();
        let refuse = refusal.as_ref().map(|_| Refused::Overloaded);
        Some(Slot { admission: Arc::clone(self), listener, client, bmc, refusal, refuse })
    }

    /// Takes a refusal slot. If none is free, the oldest one of the client or of the listener is used again.
    fn refusal(&self, listener: usize, client: IpAddr) -> Option<Arc<Refusal>> {
        let mut refused = self.refused.lock();
        if self.refusals.take(listener, client).is_err() {
            if self.ending.load(Relaxed) >= MAX_ENDING {
                return None;
            }
            let oldest = refused.iter().position(|old| old.client == client);
            let oldest = oldest.or_else(|| refused.iter().position(|old| old.listener == listener))?;
            let old = refused.remove(oldest)?;
            self.metrics.refused_unanswered.one();
            if self.free(&old) {
                self.ending.fetch_add(1, Relaxed);
            }
            old.taken.notify_one();
            self.refusals.take(listener, client).ok()?;
        }
        let refusal =
            Arc::new(Refusal { listener, client, is_held: AtomicBool::new(true), taken: Notify::new() });
        refused.push_back(Arc::clone(&refusal));
        Some(refusal)
    }

    /// Frees a refusal slot, unless that has been done. Returns whether it was held.
    fn free(&self, refusal: &Refusal) -> bool {
        let held = refusal.is_held.swap(false, Relaxed);
        if held {
            self.refusals.give(refusal.listener, refusal.client);
        }
        held
    }

    /// Takes a slot, or returns the limit that is reached. Returns the key in `by_bmc`. A limit per BMC that is not below the
    /// total is not counted.
    fn within_limits(&self, listener: usize, peer: &Peer) -> Result<Option<SocketAddr>, Limit> {
        let bmc = (self.limits.connections_per_bmc < self.limits.connections).then_some(peer.local);
        if let Some(bmc) = bmc
            && !self.by_bmc.enter(bmc, self.limits.connections_per_bmc)
        {
            return Err(Limit::ConnectionsPerBmc);
        }
        self.connections.take(listener, peer.remote.ip()).map_err(|full| {
            if let Some(bmc) = bmc {
                self.by_bmc.leave(&bmc);
            }
            match full {
                Full::Pool => Limit::Connections,
                Full::Client => Limit::ConnectionsPerClient,
            }
        })?;
        Ok(bmc)
    }

    /// Counts a request that waits for its body or for an agent's command, until the returned guard is dropped.
    pub(super) fn wait(&self) -> Result<GaugeGuard<'_>, Refused> {
        let waiting = self.metrics.waiting_requests.enter();
        if self.metrics.waiting_requests.get() <= self.limits.requests as u64 {
            return Ok(waiting);
        }
        self.hit(Limit::Requests);
        Err(Refused::Overloaded)
    }

    /// Counts that a limit was reached. Logs it when the count is a power of two, so that many clients do not cause as
    /// many log lines.
    pub(super) fn hit(&self, limit: Limit) {
        let hits = &self.metrics.hits[limit as usize];
        hits.one();
        let count = hits.get();
        if count.is_power_of_two() {
            // Clients that keep connections open without using them reach these two limits every day.
            let is_normal = matches!(limit, Limit::IdleTime | Limit::HeaderTime);
            let limit = limit.name();
            if is_normal {
                tracing::debug!(limit, count, "a limit of the server was reached");
            } else {
                tracing::warn!(limit, count, "a limit of the server was reached");
            }
        }
    }

    /// Counts a connection that was reset at once: no node accepts connections at its local address, or a fault resets it.
    pub(super) fn count_reset(&self) {
        self.metrics.reset.one();
    }

    pub(super) fn count_failed_handshake(&self) {
        self.metrics.failed_handshakes.one();
    }

    pub(super) fn meter(&self, page: &mut Page) {
        let Metrics {
            accepted,
            refused,
            refused_unanswered,
            reset,
            failed_handshakes,
            open,
            waiting_requests,
            hits,
        } = &self.metrics;
        page.gauge("fauxmetal_connections", "Open connections", &[], open.get());
        let name = "fauxmetal_connections_accepted_total";
        page.counter(name, "Accepted connections, including refused ones", &[], accepted.get());
        let name = "fauxmetal_connections_refused_total";
        page.counter(name, "Connections refused because of a limit", &[], refused.get());
        let name = "fauxmetal_connections_refused_unheard_total";
        page.counter(name, "Refused connections closed without a response", &[], refused_unanswered.get());
        let name = "fauxmetal_connections_reset_total";
        let help = "Connections reset at once, because no node accepts them or a fault resets them";
        page.counter(name, help, &[], reset.get());
        let name = "fauxmetal_tls_handshakes_failed_total";
        page.counter(name, "Failed TLS handshakes", &[], failed_handshakes.get());
        let name = "fauxmetal_requests_in_flight";
        page.gauge(name, "Requests that wait for a body or for a command", &[], waiting_requests.get());
        for limit in Limit::ALL.iter().filter(|limit| limit.counted_by() == CountedBy::Server) {
            page.limit(limit.name(), &hits[*limit as usize]);
        }
    }
}

impl Slot {
    pub(super) fn refusal(&self) -> Option<Arc<Refusal>> {
        self.refusal.clone()
    }

    /// Whether the connection has less time for its first byte, because it occupies what others will need.
    pub(super) fn is_scarce(&self) -> bool {
        self.refusal.is_some() || self.admission.connections.is_scarce(self.listener, self.client)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let admission = &self.admission;
        admission.metrics.open.down();
        if let Some(bmc) = &self.bmc {
            admission.by_bmc.leave(bmc);
        }
        match &self.refusal {
            None => admission.connections.give(self.listener, self.client),
            Some(refusal) => {
                admission.refused.lock().retain(|other| !Arc::ptr_eq(other, refusal));
                if !admission.free(refusal) {
                    admission.ending.fetch_sub(1, Relaxed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(local: &str, remote: &str) -> Peer {
        Peer {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
            tls: false,
            node: None,
            sni: None,
        }
    }

    #[test]
    fn connections_per_client_and_per_bmc_have_limits_of_their_own() {
        let limits = Limits {
            connections: 32,
            connections_per_bmc: 3,
            connections_per_client: 2,
            ..Limits::default()
        };
        let admission = Arc::new(Admission::new(limits));
        let listener = admission.add_listener();
        let admit = |local, remote| admission.admit(listener, &peer(local, remote)).unwrap();
        let ok = |slot: &Slot| slot.refuse.is_none();
        let (one, two) = (admit("127.0.0.1:1", "10.0.0.1:1"), admit("127.0.0.1:1", "10.0.0.1:2"));
        assert!(ok(&one) && ok(&two));
        assert!(!ok(&admit("127.0.0.2:1", "10.0.0.1:3")), "the third connection of one client is refused");
        let other = admit("127.0.0.1:1", "10.0.0.2:1");
        assert!(
            ok(&other) && !ok(&admit("127.0.0.1:1", "10.0.0.3:1")),
            "the fourth connection to one BMC is refused"
        );
        drop(one);
        let again = admit("127.0.0.1:1", "10.0.0.1:4");
        assert!(ok(&again));
        let mut page = Page::default();
        admission.meter(&mut page);
        let text = page.text();
        for line in [
            "fauxmetal_limit_hits_total{limit=\"connections-per-client\"} 1\n",
            "fauxmetal_limit_hits_total{limit=\"connections-per-bmc\"} 1\n",
            "fauxmetal_connections 3\n",
            "fauxmetal_connections_accepted_total 6\n",
            "fauxmetal_connections_refused_total 2\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        drop((two, other, again));
        assert!(
            admission.by_bmc.0.lock().is_empty() && admission.connections.is_empty(),
            "dropped slots leave no entries behind"
        );
    }

    #[test]
    fn few_connections_wait_for_their_end_after_their_slot_was_taken() {
        let limits = Limits { connections: 1, connections_per_client: 1, refusals: 4, ..Limits::default() };
        let admission = Arc::new(Admission::new(limits));
        let listener = admission.add_listener();
        let admit = || admission.admit(listener, &peer("127.0.0.1:1", "10.0.0.1:1"));
        let mut open: Vec<_> = std::iter::from_fn(&admit).take(100).collect();
        assert_eq!(open.iter().filter(|slot| slot.refuse.is_none()).count(), 1);
        let slots = open.len() - 1 - MAX_ENDING;
        assert!((1..=4).contains(&slots), "{slots} refusal slots and {MAX_ENDING} connections that end");
        assert!(admit().is_none(), "each of them has an open file");
        // The oldest of those that end.
        drop(open.remove(1));
        open.push(admit().unwrap());
        assert!(admit().is_none());
        drop(open);
        assert_eq!(admission.ending.load(Relaxed), 0);
        assert!(admission.refused.lock().is_empty());
    }
}
