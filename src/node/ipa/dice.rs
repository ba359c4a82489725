//! Random numbers for an agent.

use uuid::Uuid;

use crate::node::id::NodeId;
use crate::seed::{Purpose, Seed};

/// One draw of a node's agent: a random number for each purpose.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    pub seed: Seed,
    pub id: NodeId,
    /// Different for each draw.
    pub count: u32,
}

impl Dice {
    /// The next draw after `draws` earlier ones.
    pub(in crate::node) fn next(seed: Seed, id: NodeId, draws: &mut u32) -> Self {
        *draws = draws.wrapping_add(1);
        Self { seed, id, count: *draws }
    }

    pub(super) fn draw(self, purpose: Purpose) -> u64 {
        self.seed.hash(self.id.0, purpose, self.count)
    }

    /// The wait before the next retry after `failed` failures: exponential back-off from `base` to `max`, of which at
    /// least a random half remains.
    pub(super) fn backoff_ms(self, failed: u16, base: u64, max: u64) -> u64 {
        let full = (base << failed.min(10)).min(max);
        full / 2 + self.draw(Purpose::Retry) % (full / 2 + 1)
    }

    pub(super) fn command_id(self) -> Uuid {
        let (high, low) =
            (self.draw(Purpose::CommandId), Self { count: !self.count, ..self }.draw(Purpose::CommandId));
        let bits = u128::from(high) << 64 | u128::from(low);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}
