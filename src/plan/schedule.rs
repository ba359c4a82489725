//! The moments at which the units of a plan start.

use std::time::Duration;

use super::items::Unit;
use super::pacing::{Arrivals, Distribution, Order, Pacing};
use crate::seed::{Purpose, Seed};

/// A unit and the moment at which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub unit: Unit,
    /// The time since the start of the phase. `None` in a closed loop: the unit starts when there is room.
    pub at: Option<Duration>,
}

/// The units in the order of their starts.
#[derive(Debug)]
pub struct Schedule<'a> {
    pacing: &'a Pacing,
    units: std::vec::IntoIter<Unit>,
    seed: Seed,
    /// Items that have started.
    started: u64,
    batch: u64,
    in_batch: u32,
    /// Starts that the phases of arrival had to give so far: with a Poisson distribution, no whole number.
    arrived: f64,
}

impl<'a> Schedule<'a> {
    /// The schedule of units in the order listed. `salt` makes a repetition of a phase another one.
    pub fn new(pacing: &'a Pacing, mut units: Vec<Unit>, seed: Seed, salt: u32) -> Self {
        let seed = Seed(seed.hash(salt, Purpose::Order, 0));
        if pacing.order == Order::Shuffled {
            // Equal keys are rare, and then the listed order decides.
            units.sort_by_cached_key(|unit| seed.hash(unit.items.start, Purpose::Order, 1));
        }
        Self { pacing, units: units.into_iter(), seed, started: 0, batch: 0, in_batch: 0, arrived: 0.0 }
    }

    fn at(&mut self, size: u32) -> Option<Duration> {
        if !self.pacing.arrivals.is_empty() {
            return Some(self.arrival(size));
        }
        let (batch_size, delay) = (self.pacing.batch_size?, self.pacing.delay?);
        // A gang that does not fit into the rest of a batch goes into the next one.
        if self.in_batch > 0 && self.in_batch + size > batch_size {
            self.batch += 1;
            self.in_batch = 0;
        }
        self.in_batch += size;
        Some(Duration::from_millis(delay.ms().saturating_mul(self.batch)))
    }

    /// The moment at which the starts so far are due, and the step to the next ones.
    fn arrival(&mut self, size: u32) -> Duration {
        let (at, distribution) = moment(&self.pacing.arrivals, self.arrived);
        for _ in 0..size {
            self.arrived += match distribution {
                Distribution::Even => 1.0,
                Distribution::Poisson => self.exponential(),
            };
            self.started += 1;
        }
        Duration::try_from_secs_f64(at).unwrap_or(Duration::MAX)
    }

    /// An exponentially distributed number with the mean 1.
    fn exponential(&self) -> f64 {
        let (low, high) = (self.started as u32, (self.started >> 32) as u32);
        let bits = self.seed.hash(low, Purpose::Arrival, high);
        // 53 bits, so that the number is above 0 and at most 1.
        -(((bits >> 11) + 1) as f64 / (1u64 << 53) as f64).ln()
    }
}

impl Iterator for Schedule<'_> {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        let unit = self.units.next()?;
        let size = unit.items.end - unit.items.start;
        let at = self.at(size);
        Some(Start { unit, at })
    }
}

/// The moment, in seconds, at which so many starts are due, and the distribution that holds then. After the last phase of arrival
/// its last rate goes on.
fn moment(arrivals: &[Arrivals], mut starts: f64) -> (f64, Distribution) {
    let mut begin = 0.0;
    let mut last = (1.0, Distribution::Even);
    for phase in arrivals {
        let seconds = phase.duration.ms() as f64 / 1000.0;
        let from = phase.rate.per_second();
        let to = phase.ramp.map_or(from, super::pacing::Rate::per_second);
        let total = (from + to) / 2.0 * seconds;
        if starts < total {
            // starts = from * t + (to - from) / (2 * seconds) * t²
            let growth = (to - from) / seconds;
            let t = match growth.abs() < 1e-12 {
                true => starts / from,
                false => (-from + (from * from + 2.0 * growth * starts).max(0.0).sqrt()) / growth,
            };
            return (begin + t, phase.distribution);
        }
        starts -= total;
        begin += seconds;
        last = (to, phase.distribution);
    }
    (begin + starts / last.0, last.1)
}
