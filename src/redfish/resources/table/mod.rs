//! The table of resources, in the order of the tree.

mod access;
mod chassis;
mod managers;
mod services;
mod systems;

use std::sync::LazyLock;

use crate::redfish::resource::Entry;

/// All resources of the service. The versions are the newest of DSP8010 2026.1.
pub(in crate::redfish) static RESOURCES: LazyLock<Vec<Entry>> =
    LazyLock::new(|| [access::ROWS, systems::ROWS, managers::ROWS, chassis::ROWS, services::ROWS].concat());
