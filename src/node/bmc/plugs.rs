//! The cables of interfaces and the drives in their bays: what a person plugs and unplugs. The cords of power supplies are in
//! [`Environment`](super::environment::Environment).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::node::sparse::Part;
use crate::profile::Profile;

/// A part that a person plugs and unplugs. The number is that of the part in the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plug {
    /// The cable of a host interface.
    Cable(u8),
    /// A drive in its bay.
    Drive(u8),
    /// The cord of a power supply.
    Cord(u8),
}

/// The parts that are plugged differently from a new machine's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plugs {
    /// Whether interfaces have a cable, by their numbers. Interfaces that are as the profile has them are left out.
    cables: BTreeMap<u8, bool>,
    /// Numbers of the drives that are out of their bays. A drive keeps its content there.
    drives_out: BTreeSet<u8>,
}

impl Part for Plugs {
    fn of_new_machine() -> &'static Self {
        static NEW: Plugs = Plugs { cables: BTreeMap::new(), drives_out: BTreeSet::new() };
        &NEW
    }
}

impl Plugs {
    /// Plugs or unplugs a part. A part that is plugged so already stays as it is.
    pub(in crate::node) fn set(&mut self, part: Plug, plugged: bool, profile: &Profile) {
        match part {
            Plug::Cable(nic) if plugged == has_cable(profile, nic) => {
                self.cables.remove(&nic);
            }
            Plug::Cable(nic) => {
                self.cables.insert(nic, plugged);
            }
            Plug::Drive(number) if plugged => {
                self.drives_out.remove(&number);
            }
            Plug::Drive(number) => {
                self.drives_out.insert(number);
            }
            Plug::Cord(_) => {}
        }
    }

    /// Whether the interface with this number has a cable.
    pub fn has_cable(&self, profile: &Profile, nic: u8) -> bool {
        self.cables.get(&nic).copied().unwrap_or_else(|| has_cable(profile, nic))
    }

    /// Whether the drive with this number is in its bay.
    pub fn has_drive(&self, number: u8) -> bool {
        !self.drives_out.contains(&number)
    }

    /// The number of cables that were plugged since the machine was new, less those that were pulled; and the number of drives
    /// that are out of their bays.
    pub fn changed(&self) -> (isize, usize) {
        if self.cables.is_empty() && self.drives_out.is_empty() {
            return (0, 0);
        }
        let cables = self.cables.values().map(|plugged| if *plugged { 1 } else { -1 });
        (cables.sum(), self.drives_out.len())
    }

    /// Whether all drives are in their bays.
    pub fn has_all_drives(&self) -> bool {
        self.drives_out.is_empty()
    }
}

/// Whether the interface with this number has a cable in a new machine.
fn has_cable(profile: &Profile, nic: u8) -> bool {
    profile.nics.get(usize::from(nic)).is_some_and(|nic| nic.link)
}
