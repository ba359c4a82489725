//! An answer that comes late.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Period, Seam};
use crate::wire::Shape;

/// An answer that comes late.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Latency {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// The mean of the delay, at most 1 hour.
    pub mean: Period,
    /// The standard deviation of a normal distribution; the largest difference from the mean of a constant delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Period>,
    pub distribution: Distribution,
}

/// How delays are distributed around their mean. The seed, the rule, the node and the number of the request decide each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub enum Distribution {
    /// Always the mean, with `jitter` evenly around it.
    #[default]
    Constant,
    /// A normal distribution with the standard deviation `jitter`, a quarter of the mean by default.
    Normal,
    /// A Pareto distribution with the shape 3: most delays are a little below the mean, and a few are many times as long.
    Pareto,
}

impl Default for Latency {
    fn default() -> Self {
        let mean = Period::from_ms(1000);
        Self { at: At::Bmc, mean, jitter: None, distribution: Distribution::Constant }
    }
}

impl Latency {
    /// The delay that 64 random bits select.
    fn draw(&self, roll: u64) -> Duration {
        let mean = self.mean.ms() as f64;
        let jitter = self.jitter.map(|jitter| jitter.ms() as f64);
        // Above 0 and below 1.
        let share = |bits: u64| ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        let ms = match self.distribution {
            Distribution::Constant => mean + jitter.unwrap_or(0.0) * (2.0 * share(roll) - 1.0),
            Distribution::Normal => {
                // The method of Box and Muller, from two halves of the bits.
                let (first, second) =
                    (share(roll.rotate_left(32)), share(roll.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
                let normal = (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos();
                mean + jitter.unwrap_or(mean / 4.0) * normal
            }
            Distribution::Pareto => mean * (2.0 / 3.0) / share(roll).powf(1.0 / 3.0),
        };
        Duration::from_secs_f64((ms.max(0.0) / 1000.0).min(crate::wire::LONGEST.as_secs_f64()))
    }
}

impl Fault for Latency {
    const NAME: &'static str = "latency";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "the first byte of each answer comes so much later";
    const ENDS: &'static str = "answers arrive as always";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/wire.rs, latency";

    fn occasion(&self) -> Occasion {
        self.at.request()
    }

    fn act(&self) -> Act {
        self.act_with(u64::MAX / 2)
    }

    fn act_with(&self, roll: u64) -> Act {
        Act::Wire(super::Act::Shape(Shape { delay: self.draw(roll), ..Shape::default() }))
    }

    fn check(&self) -> Result<(), String> {
        super::check_duration("mean", self.mean)?;
        self.jitter.map_or(Ok(()), |jitter| super::check_duration("jitter", jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_have_their_mean() {
        for (distribution, low, high) in [
            (Distribution::Constant, 800, 1200),
            (Distribution::Normal, 0, 3000),
            (Distribution::Pareto, 666, 3_600_000),
        ] {
            let jitter = (distribution == Distribution::Constant).then(|| Period::from_ms(200));
            let latency = Latency { distribution, jitter, ..Latency::default() };
            let delay = |n: u64| latency.draw(xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())).as_millis();
            let delays: Vec<u128> = (0..20_000).map(delay).collect();
            let mean = delays.iter().sum::<u128>() / 20_000;
            assert!((950..1050).contains(&mean), "{distribution:?}: {mean}");
            assert!(delays.iter().all(|ms| (low..=high).contains(ms)), "{distribution:?}");
            assert!(delays.iter().collect::<std::collections::BTreeSet<_>>().len() > 100, "{distribution:?}");
        }
    }
}
