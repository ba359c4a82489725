//! What the functions of a metric report need: sums of readings.

use serde::{Deserialize, Serialize};

use crate::dmtf::CollectionFunction;

/// The sums of definitions, by their ids.
pub(in crate::node) type Gathered = Vec<(Box<str>, Vec<Sum>)>;

/// What the functions of a value need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::node) struct Sum {
    low: i64,
    high: i64,
    total: i64,
    count: u32,
}

impl Sum {
    pub(in crate::node) const NONE: Self = Self { low: 0, high: 0, total: 0, count: 0 };

    pub(in crate::node) fn add(&mut self, milli: i64) {
        let is_first = self.count == 0;
        self.low = if is_first { milli } else { self.low.min(milli) };
        self.high = if is_first { milli } else { self.high.max(milli) };
        self.total += milli;
        self.count += 1;
    }

    /// The function of the readings. `None` if there is none.
    pub(in crate::node) fn of(&self, function: CollectionFunction) -> Option<i64> {
        (self.count > 0).then(|| match function {
            CollectionFunction::Average => self.total / i64::from(self.count),
            CollectionFunction::Maximum => self.high,
            CollectionFunction::Minimum => self.low,
            CollectionFunction::Summation => self.total,
        })
    }
}
