//! The memory for large request bodies, which all clients share. A body takes it while it arrives, and not when it is
//! announced.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;

/// The most that one client can take: one of so many parts.
const CLIENT_PARTS: usize = 2;

#[derive(Debug)]
pub(super) struct BodyMemory {
    bytes: usize,
    taken: Mutex<Taken>,
}

/// The bytes that are taken. A client without bytes has no entry.
#[derive(Debug, Default)]
struct Taken {
    bytes: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// The memory that one body has taken. Dropping it frees the memory.
#[derive(Debug)]
pub(super) struct BodyShare<'m> {
    memory: &'m BodyMemory,
    client: IpAddr,
    bytes: usize,
}

impl BodyMemory {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, taken: Mutex::default() }
    }

    /// An empty share for a body of this client.
    pub(super) fn share(&self, client: IpAddr) -> BodyShare<'_> {
        BodyShare { memory: self, client, bytes: 0 }
    }
}

impl BodyShare<'_> {
    /// Grows the share to `bytes`, for a body of at most `largest`. Returns whether there was room. One body of the largest
    /// size always fits into the part of a client, if it fits at all.
    pub(super) fn grow(&mut self, bytes: usize, largest: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let mut taken = self.memory.taken.lock();
        let of_client = taken.by_client.get(&self.client).copied().unwrap_or(0);
        let most = (self.memory.bytes / CLIENT_PARTS).max(largest).min(self.memory.bytes);
        let room =
            more <= most.saturating_sub(of_client) && more <= self.memory.bytes.saturating_sub(taken.bytes);
        if room && more > 0 {
            taken.bytes += more;
            *taken.by_client.entry(self.client).or_default() += more;
            self.bytes += more;
        }
        room
    }
}

impl Drop for BodyShare<'_> {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = self.memory.taken.lock();
        taken.bytes -= self.bytes;
        if let Some(bytes) = taken.by_client.get_mut(&self.client) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                taken.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_takes_at_most_half_and_gives_all_back() {
        let memory = BodyMemory::new(1000);
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let (mut a, mut b, mut c) = (memory.share(one), memory.share(one), memory.share(two));
        assert!(a.grow(300, 400) && a.grow(400, 400) && b.grow(100, 400));
        assert!(!b.grow(101, 400), "the client has its half");
        assert!(c.grow(500, 500) && !c.grow(501, 600), "other clients have the other half");
        drop(a);
        assert!(b.grow(500, 400));
        drop((b, c));
        let taken = memory.taken.lock();
        assert!(taken.bytes == 0 && taken.by_client.is_empty());
    }

    #[test]
    fn one_body_of_the_largest_size_fits_although_it_is_more_than_half() {
        let memory = BodyMemory::new(1000);
        let client = IpAddr::from([10, 0, 0, 1]);
        assert!(memory.share(client).grow(900, 900));
        assert!(!memory.share(client).grow(1001, 2000));
    }
}
