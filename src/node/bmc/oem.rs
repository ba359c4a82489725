//! Properties of the maker that a client has set. The profile says which there are (`profile/oem`).

use serde::{Deserialize, Serialize};

use crate::profile::oem::Value;

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The path of the resource below `/redfish/v1`, with `{}` for the id of the machine.
    pub of: Box<str>,
    /// The names on the way to the property, with `/` between them.
    pub name: Box<str>,
    pub value: Value,
}

/// Replaces the values of properties that are there, and adds the others. The profile limits their number.
pub(in crate::node) fn keep(all: &mut Vec<Kept>, values: Vec<Kept>) {
    for new in values {
        match all.iter_mut().find(|kept| (&kept.of, &kept.name) == (&new.of, &new.name)) {
            Some(kept) => kept.value = new.value,
            None => all.push(new),
        }
    }
}
