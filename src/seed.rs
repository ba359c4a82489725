//! All randomness. Each random number of a fleet is a hash of (seed, node, purpose, count), so a run can be repeated
//! regardless of thread scheduling. Only secrets come from the operating system.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The number that determines every identity and every random number of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub u64);

/// The purpose of a random number. Two purposes never share a random number. The values are part of every fleet's
/// identity: a new purpose takes a new value, and no value is ever reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[doc(hidden)]
pub enum Purpose {
    Uuid = 1,
    Mac = 2,
    Serial = 3,
    PartSerial = 4,
    ServiceUuid = 5,
    /// MAC addresses with the OUI of a maker.
    MakerMac = 6,
    /// Serial numbers of parts with the pattern of a maker.
    MakerSerial = 7,
    PowerOn = 10,
    PowerOff = 11,
    Shutdown = 12,
    Post = 13,
    BootRamdisk = 14,
    BootOs = 15,
    ManagerReset = 16,
    ManagerGrace = 17,
    Volume = 18,
    Diagnostics = 19,
    AgentStart = 20,
    Heartbeat = 21,
    Retry = 22,
    CommandId = 23,
    CommandTime = 24,
    Endpoint = 25,
    FileSystem = 26,
    Sensor = 30,
    /// The order of the items of a load run.
    Order = 40,
    /// The times between arrivals of items.
    Arrival = 41,
    /// The past of a machine, before it came into the fleet.
    Past = 31,
}

impl Seed {
    /// 64 random bits: number `count` of `node` for `purpose`. The result must never change, because identities depend
    /// on it.
    pub fn hash(self, node: u32, purpose: Purpose, count: u32) -> u64 {
        let mut key = [0u8; 9];
        key[..4].copy_from_slice(&node.to_le_bytes());
        key[4] = purpose as u8;
        key[5..].copy_from_slice(&count.to_le_bytes());
        xxh3_64_with_seed(&key, self.0)
    }

    /// A random UUID of version 8 (RFC 9562, vendor-specific) for `node` and `purpose`.
    pub fn uuid(self, node: u32, purpose: Purpose) -> Uuid {
        let half = |n| u128::from(self.hash(node, purpose, n));
        uuid::Builder::from_custom_bytes((half(0) << 64 | half(1)).to_be_bytes()).into_uuid()
    }

    /// Maps `x` to a number that no other input maps to. [`Seed::unscramble`] is the inverse.
    ///
    /// The map is a four-round Feistel network over 16-bit halves. UUIDs, MAC addresses and serial numbers contain the
    /// scrambled index of their node: they are unique by construction, and the index is found from a UUID without a
    /// table.
    pub fn scramble(self, purpose: Purpose, x: u32) -> u32 {
        let (mut left, mut right) = halves(x);
        for round in 0..4 {
            (left, right) = (right, left ^ self.round(purpose, round, right));
        }
        u32::from(left) << 16 | u32::from(right)
    }

    /// The input that [`Seed::scramble`] maps to `y`.
    pub fn unscramble(self, purpose: Purpose, y: u32) -> u32 {
        let (mut left, mut right) = halves(y);
        for round in (0..4).rev() {
            (left, right) = (right ^ self.round(purpose, round, left), left);
        }
        u32::from(left) << 16 | u32::from(right)
    }

    /// As [`Seed::scramble`], for the lowest 20 bits of `x`: two halves of 10 bits.
    pub fn scramble_20(self, purpose: Purpose, x: u32) -> u32 {
        const HALF: u16 = (1 << 10) - 1;
        let (mut left, mut right) = ((x >> 10) as u16 & HALF, x as u16 & HALF);
        for round in 0..4 {
            (left, right) = (right, left ^ self.round(purpose, round, right) & HALF);
        }
        u32::from(left) << 10 | u32::from(right)
    }

    /// 64 random bits of a node for an occasion of a rule: number `count` of an operation.
    pub fn fault(self, node: u32, rule: &str, operation: u32, count: u32) -> u64 {
        let numbers = [node, operation, count].map(u32::to_le_bytes).concat();
        xxh3_64_with_seed(&[rule.as_bytes(), &[0], &numbers].concat(), self.0)
    }

    /// 64 random bits of a node for samples with a salt, so that the same words always select the same nodes.
    pub fn sample(self, uuid: Uuid, salt: &str) -> u64 {
        xxh3_64_with_seed(&[uuid.as_bytes(), salt.as_bytes()].concat(), self.0)
    }

    /// 64 random bits for one block of a text that a fault garbles.
    pub fn block(self, number: u64) -> u64 {
        xxh3_64_with_seed(&number.to_le_bytes(), self.0)
    }

    fn round(self, purpose: Purpose, round: u32, half: u16) -> u16 {
        halves(self.hash(u32::from(half), purpose, u32::MAX - round) as u32).1
    }
}

fn halves(x: u32) -> (u16, u16) {
    let [a, b, c, d] = x.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

impl FromStr for Seed {
    type Err = std::convert::Infallible;

    /// A whole number is the seed itself. Any other text is hashed, so that `--seed ci-run-7` works.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.parse().unwrap_or_else(|_| xxh3_64_with_seed(text.as_bytes(), 0))))
    }
}

/// `N` unpredictable bytes, for session tokens.
///
/// # Errors
/// If the operating system cannot provide randomness. The caller must then refuse the request that needs the secret.
#[doc(hidden)]
pub fn secret<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unscramble_is_the_inverse_of_scramble(seed: u64, x: u32) {
            let seed = Seed(seed);
            prop_assert_eq!(seed.unscramble(Purpose::Mac, seed.scramble(Purpose::Mac, x)), x);
        }
    }

    #[test]
    fn no_two_numbers_of_20_bits_are_scrambled_alike() {
        let mut seen = vec![false; 1 << 20];
        for x in (0..1 << 20).step_by(11) {
            let y = Seed(5).scramble_20(Purpose::MakerMac, x) as usize;
            assert!(!std::mem::replace(&mut seen[y], true), "{x}");
        }
    }

    #[test]
    fn random_numbers_never_change() {
        // Other values here would give every existing fleet new serial numbers.
        assert_eq!(Seed(1).hash(2, Purpose::Post, 3), Seed(1).hash(2, Purpose::Post, 3));
        assert_ne!(Seed(1).hash(2, Purpose::Post, 3), Seed(1).hash(2, Purpose::Post, 4));
        assert_eq!(Seed(0).scramble(Purpose::Uuid, 7), 2_221_436_476);
    }

    #[test]
    fn a_seed_is_a_number_or_any_text() {
        assert_eq!("42".parse::<Seed>(), Ok(Seed(42)));
        assert_ne!("ci-run-7".parse::<Seed>(), "ci-run-8".parse::<Seed>());
    }
}
