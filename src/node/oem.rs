//! A change of properties of the maker.

use super::Node;
use super::bmc::oem::{Kept, keep};
use super::command::{Command, Outcome};
use super::refusal::Refusal;
use crate::time::SimTime;

impl Node {
    /// Executes the rest of the request, and then keeps the values.
    pub(super) fn execute_oem(
        &mut self,
        values: Vec<Kept>,
        rest: Option<Box<Command>>,
        now: SimTime,
    ) -> Result<Outcome, Refusal> {
        let outcome = rest.map_or(Ok(Outcome::Done), |rest| self.execute(*rest, now))?;
        self.state.bmc.change(|bmc| bmc.extras.change(|extras| keep(&mut extras.oem, values)));
        Ok(outcome)
    }
}
