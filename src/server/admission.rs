//! Who gets in: the seats of the server, and the few places where the rest are told that it is full.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::face::{Peer, Refused};
use crate::limit::{CountedBy, Limit, Limits};
use crate::meter::{Counter, Here, Level, Page};

/// What all listeners of one server share.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) limits: Limits,
    seats: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    by_bmc: Tally<SocketAddr>,
    by_client: Tally<IpAddr>,
    counts: Counts,
}

/// What is counted.
#[derive(Debug, Default)]
struct Counts {
    accepted: Counter,
    refused: Counter,
    closed_unheard: Counter,
    reset: Counter,
    bad_handshakes: Counter,
    open: Level,
    requests: Level,
    hits: [Counter; Limit::ALL.len()],
}

/// A connection's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    admission: Arc<Admission>,
    _permit: OwnedSemaphorePermit,
    bmc: Option<SocketAddr>,
    client: Option<IpAddr>,
    /// Set if every request of the connection is to be refused.
    pub(super) refuse: Option<Refused>,
}

/// A share of the memory for bodies. It is free again when this is dropped.
pub(super) type BodyShare = OwnedSemaphorePermit;

/// How many there are for each key; there is an entry only where there is one, so it is bounded by what is counted.
#[derive(Debug)]
struct Tally<K>(Mutex<HashMap<K, usize>>);

impl<K: Eq + Hash> Tally<K> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    /// One more, unless there are `limit`.
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
            seats: semaphore(limits.connections),
            refusals: semaphore(limits.refusals),
            bodies: semaphore(limits.bodies_bytes),
            by_bmc: Tally::new(),
            by_client: Tally::new(),
            counts: Counts::default(),
            limits,
        }
    }

    /// A seat, or a place to be refused at, or neither.
    pub(super) fn admit(self: &Arc<Self>, peer: &Peer) -> Option<Seat> {
        self.counts.accepted.one();
        let (permit, bmc, client, refuse) = match self.seat(peer) {
            Ok((permit, bmc, client)) => (permit, bmc, client, None),
            Err(limit) => {
                self.hit(limit);
                self.counts.refused.one();
                let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else {
                    self.counts.closed_unheard.one();
                    return None;
                };
                (permit, None, None, Some(Refused::Overloaded))
            }
        };
        self.counts.open.up();
        Some(Seat { admission: Arc::clone(self), _permit: permit, bmc, client, refuse })
    }

    /// A seat within all three limits. One that is no less than that of all together is not looked after.
    fn seat(&self, peer: &Peer) -> Result<(OwnedSemaphorePermit, Option<SocketAddr>, Option<IpAddr>), Limit> {
        let permit = Arc::clone(&self.seats).try_acquire_owned().map_err(|_| Limit::Connections)?;
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

    /// Memory for one large body.
    pub(super) fn share_for(&self, bytes: usize) -> Result<BodyShare, Refused> {
        let share =
            u32::try_from(bytes).ok().and_then(|b| Arc::clone(&self.bodies).try_acquire_many_owned(b).ok());
        share.ok_or_else(|| {
            self.hit(Limit::BodiesBytes);
            Refused::Overloaded
        })
    }

    /// A place for a request that waits for something.
    pub(super) fn wait(&self) -> Result<Here<'_>, Refused> {
        let waiting = self.counts.requests.enter();
        if self.counts.requests.get() <= self.limits.requests as u64 {
            return Ok(waiting);
        }
        self.hit(Limit::Requests);
        Err(Refused::Overloaded)
    }

    /// Counts that a limit was hit, and says so now and then.
    pub(super) fn hit(&self, limit: Limit) {
        let hits = &self.counts.hits[limit as usize];
        hits.one();
        // Powers of two only: a flood of clients must not become a flood of lines.
        let count = hits.get();
        if count.is_power_of_two() {
            let limit = limit.name();
            match limit {
                // These are how quiet clients part from us every day.
                "idle-time" | "header-time" => tracing::debug!(limit, count, "a limit of the server was hit"),
                _ => tracing::warn!(limit, count, "a limit of the server was hit"),
            }
        }
    }

    /// Counts a connection to an address at which nobody answers.
    pub(super) fn nobody(&self) {
        self.counts.reset.one();
    }

    /// Counts a TLS handshake that came to nothing.
    pub(super) fn bad_handshake(&self) {
        self.counts.bad_handshakes.one();
    }

    /// Puts what was counted on the page.
    pub(super) fn meter(&self, page: &mut Page) {
        let Counts { accepted, refused, closed_unheard, reset, bad_handshakes, open, requests, hits } =
            &self.counts;
        page.gauge("fauxmetal_connections", "Connections that are open", &[], open.get());
        let name = "fauxmetal_connections_accepted_total";
        page.counter(name, "Connections accepted, those included that were refused", &[], accepted.get());
        let name = "fauxmetal_connections_refused_total";
        page.counter(name, "Connections refused for a limit", &[], refused.get());
        let name = "fauxmetal_connections_refused_unheard_total";
        page.counter(name, "Of these, closed without an answer", &[], closed_unheard.get());
        let name = "fauxmetal_connections_reset_total";
        page.counter(name, "Connections to addresses at which nobody answers", &[], reset.get());
        let name = "fauxmetal_tls_handshakes_failed_total";
        page.counter(name, "TLS handshakes that came to nothing", &[], bad_handshakes.get());
        page.gauge("fauxmetal_requests_in_flight", "Requests that wait for something", &[], requests.get());
        for limit in Limit::ALL.iter().filter(|limit| limit.counted_by() == CountedBy::Server) {
            page.limit(limit.name(), &hits[*limit as usize]);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.admission.counts.open.down();
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
    fn one_client_and_one_controller_have_their_own_limits() {
        let limits =
            Limits { connections: 9, connections_per_bmc: 3, connections_per_client: 2, ..Limits::default() };
        let admission = Arc::new(Admission::new(limits));
        let admit = |local, remote| admission.admit(&peer(local, remote)).unwrap();
        let ok = |seat: &Seat| seat.refuse.is_none();
        let (one, two) = (admit("127.0.0.1:1", "10.0.0.1:1"), admit("127.0.0.1:1", "10.0.0.1:2"));
        assert!(ok(&one) && ok(&two));
        assert!(!ok(&admit("127.0.0.2:1", "10.0.0.1:3")), "the third of one client");
        let other = admit("127.0.0.1:1", "10.0.0.2:1");
        assert!(ok(&other) && !ok(&admit("127.0.0.1:1", "10.0.0.3:1")), "the fourth to one controller");
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
            "nothing is left behind"
        );
    }
}
