//! The slots of connections, divided so that neither a listener nor a client can take all of them.
//!
//! - Each listener is guaranteed a quarter of the slots, or an equal part if there are more than four listeners. The slots that
//!   are not guaranteed are common to all listeners.
//! - A client is one remote address, behind which there may be many hosts. A client that has reached its limit gets no more
//!   common slots, and none of a listener at which it has that many. The guaranteed slots of other listeners stay open to it.
//! - The last slots that a listener can give, an eighth of all, are for clients that have few.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;

/// The part of the slots that is guaranteed to each listener: one of so many.
const GUARANTEED_PARTS: usize = 4;

/// The part of the slots that a listener keeps for clients with few connections: one of so many.
const KEPT_PARTS: usize = 8;

#[derive(Debug)]
pub(super) struct Pool {
    slots: usize,
    /// `None` if one client may take all slots.
    per_client: Option<usize>,
    taken: Mutex<Taken>,
}

/// The slots that are taken. A client without slots has no entry, so there are at most as many entries as slots.
#[derive(Debug, Default)]
struct Taken {
    by_listener: Vec<usize>,
    /// For each client, the slots of each listener.
    by_client: HashMap<IpAddr, Box<[usize]>>,
}

/// Why a slot is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The listener has no more slots to give.
    Pool,
    /// The client has its share.
    Client,
}

impl Pool {
    /// A limit per client that is not below the number of slots is no limit.
    pub(super) fn new(slots: usize, per_client: usize) -> Self {
        Self { slots, per_client: Some(per_client).filter(|most| *most < slots), taken: Mutex::default() }
    }

    /// Divides the slots among one more listener. Returns its index.
    pub(super) fn add_listener(&self) -> usize {
        let mut taken = self.taken.lock();
        taken.by_listener.push(0);
        taken.by_listener.len() - 1
    }

    pub(super) fn take(&self, listener: usize, client: IpAddr) -> Result<(), Full> {
        let mut taken = self.taken.lock();
        let listeners = taken.by_listener.len();
        let (guaranteed, common) = self.free(&taken, listener);
        if guaranteed + common == 0 {
            return Err(Full::Pool);
        }
        if let Some(most) = self.per_client {
            let of_client = taken.by_client.get(&client);
            let here = of_client.map_or(0, |slots| slots[listener]);
            let all: usize = of_client.map_or(0, |slots| slots.iter().sum());
            let kept = self.slots / KEPT_PARTS;
            if here >= most
                || (all >= most && guaranteed == 0)
                || (all >= kept && guaranteed + common <= kept)
            {
                return Err(Full::Client);
            }
            let slots = taken.by_client.entry(client).or_insert_with(|| vec![0; listeners].into());
            slots[listener] += 1;
        }
        taken.by_listener[listener] += 1;
        Ok(())
    }

    /// Gives back a slot that was taken.
    pub(super) fn give(&self, listener: usize, client: IpAddr) {
        let mut taken = self.taken.lock();
        taken.by_listener[listener] -= 1;
        if let Some(slots) = taken.by_client.get_mut(&client) {
            slots[listener] -= 1;
            if slots.iter().all(|count| *count == 0) {
                taken.by_client.remove(&client);
            }
        }
    }

    /// Whether the next connections of the client to the listener will soon be refused.
    pub(super) fn is_scarce(&self, listener: usize, client: IpAddr) -> bool {
        let taken = self.taken.lock();
        let (guaranteed, common) = self.free(&taken, listener);
        let all: usize = taken.by_client.get(&client).map_or(0, |slots| slots.iter().sum());
        guaranteed + common <= self.slots / KEPT_PARTS
            || self.per_client.is_some_and(|most| all >= most - most / KEPT_PARTS)
    }

    /// The free slots of a listener: those that are guaranteed to it, and those that are common to all.
    fn free(&self, taken: &Taken, listener: usize) -> (usize, usize) {
        let listeners = taken.by_listener.len();
        let guarantee = self.slots / listeners.max(GUARANTEED_PARTS);
        let common_taken: usize = taken.by_listener.iter().map(|open| open.saturating_sub(guarantee)).sum();
        let common = (self.slots - listeners * guarantee).saturating_sub(common_taken);
        (guarantee.saturating_sub(taken.by_listener[listener]), common)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let taken = self.taken.lock();
        taken.by_client.is_empty() && taken.by_listener.iter().all(|open| *open == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(slots: usize, per_client: usize, listeners: usize) -> Pool {
        let pool = Pool::new(slots, per_client);
        for index in 0..listeners {
            assert_eq!(pool.add_listener(), index);
        }
        pool
    }

    fn client(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    /// Takes slots until one is refused. Returns how many there were.
    fn fill(pool: &Pool, listener: usize, from: IpAddr) -> usize {
        std::iter::from_fn(|| pool.take(listener, from).ok()).count()
    }

    #[test]
    fn each_listener_keeps_a_quarter_although_others_are_full() {
        for listeners in 1..=3 {
            let pool = pool(200, 200, listeners);
            assert_eq!(fill(&pool, 0, client(1)), 200 - 50 * (listeners - 1));
            for other in 1..listeners {
                assert_eq!(fill(&pool, other, client(1)), 50, "{listeners} listeners");
            }
            assert_eq!(pool.take(0, client(2)), Err(Full::Pool));
        }
        let many = pool(200, 200, 10);
        assert_eq!((0..10).map(|n| fill(&many, n, client(1))).collect::<Vec<_>>(), [20; 10]);
    }

    #[test]
    fn one_client_at_all_listeners_leaves_slots_for_others() {
        for listeners in 1..=6 {
            let pool = pool(200, 100, listeners);
            let taken: usize = (0..listeners).map(|n| fill(&pool, n, client(1))).sum();
            for listener in 0..listeners {
                assert_eq!(pool.take(listener, client(1)), Err(Full::Client));
                assert_eq!(pool.take(listener, client(2)), Ok(()), "{listeners} listeners, {taken} taken");
            }
        }
    }

    #[test]
    fn a_client_that_is_full_at_one_listener_is_served_at_another() {
        let pool = pool(200, 100, 2);
        assert_eq!(fill(&pool, 0, client(1)), 100, "half of the slots");
        assert_eq!(pool.take(0, client(1)), Err(Full::Client));
        assert_eq!(fill(&pool, 1, client(1)), 50, "the guarantee of the other listener");
        assert_eq!(fill(&pool, 0, client(2)), 25, "a client with few connections finds room");
        pool.give(0, client(1));
        assert_eq!(pool.take(0, client(3)), Ok(()));
    }

    #[test]
    fn slots_are_scarce_before_the_last_one_is_taken() {
        let pool = pool(200, 100, 2);
        let takes = |count: usize| (0..count).all(|_| pool.take(0, client(1)).is_ok());
        assert!(takes(87) && !pool.is_scarce(0, client(1)));
        assert!(takes(1) && pool.is_scarce(0, client(1)) && !pool.is_scarce(0, client(2)));
        assert!(takes(12) && fill(&pool, 0, client(2)) > 0 && pool.is_scarce(0, client(3)));
        assert!(!pool.is_scarce(1, client(3)), "the other listener has its guarantee");
    }

    #[test]
    fn slots_that_are_given_back_leave_no_entries() {
        let pool = pool(8, 4, 1);
        let count = fill(&pool, 0, client(1));
        (0..count).for_each(|_| pool.give(0, client(1)));
        assert!(pool.is_empty() && count == 4);
    }
}
