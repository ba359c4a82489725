//! The time of a machine before it came into the fleet.

use super::Node;
use crate::seed::Purpose;
use crate::time::SimTime;

impl Node {
    /// The moment of the event of the past with this number: the test of the machine at its maker, some months ago.
    pub fn past_moment(&self, number: u32) -> SimTime {
        /// The first machine was tested in January 2025.
        const FIRST: u64 = 1_735_689_600_000;
        const DAYS: u64 = 300;
        let dice = self.spec().seed.hash(self.id().0, Purpose::Past, 0);
        let minutes = (dice >> 32) % 1440 + u64::from(number) * (3 + dice % 5);
        SimTime::from_ms(FIRST + dice % DAYS * 86_400_000 + minutes * 60_000)
    }
}
