//! Admission control: the limits on connections, waiting requests and body memory, and the metrics of the server.
//!
//! A connection takes a slot. If no slot is free, a connection can still take one of a few refusal slots, in which its
//! requests are answered 503. Without either, the server closes it at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::face::{Peer, Refused};
use crate::limit::{CountedBy, Limit, Limits};
use crate::meter::{Counter, Gauge, GaugeGuard, Page};

/// The admission control that all listeners of one server share.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) limits: Limits,
    connections: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    by_bmc: Tally<SocketAddr>,
    by_client: Tally<IpAddr>,
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
    _permit: OwnedSemaphorePermit,
    /// The key in `by_bmc`, if connections per local address are limited.
    bmc: Option<SocketAddr>,
    /// The key in `by_client`, if connections per client are limited.
    client: Option<IpAddr>,
    /// If set, every request of the connection is refused with this reason.
    pub(super) refuse: Option<Refused>,
}

/// A part of the memory for bodies. Dropping it frees the memory.
pub(super) type BodyShare = OwnedSemaphorePermit;

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
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Admission {
            connections: semaphore(limits.connections),
            refusals: semaphore(limits.refusals),
            bodies: semaphore(limits.bodies_bytes),
            by_bmc: Tally::new(),
            by_client: Tally::new(),
            metrics: Metrics::default(),
            limits,
        }
    }

    /// Gives a connection a slot, which is a refusal slot if a limit is reached. `None` if there is no refusal slot
    /// either.
    pub(super) fn admit(self: &Arc<Self>, peer: &Peer) -> Option<Slot> {
        self.metrics.accepted.one();
        let (permit, bmc, client, refuse) = match self.within_limits(peer) {
            Ok((permit, bmc, client)) => (permit, bmc, client, None),
            Err(limit) => {
                self.hit(limit);
                self.metrics.refused.one();
                let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else {
                    self.metrics.refused_unanswered.one();
                    return None;
                };
                (permit, None, None, Some(Refused::Overloaded))
            }
        };
        self.metrics.open.up();
        Some(Slot { admission: Arc::clone(self), _permit: permit, bmc, client, refuse })
    }

    /// Takes a permit within the total limit, the limit per client and the limit per BMC, or returns the limit that is
    /// reached. A limit per client or per BMC that is not below the total is not counted.
    fn within_limits(
        &self,
        peer: &Peer,
    ) -> Result<(OwnedSemaphorePermit, Option<SocketAddr>, Option<IpAddr>), Limit> {
        let permit = Arc::clone(&self.connections).try_acquire_owned().map_err(|_| Limit::Connections)?;
        let counted = |limit: usize| limit < self.limits.connections;
        let bmc = counted(self.limits.connections_per_bmc).then_some(peer.local);
        let client = counted(self.limits.connections_per_client).then(|| peer.remote.ip());
        if let Some(client) = client
            && !self.by_client.enter(client, self.limits.connections_per_client)
        {
            return Err(Limit::ConnectionsPerClient);
        }
        if let Some(bmc) = bmc
            && !self.by_bmc.enter(bmc, self.limits.connections_per_bmc)
        {
            if let Some(client) = client {
                self.by_client.leave(&client);
            }
            return Err(Limit::ConnectionsPerBmc);
        }
        Ok((permit, bmc, client))
    }

    /// Reserves memory for one large body.
    pub(super) fn share_for(&self, bytes: usize) -> Result<BodyShare, Refused> {
        let share =
            u32::try_from(bytes).ok().and_then(|b| Arc::clone(&self.bodies).try_acquire_many_owned(b).ok());
        share.ok_or_else(|| {
            self.hit(Limit::BodiesBytes);
            Refused::Overloaded
        })
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

    /// Counts a connection that was reset, because no node accepts connections at its local address.
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
        page.counter(name, "Connections reset because no node accepts them", &[], reset.get());
        let name = "fauxmetal_tls_handshakes_failed_total";
        page.counter(name, "Failed TLS handshakes", &[], failed_handshakes.get());
        let name = "fauxmetal_requests_in_flight";
        page.gauge(name, "Requests that wait for a body or for a command", &[], waiting_requests.get());
        for limit in Limit::ALL.iter().filter(|limit| limit.counted_by() == CountedBy::Server) {
            page.limit(limit.name(), &hits[*limit as usize]);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.admission.metrics.open.down();
        if let Some(bmc) = &self.bmc {
            self.admission.by_bmc.leave(bmc);
        }
        if let Some(client) = &self.client {
            self.admission.by_client.leave(client);
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
        let limits =
            Limits { connections: 9, connections_per_bmc: 3, connections_per_client: 2, ..Limits::default() };
        let admission = Arc::new(Admission::new(limits));
        let admit = |local, remote| admission.admit(&peer(local, remote)).unwrap();
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
            admission.by_bmc.0.lock().is_empty() && admission.by_client.0.lock().is_empty(),
            "dropped slots leave no entries behind"
        );
    }
}
