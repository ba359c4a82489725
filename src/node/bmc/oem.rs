//! Properties of the maker that a client has set. The profile says which there are (`profile/oem`).

use serde::{Deserialize, Serialize};

use crate::node::Node;
use crate::node::command::{Command as AnyCommand, Outcome};
use crate::node::refusal::Refusal;
use crate::profile::oem::Value;
use crate::time::SimTime;

/// A PATCH with properties of the maker.
#[derive(Clone, Debug)]
pub struct Command {
    pub values: Vec<Kept>,
    /// The change that the rest of the request asks for. If it is refused, nothing is changed.
    pub rest: Option<Box<AnyCommand>>,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The path of the resource below `/redfish/v1`, with `{}` for the id of the machine.
    pub of: Box<str>,
    /// The names on the way to the property, with `/` between them.
    pub name: Box<str>,
    pub value: Value,
}

impl Node {
    /// Executes the rest of the request, and then keeps the values. The profile limits their number.
    pub(in crate::node) fn execute_oem(
        &mut self,
        command: Command,
        now: SimTime,
    ) -> Result<Outcome, Refusal> {
        let Command { values, rest } = command;
        let outcome = rest.map_or(Ok(Outcome::Done), |rest| self.execute(*rest, now))?;
        self.state.bmc.change(|bmc| bmc.extras.change(|extras| keep(&mut extras.oem, values)));
        Ok(outcome)
    }
}

/// Replaces the values of properties that are there, and adds the others.
fn keep(all: &mut Vec<Kept>, values: Vec<Kept>) {
    for new in values {
        match all.iter_mut().find(|kept| (&kept.of, &kept.name) == (&new.of, &new.name)) {
            Some(kept) => kept.value = new.value,
            None => all.push(new),
        }
    }
}
